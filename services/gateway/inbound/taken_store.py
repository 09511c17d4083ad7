"""All SQL of events in: what was taken, and every event that was said."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Before(msgspec.Struct, frozen=True):
    """An event that was taken: what it said, and when."""

    digest: bytes
    taken_at: datetime
    now: datetime


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One event as the audit keeps it."""

    partner: str
    came_from: str
    way: str
    event_hash: bytes | None = None
    type: str = ""
    dossier_id: UUID | None = None
    state: str
    status: int
    code: str


async def find(conn: Any, partner: str, event_hash: bytes) -> Before | None:
    """The event if it was taken before."""
    row = await conn.fetchrow(
        "SELECT digest, taken_at, now() FROM taken WHERE partner = $1 AND event_hash = $2",
        partner,
        event_hash,
    )
    return None if row is None else Before(*row)


async def take(conn: Any, said: Said, digest: bytes) -> bool:
    """Note that an event is taken; False when it was noted before."""
    noted: str = await conn.execute(
        """
        INSERT INTO taken (partner, event_hash, digest, type, dossier_id) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """,
        said.partner,
        said.event_hash,
        digest,
        said.type,
        said.dossier_id,
    )
    return noted == "INSERT 0 1"


async def note(conn: Any, said: Said) -> None:
    """Add to the audit of what partners say."""
    await conn.execute(
        """
        INSERT INTO said (partner, came_from, way, event_hash, type, dossier_id, state, status, code)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        *(getattr(said, field) for field in Said.__struct_fields__),
    )
