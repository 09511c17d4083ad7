"""SQL of stays: where mother and child lie, and the dossiers of a hospital by their discharge."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake.dossier import NOT_TAKEN, TAKEN_BACK, Dossier
from services.intake.stays import BedsideState, Stay
from services.intake.store import decode_state

LIST_ROWS_MAX = 200
# Dossiers older than this are on no bedside list. Ids begin with the time they were made (UUIDv7), so the index of a
# hospital's dossiers is read from there on.
WINDOW_DAYS = 90
# A bed that many births name is none ("0", "ghép"); the newest of them tell that as well as all of them would.
SAME_BED_MAX = 3


class Bedside(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier and the stay, if one was told."""

    dossier: Dossier
    stay: Stay | None


async def put(connection: Any, stays: Mapping[UUID, Stay], changed_by: Sequence[str]) -> None:
    """Write stays, in place of those there are; `changed_by` in the order of `stays`."""
    await connection.execute(
        """
        INSERT INTO stay (dossier_id, room, bed, discharge_at, changed_by)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamp[], $5::text[])
        ON CONFLICT (dossier_id) DO UPDATE SET room = excluded.room, bed = excluded.bed,
            discharge_at = excluded.discharge_at, changed_at = now(), changed_by = excluded.changed_by
        """,
        list(stays),
        [stay.room for stay in stays.values()],
        [stay.bed for stay in stays.values()],
        [stay.discharge_at for stay in stays.values()],
        list(changed_by),
    )


async def bedside(
    connection: Any,
    facility: str,
    state: BedsideState,
    *,
    wall_clock: datetime,
    left_before: datetime,
    limit: int,
) -> list[Bedside]:
    """The dossiers of a hospital by discharge (unknown last), then by room and bed; those left, the last one first.

    Left is whose planned discharge is past by the ward's `wall_clock`, and, where none was told, whose dossier came
    before `left_before`. What was refused at the door is on a list of its own while it is no older than that, what was
    taken back is shown with `all` only.
    """
    rows = await connection.fetch(
        """
        SELECT state, stay.dossier_id IS NOT NULL AS told, room, bed, discharge_at
        FROM dossier LEFT JOIN stay ON stay.dossier_id = dossier.id
        WHERE facility <> '' AND facility = $1
            AND id > (lpad(to_hex((extract(epoch FROM now() - make_interval(days => $2)) * 1000)::bigint), 12, '0')
                || '00000000000000000000')::uuid
            AND CASE $3 WHEN 'all' THEN true WHEN 'refused' THEN status = $8 AND received_at >= $6
                ELSE status <> ALL ($4::smallint[])
                    AND ($3 = 'left') = coalesce(discharge_at <= $5, received_at < $6) END
        ORDER BY CASE WHEN $3 = 'left' THEN discharge_at END DESC NULLS LAST, discharge_at NULLS LAST, room, bed, id
        LIMIT $7
        """,
        facility,
        WINDOW_DAYS,
        state,
        [NOT_TAKEN, TAKEN_BACK],
        wall_clock,
        left_before,
        limit,
        NOT_TAKEN,
    )
    return [_bedside(row) for row in rows]


async def in_the_same_bed(
    connection: Any,
    dossier_ids: Sequence[UUID],
    *,
    wall_clock: datetime,
    left_before: datetime,
    untold_before: datetime,
) -> list[tuple[UUID, UUID]]:
    """Each of the dossiers with the newest SAME_BED_MAX others of its hospital that name its room and bed.

    Who has left by the ward's `wall_clock` is left out, and where no discharge was told whose dossier came before
    `untold_before`. Only dossiers since `left_before` are looked at: longer stays are few, and this is asked at every
    declaration.
    """
    rows = await connection.fetch(
        """
        SELECT mine.id, theirs.id AS other
        FROM unnest($1::uuid[]) AS asked (id)
        JOIN stay AS my_stay ON my_stay.dossier_id = asked.id JOIN dossier AS mine ON mine.id = asked.id
        CROSS JOIN LATERAL (
            SELECT stay.dossier_id AS id FROM stay JOIN dossier ON dossier.id = stay.dossier_id
            WHERE lower(stay.room) = lower(my_stay.room) AND lower(stay.bed) = lower(my_stay.bed)
                AND stay.dossier_id > (lpad(to_hex((extract(epoch FROM $2::timestamptz) * 1000)::bigint), 12, '0')
                    || '00000000000000000000')::uuid
                AND stay.dossier_id <> mine.id AND dossier.facility = mine.facility AND mine.facility <> ''
                AND dossier.status <> ALL ($3::smallint[])
                AND coalesce(stay.discharge_at > $4, dossier.received_at >= $5)
            ORDER BY stay.dossier_id DESC LIMIT $6
        ) AS theirs
        """,
        list(dossier_ids),
        left_before,
        [NOT_TAKEN, TAKEN_BACK],
        wall_clock,
        untold_before,
        SAME_BED_MAX,
    )
    return [(row["id"], row["other"]) for row in rows]


async def bedside_of(connection: Any, facility: str, dossier_id: UUID) -> Bedside | None:
    """One dossier of a hospital, however old; None where it is another's or there is none."""
    row = await connection.fetchrow(
        """
        SELECT state, stay.dossier_id IS NOT NULL AS told, room, bed, discharge_at
        FROM dossier LEFT JOIN stay ON stay.dossier_id = dossier.id
        WHERE id = $1 AND facility <> '' AND facility = $2
        """,
        dossier_id,
        facility,
    )
    return _bedside(row) if row else None


def _bedside(row: Any) -> Bedside:
    told = Stay(room=row["room"], bed=row["bed"], discharge_at=row["discharge_at"]) if row["told"] else None
    return Bedside(dossier=decode_state(row["state"]), stay=told)
