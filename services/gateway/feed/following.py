"""The feed as a process reads it: where its end is, who waits for it to move, and pages along it.

PostgreSQL is the truth: while somebody waits, the end is asked for every POLL_SECONDS. A commit of this process's own
wakes them at once; that of another replica is found by asking. So there is no channel whose silence could be a fault.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import asyncpg
import msgspec

from libs.database.transactions import ACQUIRE_TIMEOUT_SECONDS
from libs.process.repeating import repeat
from services.gateway.feed import feed_store
from services.gateway.feed.cursor import position_of
from services.gateway.feed.feed_store import BYTES_MAX, SCAN_MAX, Entry, Head

POLL_SECONDS = 0.25
# Who wakes for one event looks a moment later: what comes with it is read with it.
GATHER_SECONDS = 0.05
# Reads at once, so that the recording and the tokens always find a connection.
READS_MAX = 3


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found: the events for its reader, and the position from which to go on."""

    entries: tuple[Entry, ...]
    after: int
    until: int
    # Whether there was more to look at than one look may.
    more: bool


class Feed:
    """One process's view of the feed. `run` is a background task; `wake` is called after every commit."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._head: Head | None = None
        self._moved = asyncio.Event()
        self._poked = asyncio.Event()
        self._waiting = 0
        self._reads = asyncio.Semaphore(READS_MAX)

    def wake(self) -> None:
        """Something was recorded by this process: those who wait look at once."""
        self._poked.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the feed's end for those who wait, until told to stop."""
        await repeat(self._follow, stop, name="feed", pause_seconds=0.0)

    async def head(self) -> Head:
        """Where the feed is now."""
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            found = await feed_store.head(conn)
        if self._head is None or (found.last, found.feed) != (self._head.last, self._head.feed):
            moved, self._moved = self._moved, asyncio.Event()
            self._head = found
            moved.set()
        self._head = found
        return found

    async def begin_at(self, text: str) -> tuple[str, int]:
        """Which feed this is, and the position a cursor stands for. Raises Problem 400 or 410 (cursor.position_of)."""
        head = await self.head()
        return head.feed, position_of(text, head)

    async def page(
        self, after: int, *, types: Collection[str], readers: Collection[str] | None, limit: int
    ) -> Page:
        """Look from `after` on, over SCAN_MAX rows at most, for events of `types` that concern one of `readers`."""
        async with self._reads, self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            head = await feed_store.head(conn)
            # What retention has taken away since the cursor was judged is not looked through.
            start = max(after, head.first - 1)
            end = min(start + SCAN_MAX, head.last)
            found: list[Entry] = []
            if end > start and types:
                found = await feed_store.page(
                    conn, after=start, until=end, types=types, readers=readers, limit=limit
                )
        full = len(found) == limit or sum(len(entry.data) for entry in found) >= BYTES_MAX
        until = found[-1].position if full else max(end, after)
        return Page(entries=tuple(found), after=after, until=until, more=until < head.last)

    async def wait_beyond(self, position: int, seconds: float) -> bool:
        """Wait until there is something after `position`, or `seconds` have passed; whether there is."""
        self._waiting += 1
        self._poked.set()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                while self._head is None or self._head.last <= position:
                    await self._moved.wait()
                await asyncio.sleep(GATHER_SECONDS)
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1
        return self._head is not None and self._head.last > position

    async def _follow(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._poked.wait()
        self._poked.clear()
        if self._waiting:
            await self.head()
        return True
