"""Dossiers in PostgreSQL: read, lock and save them, look them up by code, token, agency. The file is in file_store."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.handling import Change
from libs.bus.outbox import Outgoing, emit
from services.intake.dossier import NOT_TAKEN, STOPPED, TAKEN_BACK, Dossier, Step

SOURCE = "intake"
PAGE_ROWS_MAX = 200
# The statuses in which a dossier may have come to nothing.
RELEASING = frozenset({NOT_TAKEN, TAKEN_BACK, STOPPED})

encode_state = msgspec.json.Encoder().encode
decode_state = msgspec.json.Decoder(Dossier).decode


class PublicStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What anybody holding a code or token may know: the status, days and whether papers are wanted, no person."""

    status: int
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    lacking: bool


def public_status(dossier: Dossier) -> PublicStatus:
    """What of a dossier anybody with its code may know."""
    request = dossier.open_request
    return PublicStatus(
        status=dossier.status,
        received_at=dossier.received_at,
        appointment_at=dossier.appointment_at,
        ended_at=dossier.ended_at,
        lacking=not dossier.ended and bool(request.missing if request else dossier.missing),
    )


async def load(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, Dossier]:
    """The dossiers with these ids, locked in the order of ids; those unknown are absent.

    NO KEY: rows of other tables may go on to refer to them.
    """
    rows = await connection.fetch(
        "SELECT id, state FROM dossier WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE",
        list(dossier_ids),
    )
    return {row["id"]: decode_state(row["state"]) for row in rows}


async def save(connection: Any, changes: Sequence[Change[Dossier]]) -> None:
    """Write changed dossiers: one statement, one more when some came to nothing and give their keys back."""
    after = [change.after for change in changes]
    await connection.execute(
        """
        UPDATE dossier SET status = new.status, appointment_at = new.appointment_at, ended_at = new.ended_at,
            state = new.state
        FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::timestamptz[], $5::bytea[])
            AS new (id, status, appointment_at, ended_at, state)
        WHERE dossier.id = new.id
        """,
        [dossier.id for dossier in after],
        [dossier.status for dossier in after],
        [dossier.appointment_at for dossier in after],
        [dossier.ended_at for dossier in after],
        [encode_state(dossier) for dossier in after],
    )
    released = [dossier.id for dossier in after if dossier.came_to_nothing]
    if released:
        await release_keys(connection, released)


async def release_keys(connection: Any, dossier_ids: Sequence[UUID]) -> None:
    """Let these births be declared again."""
    await connection.execute(
        """
        WITH likely AS (DELETE FROM likely_key WHERE dossier_id = ANY($1::uuid[]))
        DELETE FROM natural_key WHERE dossier_id = ANY($1::uuid[])
        """,
        list(dossier_ids),
    )


async def find_all(connection: Any, dossier_ids: Collection[UUID]) -> dict[UUID, Dossier]:
    """The dossiers with these ids, not locked; those unknown are absent."""
    rows = await connection.fetch(
        "SELECT id, state FROM dossier WHERE id = ANY($1::uuid[])", list(dossier_ids)
    )
    return {row["id"]: decode_state(row["state"]) for row in rows}


async def find(connection: Any, dossier_id: UUID) -> Dossier | None:
    """The dossier, not locked, or None."""
    state = await connection.fetchval("SELECT state FROM dossier WHERE id = $1", dossier_id)
    return None if state is None else decode_state(state)


async def find_many(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, Dossier]:
    """The dossiers with these ids, not locked; those unknown are absent."""
    rows = await connection.fetch(
        "SELECT id, state FROM dossier WHERE id = ANY($1::uuid[])", list(dossier_ids)
    )
    return {row["id"]: decode_state(row["state"]) for row in rows}


async def move(connection: Any, before: Dossier, decide: Callable[[Dossier], Step]) -> Dossier:
    """Apply one decision to a locked dossier: save it and say its events. Raises what `decide` raises."""
    after, events = decide(before)
    await save(connection, [Change(dossier_id=before.id, before=before, after=after)])
    await emit(connection, SOURCE, [Outgoing(dossier_id=before.id, event=event) for event in events])
    return after


async def page(
    connection: Any,
    *,
    agencies: Sequence[str],
    facility: str,
    statuses: Sequence[int] = (),
    before: UUID | None = None,
    limit: int = 50,
) -> list[Dossier]:
    """The dossiers the agencies received or a facility declared, the newest first, those before `before`."""
    # An index range for each, already in the order wanted, instead of an OR that would sort everything.
    rows = await connection.fetch(
        """
        SELECT id, state FROM (
            (SELECT its.id, its.state FROM unnest($1::text[]) AS mine (agency) CROSS JOIN LATERAL (
                SELECT id, state FROM dossier
                WHERE receiving_agency = mine.agency AND ($3::uuid IS NULL OR id < $3)
                    AND (cardinality($4::smallint[]) = 0 OR status = ANY($4))
                ORDER BY id DESC LIMIT $5) AS its)
            UNION
            (SELECT id, state FROM dossier
             WHERE $2 <> '' AND facility <> '' AND facility = $2 AND ($3::uuid IS NULL OR id < $3)
                AND (cardinality($4::smallint[]) = 0 OR status = ANY($4))
             ORDER BY id DESC LIMIT $5)
        ) AS mine ORDER BY id DESC LIMIT $5
        """,
        list(agencies),
        facility,
        before,
        list(statuses),
        min(limit, PAGE_ROWS_MAX),
    )
    return [decode_state(row["state"]) for row in rows]


async def status_by_token(connection: Any, token: str) -> PublicStatus | None:
    """The public status of the dossier with this tracking token, or None."""
    row = await connection.fetchrow("SELECT state FROM dossier WHERE token = $1", token)
    return None if row is None else public_status(decode_state(row["state"]))
