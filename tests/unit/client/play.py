"""The client's steps played without a network: each effect is answered by the test, and kept."""

from collections.abc import Callable
from typing import Any, TypeVar

from mot_cua import SigningKey
from mot_cua.effects import Effect, Open, Pause, Request, Response, Send, Steps
from mot_cua.errors import MotCuaError
from mot_cua.session import DISCOVERY_PATH, Session

T = TypeVar("T")
URL = "https://doitac.example.vn"
KEY = SigningKey.generate("k1")
Answer = Response | MotCuaError | bytes | str | None


class Stage:
    """Answers effects by `answer`, which may raise what the network would; knows how the time goes by."""

    def __init__(self, answer: Callable[[Effect], Answer], *, tokens: bool = True) -> None:
        self.answer = answer
        self.tokens = tokens
        self.effects: list[Effect] = []
        self.now = 0.0

    def session(self, **options: Any) -> Session:
        """A session in this time, whose jitter is always the middle."""
        return Session(URL, "bv", KEY, clock=lambda: self.now, draw=lambda: 0.5, **options)

    def play(self, steps: Steps[T]) -> T:
        """What the steps return. Raises what they raise."""
        try:
            effect = next(steps)
            while True:
                self.effects.append(effect)
                if isinstance(effect, Pause):
                    self.now += effect.seconds
                    effect = steps.send(None)
                    continue
                answer = (token_for(effect) if self.tokens else None) or self.answer(effect)
                effect = steps.throw(answer) if isinstance(answer, MotCuaError) else steps.send(answer)
        except StopIteration as end:
            value: T = end.value
            return value

    @property
    def requests(self) -> list[Request]:
        """The requests made, but for those that get a token."""
        return [
            effect.request
            for effect in self.effects
            if isinstance(effect, Send | Open) and token_for(effect) is None
        ]

    @property
    def pauses(self) -> list[float]:
        """The waits, in seconds."""
        return [effect.seconds for effect in self.effects if isinstance(effect, Pause)]


def token_for(effect: Effect) -> Response | None:
    """The gateway's answer to who looks for a token, and gets one of five minutes."""
    if not isinstance(effect, Send):
        return None
    if effect.request.url == URL + DISCOVERY_PATH:
        return json(200, f'{{"issuer": "{URL}", "token_endpoint": "{URL}/oauth/token"}}')
    if effect.request.url == f"{URL}/oauth/token":
        return json(200, '{"access_token": "t", "expires_in": 300}')
    return None


def json(status: int, content: str, **headers: str) -> Response:
    """An answer; names of headers with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, headers=named, content=content.encode())
