"""All SQL of telling partners' contacts which endpoints were given up."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.database.uuids import plain
from services.gateway.partners.partner import ACTIVE
from services.gateway.webhooks.endpoint import DISABLED

# Which of its failures a letter is about. Processes of before forget `failing_since` at a test that is taken.
_SINCE = "coalesce(endpoint.failing_since, endpoint.last_failure_at, endpoint.created_at)"


class Untold(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint that was given up."""

    id: UUID
    url: str
    reason: str
    failing_since: datetime


class Addressee(msgspec.Struct, frozen=True, kw_only=True):
    """A partner that does not know yet."""

    code: str
    name_vi: str
    contact: str


async def claim(conn: Any, lease: timedelta) -> Addressee | None:
    """A partner to be written to now, whom nobody else writes to for `lease`; None when there is none."""
    row = await conn.fetchrow(
        """
        UPDATE partner SET tell_after = now() + $1::interval WHERE code = (
            SELECT code FROM partner WHERE state = $2 AND tell_after <= now() AND EXISTS (
                SELECT FROM endpoint WHERE endpoint.partner = partner.code AND to_tell
            ) LIMIT 1 FOR UPDATE SKIP LOCKED
        ) RETURNING code, name_vi, contact
        """,
        lease,
        ACTIVE,
    )
    return None if row is None else Addressee(code=row[0], name_vi=row[1], contact=row[2])


async def untold(conn: Any, code: str) -> list[Untold]:
    """The partner's endpoints that were given up and still are; those it has put right need no letter."""
    await conn.execute(
        """
        UPDATE endpoint SET to_tell = false
        WHERE partner = $1 AND to_tell AND (state <> $2 OR removed_at IS NOT NULL)
        """,
        code,
        DISABLED,
    )
    rows = await conn.fetch(
        f"SELECT id, url, reason, {_SINCE} AS since FROM endpoint WHERE partner = $1 AND to_tell ORDER BY since, id",  # noqa: S608 - our own column names
        code,
    )
    return [Untold(id=plain(row[0]), url=row[1], reason=row[2], failing_since=row[3]) for row in rows]


async def told(conn: Any, code: str, endpoints: Sequence[Untold], pause: timedelta) -> None:
    """These are known, unless given up anew meanwhile; the next letter to the partner is `pause` away at least."""
    await conn.execute(
        f"""
        UPDATE endpoint SET to_tell = false FROM unnest($1::uuid[], $2::timestamptz[]) AS told (id, since)
        WHERE endpoint.id = told.id AND {_SINCE} = told.since
        """,  # noqa: S608 - our own column names
        [each.id for each in endpoints],
        [each.failing_since for each in endpoints],
    )
    await conn.execute("UPDATE partner SET tell_after = now() + $2::interval WHERE code = $1", code, pause)
