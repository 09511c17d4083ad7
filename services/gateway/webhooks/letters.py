"""The bodies of events on their way, each once however many endpoints it goes to, within a bound of bytes."""

from collections import OrderedDict
from collections.abc import Collection
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from libs.database.transactions import ACQUIRE_TIMEOUT_SECONDS
from services.gateway.feed import feed_store
from services.gateway.feed.feed_store import Entry

BYTES_MAX = 16 << 20
# Fetched in one statement.
FETCH_MAX = 500


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is sent, and what its rights are judged by."""

    event_id: UUID
    type: str
    readers: frozenset[str]
    body: bytes


class Letters:
    """By position in the feed; the longest unused are forgotten, and fetched again when they are needed."""

    def __init__(self, pool: "asyncpg.Pool[Any]", *, bytes_max: int = BYTES_MAX) -> None:
        self._pool = pool
        self._bytes_max = bytes_max
        self._known: OrderedDict[int, Letter | None] = OrderedDict()
        self._bytes = 0

    def keep(self, entry: Entry) -> None:
        """An event that was just read."""
        self._put(entry.position, letter_of(entry))

    def __contains__(self, position: int) -> bool:
        return position in self._known

    def get(self, position: int) -> Letter | None:
        """The event at a position that is `in` here; None when the feed has it no more."""
        self._known.move_to_end(position)
        return self._known[position]

    async def fetch(self, positions: Collection[int]) -> None:
        """Read what is not here, FETCH_MAX at most."""
        missing = [position for position in positions if position not in self._known][:FETCH_MAX]
        if not missing:
            return
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            entries = await feed_store.at(conn, missing)
        found = {entry.position: letter_of(entry) for entry in entries}
        for position in missing:
            self._put(position, found.get(position))

    def _put(self, position: int, letter: Letter | None) -> None:
        if position in self._known:
            return
        self._known[position] = letter
        self._bytes += _size(letter)
        while self._bytes > self._bytes_max and len(self._known) > 1:
            self._bytes -= _size(self._known.popitem(last=False)[1])


def letter_of(entry: Entry) -> Letter:
    """An event of the feed as it is sent."""
    return Letter(
        event_id=entry.envelope.id,
        type=entry.envelope.type,
        readers=entry.readers,
        body=entry.structured(),
    )


def _size(letter: Letter | None) -> int:
    return 200 + (len(letter.body) if letter else 0)
