"""The cursor: a place in the feed, as partners keep it. To them a text; a place always has the same one."""

import re

import msgspec

from libs.http.problems import Problem
from services.gateway.feed.feed_store import Head

LATEST = "latest"
_WRITTEN = re.compile(r"([0-9a-f]{8})-(0|[1-9][0-9]{0,18})")


class Cursor(msgspec.Struct, frozen=True):
    """After which position of which feed."""

    feed: str
    position: int

    def __str__(self) -> str:
        """As partners keep it."""
        return f"{self.feed}-{self.position}"


def read_cursor(text: str) -> Cursor:
    """The cursor in `text`. Raises Problem 400."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise _unknown()
    return Cursor(found[1], int(found[2]))


def position_of(text: str, head: Head) -> int:
    """The position after which to read: "" is the beginning that is kept, "latest" the end.

    Raises Problem 400 for what is no cursor of this feed, 410 when events after it are no longer kept.
    """
    if text == "":
        return head.first - 1
    if text == LATEST:
        return head.last
    cursor = read_cursor(text)
    if cursor.feed != head.feed or cursor.position > head.last:
        raise _unknown()
    if cursor.position < head.first - 1:
        raise Problem(
            410,
            "cursor-too-old",
            "Các sự kiện sau vị trí này không còn được lưu",
            extra={"earliest": str(Cursor(head.feed, head.first - 1))},
        )
    return cursor.position


def _unknown() -> Problem:
    return Problem(400, "cursor-unknown", "Vị trí đọc không hợp lệ")
