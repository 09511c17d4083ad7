"""All SQL of partners: they, their keys, the assertions they have used, and what was done."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from services.gateway.partners.partner import Key, Partner

_COLUMNS = "code, name_vi, contact, state, agency, facility, roles, types, reads"


async def find(conn: Any, code: str, *, lock: bool = False) -> Partner | None:
    """A partner with its keys; `lock` keeps others from changing it until the transaction ends."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM partner WHERE code = $1 {'FOR UPDATE' if lock else ''}",  # noqa: S608
        code,
    )
    return None if row is None else partner_of(row, await _keys(conn, code))


async def listing(conn: Any) -> list[Partner]:
    """Every partner by code, without keys."""
    rows = await conn.fetch(f"SELECT {_COLUMNS} FROM partner ORDER BY code")  # noqa: S608
    return [partner_of(row) for row in rows]


async def some(conn: Any, codes: Collection[str]) -> list[Partner]:
    """The partners of these codes, without keys."""
    rows = await conn.fetch(f"SELECT {_COLUMNS} FROM partner WHERE code = ANY($1::text[])", list(codes))  # noqa: S608
    return [partner_of(row) for row in rows]


async def insert(conn: Any, partner: Partner) -> bool:
    """Keep a new partner; False when there is one of this code."""
    added: str = await conn.execute(
        """
        INSERT INTO partner (code, name_vi, contact, agency, facility, roles, types, reads)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
        """,
        partner.code,
        partner.name_vi,
        partner.contact,
        partner.agency,
        partner.facility,
        list(partner.roles),
        list(partner.types),
        list(partner.reads),
    )
    return added == "INSERT 0 1"


async def set_scope(conn: Any, code: str, types: Sequence[str], reads: Sequence[str]) -> None:
    """What it may read from now on."""
    await conn.execute(
        "UPDATE partner SET types = $2, reads = $3 WHERE code = $1", code, list(types), list(reads)
    )


async def set_contact(conn: Any, code: str, contact: str) -> None:
    """Who is told of what only the partner can put right."""
    await conn.execute("UPDATE partner SET contact = $2 WHERE code = $1", code, contact)


async def set_state(conn: Any, code: str, state: str) -> None:
    """Active, suspended or revoked."""
    await conn.execute("UPDATE partner SET state = $2 WHERE code = $1", code, state)


async def add_key(conn: Any, code: str, kid: str, jwk: str, not_after: datetime | None) -> bool:
    """Keep a key; False when the partner has, or had, one of this id."""
    added: str = await conn.execute(
        "INSERT INTO partner_key (partner, kid, jwk, not_after) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        code,
        kid,
        jwk,
        not_after,
    )
    return added == "INSERT 0 1"


async def retire_key(conn: Any, code: str, kid: str) -> bool:
    """End a key; False when the partner has none of this id, or it was ended before."""
    ended: str = await conn.execute(
        "UPDATE partner_key SET retired_at = now() WHERE partner = $1 AND kid = $2 AND retired_at IS NULL",
        code,
        kid,
    )
    return ended == "UPDATE 1"


async def use_assertion(conn: Any, code: str, jti_hash: bytes, expires_at: datetime) -> bool:
    """Note that an assertion is used; False when it was before."""
    noted: str = await conn.execute(
        "INSERT INTO used_assertion (partner, jti_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        code,
        jti_hash,
        expires_at,
    )
    return noted == "INSERT 0 1"


async def forget_assertions(conn: Any) -> int:
    """Delete the assertions that nobody could use again; how many."""
    deleted: str = await conn.execute("DELETE FROM used_assertion WHERE expires_at < now()")
    return int(deleted.rpartition(" ")[2])


async def audit(conn: Any, partner: str, what: str, *, who: str, came_from: str, detail: str = "") -> None:
    """Add to the audit: never a key, an assertion or a token."""
    await conn.execute(
        "INSERT INTO audit (partner, what, detail, who, came_from) VALUES ($1, $2, $3, $4, $5)",
        partner,
        what,
        detail,
        who,
        came_from,
    )


async def audit_of(conn: Any, partner: str, limit: int) -> Sequence[Any]:
    """What was done to and given a partner, newest first."""
    rows: Sequence[Any] = await conn.fetch(
        "SELECT at, what, detail, who, came_from FROM audit WHERE partner = $1 ORDER BY id DESC LIMIT $2",
        partner,
        limit,
    )
    return rows


async def _keys(conn: Any, code: str) -> tuple[Key, ...]:
    rows = await conn.fetch(
        """
        SELECT kid, jwk, added_at, not_after, retired_at FROM partner_key WHERE partner = $1 ORDER BY added_at, kid
        """,
        code,
    )
    return tuple(
        Key(kid=row[0], jwk=row[1], added_at=row[2], not_after=row[3], retired_at=row[4]) for row in rows
    )


def partner_of(row: Any, keys: tuple[Key, ...] = ()) -> Partner:
    """A row of partners as a partner."""
    return Partner(
        code=row["code"],
        name_vi=row["name_vi"],
        contact=row["contact"],
        state=row["state"],
        agency=row["agency"],
        facility=row["facility"],
        roles=tuple(row["roles"]),
        types=tuple(row["types"]),
        reads=tuple(row["reads"]),
        keys=keys,
    )
