"""All SQL of keys under which something is being sent by hand."""

from datetime import datetime, timedelta
from typing import Any


async def claim(conn: Any, client: str, key: str, lease: timedelta) -> datetime | None:
    """Take a key that nobody has, for so long; until when, or None while somebody has it."""
    until: datetime | None = await conn.fetchval(
        """
        INSERT INTO by_hand (client, key, until) VALUES ($1, $2, now() + $3::interval)
        ON CONFLICT (client, key) DO UPDATE SET until = excluded.until WHERE by_hand.until < now()
        RETURNING until
        """,
        client,
        key,
        lease,
    )
    return until


async def release(conn: Any, client: str, key: str, until: datetime) -> None:
    """Give a key back that was taken until then."""
    await conn.execute(
        "DELETE FROM by_hand WHERE client = $1 AND key = $2 AND until = $3", client, key, until
    )


async def forget(conn: Any) -> None:
    """Delete what whoever died has left."""
    await conn.execute("DELETE FROM by_hand WHERE until < now()")
