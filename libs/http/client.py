"""Calls from one service to another: signed, with deadlines, few retries, typed answers.

    intake = ServiceClient(settings.intake_url, "intake", signer)
    people = await intake.post("/people/read", Query(ids), People, purpose="notify")
    await routing.post(f"/cases/{dossier_id}/pauses", Pause(...), Paused, idempotency_key=str(event_id))

Retried, with jitter and within the deadline: connections that failed and 503, of calls that may be repeated (GET, a
read with a purpose, a write with an idempotency key).
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar, cast

import httpx
import msgspec
from structlog.contextvars import get_contextvars

from libs.http.auth import TokenSigner
from libs.http.problems import FieldError
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter
from libs.telemetry.traces import current_traceparent

T = TypeVar("T")
Query = Mapping[str, str | int | Sequence[str]]

CONNECT_TIMEOUT_SECONDS = 1.0
DEADLINE_SECONDS = 10.0
ATTEMPTS_MAX = 3
CONNECTIONS_MAX = 16
BACKOFF_SECONDS = 0.1
BACKOFF_SECONDS_MAX = 2.0
ANSWER_BYTES_MAX = 32 << 20
TOKEN_SECONDS = 300
# Sign anew while the old token still serves: clocks differ, requests wait in queues.
TOKEN_RENEWAL_SECONDS = 60
EVENT_STREAM = "text/event-stream"
# A stream says something every 15 s, if only that it is there.
SILENCE_SECONDS_MAX = 45.0
# Read by libs.http.limits where one of our services signs.
_ASKED_FROM = "X-Forwarded-For"

_CALLS = counter("http_client_requests_total")


class Unavailable(ConnectionError):
    """The service could not be reached, or not in time, or asked to come back later. Trying later is right.

    Left alone in an endpoint it becomes a 503 (libs.http.problems).
    """

    def __init__(self, target: str, reason: str) -> None:
        super().__init__(f"{target}: {reason}")
        self.target = target
        self.reason = reason


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as the service told it (RFC 9457): Vietnamese sentences, fit to be shown; `type` ends with a slug."""

    type: str = ""
    title: str = ""
    detail: str = ""
    errors: tuple[FieldError, ...] = ()


class Refused(Exception):
    """The service answered with a problem; `slug` is the end of its type. Trying the same again is useless.

    `told` is for the person who asked; the exception's text, which may be logged, has none of it. `answer` is the
    whole document, for members a problem has besides (a link, what is allowed).
    """

    def __init__(
        self, target: str, status: int, slug: str, told: Told | None = None, answer: bytes = b""
    ) -> None:
        super().__init__(f"{target}: {status} {slug}")
        self.target = target
        self.status = status
        self.slug = slug
        self.told = told or Told()
        self.answer = answer
        self.retry_after_seconds = 0.0


