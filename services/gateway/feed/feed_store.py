"""All SQL of reading the feed, and of forgetting its beginning."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import msgspec

from libs.contracts.cloudevents import encode_structured
from libs.contracts.event import Envelope
from libs.database.uuids import plain

# Rows one call looks at, whether they are for its reader or not.
SCAN_MAX = 5_000
# What one call returns at most, beside the limit on the number; the last event may go beyond it.
BYTES_MAX = 1 << 20

# OFFSET 0: the scan along the key ends where it must; the conditions are about what it found.
_PAGE = """
SELECT position, event_id, source, type, dossier_id, sequence, occurred_at, causation_id, traceparent, data, readers
FROM (
    SELECT *, sum(length(data)) OVER (ORDER BY position) - length(data) AS before
    FROM (SELECT * FROM feed WHERE position > $1 AND position <= $2 ORDER BY position OFFSET 0) AS scanned
    WHERE type = ANY($3::text[]) AND ($4::text[] IS NULL OR readers && $4)
    ORDER BY position LIMIT $5
) AS found
WHERE before < $6
ORDER BY position
"""
# The head moves first: who sees that it has knows why the rows are gone.
_FORGET = """
WITH oldest AS (
    SELECT position, occurred_at FROM feed WHERE position >= (SELECT first FROM feed_head) ORDER BY position LIMIT $2
), kept AS (
    SELECT coalesce(
        (SELECT min(position) FROM oldest WHERE occurred_at >= now() - $1::interval),
        (SELECT max(position) + 1 FROM oldest)
    ) AS first
), moved AS (
    UPDATE feed_head SET first = kept.first FROM kept WHERE kept.first > feed_head.first RETURNING feed_head.first
)
DELETE FROM feed USING moved WHERE feed.position < moved.first
"""


class Head(msgspec.Struct, frozen=True):
    """Which feed it is, its last position and the first one kept; `last` is `first` - 1 when nothing is."""

    feed: str
    last: int
    first: int


class Entry(msgspec.Struct, frozen=True):
    """One event of the feed, and those whom its dossier concerned when it was said."""

    position: int
    envelope: Envelope
    data: bytes
    readers: frozenset[str]

    def structured(self) -> bytes:
        """The event in CloudEvents' structured mode (JSON)."""
        return encode_structured(self.envelope, self.data)[1]


async def head(conn: Any) -> Head:
    """Where the feed is now."""
    row = await conn.fetchrow("SELECT feed, last, first FROM feed_head")
    return Head(row[0], row[1], row[2])


async def page(
    conn: Any, *, after: int, until: int, types: Collection[str], readers: Collection[str] | None, limit: int
) -> list[Entry]:
    """Events at positions `after` < p <= `until`, in order: of `types`, concerning one of `readers` (None: anybody).

    At most `limit`, and about BYTES_MAX; the caller bounds `until` by SCAN_MAX.
    """
    rows = await conn.fetch(
        _PAGE, after, until, list(types), None if readers is None else list(readers), limit, BYTES_MAX
    )
    return [entry_of(row) for row in rows]


async def at(conn: Any, positions: Collection[int]) -> list[Entry]:
    """The events at these positions, in order; those that retention has taken are missing."""
    rows = await conn.fetch(
        "SELECT * FROM feed WHERE position = ANY($1::bigint[]) ORDER BY position", list(positions)
    )
    return [entry_of(row) for row in rows]


async def forget(conn: Any, keep: timedelta, rows_max: int) -> int:
    """Delete events from the beginning of the feed up to the first one younger than `keep`; how many."""
    deleted: str = await conn.execute(_FORGET, keep, rows_max)
    return int(deleted.rpartition(" ")[2])


def entry_of(row: Any) -> Entry:
    """A row of the feed as an event of it."""
    return Entry(
        position=row["position"],
        envelope=Envelope(
            id=plain(row["event_id"]),
            source=row["source"],
            type=row["type"],
            dossier_id=plain(row["dossier_id"]),
            time=row["occurred_at"],
            sequence=row["sequence"],
            causation_id=row["causation_id"] and plain(row["causation_id"]),
            traceparent=row["traceparent"],
        ),
        data=row["data"],
        readers=frozenset(row["readers"]),
    )
