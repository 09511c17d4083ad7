"""All SQL of planning messages: what waits and what was told, loaded and saved for whole batches."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.handling import Change
from services.notify.domain import Message, Outbox
from services.notify.texts import Occasion

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_encode = msgspec.json.Encoder().encode
decode_occasions = msgspec.json.Decoder(tuple[Occasion, ...]).decode


async def load(conn: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Outbox]:
    """What waits and what was told of these dossiers.

    The dossiers are locked even when nothing waits yet: two batches that speak of one dossier must not plan two
    messages of what belongs into one. The waiting messages are locked too, so that nobody sends one while it grows.
    """
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(id::text, 0)) FROM unnest($1::uuid[]) AS asked (id)",
        list(dossier_ids),
    )
    rows = await conn.fetch(
        """
        SELECT waiting.* FROM unnest($1::uuid[]) AS asked (dossier_id)
        CROSS JOIN LATERAL (
            SELECT id, dossier_id, rule, audience, grouping, not_before, occasions FROM message
            WHERE message.dossier_id = asked.dossier_id AND state = 'queued' ORDER BY id FOR UPDATE) AS waiting
        """,
        list(dossier_ids),
    )
    told = await conn.fetch(
        """
        SELECT dossier_id, rule, key FROM unnest($1::uuid[]) AS asked (dossier_id) JOIN occasion USING (dossier_id)
        """,
        list(dossier_ids),
    )
    waiting: dict[UUID, list[Message]] = {}
    for row in rows:
        waiting.setdefault(row["dossier_id"], []).append(_message(row))
    known: dict[UUID, set[tuple[str, str]]] = {}
    for row in told:
        known.setdefault(row["dossier_id"], set()).add((row["rule"], row["key"]))
    return {
        dossier_id: Outbox(
            waiting=tuple(waiting.get(dossier_id, ())), told=frozenset(known.get(dossier_id, ()))
        )
        for dossier_id in waiting.keys() | known.keys()
    }


async def save(conn: Connection, changes: Sequence[Change[Outbox]]) -> None:
    """Store new messages, grown ones, and the occasions they speak of; end those with nothing left to tell."""
    new: list[tuple[UUID, Message]] = []
    grown: list[tuple[UUID, Message]] = []
    told: list[tuple[UUID, str, str, UUID]] = []
    overtaken: list[UUID] = []
    for change in changes:
        known = {m.id: m for m in change.before.waiting} if change.before else {}
        told_before = change.before.told if change.before else frozenset()
        for message in change.after.waiting:
            told += [
                (change.dossier_id, occasion.rule, occasion.key, message.id)
                for occasion in message.occasions
                if (occasion.rule, occasion.key) not in told_before
            ]
            if message.id not in known:
                new.append((change.dossier_id, message))
            elif message != known[message.id]:
                grown.append((change.dossier_id, message))
        overtaken.extend(known.keys() - {m.id for m in change.after.waiting})
    if overtaken:
        await conn.execute(
            "UPDATE message SET state = 'dropped', reason = 'overtaken' WHERE id = ANY($1::uuid[])", overtaken
        )
    if new:
        await _insert(conn, new)
    if grown:
        await conn.execute(
            """
            UPDATE message SET rule = g.rule, occasions = g.occasions
            FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS g (id, rule, occasions) WHERE message.id = g.id
            """,
            [m.id for _, m in grown],
            [m.rule for _, m in grown],
            [_encode(m.occasions) for _, m in grown],
        )
    if told:
        await _insert_occasions(conn, told)


async def _insert(conn: Connection, messages: Sequence[tuple[UUID, Message]]) -> None:
    await conn.execute(
        """
        INSERT INTO message (id, dossier_id, rule, audience, grouping, occasions, not_before)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[])
        """,
        [m.id for _, m in messages],
        [dossier_id for dossier_id, _ in messages],
        [m.rule for _, m in messages],
        [m.audience for _, m in messages],
        [m.group for _, m in messages],
        [_encode(m.occasions) for _, m in messages],
        [m.not_before for _, m in messages],
    )


async def _insert_occasions(conn: Connection, told: Sequence[tuple[UUID, str, str, UUID]]) -> None:
    """Dossier, rule, key and message of each occasion; a second telling violates the primary key."""
    await conn.execute(
        """
        INSERT INTO occasion (dossier_id, rule, key, message_id)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[])
        """,
        [each[0] for each in told],
        [each[1] for each in told],
        [each[2] for each in told],
        [each[3] for each in told],
    )


def _message(row: asyncpg.Record) -> Message:
    return Message(
        id=row["id"],
        rule=row["rule"],
        audience=row["audience"],
        group=row["grouping"],
        not_before=row["not_before"],
        occasions=decode_occasions(row["occasions"]),
    )
