"""Sessions in the database, by the hash of their token."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.identity.domain import Session
from services.identity.store import COLUMNS, account_of

# Use is noted at most this often: a page asks for a token every half minute.
NOTED_EVERY = timedelta(seconds=20)


async def find(conn: Any, token_hash: bytes, *, lock: bool = False) -> Session | None:
    """The session with its account; `lock` keeps both from being changed until the transaction ends."""
    row = await conn.fetchrow(
        f"""
        SELECT {COLUMNS}, s.token_hash, s.via, s.second_factor, s.totp_pending, s.address, s.started_at, s.used_at,
               clock_timestamp() AS now
        FROM session s JOIN account a ON a.id = s.account_id WHERE s.token_hash = $1
        {"FOR UPDATE" if lock else ""}
        """,  # noqa: S608 - two constants of ours
        token_hash,
    )
    if row is None:
        return None
    return Session(
        token_hash=row["token_hash"],
        account=account_of(row),
        via=row["via"],
        second_factor=row["second_factor"],
        totp_pending=row["totp_pending"],
        address=row["address"],
        started_at=row["started_at"],
        used_at=row["used_at"],
        now=row["now"],
    )


async def begin(conn: Any, token_hash: bytes, account_id: UUID, via: str, address: str) -> None:
    """A new session."""
    await conn.execute(
        "INSERT INTO session (token_hash, account_id, via, address) VALUES ($1, $2, $3, $4)",
        token_hash,
        account_id,
        via,
        address,
    )


async def rotate(conn: Any, before: bytes, after: bytes, *, second_factor: bool) -> None:
    """The session goes on under another token, from the rise of its rights on."""
    await conn.execute(
        """
        UPDATE session SET token_hash = $2, second_factor = $3, totp_pending = NULL, used_at = now()
        WHERE token_hash = $1
        """,
        before,
        after,
        second_factor,
    )


async def keep_pending(conn: Any, token_hash: bytes, sealed: bytes) -> None:
    """A second factor that was shown and waits to be confirmed."""
    await conn.execute("UPDATE session SET totp_pending = $2 WHERE token_hash = $1", token_hash, sealed)


async def note_use(conn: Any, session: Session) -> None:
    """The session is in use now."""
    if session.now - session.used_at > NOTED_EVERY:
        await conn.execute("UPDATE session SET used_at = now() WHERE token_hash = $1", session.token_hash)


async def end(conn: Any, token_hash: bytes) -> None:
    """End one session."""
    await conn.execute("DELETE FROM session WHERE token_hash = $1", token_hash)


async def end_all(conn: Any, account_id: UUID, *, but: bytes = b"") -> None:
    """End every session of an account, `but` for one."""
    await conn.execute("DELETE FROM session WHERE account_id = $1 AND token_hash <> $2", account_id, but)


async def delete_old(conn: Any, age: timedelta) -> int:
    """Delete sessions that began longer ago than a session may live; how many."""
    deleted: str = await conn.execute("DELETE FROM session WHERE started_at < now() - $1::interval", age)
    return int(deleted.rpartition(" ")[2])
