"""Writes of one kind that arrive at the same time share one transaction (group commit).

Under load a transaction per request is mostly round trips and waiting for the same row (a counter) one after the other.
Here whatever has arrived while the last transaction was being committed goes into the next one; alone, a request waits
for nobody. What `once` promises holds: the answers are stored in that transaction, and a request that is refused, or
whose key was used before, or that shared a transaction which failed, is done again by itself through `once`.

    births = Together(writer, store_births)       # store_births(connection, [new, …]) -> [Answer | Problem, …]

    return await births.once(request, actor, new)
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.idempotency import (
    Answer,
    Transactions,
    fingerprint_of,
    idempotency_key,
    once,
    response_of,
)
from libs.http.problems import Problem
from libs.telemetry.logs import log
from libs.telemetry.traces import current_traceparent, span, tracing

T = TypeVar("T")
TOGETHER_MAX = 64
# Longer than a stuck transaction lives (statement and idle timeouts of libs.database.pool).
WAIT_SECONDS_MAX = 40.0

# One Answer or Problem for each wanted thing, in order. A Problem must leave nothing of its own in the transaction.
WorkTogether = Callable[[Any, Sequence[T]], Awaitable[Sequence[Answer | Problem]]]

_STORE_MANY = """
INSERT INTO http.idempotency (client, key, fingerprint, status, media_type, location, body)
SELECT client, key, fingerprint, status, 'application/json', location, body
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::smallint[], $5::text[], $6::bytea[])
    AS answered (client, key, fingerprint, status, location, body)
ORDER BY client, key
ON CONFLICT (client, key) DO NOTHING
"""


class _Asked(Generic[T]):
    """One request that waits for its turn; `response` becomes None when it has to be done by itself."""

    __slots__ = ("client", "fingerprint", "key", "response", "traceparent", "wanted")

    def __init__(self, client: str, key: str, fingerprint: bytes, wanted: T) -> None:
        self.client = client
        self.key = key
        self.fingerprint = fingerprint
        self.wanted = wanted
        self.traceparent = current_traceparent() if tracing() else None
        self.response: asyncio.Future[Response | None] = asyncio.get_running_loop().create_future()


class _KeyTaken(Exception):
    """Somebody among them used a key again; nothing of this transaction may stay."""


class Together(Generic[T]):
    """Does work for many requests in one transaction, one transaction after the other."""

    def __init__(
        self, writer: Transactions, work: WorkTogether[T], *, together_max: int = TOGETHER_MAX
    ) -> None:
        self._writer = writer
        self._work = work
        self._together_max = together_max
        self._waiting: deque[_Asked[T]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def once(self, request: Request, actor: Actor, wanted: T) -> Response:
        """As libs.http.idempotency.once does it. Raises what that raises, and TimeoutError."""
        asked = _Asked(actor.client, idempotency_key(request), await fingerprint_of(request), wanted)
        self._waiting.append(asked)
        if self._running is None:
            # In a context of its own: what is said there was caused by all of them, not by the first.
            self._running = asyncio.create_task(self._run(), context=Context())
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            response = await asked.response
        if response is not None:
            return response

        async def alone(connection: Any) -> Answer:
            (outcome,) = await self._work(connection, [wanted])
            if isinstance(outcome, Problem):
                raise outcome
            return outcome

        return await once(request, actor, self._writer, alone)

    async def _run(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), self._together_max)
                await self._settle([self._waiting.popleft() for _ in range(count)])
        finally:
            self._running = None

    async def _settle(self, asked: Sequence[_Asked[T]]) -> None:
        responses: Sequence[Response | None] = [None] * len(asked)
        try:
            responses = await self._commit(asked)
        except _KeyTaken:
            pass
        except (TimeoutError, OSError, asyncpg.InterfaceError) as error:
            # The database is not to be had: nobody fares better alone.
            for one in asked:
                if not one.response.done():
                    one.response.set_exception(error)
        except Exception as error:  # noqa: BLE001 - whoever of them causes it will cause it again alone
            log.warning("shared-transaction-failed", error=type(error).__name__, count=len(asked))
        for one, response in zip(asked, responses, strict=True):
            if not one.response.done():
                one.response.set_result(response)

    async def _commit(self, asked: Sequence[_Asked[T]]) -> list[Response | None]:
        links = [one.traceparent for one in asked]
        with span("write together", links=links):
            return await self._committed(asked)

    async def _committed(self, asked: Sequence[_Asked[T]]) -> list[Response | None]:
        async with self._writer.transaction() as connection:
            outcomes = await self._work(connection, [one.wanted for one in asked])
            answered = [
                (one, outcome, msgspec.json.encode(outcome.content))
                for one, outcome in zip(asked, outcomes, strict=True)
                if isinstance(outcome, Answer)
            ]
            stored = await connection.execute(
                _STORE_MANY,
                [one.client for one, _, _ in answered],
                [one.key for one, _, _ in answered],
                [one.fingerprint for one, _, _ in answered],
                [answer.status for _, answer, _ in answered],
                [answer.location for _, answer, _ in answered],
                [body for _, _, body in answered],
            )
            if stored != f"INSERT 0 {len(answered)}":
                raise _KeyTaken
        by_asked = {
            id(one): response_of(answer.status, body, "application/json", answer.location)
            for one, answer, body in answered
        }
        return [by_asked.get(id(one)) for one in asked]
