"""All SQL of results. One short function a query; each takes the connection first."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.handling import Change
from services.results.domain import PENDING, Custody, Result

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_decode = msgspec.json.Decoder(Custody).decode
_encode = msgspec.json.Encoder().encode


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a printed result: where, its SHA-256, and the token its QR leads to."""

    result_id: UUID
    token: str
    key: str | None
    sha256: bytes | None


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Who took the papers. Personal data: stays in this service."""

    name: str
    relation: str
    identity_number: str
    authorisation: str = ""
    checked: str = ""


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """One act of handing over: its place, officer and receiver, and the results given."""

    id: UUID
    dossier_id: UUID
    place: str
    handed_over_at: datetime
    officer: str
    receiver: Receiver
    result_ids: tuple[UUID, ...]


async def load(conn: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Custody]:
    """The custody of these dossiers, locked in id order so that two batches cannot deadlock."""
    rows = await conn.fetch(
        "SELECT dossier_id, state FROM custody WHERE dossier_id = ANY($1::uuid[]) ORDER BY dossier_id FOR UPDATE",
        list(dossier_ids),
    )
    return {row["dossier_id"]: _decode(row["state"]) for row in rows}


async def load_one(conn: Connection, dossier_id: UUID) -> Custody | None:
    """The custody of one dossier, locked; None when it has no results yet."""
    return (await load(conn, [dossier_id])).get(dossier_id)


async def save(conn: Connection, changes: Sequence[Change[Custody]]) -> None:
    """Save what changed: every custody in one statement, every result row that differs in another.

    Rows that leave the valid states are written before those that enter them: superseding and issuing happen in one
    statement each, so the index that allows a single valid version never sees two.
    """
    await conn.execute(
        """
        INSERT INTO custody (dossier_id, state, closed_at)
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::timestamptz[])
        ON CONFLICT (dossier_id) DO UPDATE SET state = excluded.state, closed_at = excluded.closed_at
        """,
        [change.dossier_id for change in changes],
        [_encode(change.after) for change in changes],
        [change.after.closed_at for change in changes],
    )
    new: list[tuple[UUID, Result]] = []
    moved: list[Result] = []
    for change in changes:
        known = {r.id: r for r in change.before.results} if change.before else {}
        for result in change.after.results:
            if result.id not in known:
                new.append((change.dossier_id, result))
            elif result != known[result.id]:
                moved.append(result)
    ended = [r for r in moved if r.state in ("superseded", "revoked", "cancelled", "rejected")]
    if ended:
        await _move_results(conn, ended)
    living = [r for r in moved if r not in ended]
    if living:
        await _move_results(conn, living)
    if new:
        await _insert_results(conn, new)


async def _insert_results(conn: Connection, results: Sequence[tuple[UUID, Result]]) -> None:
    await conn.execute(
        """
        INSERT INTO result (id, dossier_id, code, step, agency, version, delivery, place, state, changed_at)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[],
                             $8::text[], $9::text[], $10::timestamptz[])
        """,
        [r.id for _, r in results],
        [dossier_id for dossier_id, _ in results],
        [r.code for _, r in results],
        [r.step for _, r in results],
        [r.agency for _, r in results],
        [r.version for _, r in results],
        [r.delivery for _, r in results],
        [r.place for _, r in results],
        [r.state for _, r in results],
        [r.changed_at for _, r in results],
    )


async def _move_results(conn: Connection, results: Sequence[Result]) -> None:
    await conn.execute(
        """
        UPDATE result SET state = moved.state, changed_at = moved.at
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS moved (id, state, at)
        WHERE result.id = moved.id
        """,
        [r.id for r in results],
        [r.state for r in results],
        [r.changed_at for r in results],
    )


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A result waiting to be printed, and how often that was tried."""

    id: UUID
    dossier_id: UUID
    code: str
    step: str
    agency: str
    version: int
    attempts: int


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
        RETURNING id, dossier_id, code, step, agency, version, attempts
        """,
        limit,
        lease,
    )
    return [Order(**dict(row)) for row in rows]


async def postpone_orders(conn: Connection, result_ids: Sequence[UUID], delays: Sequence[timedelta]) -> None:
    """Try these again after their delays."""
    await conn.execute(
        """
        UPDATE result SET next_attempt_at = now() + later.delay
        FROM unnest($1::uuid[], $2::interval[]) AS later (id, delay) WHERE result.id = later.id
        """,
        list(result_ids),
        list(delays),
    )


async def record_documents(conn: Connection, documents: Sequence[Document]) -> None:
    """Store where the issued documents are. Called in the transaction that issues them."""
    await conn.execute(
        """
        UPDATE result SET issued_at = now(), verify_token = d.token, document_key = d.key, document_sha256 = d.sha256
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[]) AS d (id, token, key, sha256)
        WHERE result.id = d.id
        """,
        [d.result_id for d in documents],
        [d.token for d in documents],
        [d.key for d in documents],
        [d.sha256 for d in documents],
    )


async def pending_orders(conn: Connection) -> int:
    """How many results wait to be printed."""
    return int(await conn.fetchval("SELECT count(*) FROM result WHERE state = $1", PENDING))


async def result_row(conn: Connection, result_id: UUID) -> asyncpg.Record | None:
    """Everything stored about one result."""
    return await conn.fetchrow("SELECT * FROM result WHERE id = $1", result_id)


async def result_by_token(conn: Connection, token: str) -> asyncpg.Record | None:
    """The result a verification token belongs to."""
    return await conn.fetchrow("SELECT * FROM result WHERE verify_token = $1", token)


async def results_of(conn: Connection, dossier_id: UUID) -> list[asyncpg.Record]:
    """All results of a dossier, oldest first."""
    return await conn.fetch("SELECT * FROM result WHERE dossier_id = $1 ORDER BY code, version", dossier_id)


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


async def record_handover(conn: Connection, handover: Handover) -> None:
    """Store who took which results. A second hand-over of a result violates its primary key."""
    await conn.execute(
        "INSERT INTO handover (id, dossier_id, place, handed_over_at, officer, receiver) VALUES ($1,$2,$3,$4,$5,$6)",
        handover.id,
        handover.dossier_id,
        handover.place,
        handover.handed_over_at,
        handover.officer,
        _encode(handover.receiver),
    )
    await conn.execute(
        "INSERT INTO handover_result (handover_id, result_id) SELECT $1, unnest($2::uuid[])",
        handover.id,
        list(handover.result_ids),
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
        receiver=msgspec.json.decode(row["receiver"], type=Receiver),
        result_ids=tuple(row["result_ids"]),
    )
