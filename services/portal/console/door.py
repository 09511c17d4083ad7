"""Dossiers handed in at a one-stop shop that nobody has taken yet: intake keeps them, and tells them page by page."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from services.portal.sessions import Person

# National status code of a dossier that has been handed in and is not accepted.
NOT_ACCEPTED = "1"
# As many as intake tells at once, and as far as is counted: the other services' lists are, too.
PAGE_ROWS = 200
COUNTED_MAX = 1000
PAGES_MAX = COUNTED_MAX // PAGE_ROWS


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
    """Everything that waits, as far as it is counted; None for who receives nothing."""
    if not person.has("one_stop"):
        return None
    return await gathered(lambda before: door_page(person, limit=PAGE_ROWS, before=before))


async def gathered(page: Callable[[str], Awaitable[Door]]) -> Door:
    """The pages as one, PAGES_MAX of them at most; with a `before` there is more.

    Pages are counted, not what is on them: intake leaves out what the officer may not read, so they may be short.
    """
    found = await page("")
    for _ in range(PAGES_MAX - 1):
        if found.before is None:
            break
        following = await page(str(found.before))
        found = Door(dossiers=(*found.dossiers, *following.dossiers), before=following.before)
    return found


async def door_page(person: Person, *, limit: int, before: str = "") -> Door:
    """A page of the officer's agency."""
    query: dict[str, str | int] = {"status": NOT_ACCEPTED, "limit": limit}
    if before:
        query["before"] = before
    return await person.desk.get("intake", "/dossiers", Door, query=query)
