"""All SQL of the relay: one session that holds the relay's lock and does everything the relay writes.

Because lock and writes share the session, a relay that has lost its lock can mark nothing: the server has closed
the session together with the lock.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import asyncpg
import msgspec

from libs.database.pool import KEEPALIVES, PLANNER, limit_transactions

CONNECT_TIMEOUT_SECONDS = 10.0
COMMAND_TIMEOUT_SECONDS = 30.0
# A live relay asks every quarter of a second; its longest silence is waiting for the keeper's answer (15 s).
IDLE_SECONDS_MAX = 30.0
# Any fixed number nothing else locks in a service's database: "relay" in ASCII, as an integer.
ADVISORY_LOCK_KEY = int.from_bytes(b"relay", "big")
CHANNEL = "bus_outbox"
# Counting a huge backlog exactly would cost what it takes to publish a part of it.
BACKLOG_COUNT_MAX = 100_000

_COLUMNS = "id, event_id, dossier_id, sequence, subject, occurred_at, causation_id, traceparent, payload"
_UNPUBLISHED = f"""
SELECT {_COLUMNS} FROM bus.outbox
WHERE published_at IS NULL AND id <> ALL ($1::bigint[]) ORDER BY id LIMIT $2
"""  # noqa: S608 - our own column names
_LEDGER = f"SELECT {_COLUMNS} FROM bus.outbox WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3"  # noqa: S608
_MARK = """
UPDATE bus.outbox SET published_at = coalesce(published_at, now()), stream_epoch = $3, stream_seq = stored.seq
FROM unnest($1::bigint[], $2::bigint[]) AS stored (id, seq) WHERE outbox.id = stored.id
"""
_BACKLOG = """
SELECT count(*) AS rows, extract(epoch FROM now() - min(occurred_at))::float8 AS oldest_seconds
FROM (SELECT occurred_at FROM bus.outbox WHERE published_at IS NULL ORDER BY id LIMIT $1) AS waiting
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox row as it is published."""

    id: int
    event_id: UUID
    dossier_id: UUID
    sequence: int
    subject: str
    occurred_at: datetime
    causation_id: UUID | None
    traceparent: str | None
    payload: bytes


class Kept(msgspec.Struct, frozen=True):
    """What the stream must hold at one sequence."""

    event_id: UUID
    subject: str
    payload: bytes


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """One life of the stream; see bus.stream_epoch. `state` is rebuilding, refilling or current."""

    epoch: int
    state: str
    reason: str
    stream_created: str | None
    refill_to: int
    refilled_to: int


class Backlog(msgspec.Struct, frozen=True):
    """How many rows wait (counted up to BACKLOG_COUNT_MAX) and for how long the oldest of them."""

    rows: int = 0
    oldest_seconds: float = 0.0


class Ledger:
    """The outbox through one session; calls from several tasks take turns."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, dsn: str, *, name: str, idle_seconds_max: float = IDLE_SECONDS_MAX) -> Self:
        """Connect. Raises OSError, TimeoutError or asyncpg.PostgresError."""
        idle_ms = str(round(idle_seconds_max * 1000))
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            server_settings={
                "application_name": name,
                "statement_timeout": str(round(COMMAND_TIMEOUT_SECONDS * 1000)),
                # A frozen process must not keep the lock: the server ends its session, and a standby takes over.
                "idle_session_timeout": idle_ms,
                "idle_in_transaction_session_timeout": idle_ms,
                "timezone": "UTC",
                **KEEPALIVES,
                **PLANNER,
            },
        )
        try:
            # Even one frozen between two parts of a statement, where none of the deadlines above runs.
            await limit_transactions(connection, round((COMMAND_TIMEOUT_SECONDS + idle_seconds_max) * 1000))
        except BaseException:
            connection.terminate()
            raise
        return cls(connection)

    async def close(self) -> None:
        """Give the lock back by ending the session."""
        try:
            await self._connection.close(timeout=CONNECT_TIMEOUT_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the session ends."""
        self._connection.add_termination_listener(lambda _connection: callback())

    async def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback` at each hint that rows were committed."""
        async with self._turn:
            await self._connection.add_listener(CHANNEL, lambda *_: callback())

    async def hint(self) -> None:
        """Tell the active relay, wherever it runs, that rows were committed."""
        async with self._turn:
            await self._connection.execute(f"NOTIFY {CHANNEL}")

    async def try_lead(self) -> bool:
        """Take the relay's lock if nobody holds it."""
        async with self._turn:
            return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK_KEY))

    async def backlog(self) -> Backlog:
        """What waits to be published."""
        async with self._turn:
            row = await self._connection.fetchrow(_BACKLOG, BACKLOG_COUNT_MAX)
        return Backlog(row["rows"], max(0.0, row["oldest_seconds"] or 0.0)) if row else Backlog()

    async def unpublished(self, under_way: Sequence[int], limit: int) -> list[Row]:
        """The oldest rows not marked and not `under_way`; always from the start, for a row may commit late."""
        async with self._turn:
            return [_row(found) for found in await self._connection.fetch(_UNPUBLISHED, under_way, limit)]

    async def rows(self, after: int, to: int, limit: int) -> list[Row]:
        """All rows with after < id ≤ to, in order."""
        async with self._turn:
            return [_row(found) for found in await self._connection.fetch(_LEDGER, after, to, limit)]

    async def mark(
        self, epoch: int, stored: Sequence[tuple[int, int]], *, refilled_to: int | None = None
    ) -> None:
        """Note that the stream of `epoch` has these (id, sequence); with `refilled_to`, how far a refill came."""
        ids, sequences = [pair[0] for pair in stored], [pair[1] for pair in stored]
        async with self._turn:
            if refilled_to is None:
                # One statement is a transaction by itself, two round trips less.
                await self._connection.execute(_MARK, ids, sequences, epoch)
                return
            async with self._connection.transaction():
                await self._connection.execute(_MARK, ids, sequences, epoch)
                await self._connection.execute(
                    "UPDATE bus.stream_epoch SET refilled_to = $2 WHERE epoch = $1", epoch, refilled_to
                )

    async def newest_epoch(self) -> Epoch | None:
        """The life the stream is in; None before the first."""
        async with self._turn:
            found = await self._connection.fetchrow(
                "SELECT epoch, state, reason, stream_created, refill_to, refilled_to"
                " FROM bus.stream_epoch ORDER BY epoch DESC LIMIT 1"
            )
        return None if found is None else Epoch(**found)

    async def seen_streams(self) -> frozenset[str]:
        """The creation times of all streams there ever were."""
        async with self._turn:
            found = await self._connection.fetch(
                "SELECT stream_created FROM bus.stream_epoch WHERE stream_created IS NOT NULL"
            )
        return frozenset(row["stream_created"] for row in found)

    async def adopt(self, stream_created: str) -> Epoch:
        """Begin the first life with an empty stream."""
        async with self._turn:
            await self._connection.execute(
                "INSERT INTO bus.stream_epoch (epoch, state, reason, stream_created, finished_at)"
                " VALUES (1, 'current', 'first', $1, now())",
                stream_created,
            )
        return await self._must_have_epoch()

    async def begin_rebuild(self, epoch: int, reason: str) -> Epoch:
        """Begin life `epoch`: the stream of the one before is not to be trusted any more."""
        async with self._turn:
            await self._connection.execute(
                "INSERT INTO bus.stream_epoch (epoch, state, reason) VALUES ($1, 'rebuilding', $2)",
                epoch,
                reason,
            )
        return await self._must_have_epoch()

    async def begin_refill(self, epoch: int, stream_created: str) -> Epoch:
        """The new stream is there; everything the outbox has now is to be published again."""
        async with self._turn:
            await self._connection.execute(
                "UPDATE bus.stream_epoch SET state = 'refilling', stream_created = $2,"
                " refill_to = (SELECT coalesce(max(id), 0) FROM bus.outbox) WHERE epoch = $1",
                epoch,
                stream_created,
            )
        return await self._must_have_epoch()

    async def finish_refill(self, epoch: int) -> Epoch:
        """The new stream holds all that the old one should have held."""
        async with self._turn:
            await self._connection.execute(
                "UPDATE bus.stream_epoch SET state = 'current', finished_at = now() WHERE epoch = $1", epoch
            )
        return await self._must_have_epoch()

    async def last_sequence(self, epoch: int) -> int:
        """The highest stream sequence marked in `epoch`, 0 if none."""
        async with self._turn:
            return int(
                await self._connection.fetchval(
                    "SELECT stream_seq FROM bus.outbox WHERE stream_epoch = $1 AND stream_seq IS NOT NULL"
                    " ORDER BY stream_seq DESC LIMIT 1",
                    epoch,
                )
                or 0
            )

    async def kept(self, epoch: int, first: int, last: int) -> dict[int, Kept]:
        """What the stream of `epoch` must hold from `first` to `last`, by sequence."""
        async with self._turn:
            found = await self._connection.fetch(
                "SELECT stream_seq, event_id, subject, payload FROM bus.outbox"
                " WHERE stream_epoch = $1 AND stream_seq BETWEEN $2 AND $3",
                epoch,
                first,
                last,
            )
        return {row["stream_seq"]: Kept(row["event_id"], row["subject"], row["payload"]) for row in found}

    async def said(self, event_ids: Sequence[UUID]) -> dict[UUID, Kept]:
        """The rows of these events, wherever they are stored."""
        async with self._turn:
            found = await self._connection.fetch(
                "SELECT event_id, subject, payload FROM bus.outbox WHERE event_id = ANY ($1::uuid[])",
                event_ids,
            )
        return {row["event_id"]: Kept(row["event_id"], row["subject"], row["payload"]) for row in found}

    async def _must_have_epoch(self) -> Epoch:
        epoch = await self.newest_epoch()
        if epoch is None:
            raise LookupError("bus.stream_epoch is empty")
        return epoch


def _row(found: Any) -> Row:
    return Row(
        id=found["id"],
        event_id=found["event_id"],
        dossier_id=found["dossier_id"],
        sequence=found["sequence"],
        subject=found["subject"],
        occurred_at=found["occurred_at"],
        causation_id=found["causation_id"],
        traceparent=found["traceparent"],
        payload=found["payload"],
    )
