"""Accounts in the database, and what happened to them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.identity.domain import Account

COLUMNS = """
a.id, a.login, a.name, a.email, a.agency, a.roles, a.facility, a.counter, a.partner, a.password_hash,
a.must_change_password, a.totp_secret, a.totp_last_step, a.openid_subject, a.disabled_at, a.created_at
"""


def account_of(row: Any) -> Account:
    """The account of a row with COLUMNS."""
    return Account(
        id=row["id"],
        login=row["login"],
        name=row["name"],
        email=row["email"],
        agency=row["agency"],
        roles=tuple(row["roles"]),
        facility=row["facility"],
        counter=row["counter"],
        partner=row["partner"],
        password_hash=row["password_hash"],
        must_change_password=row["must_change_password"],
        totp_secret=row["totp_secret"],
        totp_last_step=row["totp_last_step"],
        openid=row["openid_subject"] is not None,
        disabled_at=row["disabled_at"],
        created_at=row["created_at"],
    )


async def find(conn: Any, login: str, *, lock: bool = False) -> Account | None:
    """The account with this login; `lock` keeps others from changing it until the transaction ends."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM account a WHERE login = $1 {'FOR UPDATE' if lock else ''}",  # noqa: S608
        login,
    )
    return None if row is None else account_of(row)


async def accounts(conn: Any, agency: str | None, after: str, limit: int) -> list[Account]:
    """Accounts of an agency (None: of all) whose login comes after `after`, by login."""
    rows = await conn.fetch(
        f"SELECT {COLUMNS} FROM account a WHERE login > $1 AND ($2::text IS NULL OR agency = $2)"  # noqa: S608
        " ORDER BY login LIMIT $3",
        after,
        agency,
        limit,
    )
    return [account_of(row) for row in rows]


async def named(conn: Any, logins: Sequence[str]) -> Sequence[Any]:
    """Login, name and agency of those of the accounts that there are, by login."""
    rows: Sequence[Any] = await conn.fetch(
        "SELECT login, name, agency FROM account WHERE login = ANY($1::text[]) ORDER BY login", list(logins)
    )
    return rows


async def insert(conn: Any, account: Account) -> bool:
    """Keep a new account; False when its login or its e-mail address is somebody's already."""
    added: str = await conn.execute(
        """
        INSERT INTO account (id, login, name, email, agency, roles, facility, counter, partner,
                             password_hash, must_change_password, totp_secret)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT DO NOTHING
        """,
        account.id,
        account.login,
        account.name,
        account.email,
        account.agency,
        list(account.roles),
        account.facility,
        account.counter,
        account.partner,
        account.password_hash,
        account.must_change_password,
        account.totp_secret,
    )
    return added == "INSERT 0 1"


async def set_disabled(conn: Any, account_id: UUID, disabled: bool) -> None:
    """Disable or enable."""
    await conn.execute(
        "UPDATE account SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) END WHERE id = $1",
        account_id,
        disabled,
    )


async def set_password(conn: Any, account_id: UUID, password_hash: str, *, must_change: bool) -> None:
    """Another password; `must_change` when somebody else chose it."""
    await conn.execute(
        "UPDATE account SET password_hash = $2, must_change_password = $3 WHERE id = $1",
        account_id,
        password_hash,
        must_change,
    )


async def rehash(conn: Any, account_id: UUID, before: str, after: str) -> None:
    """The same password hashed anew, unless it was changed meanwhile."""
    await conn.execute(
        "UPDATE account SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
        account_id,
        before,
        after,
    )


async def set_totp(conn: Any, account_id: UUID, sealed: bytes | None, step: int = 0) -> None:
    """Another second factor (or none), whose code of `step` was used."""
    await conn.execute(
        "UPDATE account SET totp_secret = $2, totp_last_step = $3 WHERE id = $1", account_id, sealed, step
    )


async def use_step(conn: Any, account_id: UUID, step: int) -> bool:
    """Note that the code of this step was used; False when it, or a later one, was before."""
    updated: str = await conn.execute(
        "UPDATE account SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2", account_id, step
    )
    return updated == "UPDATE 1"


async def record(
    conn: Any,
    what: str,
    *,
    account_id: UUID | None = None,
    device_id: UUID | None = None,
    actor: str,
    address: str = "",
) -> None:
    """Add to the audit: never a password, a code or a token, nor what was typed for a login nobody has."""
    await conn.execute(
        "INSERT INTO account_event (what, account_id, device_id, actor, address) VALUES ($1, $2, $3, $4, $5)",
        what,
        account_id,
        device_id,
        actor,
        address,
    )


async def events_of(conn: Any, account_id: UUID, before: int, limit: int) -> Sequence[Any]:
    """What happened to an account, newest first, before number `before`."""
    rows: Sequence[Any] = await conn.fetch(
        """
        SELECT id, at, what, actor, address FROM account_event
        WHERE account_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
        """,
        account_id,
        before,
        limit,
    )
    return rows
