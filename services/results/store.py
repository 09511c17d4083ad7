"""All SQL of custody: every dossier's results as the domain sees them, loaded and saved for whole batches."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.handling import Change
from services.results.domain import ENDED_STATES, Custody, Redirection, Result

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_decode = msgspec.json.Decoder(Custody).decode
_encode = msgspec.json.Encoder().encode


async def load(conn: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Custody]:
    """The custody of these dossiers, locked in id order so that two batches cannot deadlock."""
    rows = await conn.fetch(
        "SELECT dossier_id, state FROM custody WHERE dossier_id = ANY($1::uuid[]) ORDER BY dossier_id FOR UPDATE",
        list(dossier_ids),
    )
    return {row["dossier_id"]: _decode(row["state"]) for row in rows}


async def look(conn: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Custody]:
    """The custody of these dossiers as it stands, without a lock."""
    rows = await conn.fetch(
        "SELECT dossier_id, state FROM custody WHERE dossier_id = ANY($1::uuid[])", list(dossier_ids)
    )
    return {row["dossier_id"]: _decode(row["state"]) for row in rows}


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a printed result: its name, where it is, its SHA-256, and the token its QR leads to.

    `desk` is the agency that handed the dossier in, which may fetch an electronic result for the family; `receiving`
    the counter that looks after the dossier.
    """

    result_id: UUID
    title: str
    token: str
    key: str | None
    sha256: bytes | None
    desk: str = ""
    receiving: str = ""


async def save(
    conn: Connection, changes: Sequence[Change[Custody]], documents: Sequence[Document] = ()
) -> None:
    """Save what changed: every custody in one statement, every result row that differs in another.

    Results that are issued by this change come with their `documents`. Rows that leave the valid states are written
    before those that enter them: superseding and issuing happen in one statement each, so the index that allows a
    single valid version never sees two. Raises SerializationError when another transaction has opened the custody of a
    dossier that `load` did not find: whoever comes second tries again.
    """
    opened = [change for change in changes if change.before is None]
    if opened:
        await _open_custodies(conn, opened)
    grown = [change for change in changes if change.before is not None]
    if grown:
        await conn.execute(
            """
            UPDATE custody SET state = grown.state, closed_at = grown.closed_at
            FROM unnest($1::uuid[], $2::bytea[], $3::timestamptz[]) AS grown (dossier_id, state, closed_at)
            WHERE custody.dossier_id = grown.dossier_id
            """,
            [change.dossier_id for change in grown],
            [_encode(change.after) for change in grown],
            [change.after.closed_at for change in grown],
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
    ended = [r for r in moved if r.state in ENDED_STATES]
    if ended:
        await _move_results(conn, ended)
    printed = {document.result_id: document for document in documents}
    living = [r for r in moved if r.state not in ENDED_STATES and r.id not in printed]
    if living:
        await _move_results(conn, living)
    issued = [r for r in moved if r.id in printed]
    if issued:
        await _issue_results(conn, issued, [printed[r.id] for r in issued])
    if new:
        await _insert_results(conn, new)
    turned = [
        (change.dossier_id, act)
        for change in changes
        for act in change.after.redirections[len(change.before.redirections) if change.before else 0 :]
    ]
    if turned:
        await _log_redirections(conn, turned)


async def _log_redirections(conn: Connection, turned: Sequence[tuple[UUID, Redirection]]) -> None:
    """Add to the chain of custody what intake's word did: the desk it came from, and the event that says more."""
    await conn.execute(
        """
        INSERT INTO custody_log (dossier_id, result_id, act, actor, agency, note)
        SELECT dossier_id, result_id, act, 'intake', agency, note
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
            AS turned (dossier_id, result_id, act, agency, note)
        """,
        [dossier_id for dossier_id, _ in turned],
        [act.result_id for _, act in turned],
        ["redirect-refused" if act.refused else "redirect" for _, act in turned],
        [act.by for _, act in turned],
        [
            " ".join(part for part in (act.delivery, act.place, f"event {act.event}") if part)
            for _, act in turned
        ],
    )


async def _open_custodies(conn: Connection, opened: Sequence[Change[Custody]]) -> None:
    status = await conn.execute(
        """
        INSERT INTO custody (dossier_id, state, closed_at)
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::timestamptz[]) ON CONFLICT (dossier_id) DO NOTHING
        """,
        [change.dossier_id for change in opened],
        [_encode(change.after) for change in opened],
        [change.after.closed_at for change in opened],
    )
    if status != f"INSERT 0 {len(opened)}":
        raise asyncpg.SerializationError("a custody was opened by another transaction")


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
        UPDATE result SET state = moved.state, changed_at = moved.at, delivery = moved.delivery, place = moved.place
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])
            AS moved (id, state, at, delivery, place)
        WHERE result.id = moved.id
        """,
        [r.id for r in results],
        [r.state for r in results],
        [r.changed_at for r in results],
        [r.delivery for r in results],
        [r.place for r in results],
    )


async def _issue_results(conn: Connection, results: Sequence[Result], documents: Sequence[Document]) -> None:
    await conn.execute(
        """
        UPDATE result SET state = i.state, changed_at = i.at, issued_at = now(), title = i.title,
            verify_token = i.token, document_key = i.key, document_sha256 = i.sha256, desk = i.desk,
            receiving = i.receiving
        FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::bytea[],
                    $8::text[], $9::text[]) AS i (id, state, at, title, token, key, sha256, desk, receiving)
        WHERE result.id = i.id
        """,
        [r.id for r in results],
        [r.state for r in results],
        [r.changed_at for r in results],
        [d.title for d in documents],
        [d.token for d in documents],
        [d.key for d in documents],
        [d.sha256 for d in documents],
        [d.desk for d in documents],
        [d.receiving for d in documents],
    )
