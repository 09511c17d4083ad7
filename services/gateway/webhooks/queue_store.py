"""All SQL of what waits to be sent: lined up, held by the dispatcher, and what became of each attempt."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.database.uuids import plain
from services.gateway.webhooks.endpoint import ATTEMPTS_MAX, Attempt, written

_LINE_UP = """
INSERT INTO delivery (endpoint, event_id, position, type, dossier_id, occurred_at, replay)
SELECT wanted.endpoint, feed.event_id, feed.position, feed.type, feed.dossier_id, feed.occurred_at, $3
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (endpoint, position)
JOIN feed ON feed.position = wanted.position
ON CONFLICT DO NOTHING
RETURNING endpoint, position
"""
# What a person has put in line again since an attempt began stays in line, however that one ended, unless the receiver
# has taken it; what they have delivered meanwhile stays delivered.
_COUNTS = "(said.state = 'delivered' OR delivery.tries = said.tries_before)"
_SETTLE = f"""
UPDATE delivery SET
    state = CASE WHEN delivery.state <> 'delivered' AND {_COUNTS} THEN said.state ELSE delivery.state END,
    tries = CASE WHEN {_COUNTS} THEN said.tries ELSE delivery.tries END,
    next_attempt_at = CASE WHEN {_COUNTS} THEN said.next_attempt_at ELSE delivery.next_attempt_at END,
    attempts_made = attempts_made + 1,
    attempts = (attempts || said.attempt)[greatest(1, cardinality(attempts) + 2 - $8):]
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::timestamptz[], $7::text[])
    AS said (endpoint, event_id, state, tries_before, tries, next_attempt_at, attempt)
WHERE delivery.endpoint = said.endpoint AND delivery.event_id = said.event_id
"""  # noqa: S608 - our own condition


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery after an attempt of the dispatcher's; `given_up_for`: the partner to be told that it was the last.

    `tries_before`: what stood in the delivery when the attempt began.
    """

    endpoint: UUID
    event_id: UUID
    state: str
    tries_before: int
    tries: int
    next_attempt_at: datetime
    attempt: Attempt
    given_up_for: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A pending delivery as the dispatcher holds it."""

    endpoint: UUID
    event_id: UUID
    position: int
    dossier_id: UUID
    tries: int
    next_attempt_at: datetime


async def line_up(
    conn: Any, wanted: Sequence[tuple[UUID, int]], replay: UUID | None = None
) -> list[tuple[UUID, int]]:
    """Make pending deliveries of (endpoint, position); those that were not there before."""
    rows = await conn.fetch(
        _LINE_UP, [endpoint for endpoint, _ in wanted], [position for _, position in wanted], replay
    )
    return [(plain(row[0]), row[1]) for row in rows]


async def pending(conn: Any, endpoints: Sequence[UUID], limit: int) -> list[Waiting]:
    """The oldest `limit` pending deliveries of each endpoint, by position."""
    rows = await conn.fetch(
        """
        SELECT waiting.* FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (
            SELECT endpoint, event_id, position, dossier_id, tries, next_attempt_at FROM delivery
            WHERE endpoint = asked.id AND state = 'pending' AND position IS NOT NULL ORDER BY position LIMIT $2
        ) AS waiting
        """,
        list(endpoints),
        limit,
    )
    return [
        Waiting(
            endpoint=plain(row[0]),
            event_id=plain(row[1]),
            position=row[2],
            dossier_id=plain(row[3]),
            tries=row[4],
            next_attempt_at=row[5],
        )
        for row in rows
    ]


async def settle(conn: Any, settled: Sequence[Settled]) -> None:
    """Write what became of attempts, in one statement."""
    await conn.execute(
        _SETTLE,
        [each.endpoint for each in settled],
        [each.event_id for each in settled],
        [each.state for each in settled],
        [each.tries_before for each in settled],
        [each.tries for each in settled],
        [each.next_attempt_at for each in settled],
        [written(each.attempt) for each in settled],
        ATTEMPTS_MAX,
    )


async def again(conn: Any, endpoint: UUID) -> None:
    """Begin the retry table anew for all that is pending, at once."""
    await conn.execute(
        "UPDATE delivery SET tries = 0, next_attempt_at = now() WHERE endpoint = $1 AND state = 'pending'",
        endpoint,
    )
