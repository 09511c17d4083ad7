"""All SQL of deliveries as partners see them, and of what they send by hand; what waits is queue_store's."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.database.uuids import plain
from services.gateway.webhooks.endpoint import (
    ATTEMPTS_MAX,
    DELIVERED,
    FAILED,
    PENDING,
    Attempt,
    Delivery,
    written,
)

# Test events that are kept of one endpoint: a person makes as many as they like, and each has its body.
TESTS_MAX = 100
_COLUMNS = """event_id, position, type, dossier_id, occurred_at, state, tries, next_attempt_at, attempts_made, attempts,
    body, replay"""
_STATE_IS = {state: f"state = '{state}'" for state in (PENDING, DELIVERED, FAILED)}


async def manual(conn: Any, endpoint: UUID, event_id: UUID, attempt: Attempt, *, delivered: bool) -> None:
    """Add an attempt a person has asked for; the retry table goes on as it stood."""
    await conn.execute(
        """
        UPDATE delivery SET state = CASE WHEN $4 THEN 'delivered' ELSE state END, attempts_made = attempts_made + 1,
            attempts = (attempts || $3::text)[greatest(1, cardinality(attempts) + 2 - $5):]
        WHERE endpoint = $1 AND event_id = $2
        """,
        endpoint,
        event_id,
        written(attempt),
        delivered,
        ATTEMPTS_MAX,
    )


async def insert_test(conn: Any, endpoint: UUID, delivery: Delivery) -> None:
    """Keep the delivery of a test event, with its body and its one attempt; of all such the newest TESTS_MAX stay."""
    await conn.execute(
        """
        INSERT INTO delivery (endpoint, event_id, type, dossier_id, occurred_at, state, tries, attempts, attempts_made,
                              body)
        VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9)
        """,
        endpoint,
        delivery.event_id,
        delivery.type,
        delivery.dossier_id,
        delivery.occurred_at,
        delivery.state,
        [written(each) for each in delivery.attempts],
        delivery.attempts_made,
        delivery.body,
    )
    await conn.execute(
        """
        DELETE FROM delivery WHERE endpoint = $1 AND position IS NULL AND event_id < (
            SELECT event_id FROM delivery WHERE endpoint = $1 AND position IS NULL
            ORDER BY event_id DESC OFFSET $2 LIMIT 1
        )
        """,
        endpoint,
        TESTS_MAX - 1,
    )


async def find(conn: Any, endpoint: UUID, event_id: UUID) -> Delivery | None:
    """One delivery with its attempts."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM delivery WHERE endpoint = $1 AND event_id = $2",  # noqa: S608 - our own columns
        endpoint,
        event_id,
    )
    return None if row is None else _delivery(row)


async def listing(
    conn: Any,
    endpoint: UUID,
    *,
    state: str,
    type_: str,
    dossier: UUID | None,
    before: UUID | None,
    limit: int,
) -> list[Delivery]:
    """Deliveries, those of the newest events first; `state`, `type_`, `dossier` empty: all; `before` an event's id."""
    conditions = ["endpoint = $1"]
    values: list[Any] = [endpoint, limit]
    for condition, value in (("type =", type_), ("dossier_id =", dossier), ("event_id <", before)):
        if value:
            values.append(value)
            conditions.append(f"{condition} ${len(values)}")
    if state:
        # Written out, so that an index of the few in this state can be used whatever the value was before.
        conditions.append(_STATE_IS[state])
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM delivery WHERE {' AND '.join(conditions)} ORDER BY event_id DESC LIMIT $2",  # noqa: S608 - our own words
        *values,
    )
    return [_delivery(row) for row in rows]


async def waiting(conn: Any, endpoint: UUID, limit: int) -> tuple[int, datetime | None, datetime | None]:
    """How many are pending, when the next of them is due, and when the oldest."""
    row = await conn.fetchrow(
        """
        SELECT count(*), min(next_attempt_at), (array_agg(next_attempt_at ORDER BY position))[1] FROM (
            SELECT position, next_attempt_at FROM delivery
            WHERE endpoint = $1 AND state = 'pending' ORDER BY position LIMIT $2
        ) AS found
        """,
        endpoint,
        limit,
    )
    return row[0], row[1], row[2]


async def refused(
    conn: Any, endpoint: UUID, *, dossier: UUID | None = None, before: int | None = None
) -> UUID | None:
    """The oldest event that was tried and not taken, and still waits: of all, of a dossier, before a position."""
    found = await conn.fetchval(
        """
        SELECT event_id FROM delivery
        WHERE endpoint = $1 AND state = 'pending' AND attempts_made > 0 AND position IS NOT NULL
            AND ($2::uuid IS NULL OR dossier_id = $2) AND ($3::bigint IS NULL OR position < $3)
        ORDER BY position LIMIT 1
        """,
        endpoint,
        dossier,
        before,
    )
    return found and plain(found)


async def ahead(
    conn: Any,
    endpoint: UUID,
    *,
    after: int,
    until: int,
    types: Collection[str],
    readers: Collection[str] | None,
    limit: int,
) -> int:
    """How many events at positions `after` < p <= `until` are for an endpoint and not lined up yet, up to `limit`."""
    return int(
        await conn.fetchval(
            """
            SELECT count(*) FROM (
                SELECT 1 FROM (SELECT * FROM feed WHERE position > $2 AND position <= $3 ORDER BY position OFFSET 0)
                    AS scanned
                WHERE type = ANY($4::text[]) AND ($5::text[] IS NULL OR readers && $5) AND NOT EXISTS (
                    SELECT FROM delivery WHERE endpoint = $1 AND delivery.event_id = scanned.event_id
                )
                LIMIT $6
            ) AS found
            """,
            endpoint,
            after,
            until,
            list(types),
            None if readers is None else list(readers),
            limit,
        )
    )


async def forget(conn: Any, keep: timedelta, oldest_id: UUID, rows_max: int) -> int:
    """Delete what ended longer ago than `keep`; `oldest_id` is the least event id of that age. How many."""
    deleted: str = await conn.execute(
        """
        DELETE FROM delivery USING (
            SELECT old.endpoint, old.event_id FROM endpoint CROSS JOIN LATERAL (
                SELECT endpoint, event_id FROM delivery
                WHERE delivery.endpoint = endpoint.id AND event_id < $2 AND created_at < now() - $1::interval
                    AND delivery.state <> 'pending'
                ORDER BY event_id LIMIT $3
            ) AS old LIMIT $3
        ) AS old WHERE delivery.endpoint = old.endpoint AND delivery.event_id = old.event_id
        """,
        keep,
        oldest_id,
        rows_max,
    )
    return int(deleted.rpartition(" ")[2])


def _delivery(row: Any) -> Delivery:
    return Delivery(
        event_id=plain(row["event_id"]),
        position=row["position"],
        type=row["type"],
        dossier_id=plain(row["dossier_id"]),
        occurred_at=row["occurred_at"],
        state=row["state"],
        tries=row["tries"],
        next_attempt_at=row["next_attempt_at"],
        attempts_made=row["attempts_made"],
        attempts=tuple(msgspec.json.decode(each, type=Attempt) for each in row["attempts"]),
        body=row["body"],
        replay=row["replay"] and plain(row["replay"]),
    )
