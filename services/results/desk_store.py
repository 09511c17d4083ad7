"""All SQL of desks: their lists, the chain of custody, hand-overs, and what verification looks up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from services.results.store import Connection

_encode = msgspec.json.Encoder().encode


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Who took the papers. Personal data: stays in this service.

    `authorisation` and `evidence` name papers that were shown; `checked` says how the right was established, `mismatch`
    why the officer answers for papers that differ from the dossier. The signature is a picture in the archive, if any.
    """

    name: str
    relation: str
    identity_number: str
    authorisation: str = ""
    evidence: str = ""
    checked: str = ""
    mismatch: str = ""
    signature_key: str = ""
    signature_sha256: str = ""
    signed_on_paper: bool = False


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """One act of handing over: its place, officer and receiver, and the results given.

    `officer` is a login, or with `officer_kind` `system` the code of the other system that said it for its desk.
    """

    id: UUID
    dossier_id: UUID
    place: str
    handed_over_at: datetime
    officer: str
    officer_kind: str = "officer"
    receiver: Receiver
    result_ids: tuple[UUID, ...]


async def result_row(conn: Connection, result_id: UUID) -> asyncpg.Record | None:
    """Everything stored about one result."""
    return await conn.fetchrow("SELECT * FROM result WHERE id = $1", result_id)


async def dossiers_of(
    conn: Connection, result_ids: Sequence[UUID]
) -> tuple[datetime | None, dict[UUID, UUID]]:
    """The database's clock and the dossier of each result there is; no time when there is none."""
    rows = await conn.fetch(
        "SELECT id, dossier_id, now() AS now FROM result WHERE id = ANY($1::uuid[])", list(result_ids)
    )
    return (rows[0]["now"] if rows else None), {row["id"]: row["dossier_id"] for row in rows}


async def result_by_token(conn: Connection, token: str) -> asyncpg.Record | None:
    """The result a verification token belongs to."""
    return await conn.fetchrow("SELECT * FROM result WHERE verify_token = $1", token)


async def results_of(conn: Connection, dossier_id: UUID) -> list[asyncpg.Record]:
    """All results of a dossier, oldest first."""
    return await conn.fetch("SELECT * FROM result WHERE dossier_id = $1 ORDER BY code, version", dossier_id)


async def with_receivers(conn: Connection, dossier_ids: Sequence[UUID]) -> list[asyncpg.Record]:
    """All results of these dossiers by code and version, each with its hand-over's moment and receiver, if any."""
    return await conn.fetch(
        """
        SELECT result.*, handover.handed_over_at, handover.receiver FROM result
        LEFT JOIN handover_result ON handover_result.result_id = result.id
        LEFT JOIN handover ON handover.id = handover_result.handover_id
        WHERE result.dossier_id = ANY($1::uuid[]) ORDER BY result.dossier_id, code, version
        """,
        list(dossier_ids),
    )


async def count_at(conn: Connection, place: str, most: int) -> tuple[int, int]:
    """How many papers are on their way to a place, and how many lie there to be handed over; each counted to `most`."""
    row = await conn.fetchrow(
        """
        SELECT
            (SELECT count(*) FROM (SELECT FROM result WHERE place = $1 AND state IN ('issued', 'dispatched')
                AND state IN ('pending', 'issued', 'dispatched', 'ready') LIMIT $2) AS coming),
            (SELECT count(*) FROM (SELECT FROM result WHERE place = $1 AND state = 'ready'
                AND state IN ('pending', 'issued', 'dispatched', 'ready') LIMIT $2) AS there)
        """,
        place,
        most,
    )
    return (row[0], row[1]) if row else (0, 0)


async def results_at(
    conn: Connection, place: str, states: Sequence[str], after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """What lies at, or is on its way to, a place of hand-over; pages by result id."""
    return await conn.fetch(
        """
        SELECT * FROM result WHERE place = $1 AND state = ANY($2::text[]) AND ($3::uuid IS NULL OR id > $3)
        ORDER BY id LIMIT $4
        """,
        place,
        list(states),
        after,
        limit,
    )


async def results_from(
    conn: Connection, agency: str, states: Sequence[str], after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """What an issuing agency still has to send off; pages by result id."""
    return await conn.fetch(
        """
        SELECT * FROM result WHERE agency = $1 AND state = ANY($2::text[]) AND ($3::uuid IS NULL OR id > $3)
        ORDER BY id LIMIT $4
        """,
        agency,
        list(states),
        after,
        limit,
    )


async def log_acts(conn: Connection, rows: Sequence[tuple[UUID, UUID, str, str, str, str]]) -> None:
    """Append to the chain of custody: (dossier, result, act, actor, agency, note)."""
    columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
    await conn.execute(
        """
        INSERT INTO custody_log (dossier_id, result_id, act, actor, agency, note)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
        """,
        *columns,
    )


async def custody_log(conn: Connection, dossier_id: UUID) -> list[asyncpg.Record]:
    """The chain of custody of a dossier's results, oldest first."""
    return await conn.fetch("SELECT * FROM custody_log WHERE dossier_id = $1 ORDER BY id", dossier_id)


async def record_handovers(conn: Connection, handovers: Sequence[Handover]) -> None:
    """Store who took which results. A second hand-over of a result violates its primary key."""
    await conn.execute(
        """
        INSERT INTO handover (id, dossier_id, place, handed_over_at, officer, officer_kind, receiver)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::bytea[])
        """,
        [handover.id for handover in handovers],
        [handover.dossier_id for handover in handovers],
        [handover.place for handover in handovers],
        [handover.handed_over_at for handover in handovers],
        [handover.officer for handover in handovers],
        [handover.officer_kind for handover in handovers],
        [_encode(handover.receiver) for handover in handovers],
    )
    given = [(handover.id, result_id) for handover in handovers for result_id in handover.result_ids]
    await conn.execute(
        "INSERT INTO handover_result (handover_id, result_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])",
        [handover_id for handover_id, _ in given],
        [result_id for _, result_id in given],
    )


async def handover_of(conn: Connection, result_id: UUID) -> Handover | None:
    """The act by which a result was handed over; None when it has not been."""
    row = await conn.fetchrow(
        """
        SELECT h.*, (SELECT array_agg(result_id) FROM handover_result WHERE handover_id = h.id) AS result_ids
        FROM handover h JOIN handover_result hr ON hr.handover_id = h.id WHERE hr.result_id = $1
        """,
        result_id,
    )
    if row is None:
        return None
    return Handover(
        id=row["id"],
        dossier_id=row["dossier_id"],
        place=row["place"],
        handed_over_at=row["handed_over_at"],
        officer=row["officer"],
        officer_kind=row["officer_kind"],
        receiver=msgspec.json.decode(row["receiver"], type=Receiver),
        result_ids=tuple(row["result_ids"]),
    )
