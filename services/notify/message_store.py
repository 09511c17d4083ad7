"""All SQL of what became of messages: receipts of providers, what operators see and decide."""

from datetime import datetime
from uuid import UUID

import asyncpg

from services.notify.store import Connection


async def by_receipt(
    conn: Connection, channel: str, provider_id: str, message_id: UUID | None
) -> asyncpg.Record | None:
    """The message a provider's receipt speaks of, locked.

    By our own id where the provider repeats it: the only way to a message whose sender died before it could note
    what the provider called it. One that waits is found only when it was on this channel before.
    """
    return await conn.fetchrow(
        """
        SELECT * FROM message
        WHERE (channel = $1 AND provider_id = $2 AND $2 <> '')
           OR (id = $3 AND (channel = $1 OR (channel = '' AND state <> 'queued')))
        ORDER BY (channel = $1 AND provider_id = $2) DESC LIMIT 1 FOR UPDATE
        """,
        channel,
        provider_id,
        message_id,
    )


async def one(conn: Connection, message_id: UUID) -> asyncpg.Record | None:
    """One message, locked."""
    return await conn.fetchrow("SELECT * FROM message WHERE id = $1 FOR UPDATE", message_id)


async def move(
    conn: Connection, message_id: UUID, state: str, channel: str, provider_id: str, reason: str
) -> datetime:
    """Record what a receipt said; returns when."""
    moved: datetime = await conn.fetchval(
        """
        UPDATE message SET state = $2, reason = $5, lease_until = NULL,
            channel = $3, provider_id = CASE WHEN $4 = '' THEN provider_id ELSE $4 END,
            sent_at = CASE WHEN $2 = 'failed' THEN sent_at ELSE coalesce(sent_at, now()) END,
            delivered_at = CASE WHEN $2 = 'delivered' THEN now() END,
            failed_at = CASE WHEN $2 = 'failed' THEN now() END
        WHERE id = $1 RETURNING now()
        """,
        message_id,
        state,
        channel,
        provider_id,
        reason,
    )
    return moved


async def messages_of(conn: Connection, dossier_id: UUID) -> list[asyncpg.Record]:
    """All messages of a dossier, oldest first."""
    return await conn.fetch("SELECT * FROM message WHERE dossier_id = $1 ORDER BY created_at, id", dossier_id)


async def unsettled(conn: Connection, state: str, after: UUID | None, limit: int) -> list[asyncpg.Record]:
    """Messages an operator may have to decide about, oldest first; pages by the last message seen."""
    return await conn.fetch(
        """
        SELECT * FROM message
        WHERE state IN ('unknown', 'failed') AND state = $1
          AND ($2::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM message WHERE id = $2))
        ORDER BY created_at, id LIMIT $3
        """,
        state,
        after,
        limit,
    )


async def send_again(conn: Connection, message_id: UUID) -> None:
    """Let a message wait to be sent at once, with all its tries before it. It is a new taking's from here on.

    The provider's id of an unknown sending is kept: a receipt may still make the second letter needless. That of a
    failed one is not: its late receipts say nothing of the second.
    """
    await conn.execute(
        """
        UPDATE message SET state = 'queued', not_before = now(), failures = 0, reason = 'sent-again',
            attempts = attempts + 1, failed_at = NULL,
            channel = CASE WHEN state = 'unknown' THEN channel ELSE '' END,
            provider_id = CASE WHEN state = 'unknown' THEN provider_id ELSE '' END
        WHERE id = $1
        """,
        message_id,
    )


async def record_decision(
    conn: Connection, message_id: UUID, actor: str, was: str, reason: str, note: str
) -> None:
    """Append what an operator decided about a message, and why."""
    await conn.execute(
        "INSERT INTO decision (message_id, actor, was, reason, note) VALUES ($1, $2, $3, $4, $5)",
        message_id,
        actor,
        was,
        reason,
        note,
    )


async def decisions_of(conn: Connection, message_id: UUID) -> list[asyncpg.Record]:
    """What was decided about a message, oldest first."""
    return await conn.fetch("SELECT * FROM decision WHERE message_id = $1 ORDER BY id", message_id)


async def inbox(
    conn: Connection, agency: str, unread_only: bool, after: int, limit: int
) -> list[asyncpg.Record]:
    """A desk's messages in the order they came; pages by their number."""
    return await conn.fetch(
        """
        SELECT * FROM inbox WHERE agency = $1 AND (NOT $2 OR read_at IS NULL) AND number > $3
        ORDER BY number LIMIT $4
        """,
        agency,
        unread_only,
        after,
        limit,
    )


async def mark_read(conn: Connection, agency: str, message_id: UUID, reader: str) -> bool | None:
    """Note that somebody at the desk has read it: True the first time, False later, None when it is not theirs."""
    first = await conn.fetchval(
        """
        UPDATE inbox SET read_at = now(), read_by = $3 WHERE message_id = $1 AND agency = $2 AND read_at IS NULL
        RETURNING true
        """,
        message_id,
        agency,
        reader,
    )
    if first:
        return True
    theirs = await conn.fetchval(
        "SELECT true FROM inbox WHERE message_id = $1 AND agency = $2", message_id, agency
    )
    return False if theirs else None
