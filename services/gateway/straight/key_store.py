"""All SQL of the NKeys partners connect with."""

from datetime import datetime
from typing import Any

import msgspec

from services.gateway.partners.partner import ACTIVE


class UserKey(msgspec.Struct, frozen=True, kw_only=True):
    """One NKey of a partner."""

    public_key: str
    added_at: datetime
    not_after: datetime | None
    retired_at: datetime | None


async def add_key(conn: Any, code: str, public_key: str, not_after: datetime | None) -> bool:
    """Keep a key; False when somebody has, or had, it."""
    added: str = await conn.execute(
        "INSERT INTO straight_key (public_key, partner, not_after) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        public_key,
        code,
        not_after,
    )
    return added == "INSERT 0 1"


async def retire_key(conn: Any, code: str, public_key: str) -> bool:
    """End a key; False when the partner has none such, or it was ended before."""
    ended: str = await conn.execute(
        """
        UPDATE straight_key SET retired_at = now() WHERE partner = $1 AND public_key = $2 AND retired_at IS NULL
        """,
        code,
        public_key,
    )
    return ended == "UPDATE 1"


async def keys_of(conn: Any, code: str) -> list[UserKey]:
    """Every key a partner has or had."""
    rows = await conn.fetch(
        "SELECT public_key, added_at, not_after, retired_at FROM straight_key WHERE partner = $1 ORDER BY added_at",
        code,
    )
    return [UserKey(public_key=row[0], added_at=row[1], not_after=row[2], retired_at=row[3]) for row in rows]


async def owner(conn: Any, public_key: str) -> tuple[str, bool] | None:
    """Whose key it is or was, and whether it lets in now. None when it is nobody's."""
    row = await conn.fetchrow(
        """
        SELECT k.partner, k.retired_at IS NULL AND (k.not_after IS NULL OR k.not_after > now())
               AND p.state = $2 AND coalesce(s.switched_on, false)
        FROM straight_key k JOIN partner p ON p.code = k.partner LEFT JOIN straight s ON s.partner = k.partner
        WHERE k.public_key = $1
        """,
        public_key,
        ACTIVE,
    )
    return None if row is None else (row[0], row[1])


async def good_keys(conn: Any) -> frozenset[str]:
    """Every key that lets in now."""
    rows = await conn.fetch(
        """
        SELECT k.public_key FROM straight_key k JOIN partner p ON p.code = k.partner
        JOIN straight s ON s.partner = k.partner
        WHERE k.retired_at IS NULL AND (k.not_after IS NULL OR k.not_after > now()) AND p.state = $1 AND s.switched_on
        """,
        ACTIVE,
    )
    return frozenset(row[0] for row in rows)
