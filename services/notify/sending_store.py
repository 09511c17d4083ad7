"""All SQL of sending: taking what is due, putting it back, recording how it ended.

`attempts` grows with every taking. Whoever records an end names the taking it belongs to, so a sender that was frozen
and comes back can neither end nor put back what somebody else has taken since.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.notify.store import Connection, decode_occasions
from services.notify.texts import Occasion


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send now; `failures` are the tries that came to nothing."""

    id: UUID
    dossier_id: UUID
    rule: str
    audience: str
    occasions: tuple[Occasion, ...]
    attempts: int
    failures: int


async def claim_due(conn: Connection, audiences: Sequence[str], limit: int, lease: timedelta) -> list[Due]:
    """Take up to `limit` messages to these audiences that are due. From here on they count as possibly sent."""
    rows = await conn.fetch(
        """
        UPDATE message SET state = 'sending', attempts = attempts + 1, lease_until = now() + $3
        WHERE id IN (SELECT id FROM message
                     WHERE state = 'queued' AND not_before <= now() AND audience = ANY($1::text[])
                     ORDER BY not_before LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id, dossier_id, rule, audience, occasions, attempts, failures
        """,
        list(audiences),
        limit,
        lease,
    )
    return [Due(**{**row, "occasions": decode_occasions(row["occasions"])}) for row in rows]


async def end_lost_leases(conn: Connection, desk: str) -> tuple[int, int]:
    """End what senders took and never told of: they died on the way.

    Nobody knows whether a message to a person went out: it is `unknown`. Laying a letter into a `desk`'s inbox is one
    transaction of ours with its end, so it certainly was not laid in, and waits again. Returns how many of each.
    """
    rows = await conn.fetch(
        """
        UPDATE message SET state = CASE WHEN audience = $1 THEN 'queued' ELSE 'unknown' END, lease_until = NULL,
            reason = 'sender-lost'
        WHERE state = 'sending' AND lease_until < now() RETURNING audience = $1 AS waits
        """,
        desk,
    )
    waiting = sum(row["waits"] for row in rows)
    return len(rows) - waiting, waiting


async def put_back(conn: Connection, message: Due, delay: timedelta, reason: str, *, counts: bool) -> None:
    """The provider certainly has not taken it: try again after `delay`. `counts` towards giving up in the end."""
    await conn.execute(
        """
        UPDATE message SET state = 'queued', not_before = now() + $3, reason = $4, lease_until = NULL,
            failures = failures + $5
        WHERE id = $1 AND attempts = $2 AND state IN ('sending', 'unknown')
        """,
        message.id,
        message.attempts,
        delay,
        reason,
        int(counts),
    )


async def finish(
    conn: Connection, message: Due, state: str, channel: str, provider_id: str, reason: str
) -> datetime | None:
    """Record how this taking ended; returns when, or None when a receipt or another taking was first.

    A sender that comes back after its lease clears up the unknown fate its absence caused.
    """
    ended: datetime | None = await conn.fetchval(
        """
        UPDATE message SET state = $3, channel = $4, provider_id = $5, reason = $6, lease_until = NULL,
            sent_at = CASE WHEN $3 IN ('sent', 'delivered') THEN now() END,
            delivered_at = CASE WHEN $3 = 'delivered' THEN now() END,
            failed_at = CASE WHEN $3 = 'failed' THEN now() END
        WHERE id = $1 AND attempts = $2 AND state IN ('sending', 'unknown')
        RETURNING now()
        """,
        message.id,
        message.attempts,
        state,
        channel,
        provider_id,
        reason,
    )
    return ended


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
