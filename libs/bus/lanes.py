"""Messages waiting in memory: one lane, or several whose batches are in flight together while a dossier keeps order.

Which lane a dossier is in only saves waiting: correctness rests on the positions locked in PostgreSQL.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from libs.bus.arrivals import Arrival, Key
from libs.bus.pull import Message

HELD_MAX = 256


class Lane:
    """A queue of messages and the arrivals held back for a moment because the sequence before them is missing.

    Messages that are only to be counted wait a moment for one to act on, and share its transaction: of what a service
    hears two thirds are such, and nobody waits for them - but another replica that got the dossier's next event, and
    sees a gap until this one has counted (company_seconds at most).
    """

    def __init__(
        self,
        read: Callable[[Message, str], Arrival],
        *,
        pressing: Callable[[Message], bool],
        batch_max: int,
        retry_seconds: float,
        company_seconds: float,
    ) -> None:
        self._read = read
        self._pressing = pressing
        self._company_seconds = company_seconds
        self._batch_max = batch_max
        self._retry_seconds = retry_seconds
        self._queue: deque[Message] = deque()
        self._held: list[Arrival] = []
        self._arrived = asyncio.Event()
        self._pressed = asyncio.Event()
        self.closed = False

    def put(self, message: Message) -> None:
        """Queue a message; the pull's window bounds how many there can be."""
        self._queue.append(message)
        self._arrived.set()
        if len(self._queue) >= self._batch_max or self._pressing(message):
            self._pressed.set()

    def close(self) -> None:
        """Let `take` return at once from now on."""
        self.closed = True
        self._arrived.set()
        self._pressed.set()

    def hold(self, arrival: Arrival) -> bool:
        """Keep an arrival for the next batch; False when too many are kept."""
        if len(self._held) >= HELD_MAX:
            return False
        self._held.append(arrival)
        return True

    async def take(self) -> list[Arrival]:
        """The next batch, read: those held back first, then what has come.

        Waits for the first: for as long as it takes, or the retry time when some are held back. When it is one only to
        be counted, and none are held back, waits a moment more for one to act on.
        """
        if not self._queue and not self.closed:
            self._arrived.clear()
            await self._wait(self._arrived, self._retry_seconds if self._held else None)
        # What is held back may wait for just such a message.
        if not self._held:
            await self._wait(self._pressed, self._company_seconds)
        batch, self._held = self._held, []
        while self._queue and len(batch) < self._batch_max:
            message = self._queue.popleft()
            batch.append(self._read(message, message.pull.source))
        if not self._queue and not self.closed:
            self._pressed.clear()
        return batch

    @staticmethod
    async def _wait(event: asyncio.Event, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass

    def rest(self) -> list[Message]:
        """Everything still here, taken out."""
        found = [*self._queue]
        found += [arrival.message for arrival in self._held]  # type: ignore[misc]
        self._queue.clear()
        self._held = []
        return found


class Beside:
    """Who may be in flight beside whom: batches of all lanes together, or one suspect with nobody."""

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        self._free = asyncio.Semaphore(lanes)
        # Two suspects that each held a part of the lanes would wait for each other for ever.
        self._one_suspect = asyncio.Lock()

    @asynccontextmanager
    async def others(self) -> AsyncIterator[None]:
        """A lane's batch in flight, unless a suspect is."""
        async with self._free:
            yield

    @asynccontextmanager
    async def nobody(self) -> AsyncIterator[None]:
        """A suspect in flight, once the batches of all lanes are through."""
        taken = 0
        async with self._one_suspect:
            try:
                while taken < self._lanes:
                    await self._free.acquire()
                    taken += 1
                yield
            finally:
                for _ in range(taken):
                    self._free.release()


class Gaps:
    """Which dossiers wait for a missing sequence, and since when; only to tell people, nothing depends on it."""

    def __init__(self, *, alarm_seconds: float, forget_seconds: float, gaps_max: int = 10_000) -> None:
        self._alarm_seconds = alarm_seconds
        self._forget_seconds = forget_seconds
        self._gaps_max = gaps_max
        self._seen: dict[Key, tuple[float, float]] = {}
        self._told: set[Key] = set()

    def __len__(self) -> int:
        return len(self._seen)

    def seen(self, key: Key, now: float) -> None:
        """An event of `key` arrived ahead of its turn."""
        if key in self._seen or len(self._seen) < self._gaps_max:
            self._seen[key] = (self._seen.get(key, (now, now))[0], now)

    def closed(self, key: Key) -> None:
        """The dossier has moved on."""
        if self._seen and self._seen.pop(key, None) is not None:
            self._told.discard(key)

    def overdue(self, now: float) -> list[Key]:
        """Those waiting for longer than the alarm time, each once; those not seen any more are forgotten."""
        gone = [key for key, (_, last) in self._seen.items() if now - last > self._forget_seconds]
        for key in gone:
            self.closed(key)
        late = [key for key, (first, _) in self._seen.items() if now - first > self._alarm_seconds]
        fresh = [key for key in late if key not in self._told]
        self._told.update(fresh)
        return fresh
