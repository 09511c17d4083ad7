"""Sign-ins on their way to the provider, and which account a person of the provider is."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.identity.domain import Account
from services.identity.store import COLUMNS, account_of


async def keep_request(
    conn: Any, state_hash: bytes, nonce: str, verifier: str, return_to: str, life: timedelta
) -> None:
    """Remember what only this sign-in knows."""
    await conn.execute(
        """
        INSERT INTO openid_request (state_hash, nonce, verifier, return_to, expires_at)
        VALUES ($1, $2, $3, $4, now() + $5::interval)
        """,
        state_hash,
        nonce,
        verifier,
        return_to,
        life,
    )


async def take_request(conn: Any, state_hash: bytes) -> Any:
    """The sign-in of this state, once: nonce, verifier, return_to; None when it is unknown, used or too old."""
    return await conn.fetchrow(
        """
        WITH taken AS (DELETE FROM openid_request WHERE state_hash = $1 RETURNING *)
        SELECT nonce, verifier, return_to FROM taken WHERE expires_at > now()
        """,
        state_hash,
    )


async def delete_old(conn: Any) -> int:
    """Delete sign-ins that did not come back; how many."""
    deleted: str = await conn.execute("DELETE FROM openid_request WHERE expires_at < now()")
    return int(deleted.rpartition(" ")[2])


async def linked(conn: Any, issuer: str, subject: str) -> Account | None:
    """The account a person of the provider is known as."""
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM account a WHERE openid_issuer = $1 AND openid_subject = $2",  # noqa: S608
        issuer,
        subject,
    )
    return None if row is None else account_of(row)


async def unlinked(conn: Any, *, login: str = "", email: str = "") -> Account | None:
    """The account with this login or e-mail address that no person of a provider is known as yet."""
    row = await conn.fetchrow(
        f"""
        SELECT {COLUMNS} FROM account a
        WHERE openid_subject IS NULL AND ((login = $1 AND $1 <> '') OR (email = $2 AND $2 <> ''))
        FOR UPDATE
        """,  # noqa: S608 - a constant of ours
        login,
        email,
    )
    return None if row is None else account_of(row)


async def link(conn: Any, account_id: UUID, issuer: str, subject: str) -> None:
    """From now on this person of the provider is this account."""
    await conn.execute(
        "UPDATE account SET openid_issuer = $2, openid_subject = $3 WHERE id = $1",
        account_id,
        issuer,
        subject,
    )
