"""A city for the bench with its people, and what its processes spend."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import psutil

from bench.load.actor import Actor, Life
from bench.load.births import Birth, births
from bench.machine import tree_seconds
from deploy.local.city import City
from libs.catalogue.calendar import VIETNAM

CLOSED_SECONDS_MAX = 120.0
DECLARING_MAX = 32
# Agencies' systems and the desk send what they have twenty times a second.
GATHER_SECONDS = 0.05
WARM_BIRTHS = 100
NO_DOCUMENTS: Mapping[str, Mapping[str, str]] = {
    "results": {"RENDER_DOCUMENTS": "false", "PRESS_BATCH": "200"}
}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Some births from declaration to closing. `rate` is that of the middle eight tenths of the closings."""

    births: int
    rate: float
    event_rate: float
    cpu_seconds: dict[str, float]

    @property
    def cpu_per_thousand(self) -> dict[str, float]:
        """CPU seconds per 1,000 dossiers, by process."""
        return {name: seconds * 1000 / self.births for name, seconds in self.cpu_seconds.items()}


class Town:
    """A running city and the actor in it. Births are made ahead: making them is not what is measured."""

    def __init__(self, city: City, actor: Actor, seed: int) -> None:
        self.city = city
        self.actor = actor
        self._seed = seed
        self._made: list[Birth] = []

    def make(self, count: int) -> None:
        """Have `count` births ready."""
        if len(self._made) < count:
            self._seed += 1
            self._made += births(count, seed=self._seed, today=datetime.now(VIETNAM).date())

    def take(self, count: int) -> list[Birth]:
        """Births that were not declared before."""
        self.make(count)
        taken, self._made = self._made[:count], self._made[count:]
        return taken

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds spent so far, by process."""
        spent = {each.name: tree_seconds(each.pid) for each in self.city.processes() if each.pid}
        for server in (self.city.postgres, self.city.nats):
            if server is not None:
                spent[server.name] = tree_seconds(server.pid)
        return spent

    def resident_mib(self) -> dict[str, float]:
        """Memory of every process of ours with its children (RSS), in MiB."""
        found = {}
        for each in self.city.processes():
            if each.pid:
                process = psutil.Process(each.pid)
                found[each.name] = process.memory_info().rss / 1024**2
        return found

    async def run(self, count: int, *, in_flight: int) -> Run:
        """Declare `count` births, at most `in_flight` of them not closed, and wait for every closing."""
        room, declaring = asyncio.Semaphore(in_flight), asyncio.Semaphore(DECLARING_MAX)
        taken = self.take(count)
        before, heard = self.cpu_seconds(), self.actor.events

        async def one(birth: Birth) -> float:
            async with room:
                async with declaring:
                    life = await self.actor.declare(birth)
                return await closed(life)

        closings = sorted(await asyncio.gather(*(one(birth) for birth in taken)))
        after = self.cpu_seconds()
        first, last = closings[count // 10], closings[count * 9 // 10]
        rate = (count * 9 // 10 - count // 10) / (last - first)
        return Run(
            births=count,
            rate=rate,
            event_rate=rate * (self.actor.events - heard) / count,
            cpu_seconds={name: after[name] - before.get(name, 0.0) for name in after},
        )


async def closed(life: Life) -> float:
    """When the dossier was closed."""
    async with asyncio.timeout(CLOSED_SECONDS_MAX):
        return await life.closed


@asynccontextmanager
async def town(
    extra: Mapping[str, Mapping[str, str]], *, seed: int, gather_seconds: float = GATHER_SECONDS
) -> AsyncIterator[Town]:
    """Start a city with the settings every city has (fsync on, sync_interval always) and warm it up."""
    folder = Path(tempfile.mkdtemp(prefix="mot-cua-bench-"))
    folder.chmod(0o755)
    data: Path | None = None
    try:
        async with City(folder, extra=extra) as city:
            assert city.postgres is not None and city.nats is not None
            data = city.postgres.data_dir
            actor = Actor(city.urls, city.keys, gather_seconds=gather_seconds)
            await actor.listen(city.nats.url)
            found = Town(city, actor, seed)
            await found.run(WARM_BIRTHS, in_flight=20)
            yield found
            actor.close()
    finally:
        if data is not None:
            shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
