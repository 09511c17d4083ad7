"""All SQL of notify. One short function a query; each takes the connection first."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.handling import Change
from services.notify.domain import Message, Outbox
from services.notify.texts import Occasion

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

_encode = msgspec.json.Encoder().encode
_decode_occasions = msgspec.json.Decoder(tuple[Occasion, ...]).decode


async def load(conn: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Outbox]:
    """The waiting messages of these dossiers, locked so that nobody sends them while they grow."""
    rows = await conn.fetch(
        """
        SELECT * FROM message WHERE dossier_id = ANY($1::uuid[]) AND state = 'queued' ORDER BY id FOR UPDATE
        """,
        list(dossier_ids),
    )
    waiting: dict[UUID, list[Message]] = {}
    for row in rows:
        waiting.setdefault(row["dossier_id"], []).append(_message(row))
    return {dossier_id: Outbox(waiting=tuple(messages)) for dossier_id, messages in waiting.items()}


async def save(conn: Connection, changes: Sequence[Change[Outbox]]) -> None:
    """Store new messages and grown ones. An occasion already told of is left out, and a message of nothing with it."""
    new: list[tuple[UUID, Message]] = []
    grown: list[Message] = []
    for change in changes:
        known = {m.id: m for m in change.before.waiting} if change.before else {}
        for message in change.after.waiting:
            if message.id not in known:
                new.append((change.dossier_id, message))
            elif message != known[message.id]:
                grown.append(message)
    if new:
        await _insert(conn, new)
    if grown:
        await conn.execute(
            """
            UPDATE message SET rule = g.rule, occasions = g.occasions
            FROM unnest($1::uuid[], $2::text[], $3::bytea[]) AS g (id, rule, occasions) WHERE message.id = g.id
            """,
            [m.id for m in grown],
            [m.rule for m in grown],
            [_encode(m.occasions) for m in grown],
        )
        owners = {m.id: c.dossier_id for c in changes for m in c.after.waiting}
        await _insert_occasions(conn, [(owners[m.id], m) for m in grown])


async def _insert(conn: Connection, messages: Sequence[tuple[UUID, Message]]) -> None:
    told = await _told(conn, messages)
    fresh = [
        (dossier_id, message)
        for dossier_id, message in messages
        if any((dossier_id, o.rule, o.key) not in told for o in message.occasions)
    ]
    if not fresh:
        return
    await conn.execute(
        """
        INSERT INTO message (id, dossier_id, rule, audience, grouping, occasions, not_before)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[])
        ON CONFLICT (id) DO NOTHING
        """,
        [m.id for _, m in fresh],
        [dossier_id for dossier_id, _ in fresh],
        [m.rule for _, m in fresh],
        [m.audience for _, m in fresh],
        [m.group for _, m in fresh],
        [_encode(m.occasions) for _, m in fresh],
        [m.not_before for _, m in fresh],
    )
    await _insert_occasions(conn, fresh)


async def _told(conn: Connection, messages: Sequence[tuple[UUID, Message]]) -> set[tuple[UUID, str, str]]:
    asked = [(d, o.rule, o.key) for d, m in messages for o in m.occasions]
    rows = await conn.fetch(
        """
        SELECT dossier_id, rule, key FROM occasion
        WHERE (dossier_id, rule, key) IN (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]))
        """,
        [a[0] for a in asked],
        [a[1] for a in asked],
        [a[2] for a in asked],
    )
    return {(row["dossier_id"], row["rule"], row["key"]) for row in rows}


async def _insert_occasions(conn: Connection, messages: Sequence[tuple[UUID, Message]]) -> None:
    rows = [(d, o.rule, o.key, m.id) for d, m in messages for o in m.occasions]
    await conn.execute(
        """
        INSERT INTO occasion (dossier_id, rule, key, message_id)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) ON CONFLICT DO NOTHING
        """,
        [r[0] for r in rows],
        [r[1] for r in rows],
        [r[2] for r in rows],
        [r[3] for r in rows],
    )


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send now."""

    id: UUID
    dossier_id: UUID
    rule: str
    audience: str
    occasions: tuple[Occasion, ...]
    attempts: int


async def claim_due(conn: Connection, limit: int, lease: timedelta) -> list[Due]:
    """Take up to `limit` messages that are due. From here on they count as possibly sent."""
    rows = await conn.fetch(
        """
        UPDATE message SET state = 'sending', attempts = attempts + 1, lease_until = now() + $2
        WHERE id IN (SELECT id FROM message WHERE state = 'queued' AND not_before <= now()
                     ORDER BY not_before LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING id, dossier_id, rule, audience, occasions, attempts
        """,
        limit,
        lease,
    )
    return [
        Due(
            id=row["id"],
            dossier_id=row["dossier_id"],
            rule=row["rule"],
            audience=row["audience"],
            occasions=_decode_occasions(row["occasions"]),
            attempts=row["attempts"],
        )
        for row in rows
    ]


