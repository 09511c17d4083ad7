"""A running city with the people of the bench, and what its processes spend."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import psutil

from bench.load.actor import Actor, Life
from bench.load.births import Birth, Births, births
from bench.machine import tree_seconds
from deploy.local.city import City
from libs.catalogue.calendar import VIETNAM

CLOSE_SECONDS_MAX = 120.0
# What a hospital's own software would keep open at once; more only queues before the service.
POSTS_AT_ONCE = 16
WARM_UP = 50


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """Some births from declaration to closing. The rate is that of the middle eight tenths of the closings."""

    births: int
    rate: float
    event_rate: float
    cpu_seconds: dict[str, float]

    @property
    def cpu_per_thousand(self) -> dict[str, float]:
        """CPU seconds per 1,000 dossiers, by process."""
        return {name: seconds * 1000 / self.births for name, seconds in self.cpu_seconds.items()}


class Rig:
    """A running city, the people of the bench, and births nobody has declared yet."""

    def __init__(self, city: City, actor: Actor, seed: int) -> None:
        self.city = city
        self.actor = actor
        self._today = datetime.now(VIETNAM).date()
        self._maker = Births(seed, today=self._today)
        self._made: list[Birth] = []
        self._posts = asyncio.Semaphore(POSTS_AT_ONCE)

    def make(self, count: int) -> None:
        """Have `count` births ready: making them is not what is measured."""
        if len(self._made) < count:
            self._made += births(count, self._maker, today=self._today)

    def take(self) -> Birth:
        """A birth nobody has declared yet."""
        return self._made.pop()

    async def declare(self) -> Life:
        """Declare the next birth."""
        async with self._posts:
            return await self.actor.declare(self.take())

    async def live(self, limit: asyncio.Semaphore) -> Life:
        """One birth from its declaration until its dossier is closed."""
        async with limit:
            life = await self.declare()
            await asyncio.wait_for(life.closed, CLOSE_SECONDS_MAX)
            return life

    async def many(self, count: int, at_once: int) -> Round:
        """`count` whole lives, `at_once` under way."""
        self.make(count)
        limit = asyncio.Semaphore(at_once)
        before, heard = self.cpu(), self.actor.events
        lives = await asyncio.gather(*(self.live(limit) for _ in range(count)))
        after = self.cpu()
        closings = sorted(life.closed.result() for life in lives)
        first, last = count // 10, count * 9 // 10
        rate = (last - first) / (closings[last] - closings[first])
        return Round(
            births=count,
            rate=rate,
            event_rate=rate * (self.actor.events - heard) / count,
            cpu_seconds={name: after[name] - before.get(name, 0.0) for name in after},
        )

    async def paced(self, count: int, per_second: float) -> list[Life]:
        """Declare `count` births at an even pace, whatever comes of it; each with its answer, none closed yet."""
        self.make(count)
        loop = asyncio.get_running_loop()
        began = loop.time()

        async def one(place: int) -> Life:
            await asyncio.sleep(began + place / per_second - loop.time())
            return await self.declare()

        return list(await asyncio.gather(*(one(place) for place in range(count))))

    async def closed(self, lives: list[Life]) -> None:
        """Wait until all of these are closed."""
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await asyncio.gather(*(life.closed for life in lives))

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far by process, with its children."""
        found = {each.name: tree_seconds(each.pid) for each in self.city.processes() if each.pid}
        if self.city.postgres and self.city.nats:
            found["PostgreSQL"] = tree_seconds(self.city.postgres.pid)
            found["NATS"] = tree_seconds(self.city.nats.pid)
        if self.city.partners_nats:
            found["NATS of partners"] = tree_seconds(self.city.partners_nats.pid)
        return found

    def resident_mib(self) -> dict[str, float]:
        """Resident memory of each service's process, without the press's workers, in MiB."""
        return {
            each.name: psutil.Process(each.pid).memory_info().rss / 1024**2
            for each in self.city.processes()
            if each.pid
        }


# Whatever the hour of the bench: messages are planned and joined, and wait as those of the night wait for the morning.
KEPT = {"QUIET_HOURS": "false", "WAIT_SCALE": "1000"}
# Every message goes out at once, none waits for another of its dossier.
TOLD = {"QUIET_HOURS": "false", "WAIT_SCALE": "0"}


@asynccontextmanager
async def rig(*, documents: bool, gather_seconds: float, told: bool = False) -> AsyncIterator[Rig]:
    """A fresh city, warmed up; `documents` prints and signs every result, `told` sends every message at once.

    All other settings are those of every city.
    """
    folder = Path(tempfile.mkdtemp(prefix="mot-cua-bench-"))
    # PostgreSQL runs as another user when we are root.
    folder.chmod(0o755)
    settings = {"RENDER_DOCUMENTS": str(documents).lower(), "PRESS_WORKERS": "2", "PRESS_BATCH": "200"}
    if documents:
        settings["PRESS_BATCH"] = "32"
    data: Path | None = None
    try:
        async with City(folder, extra={"results": settings, "notify": TOLD if told else KEPT}) as city:
            if city.nats is None or city.postgres is None:
                raise RuntimeError("a city that was given no servers starts its own")
            data = city.postgres.data_dir
            actor = Actor(city.urls, city.keys, gather_seconds=gather_seconds)
            await actor.listen(city.nats.url)
            try:
                ready = Rig(city, actor, seed=time.time_ns() // 1000 % 10**9)
                await ready.many(WARM_UP, 25)
                yield ready
            finally:
                actor.close()
    finally:
        for each in (data, folder):
            if each is not None:
                shutil.rmtree(each, ignore_errors=True)
