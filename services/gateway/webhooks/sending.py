"""One attempt: an event posted to an endpoint, and what became of it. No redirects, no proxies, no cookies."""

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import httpcore
import msgspec

from libs.http.limits import Network
from libs.telemetry.logs import log
from services.gateway.webhooks import signing
from services.gateway.webhooks.addresses import (
    Refused,
    Target,
    judge,
    judge_written,
    path_of,
    target_of,
)
from services.gateway.webhooks.connecting import CONNECT_SECONDS, Pools
from services.gateway.webhooks.endpoint import Attempt
from services.gateway.webhooks.resolving import Resolver
from services.gateway.webhooks.schedule import retry_after_seconds

# Resolving, connecting, TLS, sending and the head of the answer together.
ATTEMPT_SECONDS = 10.0
# What is kept of an answer, for its reader; whether it was one is known by its head.
ANSWER_BYTES = 2048
ANSWER_SECONDS = 2.0
GONE_STATUS = 410
_RETRY_LATER = (429, 503)
UNFORESEEN = "unforeseen"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to whom."""

    url: str
    keys: tuple[bytes, ...]
    event_id: UUID
    body: bytes


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt. `status` is 0 when there was no answer, `error` empty when it was a good one.

    Codes: status, redirect, timeout, connection-failed, connection-lost, tls-failed, answer-malformed, unforeseen, and
    those of addresses.Refused.
    """

    at: datetime
    status: int = 0
    milliseconds: int = 0
    error: str = ""
    response_body: str = ""
    retry_after_seconds: float = 0.0

    @property
    def delivered(self) -> bool:
        """Whether the receiver has taken it: 2xx and nothing else."""
        return 200 <= self.status < 300

    def attempt(self, *, manual: bool = False) -> Attempt:
        """The attempt as it is kept; `manual`: a person has asked for it."""
        return Attempt(
            at=self.at,
            status=self.status,
            milliseconds=self.milliseconds,
            error=self.error,
            response_body=self.response_body,
            manual=manual,
        )


class Sender:
    """Connections to all receivers. Close it."""

    def __init__(
        self,
        resolver: Resolver,
        allowed: Sequence[Network],
        context: ssl.SSLContext,
        *,
        seconds: float = ATTEMPT_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._resolver = resolver
        self._allowed = tuple(allowed)
        self._seconds = seconds
        self._now = now
        self._pools = Pools(resolver, self._allowed, context)

    async def close(self) -> None:
        """Close the connections."""
        await self._pools.close()

    async def check(self, url: str) -> Target:
        """Whether anything would be sent to `url` now. Raises Refused."""
        target = target_of(url)
        judge_written(target, self._allowed)
        judge(target, await self._resolver.addresses(target.host), self._allowed)
        return target

    async def send(self, message: Message) -> Attempted:
        """Post it. Whatever goes wrong is in the outcome; once the head of the answer is there, it alone counts."""
        at, began = self._now(), time.monotonic()
        told, error = _Told(), ""
        try:
            target = target_of(message.url)
            headers = signing.headers(message.keys, message.event_id, int(at.timestamp()), message.body)
            await self._post(target, message, headers, told)
        except Exception as failed:  # noqa: BLE001 - a receiver must not find out what ends the process of all others
            error = code_of(failed)
            if error == UNFORESEEN:
                log.error("webhook-attempt-broke", exc_info=failed)
        if told.status:
            error = _error_of(told.status)
        return Attempted(
            at=at,
            status=told.status,
            milliseconds=round((time.monotonic() - began) * 1000),
            error=error,
            response_body=told.body,
            retry_after_seconds=told.retry_after_seconds,
        )

    async def _post(self, target: Target, message: Message, headers: dict[str, str], told: "_Told") -> None:
        limits = {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds}
        loop = asyncio.get_running_loop()
        # Taken apart once, by what has judged it: two readers of one URL may read it differently.
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=path_of(message.url)
        )
        async with (
            asyncio.timeout(self._seconds) as deadline,
            self._pools.to(target) as pool,
            pool.stream(
                "POST",
                url,
                headers=list(headers.items()),
                content=message.body,
                extensions={"timeout": limits},
            ) as answer,
        ):
            told.status = answer.status
            if answer.status in _RETRY_LATER:
                found = {name.lower(): value for name, value in answer.headers}.get(b"retry-after", b"")
                told.retry_after_seconds = retry_after_seconds(found.decode("latin-1"))
            # What follows is for the reader only.
            deadline.reschedule(None)
            told.body = await _beginning(answer, loop.time() + ANSWER_SECONDS)


class _Told(msgspec.Struct):
    """What a receiver has said so far."""

    status: int = 0
    body: str = ""
    retry_after_seconds: float = 0.0


def _error_of(status: int) -> str:
    if 300 <= status < 400:
        return "redirect"
    return "" if 200 <= status < 300 else "status"


async def _beginning(answer: httpcore.Response, until: float) -> str:
    """The first bytes of an answer as text; however it goes on, its head has said all that counts."""
    content = bytearray()
    # The receiver goes away, says something that is no HTTP, or takes too long: all it can do here.
    with suppress(
        TimeoutError, OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException
    ):
        async with asyncio.timeout_at(until):
            async for chunk in answer.aiter_stream():
                content += chunk[:ANSWER_BYTES]
                if len(content) >= ANSWER_BYTES:
                    break
    return bytes(content[:ANSWER_BYTES]).decode("utf-8", "replace")


def code_of(error: Exception) -> str:
    """Why an attempt failed, as a code."""
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, TimeoutError | httpcore.TimeoutException):
        return "timeout"
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "tls-failed"
    if isinstance(error, httpcore.ConnectError | OSError):
        return "tls-failed" if "SSL" in str(error) or "certificate" in str(error) else "connection-failed"
    if isinstance(error, httpcore.NetworkError):
        return "connection-lost"
    if isinstance(error, httpcore.RemoteProtocolError):
        # A receiver that closes without a word is one thing, an answer that is none another.
        return "connection-lost" if "disconnected" in str(error) else "answer-malformed"
    return "url-malformed" if isinstance(error, httpcore.LocalProtocolError) else UNFORESEEN
