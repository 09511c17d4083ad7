"""One attempt: an event posted to an endpoint, and what became of it. No redirects, no proxies, no cookies."""

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import httpcore
import msgspec

from libs.http.limits import Network
from services.gateway.webhooks import signing
from services.gateway.webhooks.addresses import Refused, Target, judge, target_of
from services.gateway.webhooks.connecting import CONNECT_SECONDS, CheckedBackend, Resolver
from services.gateway.webhooks.schedule import retry_after_seconds

# Resolving, connecting, TLS, sending and the head of the answer together.
ATTEMPT_SECONDS = 10.0
# What is kept of an answer, for its reader; whether it was one is known by its head.
ANSWER_BYTES = 2048
ANSWER_SECONDS = 2.0
IDLE_CONNECTIONS_MAX = 512
IDLE_SECONDS = 60.0
GONE = 410
_RETRY_LATER = (429, 503)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to whom."""

    url: str
    keys: tuple[bytes, ...]
    event_id: UUID
    body: bytes


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one attempt. `status` is 0 when there was no answer, `error` empty when it was a good one.

    Codes: status, redirect, timeout, connection-failed, connection-lost, tls-failed, answer-malformed, and those of
    addresses.Refused.
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
        # How many are open at once is the dispatcher's to bound: a queue in here would delay the healthy.
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=None,
                max_keepalive_connections=IDLE_CONNECTIONS_MAX,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=CheckedBackend(scheme, resolver, self._allowed),
            )
            for scheme in ("https", "http")
        }

    async def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def check(self, url: str) -> Target:
        """Whether anything would be sent to `url` now. Raises Refused."""
        target = target_of(url)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                addresses = await self._resolver.addresses(target.host)
        except TimeoutError:
            raise Refused("name-not-resolved") from None
        judge(target, addresses, self._allowed)
        return target

    async def send(self, message: Message) -> Outcome:
        """Post it. Whatever goes wrong is in the outcome."""
        at, began = self._now(), time.monotonic()
        status, error, body, wait = 0, "", "", 0.0
        try:
            target = target_of(message.url)
            headers = signing.headers(message.keys, message.event_id, int(at.timestamp()), message.body)
            status, body, wait = await self._post(target, message, headers)
            if 300 <= status < 400:
                error = "redirect"
            elif not 200 <= status < 300:
                error = "status"
        except Exception as failed:
            error = code_of(failed)
            if not error:
                raise
        return Outcome(
            at=at,
            status=status,
            milliseconds=round((time.monotonic() - began) * 1000),
            error=error,
            response_body=body,
            retry_after_seconds=wait,
        )

    async def _post(
        self, target: Target, message: Message, headers: dict[str, str]
    ) -> tuple[int, str, float]:
        limits = {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds}
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._seconds) as deadline:
            async with self._pools[target.scheme].stream(
                "POST",
                message.url,
                headers=list(headers.items()),
                content=message.body,
                extensions={"timeout": limits},
            ) as answer:
                # From here the outcome is known: what follows is for the reader only.
                deadline.reschedule(None)
                until = loop.time() + ANSWER_SECONDS
                body = await _beginning(answer, until)
        wait = 0.0
        if answer.status in _RETRY_LATER:
            told = {name.lower(): value for name, value in answer.headers}.get(b"retry-after", b"")
            wait = retry_after_seconds(told.decode("latin-1"))
        return answer.status, body, wait


async def _beginning(answer: httpcore.Response, until: float) -> str:
    """The first bytes of an answer as text; however it goes on, its head has said all that counts."""
    content = bytearray()
    try:
        async with asyncio.timeout_at(until):
            async for chunk in answer.aiter_stream():
                content += chunk[:ANSWER_BYTES]
                if len(content) >= ANSWER_BYTES:
                    break
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        pass
    return bytes(content[:ANSWER_BYTES]).decode("utf-8", "replace")


def code_of(error: Exception) -> str:
    """Why an attempt failed, as a code; empty for what is a fault of ours."""
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
    return "url-malformed" if isinstance(error, httpcore.LocalProtocolError) else ""