async def give_up_leases(conn: Connection) -> int:
    """Messages whose sender died between taking and telling: nobody knows whether they went out. Returns how many."""
    status = await conn.execute(
        """
        UPDATE message SET state = 'unknown', reason = 'sender-lost' WHERE state = 'sending' AND lease_until < now()
        """
    )
    return int(status.rsplit(" ", 1)[-1])


async def requeue(conn: Connection, message_id: UUID, not_before: datetime, reason: str) -> None:
    """The provider certainly has not taken it: try again later."""
    await conn.execute(
        "UPDATE message SET state = 'queued', not_before = $2, reason = $3 WHERE id = $1 AND state = 'sending'",
        message_id,
        not_before,
        reason,
    )


async def finish(
    conn: Connection, message_id: UUID, state: str, channel: str, provider_id: str, reason: str
) -> bool:
    """Record how sending ended. Returns whether this call changed the state from sending."""
    status = await conn.execute(
        """
        UPDATE message SET state = $2, channel = $3, provider_id = $4, reason = $5, lease_until = NULL,
            sent_at = CASE WHEN $2 IN ('sent', 'delivered') THEN now() END,
            delivered_at = CASE WHEN $2 = 'delivered' THEN now() END,
            failed_at = CASE WHEN $2 = 'failed' THEN now() END
        WHERE id = $1 AND state = 'sending'
        """,
        message_id,
        state,
        channel,
        provider_id,
        reason,
    )
    return status.endswith(" 1")


async def by_provider_id(conn: Connection, channel: str, provider_id: str) -> asyncpg.Record | None:
    """The message a provider's receipt speaks of, locked."""
    return await conn.fetchrow(
        "SELECT * FROM message WHERE channel = $1 AND provider_id = $2 FOR UPDATE", channel, provider_id
    )


async def move(conn: Connection, message_id: UUID, state: str, reason: str) -> None:
    """Record what a provider's receipt said."""
    await conn.execute(
        """
        UPDATE message SET state = $2, reason = $3,
            sent_at = coalesce(sent_at, now()),
            delivered_at = CASE WHEN $2 = 'delivered' THEN now() ELSE delivered_at END,
            failed_at = CASE WHEN $2 = 'failed' THEN now() ELSE failed_at END
        WHERE id = $1
        """,
        message_id,
        state,
        reason,
    )


async def messages_of(conn: Connection, dossier_id: UUID) -> list[asyncpg.Record]:
    """All messages of a dossier, oldest first."""
    return await conn.fetch("SELECT * FROM message WHERE dossier_id = $1 ORDER BY created_at, id", dossier_id)


async def put_in_inbox(
    conn: Connection, message_id: UUID, agency: str, dossier_id: UUID, subject: str, body: str
) -> None:
    """Lay a message into a desk's inbox, once."""
    await conn.execute(
        """
        INSERT INTO inbox (message_id, agency, dossier_id, subject, body) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """,
        message_id,
        agency,
        dossier_id,
        subject,
        body,
    )


async def inbox(
    conn: Connection, agency: str, unread_only: bool, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """A desk's messages; pages by message id."""
    return await conn.fetch(
        """
        SELECT * FROM inbox WHERE agency = $1 AND (NOT $2 OR read_at IS NULL) AND ($3::uuid IS NULL OR message_id > $3)
        ORDER BY message_id LIMIT $4
        """,
        agency,
        unread_only,
        after,
        limit,
    )


async def mark_read(conn: Connection, agency: str, message_id: UUID, reader: str) -> asyncpg.Record | None:
    """Somebody at the desk has read it; only the first reading counts. None when it was read or is not theirs."""
    return await conn.fetchrow(
        """
        UPDATE inbox SET read_at = now(), read_by = $3 WHERE message_id = $1 AND agency = $2 AND read_at IS NULL
        RETURNING *
        """,
        message_id,
        agency,
        reader,
    )


async def in_inbox(conn: Connection, agency: str, message_id: UUID) -> bool:
    """Whether the message lies in this desk's inbox, read or not."""
    return bool(
        await conn.fetchval("SELECT 1 FROM inbox WHERE message_id = $1 AND agency = $2", message_id, agency)
    )


def _message(row: asyncpg.Record) -> Message:
    return Message(
        id=row["id"],
        rule=row["rule"],
        audience=row["audience"],
        group=row["grouping"],
        not_before=row["not_before"],
        occasions=_decode_occasions(row["occasions"]),
    )
