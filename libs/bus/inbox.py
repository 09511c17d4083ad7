"""All SQL of receiving: positions, inbox, attempts and whether a producer's stream is stopped."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.arrivals import Key

Connection = Any

# Long for a transaction that is under way, short beside the five seconds a whole batch waits (libs.database.pool).
HURRIED_LOCK_MS = 250

_HELD = """
WITH held AS MATERIALIZED (
    SELECT position.source, position.dossier_id, position.sequence
    FROM unnest($1::text[], $2::uuid[]) AS asked (source, dossier_id)
    JOIN bus.position USING (source, dossier_id)
    ORDER BY position.source, position.dossier_id
    FOR UPDATE OF position
)
SELECT source, dossier_id, sequence, now() AS now FROM held
UNION ALL SELECT source, NULL, NULL, now() FROM bus.consumer_state WHERE stopped_at IS NOT NULL
UNION ALL SELECT NULL, NULL, NULL, now()
"""
_POSITIONS = """
SELECT source, dossier_id, sequence
FROM unnest($1::text[], $2::uuid[]) AS asked (source, dossier_id) JOIN bus.position USING (source, dossier_id)
"""
# A position never goes back: two workers may bring the first events of one dossier at once.
_RECORD = """
WITH moved AS (
    INSERT INTO bus.position AS held (source, dossier_id, sequence)
    SELECT * FROM unnest($5::text[], $6::uuid[], $7::bigint[])
    ON CONFLICT (source, dossier_id) DO UPDATE SET sequence = excluded.sequence
    WHERE held.sequence < excluded.sequence
)
INSERT INTO bus.inbox (event_id, source, dossier_id, sequence)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[])
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id
"""
_RECORD_ONE = """
INSERT INTO bus.inbox (event_id, source, dossier_id, sequence) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_RECORDED = "SELECT event_id FROM bus.inbox WHERE event_id = ANY($1::uuid[])"
_BEGIN = """
INSERT INTO bus.attempt AS known (event_id, begun) SELECT asked, 1 FROM unnest($1::uuid[]) AS asked ORDER BY 1
ON CONFLICT (event_id) DO UPDATE SET begun = known.begun + 1
"""
_ATTEMPTS = "SELECT event_id, begun, failed FROM bus.attempt WHERE event_id = ANY($1::uuid[])"
_FAIL = """
INSERT INTO bus.attempt AS known (event_id, begun, failed) VALUES ($1, 1, 1)
ON CONFLICT (event_id) DO UPDATE SET failed = known.failed + 1
RETURNING failed
"""
_FORGET = "DELETE FROM bus.attempt WHERE event_id = ANY($1::uuid[])"
_STOP = """
INSERT INTO bus.consumer_state AS known (source, stopped_at, stopped_reason) VALUES ($1, now(), $2)
ON CONFLICT (source) DO UPDATE SET stopped_at = now(), stopped_reason = excluded.stopped_reason
WHERE known.stopped_at IS NULL
"""
_RESUME = """
UPDATE bus.consumer_state SET stopped_at = NULL, stopped_reason = '', resumed_at = now(), resumed_by = $2
WHERE source = $1 AND stopped_at IS NOT NULL
RETURNING source
"""
_STOPPED = "SELECT source, stopped_reason FROM bus.consumer_state WHERE stopped_at IS NOT NULL"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The positions of a batch, locked until the transaction ends; the producers stopped; the database's clock."""

    positions: Mapping[Key, int]
    stopped: frozenset[str]
    now: datetime


class Row(msgspec.Struct, frozen=True):
    """One inbox row."""

    event_id: UUID
    source: str
    dossier_id: UUID
    sequence: int


class Attempts(msgspec.Struct, frozen=True):
    """How many processes began to apply an event, and how many of the tries came back as failures."""

    begun: int
    failed: int


async def hurry(connection: Connection) -> None:
    """Wait only a moment for rows others hold, until the transaction ends."""
    await connection.execute(f"SET LOCAL lock_timeout = {HURRIED_LOCK_MS}")


async def hold(connection: Connection, keys: Sequence[Key]) -> Held:
    """Lock the positions of `keys` (sorted by the caller, so that two workers never wait in a circle)."""
    rows = await connection.fetch(_HELD, [key[0] for key in keys], [key[1] for key in keys])
    return Held(
        positions={(row[0], row[1]): row[2] for row in rows if row[1] is not None},
        stopped=frozenset(row[0] for row in rows if row[1] is None and row[0] is not None),
        now=rows[-1][3],
    )


async def positions(connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
    """The positions of `keys` without locking them."""
    rows = await connection.fetch(_POSITIONS, [key[0] for key in keys], [key[1] for key in keys])
    return {(row[0], row[1]): row[2] for row in rows}


async def record(connection: Connection, rows: Sequence[Row], reached: Mapping[Key, int]) -> set[UUID]:
    """Write inbox rows and move positions in one statement; returns the ids that were not there before."""
    rows = sorted(rows, key=lambda row: row.event_id.int)
    found = await connection.fetch(
        _RECORD,
        [row.event_id for row in rows],
        [row.source for row in rows],
        [row.dossier_id for row in rows],
        [row.sequence for row in rows],
        [key[0] for key in reached],
        [key[1] for key in reached],
        list(reached.values()),
    )
    return {row[0] for row in found}


async def record_one(connection: Connection, row: Row) -> None:
    """Write one inbox row unless it is there; positions stay."""
    await connection.execute(_RECORD_ONE, row.event_id, row.source, row.dossier_id, row.sequence)


async def recorded(connection: Connection, event_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these events that were dealt with."""
    return {row[0] for row in await connection.fetch(_RECORDED, event_ids)}


async def attempts(connection: Connection, event_ids: Sequence[UUID]) -> dict[UUID, Attempts]:
    """What is known of earlier tries of these events."""
    return {row[0]: Attempts(row[1], row[2]) for row in await connection.fetch(_ATTEMPTS, event_ids)}


async def begin(connection: Connection, event_ids: Sequence[UUID]) -> None:
    """Count that this process begins to apply these events; to be committed before it does."""
    await connection.execute(_BEGIN, event_ids)


async def fail(connection: Connection, event_id: UUID) -> int:
    """Count a try that failed; returns how many have."""
    return int(await connection.fetchval(_FAIL, event_id))


async def forget(connection: Connection, event_ids: Sequence[UUID]) -> None:
    """Drop the counts of events that are dealt with."""
    await connection.execute(_FORGET, event_ids)


async def stop(connection: Connection, source: str, reason: str) -> None:
    """Stop listening to `source` in every replica, until `resume`."""
    await connection.execute(_STOP, source, reason)


async def resume(connection: Connection, source: str, who: str) -> bool:
    """Listen to `source` again; False when it was not stopped."""
    return await connection.fetchval(_RESUME, source, who) is not None


async def stopped(connection: Connection) -> dict[str, str]:
    """The producers this service has stopped listening to, with the reason."""
    return {row[0]: row[1] for row in await connection.fetch(_STOPPED)}
