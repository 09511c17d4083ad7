"""One partner at one gateway: where tokens are got, the token kept, and requests tried again while that is right."""

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from mot_cua.answers import read
from mot_cua.effects import Pause, Request, Response, Steps, open_stream, send
from mot_cua.errors import CredentialsRefused, MotCuaError, Problem, UnexpectedAnswer, Unreachable, problem_of
from mot_cua.keys import SigningKey
from mot_cua.retrying import Backoff, retry_after

DISCOVERY_PATH = "/.well-known/oauth-authorization-server"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# A token is renewed so long before its end that no request of ours arrives after it.
RENEW_SECONDS = 30.0
PATIENCE_SECONDS = 60.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
_log = logging.getLogger("mot_cua")


class _Metadata(msgspec.Struct, frozen=True):
    issuer: str
    token_endpoint: str


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float = 60.0


class _Refusal(msgspec.Struct, frozen=True):
    error: str = "unknown"
    error_description: str = ""


class Session:
    """The logic beneath every call. `patience_seconds` bounds how long one call is tried again; None: without end."""

    def __init__(
        self,
        url: str,
        partner: str,
        key: SigningKey,
        *,
        patience_seconds: float | None = PATIENCE_SECONDS,
        allow_http: bool = False,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Raises ValueError for an address by which tokens would travel in the clear."""
        parts = urlsplit(url)
        plain = parts.scheme == "http" and (allow_http or parts.hostname in _LOCAL)
        if not (parts.scheme == "https" or plain) or not parts.hostname:
            raise ValueError("the gateway's address must begin with https:// (http only on this machine)")
        self.url = url.rstrip("/")
        self.partner = partner
        self.key = key
        self.patience_seconds = patience_seconds
        self.clock = clock
        self._draw = draw
        self._metadata: _Metadata | None = None
        self._token = ""
        self._token_ends = 0.0

    def use_key(self, key: SigningKey) -> None:
        """Prove it with another key from now on; the token of the one before is let go."""
        self.key = key
        self._token = ""

    def backoff(self) -> Backoff:
        """Pauses for one run of failures."""
        return Backoff(self._draw)

    def call(
        self, request: Request, *, repeatable: bool = True, stream: bool = False, for_ever: bool = False
    ) -> Steps[Response]:
        """The answer below 400, asked for again while it may yet come: for the session's patience, or for ever.

        `repeatable`: twice is as good as once, so that also a request of unknown fate is sent again. Raises a Problem,
        Unreachable, CredentialsRefused or UnexpectedAnswer.
        """
        backoff, began = self.backoff(), self.clock()
        while True:
            try:
                return (yield from self.once(request, stream=stream))
            except (Problem, Unreachable) as failure:
                pause = pause_after(failure, backoff, repeatable=repeatable)
                if pause is None or not (for_ever or self.is_patient(began, pause)):
                    raise
                _log.warning("%s: %s; again in %.1f s", request.method, failure, pause)
            yield Pause(pause)

    def once(self, request: Request, *, stream: bool = False) -> Steps[Response]:
        """One try with a token that counts; after a 401 one more with a fresh one. Raises as `call`."""
        ask = open_stream if stream else send
        for last in (False, True):
            token = yield from self.token()
            response = yield from ask(_with(request, {"authorization": f"Bearer {token}"}))
            if response.status == 401 and not last:
                self._forget(token)
                continue
            break
        if response.status >= 400:
            raise problem_of(response, retry_after(response.headers))
        if response.status >= 300:
            raise UnexpectedAnswer(f"{request.method} was answered by {response.status}, a redirect")
        return response

    def token(self) -> Steps[str]:
        """The token, a new one where the old is about to end."""
        if not self._token or self.clock() >= self._token_ends:
            granted = yield from self._grant()
            self._token = granted.access_token
            self._token_ends = self.clock() + max(granted.expires_in - RENEW_SECONDS, granted.expires_in / 2)
        return self._token

    def address(self, path: str, query: Mapping[str, Any] | None = None) -> str:
        """The whole address of a path; what is None or empty in `query` is left out."""
        given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        return f"{self.url}{path}" + (f"?{urlencode(given)}" if given else "")

    def _grant(self) -> Steps[_Granted]:
        metadata = yield from self._discover()
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            # Used once: each try has one of its own.
            "client_assertion": self.key.assertion(self.partner, metadata.issuer),
        }
        response = yield from send(
            Request(
                method="POST",
                url=metadata.token_endpoint,
                headers={"content-type": "application/x-www-form-urlencoded"},
                content=urlencode(form).encode(),
            )
        )
        if response.status == 200:
            return read(response, _Granted)
        if response.status in (400, 401):
            refusal = read(response, _Refusal)
            raise CredentialsRefused(refusal.error, refusal.error_description)
        raise problem_of(response, retry_after(response.headers))

    def _discover(self) -> Steps[_Metadata]:
        if self._metadata is None:
            response = yield from send(Request(method="GET", url=f"{self.url}{DISCOVERY_PATH}"))
            if response.status != 200:
                raise problem_of(response, retry_after(response.headers))
            found = read(response, _Metadata)
            # RFC 8414 3.3: else somebody could have us sign an assertion that is meant for another gateway.
            if found.issuer.rstrip("/") != self.url:
                raise UnexpectedAnswer(f"{self.url} says that it is {found.issuer}")
            self._metadata = found
        return self._metadata

    def _forget(self, token: str) -> None:
        # Another thread may have got a fresh one meanwhile.
        if self._token == token:
            self._token = ""

    def is_patient(self, began: float, pause: float) -> bool:
        """Whether a try after a pause of so many seconds is still within the patience of what began then."""
        return self.patience_seconds is None or self.clock() - began + pause <= self.patience_seconds


def pause_after(failure: MotCuaError, backoff: Backoff, *, repeatable: bool = True) -> float | None:
    """How long to wait before a try again, in seconds; None: it would be wrong, or the same.

    429 was not done, and what was not sent neither: those may be tried again whatever they are.
    """
    if isinstance(failure, Unreachable):
        return backoff.pause() if repeatable or not failure.sent else None
    if isinstance(failure, Problem) and (failure.status == 429 or (repeatable and failure.status >= 500)):
        return backoff.pause(failure.retry_after_seconds)
    return None


def _with(request: Request, headers: Mapping[str, str]) -> Request:
    return msgspec.structs.replace(request, headers={**request.headers, **headers})
