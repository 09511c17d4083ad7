"""All SQL of sending: taking what is due, beginning it, putting it back, recording how it ended.

A taken message stays `queued` and is due again when its lease is over (`not_before`): what a lost sender had only taken
is sent by the next one. It becomes `sending` when a provider is about to hear of it.

`attempts` grows with every taking. Whoever begins, puts back or ends names the taking it belongs to, so a sender that
was frozen and comes back can do nothing with what somebody else has taken since.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.notify.store import Connection, decode_occasions
from services.notify.texts import Occasion


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send now; `failures` are the tries that came to nothing.

    `stored` are its occasions as they were when it was taken: while it is only taken it may still grow.
    `channel` and `provider_id` are those of an earlier sending of unknown fate, empty without one.
    """

    id: UUID
    dossier_id: UUID
    rule: str
    audience: str
    occasions: tuple[Occasion, ...]
    stored: bytes
    attempts: int
    failures: int
    channel: str
    provider_id: str


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """A message no provider has taken: to be tried again after `delay`. `counts` towards giving up in the end."""

    message: Due
    delay: timedelta
    reason: str
    counts: bool = False


async def claim_due(conn: Connection, audiences: Sequence[str], limit: int, lease: timedelta) -> list[Due]:
    """Take up to `limit` messages to these audiences that are due; nobody else takes them during the lease."""
    rows = await conn.fetch(
        """
        UPDATE message SET attempts = attempts + 1, not_before = now() + $3
        WHERE id IN (SELECT id FROM message
                     WHERE state = 'queued' AND not_before <= now() AND audience = ANY($1::text[])
                     ORDER BY not_before LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING id, dossier_id, rule, audience, occasions AS stored, attempts, failures,
            channel, provider_id
        """,
        list(audiences),
        limit,
        lease,
    )
    return [Due(**row, occasions=decode_occasions(row["stored"])) for row in rows]


async def begin(conn: Connection, message: Due, channel: str, lease: timedelta) -> bool:
    """A provider is about to hear of the message: from here on it counts as possibly sent.

    False when it is no longer this taking's, or has grown since: then the letter must not go out.
    """
    begun = await conn.fetchval(
        """
        UPDATE message SET state = 'sending', lease_until = now() + $5, channel = $4,
            provider_id = CASE WHEN channel = $4 THEN provider_id ELSE '' END
        WHERE id = $1 AND attempts = $2 AND occasions = $3 AND state IN ('queued', 'sending')
        RETURNING true
        """,
        message.id,
        message.attempts,
        message.stored,
        channel,
        lease,
    )
    return bool(begun)


async def end_lost_leases(conn: Connection, desk: str) -> tuple[int, int]:
    """End what senders had begun and never told of: they died on the way.

    Nobody knows whether a message to a person went out: it is `unknown`. A letter to a `desk` is laid in and ended in
    one transaction; one left in `sending` (a version of the service before this did that) certainly was not laid in,
    and waits again. Returns how many of each.
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


async def put_back(conn: Connection, laters: Sequence[Later]) -> None:
    """No provider has taken these: let them wait, all in one statement.

    What was begun and not taken bears again what it bore before: a channel only when an earlier sending on it ended
    unknown and a person lets it be sent again; a receipt of that one may still come.
    """
    await conn.execute(
        """
        WITH given AS (
            SELECT * FROM unnest($1::uuid[], $2::int[], $3::interval[], $4::text[], $5::int[],
                                 $6::text[], $7::text[])
                AS given (id, attempts, delay, reason, failures, channel, provider_id)
        ), held AS (  -- locked in the order in which planning locks them
            SELECT message.id FROM message JOIN given USING (id, attempts)
            WHERE state IN ('queued', 'sending', 'unknown') ORDER BY message.id FOR UPDATE OF message
        )
        UPDATE message SET state = 'queued', not_before = now() + given.delay, reason = given.reason,
            lease_until = NULL, failures = message.failures + given.failures,
            channel = given.channel, provider_id = given.provider_id
        FROM given JOIN held USING (id) WHERE message.id = given.id
        """,
        [later.message.id for later in laters],
        [later.message.attempts for later in laters],
        [later.delay for later in laters],
        [later.reason for later in laters],
        [int(later.counts) for later in laters],
        [later.message.channel for later in laters],
        [later.message.provider_id for later in laters],
    )


async def finish(
    conn: Connection, message: Due, state: str, channel: str, provider_id: str, reason: str
) -> datetime | None:
    """Record how this taking ended; returns when. None when a receipt or another taking was first, or it has grown.

    A sender that comes back after its lease clears up the unknown fate its absence caused.
    """
    ended: datetime | None = await conn.fetchval(
        """
        UPDATE message SET state = $3, channel = $4, provider_id = $5, reason = $6, lease_until = NULL,
            sent_at = CASE WHEN $3 IN ('sent', 'delivered') THEN now() END,
            delivered_at = CASE WHEN $3 = 'delivered' THEN now() END,
            failed_at = CASE WHEN $3 = 'failed' THEN now() END
        WHERE id = $1 AND attempts = $2
          AND (state IN ('sending', 'unknown') OR (state = 'queued' AND occasions = $7))
        RETURNING now()
        """,
        message.id,
        message.attempts,
        state,
        channel,
        provider_id,
        reason,
        message.stored,
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
