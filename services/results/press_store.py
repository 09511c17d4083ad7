"""All SQL of the press: what is to be printed, and where what was printed is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.results.store import Connection


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A result waiting to be printed; `failures` are the tries that failed by its own fault.

    `changed_at` tells what was called for: when it has moved, what was read for this order is out of date.
    """

    id: UUID
    dossier_id: UUID
    code: str
    step: str
    agency: str
    version: int
    changed_at: datetime
    attempts: int
    failures: int


async def claim_orders(conn: Connection, limit: int, lease: timedelta) -> list[Order]:
    """Take up to `limit` results to print; nobody else takes them before `lease` is over.

    The lease is not a fence: two presses may print one result, but only the first can issue it.
    """
    rows = await conn.fetch(
        """
        UPDATE result SET next_attempt_at = now() + $2, attempts = attempts + 1
        WHERE id IN (
            SELECT id FROM result WHERE state = 'pending' AND next_attempt_at <= now()
            ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id, dossier_id, code, step, agency, version, changed_at, attempts, failures
        """,
        limit,
        lease,
    )
    return [Order(**dict(row)) for row in rows]


async def postpone_orders(
    conn: Connection, result_ids: Sequence[UUID], delays: Sequence[timedelta], *, counts: bool
) -> None:
    """Try these again after their delays. `counts`: the fault was theirs."""
    await conn.execute(
        """
        UPDATE result SET next_attempt_at = now() + later.delay, failures = failures + $3
        FROM unnest($1::uuid[], $2::interval[]) AS later (id, delay) WHERE result.id = later.id
        """,
        list(result_ids),
        list(delays),
        int(counts),
    )