class ServiceClient:
    """One service as seen from another. Close it, or use it as an async context manager."""

    def __init__(
        self,
        base_url: str,
        audience: str,
        signer: TokenSigner,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        attempts_max: int = ATTEMPTS_MAX,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self._target = audience
        self._signer = signer
        self._deadline_seconds = deadline_seconds
        self._attempts_max = attempts_max
        self._token = ""
        self._token_until = 0.0
        self._http = httpx.AsyncClient(
            base_url=base_url,
            timeout=httpx.Timeout(deadline_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            limits=httpx.Limits(max_connections=connections_max, max_keepalive_connections=connections_max),
            follow_redirects=False,
            # Proxy settings of the machine do not concern calls inside the city.
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        """The client itself."""
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(
        self,
        path: str,
        type_: type[T],
        *,
        purpose: str | None = None,
        query: Query | None = None,
        bearer: str = "",
        asked_from: str = "",
    ) -> T:
        """GET `path` as `type_`; in the name of whoever holds `bearer`, or the service's own.

        `asked_from` is the address of the person it asks for, whose limit counts (libs.http.limits). Raises
        Unavailable, or Refused for a 4xx or 500.
        """
        headers = self._headers(purpose, None, asked_from)
        content = await self._call("GET", path, None, headers, query, repeatable=True, bearer=bearer)
        return self._decode(content, type_)

    async def get_bytes(self, path: str, *, purpose: str | None = None, bearer: str = "") -> bytes:
        """GET `path` as it is (a document, an attachment). Raises as `get` does."""
        headers = self._headers(purpose, None)
        return await self._call("GET", path, None, headers, None, repeatable=True, bearer=bearer)

    async def post(
        self,
        path: str,
        body: Any,
        type_: type[T],
        *,
        purpose: str | None = None,
        idempotency_key: str | None = None,
        bearer: str = "",
        asked_from: str = "",
    ) -> T:
        """POST `body` as JSON and decode the answer as `type_`. Raises as `get` does.

        `type(None)` is for an empty answer, `bytes` for one as it is (a document). Repeated only when it is a read
        (`purpose`) or has an `idempotency_key`.
        """
        return await self.post_bytes(
            path,
            msgspec.json.encode(body),
            "application/json",
            type_,
            purpose=purpose,
            idempotency_key=idempotency_key,
            bearer=bearer,
            asked_from=asked_from,
        )

    async def post_bytes(
        self,
        path: str,
        content: bytes,
        media_type: str,
        type_: type[T],
        *,
        purpose: str | None = None,
        idempotency_key: str | None = None,
        bearer: str = "",
        asked_from: str = "",
    ) -> T:
        """As `post`, with a body as it is (a file)."""
        headers = {**self._headers(purpose, idempotency_key, asked_from), "Content-Type": media_type}
        repeatable = purpose is not None or idempotency_key is not None
        answer = await self._call("POST", path, content, headers, None, repeatable=repeatable, bearer=bearer)
        return self._decode(answer, type_)

    async def send(
        self,
        method: str,
        path: str,
        body: Any,
        type_: type[T],
        *,
        idempotency_key: str | None = None,
        bearer: str = "",
    ) -> T:
        """Any method with `body` as JSON (None: without one), once and never repeated. Raises as `get` does."""
        headers = self._headers(None, idempotency_key)
        content = None
        if body is not None:
            content, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        answer = await self._call(method, path, content, headers, None, repeatable=False, bearer=bearer)
        return self._decode(answer, type_)

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Query | None = None, bearer: str = "", last_event_id: str = ""
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The server-sent events at `path` as they come, for longer than a call lasts.

        Raises Refused when there are none; Unavailable when the service is away, also in the middle.
        """
        headers = self._headers(None, None) | {"Accept": EVENT_STREAM}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        headers["Authorization"] = f"Bearer {bearer or self._current_token()}"
        timeout = httpx.Timeout(CONNECT_TIMEOUT_SECONDS, read=SILENCE_SECONDS_MAX)
        try:
            async with self._http.stream(
                "GET", path, headers=headers, params=query, timeout=timeout
            ) as response:
                if response.status_code != 200:
                    answer = (await response.aread())[:ANSWER_BYTES_MAX]
                    raise _refused(self._target, response.status_code, answer, 0.0)
                yield response.aiter_raw()
        except httpx.TransportError as error:
            raise Unavailable(self._target, type(error).__name__) from None

    def _headers(
        self, purpose: str | None, idempotency_key: str | None, asked_from: str = ""
    ) -> dict[str, str]:
        request_id = get_contextvars().get("request_id")
        given = {
            "X-Purpose": purpose,
            "Idempotency-Key": idempotency_key,
            "X-Request-Id": request_id,
            "traceparent": current_traceparent(),
            _ASKED_FROM: asked_from or None,
        }
        return {name: value for name, value in given.items() if value is not None}

    async def _call(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: dict[str, str],
        query: Query | None,
        *,
        repeatable: bool,
        bearer: str = "",
    ) -> bytes:
        attempts = self._attempts_max if repeatable else 1
        try:
            async with asyncio.timeout(self._deadline_seconds):
                for attempt in range(1, attempts + 1):
                    wait_seconds = backoff_seconds(attempt)
                    try:
                        signed = {**headers, "Authorization": f"Bearer {bearer or self._current_token()}"}
                        status, answer, retry_after = await self._send(method, path, content, signed, query)
                    except httpx.TransportError as error:
                        reason = type(error).__name__
                        # A connection that was never made carried nothing: that may always be repeated once more.
                        status = 0
                    else:
                        if status < 300:
                            return answer
                        # A person who has asked too often is told so; only our own work waits for its turn.
                        person = bool(bearer) or _ASKED_FROM in headers
                        if status not in (429, 503) or (status == 429 and person):
                            raise _refused(self._target, status, answer, retry_after)
                        reason, wait_seconds = str(status), max(wait_seconds, retry_after)
                    _CALLS.labels(self._target, status or "failed").inc()
                    if attempt < attempts:
                        log.info("call-repeated", target=self._target, attempt=attempt, reason=reason)
                        await asyncio.sleep(wait_seconds)
        except TimeoutError:
            raise Unavailable(self._target, "deadline") from None
        raise Unavailable(self._target, reason)

    async def _send(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: dict[str, str],
        query: Query | None,
    ) -> tuple[int, bytes, float]:
        """Status, body (bounded) and Retry-After in seconds of one try."""
        async with self._http.stream(
            method, path, content=content, headers=headers, params=query
        ) as response:
            answer = bytearray()
            async for chunk in response.aiter_bytes():
                answer += chunk
                if len(answer) > ANSWER_BYTES_MAX:
                    raise Refused(self._target, response.status_code, "answer-too-large")
            after = response.headers.get("retry-after", "")
            return response.status_code, bytes(answer), float(after) if after.isdigit() else 0.0

    def _current_token(self) -> str:
        now = time.monotonic()
        if now >= self._token_until:
            self._token = self._signer.token(self._target, ttl_seconds=TOKEN_SECONDS)
            self._token_until = now + TOKEN_SECONDS - TOKEN_RENEWAL_SECONDS
        return self._token

    def _decode(self, content: bytes, type_: type[T]) -> T:
        if type_ is type(None):
            return None
        if type_ is bytes:
            return cast(T, content)
        try:
            return msgspec.json.decode(content, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # Its text may repeat the answer.
            raise Refused(self._target, 200, "answer-not-understood") from None


def backoff_seconds(attempt: int) -> float:
    """The wait after the try `attempt` (from 1): doubling, with full jitter upward so that callers spread out."""
    base: float = min(BACKOFF_SECONDS * 2 ** (attempt - 1), BACKOFF_SECONDS_MAX)
    return base * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, keeps no secret


def _refused(target: str, status: int, answer: bytes, retry_after: float) -> Refused:
    try:
        told = msgspec.json.decode(answer, type=Told)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Refused(target, status, "no-problem-document")
    refused = Refused(target, status, told.type.rpartition(":")[2], told, answer)
    refused.retry_after_seconds = retry_after
    return refused
