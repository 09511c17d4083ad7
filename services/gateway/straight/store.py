"""All SQL of straight NATS: who reads that way and how far, answers, and the rows all of them share."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.database.uuids import plain
from services.gateway.feed import feed_store
from services.gateway.feed.feed_store import Entry
from services.gateway.partners.partner import ACTIVE, REVOKED, Partner
from services.gateway.partners.partner_store import partner_of

# What the tail of the feed reads at once: as one look of the HTTP feed.
_BYTES_MAX = feed_store.BYTES_MAX

_NOTED = """
SELECT p.code, p.name_vi, p.contact, p.state, p.agency, p.facility, p.roles, p.types, p.reads,
       s.began, s.floor, s.stream_created, s.filled_for, s.stored, s.confirmed
FROM straight s JOIN partner p ON p.code = s.partner
"""
_STANDING = f"{_NOTED} WHERE s.switched_on AND p.state = $1"
_TAIL = """
SELECT position, event_id, source, type, dossier_id, sequence, occurred_at, causation_id, traceparent, data, readers
FROM (SELECT *, sum(length(data)) OVER (ORDER BY position) - length(data) AS before
      FROM (SELECT * FROM feed WHERE position > $1 ORDER BY position LIMIT $2) AS scanned) AS found
WHERE before < $3 ORDER BY position
"""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A partner that is switched on, as it is registered now, and how far it was seen to be.

    In the feed: `floor`, up to where it has confirmed everything. Of its stream: when the server made it
    (`stream_created`, empty: it is not to be trusted), for which rights (`filled_for`), its last sequence
    (`stored`) and the last one confirmed. `began` counts how often it was switched on.
    """

    partner: Partner
    began: int
    floor: int
    stream_created: str
    filled_for: str
    stored: int
    confirmed: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is still to be published."""

    id: int
    event_id: UUID
    type: str
    answered_at: datetime
    data: bytes


# -- who reads by NATS -----------------------------------------------------------------------------------------


async def switch_on(conn: Any, code: str, floor: int) -> None:
    """Let a partner read by NATS what comes after `floor`; its stream is made anew."""
    await conn.execute(
        """
        INSERT INTO straight (partner, floor) VALUES ($1, $2)
        ON CONFLICT (partner) DO UPDATE SET switched_on = true, began = straight.began + 1, floor = $2
        """,
        code,
        floor,
    )


async def switch_off(conn: Any, code: str) -> bool:
    """Let it no more; False when it was not switched on."""
    changed: str = await conn.execute(
        "UPDATE straight SET switched_on = false WHERE partner = $1 AND switched_on", code
    )
    return changed == "UPDATE 1"


async def standings(conn: Any) -> list[Standing]:
    """Every active partner that is switched on."""
    return [_standing(row) for row in await conn.fetch(f"{_STANDING} ORDER BY p.code", ACTIVE)]


async def standing(conn: Any, code: str) -> Standing | None:
    """One of them; None when it is not, or not active."""
    row = await conn.fetchrow(f"{_STANDING} AND p.code = $2", ACTIVE, code)
    return None if row is None else _standing(row)


async def noted(conn: Any, code: str) -> Standing | None:
    """What was noted of a partner, whether it may read or not."""
    row = await conn.fetchrow(f"{_NOTED} WHERE s.partner = $1", code)
    return None if row is None else _standing(row)


async def handing_in(conn: Any) -> list[str]:
    """Partners whose inbox is kept: all that were ever switched on and are not revoked."""
    rows = await conn.fetch(
        "SELECT s.partner FROM straight s JOIN partner p ON p.code = s.partner WHERE p.state <> $1", REVOKED
    )
    return [row[0] for row in rows]


async def note(conn: Any, code: str, *, created: str, floor: int, stored: int, confirmed: int) -> None:
    """Keep how far a partner is. The floor of a stream that is not the noted one any more is not taken."""
    await conn.execute(
        """
        UPDATE straight SET floor = greatest(floor, $3), stored = greatest(stored, $4),
                            confirmed = greatest(confirmed, $5)
        WHERE partner = $1 AND stream_created = $2
        """,
        code,
        created,
        floor,
        stored,
        confirmed,
    )


async def distrust(conn: Any, code: str) -> None:
    """The partner's stream is not to be used any more, or is gone."""
    await conn.execute("UPDATE straight SET stream_created = '' WHERE partner = $1", code)


