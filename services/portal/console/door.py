"""Dossiers handed in at a one-stop shop that nobody has taken yet: intake keeps them, and only a page is counted."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.portal.sessions import Person

# National status code of a dossier that has been handed in and is not accepted.
NOT_ACCEPTED = "1"
# As many as intake tells at once.
COUNTED_MAX = 200


class DoorLine(msgspec.Struct, frozen=True, kw_only=True):
    """One dossier; `missing` are the papers it still lacks."""

    dossier_id: UUID
    code: str
    procedure: str
    received_at: datetime
    missing: tuple[str, ...] = ()

    @property
    def lacks(self) -> str:
        """How much is missing, in words."""
        return f"Còn thiếu {len(self.missing)} giấy tờ"


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A page of them, the newest first; `before` leads to the next."""

    dossiers: tuple[DoorLine, ...]
    before: UUID | None = None

    @property
    def lacking(self) -> tuple[DoorLine, ...]:
        """Those that wait for papers."""
        return tuple(line for line in self.dossiers if line.missing)


async def door_of(person: Person) -> Door | None:
    """What is counted; None for who receives nothing."""
    return await door_page(person, limit=COUNTED_MAX) if person.has("one_stop") else None


async def door_page(person: Person, *, limit: int, before: str = "") -> Door:
    """A page of the officer's agency."""
    query: dict[str, str | int] = {"status": NOT_ACCEPTED, "limit": limit}
    if before:
        query["before"] = before
    return await person.desk.get("intake", "/dossiers", Door, query=query)
