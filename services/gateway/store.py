"""All SQL of recording: what is known of dossiers, loaded and saved for whole batches, and the feed.

Positions have no gaps that fill later. They are given out under the lock of the one row of feed_head, in the last
statement of a batch's transaction, and PostgreSQL lets go of the lock only when the transaction can be seen: so
whoever gets the next positions commits later, and a reader who sees a position sees every smaller one. (An identity
column alone would not do: two transactions may commit in the other order than they drew their numbers.) What is rolled
back gives its positions back. The lock is held for one statement and the commit.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from libs.bus.handling import Change
from services.gateway.domain import Dossier, Said

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

# Codes of the catalogue have no blanks in them.
_BETWEEN = " "

_SAVE = """
INSERT INTO dossier AS known (dossier_id, readers)
SELECT id, string_to_array(readers, ' ') FROM unnest($1::uuid[], $2::text[]) AS found (id, readers)
ON CONFLICT (dossier_id) DO UPDATE
SET readers = ARRAY(SELECT DISTINCT unnest(known.readers || excluded.readers) ORDER BY 1)
"""
_APPEND = """
WITH head AS (UPDATE feed_head SET last = last + $1 RETURNING last - $1 AS before)
INSERT INTO feed (position, event_id, source, type, dossier_id, sequence, occurred_at, causation_id, traceparent,
                  data, readers)
SELECT head.before + said.place, said.event_id, said.source, said.type, said.dossier_id, said.sequence,
       said.occurred_at, said.causation_id, said.traceparent, said.data, string_to_array(said.readers, ' ')
FROM head, unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::timestamptz[], $8::uuid[],
                  $9::text[], $10::bytea[], $11::text[]) WITH ORDINALITY
    AS said (event_id, source, type, dossier_id, sequence, occurred_at, causation_id, traceparent, data, readers, place)
"""


async def load(conn: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Dossier]:
    """Whom these dossiers concern so far; locked."""
    rows = await conn.fetch(
        "SELECT dossier_id, readers FROM dossier WHERE dossier_id = ANY($1::uuid[]) ORDER BY dossier_id FOR UPDATE",
        list(dossier_ids),
    )
    return {row[0]: Dossier(frozenset(row[1])) for row in rows}


async def save(conn: Connection, changes: Sequence[Change[Dossier]]) -> None:
    """Keep whom the dossiers concern where that has grown, then append what was said: the lock comes last."""
    grown = sorted(
        (change.dossier_id, change.after.readers)
        for change in changes
        if change.before is None or change.after.readers is not change.before.readers
    )
    if grown:
        await conn.execute(
            _SAVE, [dossier_id for dossier_id, _ in grown], [_joined(readers) for _, readers in grown]
        )
    await _append(conn, [said for change in changes for said in change.after.said])


async def _append(conn: Connection, said: Sequence[Said]) -> None:
    envelopes = [each.envelope for each in said]
    await conn.execute(
        _APPEND,
        len(said),
        [each.id for each in envelopes],
        [each.source for each in envelopes],
        [each.type for each in envelopes],
        [each.dossier_id for each in envelopes],
        [each.sequence for each in envelopes],
        [each.time for each in envelopes],
        [each.causation_id for each in envelopes],
        [each.traceparent for each in envelopes],
        [each.data for each in said],
        [_joined(each.readers) for each in said],
    )


def _joined(readers: frozenset[str]) -> str:
    return _BETWEEN.join(sorted(readers))