async def begin(conn: Any, code: str, *, created: str, filled_for: str, stored: int) -> None:
    """The partner's stream is a new one, empty after sequence `stored`; answers not confirmed go into it again."""
    await conn.execute(
        """
        UPDATE straight SET stream_created = $2, filled_for = $3, stored = $4, confirmed = $4 WHERE partner = $1
        """,
        code,
        created,
        filled_for,
        stored,
    )
    await conn.execute("UPDATE straight_answer SET stored = NULL WHERE partner = $1", code)


# -- answers -----------------------------------------------------------------------------------------------------


async def add_answer(
    conn: Any, code: str, answer: Answer, *, inbox_created: str, inbox_sequence: int
) -> None:
    """Keep an answer until the partner has confirmed it; the message answered may come twice, its answer does not."""
    await conn.execute(
        """
        INSERT INTO straight_answer (partner, event_id, type, answered_at, data, inbox_created, inbox_sequence)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        code,
        answer.event_id,
        answer.type,
        answer.answered_at,
        answer.data,
        inbox_created,
        inbox_sequence,
    )


async def waiting_answers(conn: Any, code: str, limit: int) -> list[Answer]:
    """The oldest answers to a partner that are not in its stream."""
    rows = await conn.fetch(
        """
        SELECT id, event_id, type, answered_at, data FROM straight_answer
        WHERE partner = $1 AND stored IS NULL ORDER BY id LIMIT $2
        """,
        code,
        limit,
    )
    return [
        Answer(id=row[0], event_id=plain(row[1]), type=row[2], answered_at=row[3], data=row[4])
        for row in rows
    ]


async def answers_stored(conn: Any, stored: Sequence[tuple[int, int]]) -> None:
    """Note where answers are: pairs of id and sequence."""
    await conn.execute(
        """
        UPDATE straight_answer SET stored = found.sequence
        FROM unnest($1::bigint[], $2::bigint[]) AS found (id, sequence) WHERE straight_answer.id = found.id
        """,
        [pair[0] for pair in stored],
        [pair[1] for pair in stored],
    )


async def forget_answers(conn: Any, code: str, confirmed: int) -> None:
    """Delete what the partner has confirmed."""
    await conn.execute("DELETE FROM straight_answer WHERE partner = $1 AND stored <= $2", code, confirmed)


async def forget_old_answers(conn: Any, kept: timedelta, limit: int) -> int:
    """Delete what nobody has fetched for so long: it may be about people. The event sent again is answered."""
    deleted: str = await conn.execute(
        """
        DELETE FROM straight_answer WHERE id = ANY (ARRAY(
            SELECT id FROM straight_answer WHERE answered_at < now() - $1::interval ORDER BY id LIMIT $2
        ))
        """,
        kept,
        limit,
    )
    return int(deleted.rpartition(" ")[2])


# -- the feed ----------------------------------------------------------------------------------------------------


async def rows_after(conn: Any, after: int, limit: int) -> list[Entry]:
    """The next events of the feed, whomever they concern: at most `limit`, and about a megabyte."""
    rows = await conn.fetch(_TAIL, after, limit, _BYTES_MAX)
    return [feed_store.entry_of(row) for row in rows]


def _standing(row: Any) -> Standing:
    return Standing(
        partner=partner_of(row),
        began=row["began"],
        floor=row["floor"],
        stream_created=row["stream_created"],
        filled_for=row["filled_for"],
        stored=row["stored"],
        confirmed=row["confirmed"],
    )
