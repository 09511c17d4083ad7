"""Devices and their pairing in the database."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID


async def begun_before(conn: Any, token_hash: bytes) -> Any:
    """`code` and `seconds` left of a pairing that was begun before, None for a new one.

    Beginnings come one after another until the transaction ends: one that is repeated sees its earlier self.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('pairing', 0))")
    return await conn.fetchrow(
        """
        SELECT code, greatest(0, extract(epoch FROM expires_at - now()))::int AS seconds
        FROM pairing WHERE token_hash = $1
        """,
        token_hash,
    )


async def make_room(conn: Any, network: bytes, life: timedelta, network_max: int) -> None:
    """Delete what ended long ago, and the oldest of a network that wait, until one more makes `network_max`."""
    await conn.execute("DELETE FROM pairing WHERE expires_at < now() - $1::interval", life)
    # device_id is asked again of each row: an officer may type its code meanwhile.
    await conn.execute(
        """
        DELETE FROM pairing WHERE device_id IS NULL AND token_hash IN (
            SELECT token_hash FROM pairing WHERE network = $1 AND device_id IS NULL AND expires_at > now()
            ORDER BY expires_at DESC OFFSET $2
        )
        """,
        network,
        network_max - 1,
    )


async def open_pairing(
    conn: Any, token_hash: bytes, code: str, network: bytes, life: timedelta, open_max: int
) -> str:
    """Begin a pairing: "open", "taken" when the code is another's now, or "full" when too many wait."""
    waiting = await conn.fetchval(
        "SELECT count(*) FROM pairing WHERE device_id IS NULL AND expires_at > now()"
    )
    if waiting >= open_max:
        return "full"
    added: str = await conn.execute(
        """
        INSERT INTO pairing (token_hash, code, network, expires_at) VALUES ($1, $2, $3, now() + $4::interval)
        ON CONFLICT (code) DO NOTHING
        """,
        token_hash,
        code,
        network,
        life,
    )
    return "open" if added == "INSERT 0 1" else "taken"


async def claim(conn: Any, code: str, device_id: UUID) -> bool:
    """Give the waiting pairing with this code its device; False when there is none."""
    updated: str = await conn.execute(
        "UPDATE pairing SET device_id = $2 WHERE code = $1 AND device_id IS NULL AND expires_at > now()",
        code,
        device_id,
    )
    return updated == "UPDATE 1"


async def pairing_state(conn: Any, token_hash: bytes) -> Any:
    """Of a pairing that is not too old: `device_id`, None while nobody has claimed it."""
    return await conn.fetchrow(
        "SELECT device_id FROM pairing WHERE token_hash = $1 AND expires_at > now()", token_hash
    )


async def give_token(conn: Any, device_id: UUID, device_hash: bytes) -> None:
    """The device is known by its token from now on; the same token again changes nothing."""
    await conn.execute(
        "UPDATE device SET token_hash = $2 WHERE id = $1 AND token_hash IS DISTINCT FROM $2",
        device_id,
        device_hash,
    )


async def insert(
    conn: Any, device_id: UUID, *, kind: str, agency: str, place: str, name: str, paired_by: str
) -> None:
    """A new device, which has no token yet."""
    await conn.execute(
        "INSERT INTO device (id, kind, agency, place, name, paired_by) VALUES ($1, $2, $3, $4, $5, $6)",
        device_id,
        kind,
        agency,
        place,
        name,
        paired_by,
    )


async def by_token(conn: Any, token_hash: bytes) -> Any:
    """The device with this token, unless it was revoked."""
    return await conn.fetchrow(
        "SELECT kind, place, agency, name FROM device WHERE token_hash = $1 AND revoked_at IS NULL",
        token_hash,
    )


async def devices(conn: Any, agency: str | None) -> Sequence[Any]:
    """Devices of an agency (None: of all), newest first."""
    rows: Sequence[Any] = await conn.fetch(
        """
        SELECT id, kind, agency, place, name, paired_by, paired_at, revoked_at FROM device
        WHERE $1::text IS NULL OR agency = $1 ORDER BY paired_at DESC, id LIMIT 500
        """,
        agency,
    )
    return rows


async def revoke(conn: Any, device_id: UUID, agency: str | None) -> bool | None:
    """Revoke a device of an agency (None: of any); None when there is none, False when it was before."""
    revoked = await conn.fetchval(
        "SELECT revoked_at IS NOT NULL FROM device WHERE id = $1 AND ($2::text IS NULL OR agency = $2) FOR UPDATE",
        device_id,
        agency,
    )
    if revoked is None:
        return None
    await conn.execute("UPDATE device SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL", device_id)
    return not revoked


async def delete_old_pairings(conn: Any) -> int:
    """Delete pairings that are over; how many."""
    deleted: str = await conn.execute("DELETE FROM pairing WHERE expires_at < now()")
    return int(deleted.rpartition(" ")[2])
