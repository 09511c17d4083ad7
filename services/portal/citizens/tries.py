"""How often one address may try codes, tokens and digits: at most TRIES in any SECONDS, then a page that says to wait.

Codes count upwards and four digits can be guessed: what stops guessing is that it takes too long. intake and results
have limits of their own behind this one.
"""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.requests import Request

from libs.http.limits import CLIENTS_MAX, client_address, client_network
from libs.http.problems import Problem

TRIES = 20
SECONDS = 60.0


class Tries:
    """Tries of each address in the last SECONDS; the addresses longest unseen are forgotten."""

    def __init__(
        self,
        *,
        tries: int = TRIES,
        seconds: float = SECONDS,
        clients_max: int = CLIENTS_MAX,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tries = tries
        self._seconds = seconds
        self._clients_max = clients_max
        self._now = now
        self._made: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Seconds until this client may try again; 0 when it may now."""
        made = self._made.get(client)
        now = self._now()
        while made and made[0] <= now - self._seconds:
            made.popleft()
        return made[0] + self._seconds - now if made and len(made) >= self._tries else 0.0

    def note(self, client: str) -> None:
        """Count one try of this client."""
        made = self._made.setdefault(client, deque(maxlen=self._tries))
        self._made.move_to_end(client)
        made.append(self._now())
        if len(self._made) > self._clients_max:
            self._made.popitem(last=False)


def ask(request: Request) -> None:
    """Let the citizen ask, counting it as a try. Raises Problem 429, with how long to wait, after too many."""
    seconds = count(request, request.app.state.tries)
    if seconds > 0:
        raise too_many(seconds)


def count(request: Request, tries: Tries) -> int:
    """Count a try of whoever asks; 0, or the seconds to wait for one that is too many and is not counted."""
    client = client_network(request)
    seconds = math.ceil(tries.wait(client))
    if seconds <= 0:
        tries.note(client)
    return seconds


def too_many(seconds: int, title: str = "Đã tra cứu quá nhiều lần") -> Problem:
    """The answer to one try too many."""
    return Problem(
        429,
        "too-many-tries",
        title,
        f"Số lần thử có giới hạn để bảo vệ thông tin của người dân. {wait_words(seconds)}",
        headers={"Retry-After": str(seconds)},
    )


def wait_words(seconds: int) -> str:
    """How long to wait, as a sentence."""
    if seconds < 90:
        return f"Vui lòng chờ {seconds} giây rồi thử lại."
    if seconds < 5400:
        return f"Vui lòng chờ {math.ceil(seconds / 60)} phút rồi thử lại."
    return f"Vui lòng chờ {math.ceil(seconds / 3600)} giờ rồi thử lại, hoặc đến nơi nộp hồ sơ."


def address_of(request: Request) -> str:
    """The citizen's address, for the services' own limits; empty when it is not known."""
    address = client_address(request.scope, request.app.state.trusted_proxies)
    return "" if address is None else str(address)
