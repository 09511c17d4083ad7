"""All SQL of what partners have read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec


class Reading(msgspec.Struct, kw_only=True):
    """The calls of one partner from one address in a moment: how many, how many events, from where to where."""

    began_at: datetime
    partner: str
    came_from: str
    way: str
    calls: int
    events: int
    after: int
    until: int


async def newest(conn: Any, partner: str, limit: int) -> Sequence[Any]:
    """What a partner read last, newest first."""
    rows: Sequence[Any] = await conn.fetch(
        "SELECT began_at, came_from, way, calls, events FROM reading WHERE partner = $1 ORDER BY id DESC LIMIT $2",
        partner,
        limit,
    )
    return rows


async def insert(conn: Any, readings: Sequence[Reading]) -> None:
    """Add to the audit of reading."""
    await conn.execute(
        """
        INSERT INTO reading (began_at, partner, came_from, way, calls, events, after, until)
        SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[],
                             $7::bigint[], $8::bigint[])
        """,
        *([getattr(each, field) for each in readings] for field in Reading.__struct_fields__),
    )
