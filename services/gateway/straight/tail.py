"""The end of the feed, read once for all partners that are there: each picks out what is for it."""

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import asyncpg

from libs.database.transactions import ACQUIRE_TIMEOUT_SECONDS
from libs.process.repeating import repeat
from services.gateway.feed.feed_store import Entry
from services.gateway.feed.following import Feed
from services.gateway.straight import store

ROWS_READ_MAX = 1_000
# What is kept in memory; who is further behind reads from the database.
ROWS_KEPT_MAX = 4_000
BYTES_KEPT_MAX = 4 << 20
WAIT_SECONDS = 1.0


class Tail:
    """The last rows of the feed from the time it was started on. `run` is a background task."""

    def __init__(self, pool: "asyncpg.Pool[Any]", feed: Feed) -> None:
        self._pool = pool
        self._feed = feed
        self._rows: list[Entry] = []
        self._bytes = 0
        # Everything after `_first`, up to `until`, is kept.
        self._first = 0
        self.until = 0
        # Called when there is more. While there are none nothing is read.
        self.wakers: set[Callable[[], None]] = set()

    async def start(self) -> None:
        """Begin at the feed's end. Raises what the database raises."""
        head = await self._feed.head()
        self._rows, self._bytes = [], 0
        self._first = self.until = head.last
        self._wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the feed until told to stop."""
        await repeat(self._turn, stop, name="partners-tail", pause_seconds=0.0)

    async def _turn(self) -> bool:
        if not self.wakers:
            # Whoever comes is behind, and goes on from the database.
            await asyncio.sleep(WAIT_SECONDS)
            await self.start()
            return False
        if not await self._feed.wait_beyond(self.until, WAIT_SECONDS):
            return False
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            self._keep(await store.rows_after(conn, self.until, ROWS_READ_MAX))
        return True

    def _keep(self, rows: list[Entry]) -> None:
        self._rows += rows
        self._bytes += sum(len(row.data) for row in rows)
        gone = 0
        while len(self._rows) - gone > ROWS_KEPT_MAX or self._bytes > BYTES_KEPT_MAX:
            self._bytes -= len(self._rows[gone].data)
            self._first = self._rows[gone].position
            gone += 1
        del self._rows[:gone]
        if rows:
            self.until = rows[-1].position
            self._wake()

    def _wake(self) -> None:
        for wake in self.wakers:
            wake()

    def after(self, position: int) -> list[Entry] | None:
        """The rows after a position that are kept; None when some of them are not."""
        if position < self._first:
            return None
        return self._rows[bisect_right(self._rows, position, key=lambda row: row.position) :]
