"""What waits at a one-stop shop's door is counted whole, not its newest page."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.portal.console.door import COUNTED_MAX, PAGE_ROWS, PAGES_MAX, Door, DoorLine, gathered
from services.portal.console.queue_reading import ROWS, SUMMARIES_MAX, lacking_rows

AT = datetime(2026, 11, 27, 3, tzinfo=UTC)


def waiting(number: int, *, lacking: int = 1) -> list[DoorLine]:
    """So many dossiers, the newest first; the oldest, or so many of them, lack a paper."""
    return [
        DoorLine(
            dossier_id=UUID(int=left),
            code="",
            procedure="",
            received_at=AT,
            missing=("declaration",) if left <= lacking else (),
        )
        for left in range(number, 0, -1)
    ]


def counted(number: int) -> tuple[Door, int]:
    """What is gathered of so many, and of how many pages."""
    lines, asked = waiting(number), []

    async def page(before: str) -> Door:
        asked.append(before)
        rest = [line for line in lines if not before or line.dossier_id < UUID(before)][:PAGE_ROWS]
        return Door(dossiers=tuple(rest), before=rest[-1].dossier_id if len(rest) == PAGE_ROWS else None)

    return asyncio.run(gathered(page)), len(asked)


@pytest.mark.parametrize("number", [0, 1, PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1, 3 * PAGE_ROWS - 1])
def test_the_count_is_true(number: int) -> None:
    """Whatever the pages are; the one that waits longest for its paper is among them."""
    door, _ = counted(number)
    assert (len(door.dossiers), door.before) == (number, None)
    assert [line.dossier_id.int for line in door.lacking] == [1] * bool(number)


def test_beyond_a_thousand_it_says_that_there_is_more() -> None:
    """As every other list does; nobody reads on and on."""
    door, pages = counted(COUNTED_MAX + 1)
    assert len(door.dossiers) == COUNTED_MAX
    assert door.before is not None
    assert pages == COUNTED_MAX / PAGE_ROWS


def test_pages_of_which_nothing_may_be_read_are_not_read_on_and_on() -> None:
    """Where intake leaves out all that lies with other agencies, the number of pages is what ends it."""
    asked = []

    async def page(before: str) -> Door:
        asked.append(before)
        return Door(dossiers=(), before=UUID(int=10**6 - len(asked)))

    door = asyncio.run(gathered(page))
    assert (door.dossiers, door.before is not None, len(asked)) == ((), True, PAGES_MAX)


def test_of_what_lacks_papers_the_longest_waiting_are_listed() -> None:
    """All are counted; on the page they leave room, and names, for the page of steps that comes after them."""
    door = Door(dossiers=tuple(waiting(COUNTED_MAX, lacking=COUNTED_MAX - 1)))
    assert len(door.lacking) == COUNTED_MAX - 1
    rows = lacking_rows(door, "Phường Ngã Bảy")
    assert [row.dossier_id.int for row in rows] == list(range(1, ROWS + 1))
    assert len(rows) + ROWS <= SUMMARIES_MAX
    assert {(row.step_name, row.agency, row.action) for row in rows} == {
        ("Còn thiếu 1 giấy tờ", "Phường Ngã Bảy", "supply")
    }
    assert rows[0].href == f"/ho-so/{rows[0].dossier_id}/viec/supply?buoc="
