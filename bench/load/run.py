"""The whole pipeline: births over HTTP to closed dossiers with instant agencies; how fast, how dear, how soon."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from bench.figures import Section, at_least, at_most, load, percentile, spread
from bench.load.actor import Actor, Life
from bench.load.births import Birth, births
from bench.machine import tree_seconds
from deploy.local.city import City
from libs.catalogue.calendar import VIETNAM

ROUNDS = 5
CLOSE_SECONDS_MAX = 60.0
# What a hospital's own software would keep open at once; more only queues before the service.
POSTS_AT_ONCE = 16
WARM_UP = 50


class Rig:
    """A running city, the people of the bench, and births nobody has declared yet."""

    def __init__(self, city: City, actor: Actor, made: list[Birth]) -> None:
        self.city = city
        self.actor = actor
        self._made = made
        self._posts = asyncio.Semaphore(POSTS_AT_ONCE)

    async def declare(self) -> Life:
        """Declare the next birth."""
        async with self._posts:
            return await self.actor.declare(self._made.pop())

    async def live(self, limit: asyncio.Semaphore) -> Life:
        """One birth from its declaration until its dossier is closed."""
        async with limit:
            life = await self.declare()
            await asyncio.wait_for(life.closed, CLOSE_SECONDS_MAX)
            return life

    async def many(self, count: int, at_once: int) -> float:
        """`count` whole lives, `at_once` under way; returns the seconds it took."""
        limit = asyncio.Semaphore(at_once)
        began = time.perf_counter()
        await asyncio.gather(*(self.live(limit) for _ in range(count)))
        return time.perf_counter() - began

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far by process, with its children."""
        found = {each.name: tree_seconds(each.pid) for each in self.city.processes() if each.pid}
        if self.city.postgres and self.city.nats:
            found["PostgreSQL"] = tree_seconds(self.city.postgres.pid)
            found["NATS"] = tree_seconds(self.city.nats.pid)
        return found


@asynccontextmanager
async def rig(count: int, *, documents: bool, gather_seconds: float) -> AsyncIterator[Rig]:
    """A fresh city with `count` births to declare; `documents` prints and signs every result."""
    folder = Path(tempfile.mkdtemp(prefix="mot-cua-bench-"))
    # PostgreSQL runs as another user when we are root.
    folder.chmod(0o755)
    made = births(count + WARM_UP, seed=int(time.time()), today=datetime.now(VIETNAM).date())
    settings = {"RENDER_DOCUMENTS": str(documents).lower(), "PRESS_WORKERS": "2", "PRESS_BATCH": "200"}
    if documents:
        settings["PRESS_BATCH"] = "32"
    try:
        async with City(folder, extra={"results": settings}) as city:
            if city.nats is None:
                raise RuntimeError("the bench measures on its own servers: unset NATS_URL and DATABASE_URL")
            actor = Actor(city.urls, city.keys, gather_seconds=gather_seconds)
            await actor.listen(city.nats.url)
            try:
                ready = Rig(city, actor, made)
                await ready.many(WARM_UP, 25)
                yield ready
            finally:
                actor.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def pipeline() -> Section:
    """Closed births a second, without and with documents, and the CPU by process."""
    rows, raw, names = [], {}, list[str]()
    for title, documents, count, at_once in (
        ("without documents", False, 600, 300),
        ("with PDFs rendered and signed", True, 60, 60),
    ):
        async with rig(ROUNDS * count, documents=documents, gather_seconds=0.05) as ready:
            before, rates, events = ready.cpu(), list[float](), list[float]()
            for _ in range(ROUNDS):
                heard = ready.actor.events
                seconds = await ready.many(count, at_once)
                rates.append(count / seconds)
                events.append((ready.actor.events - heard) / seconds)
            after = ready.cpu()
        used = {name: (after[name] - before[name]) * 1000 / (ROUNDS * count) for name in before}
        names = list(used)
        raw[title] = {"births": rates, "events": events}
        figures = (f"{value:.2f}" for value in (*used.values(), sum(used.values())))
        rows.append((title, spread(rates).text(1), spread(events).text(), *figures))
    plain, printed = raw["without documents"], raw["with PDFs rendered and signed"]
    aims = [
        at_least("closed births/s without documents", spread(plain["births"]).median, 200, digits=0),
        at_least("closed births/s with documents", spread(printed["births"]).median, 20, digits=1),
    ]
    probe = [
        rates for name, rates in (load()["hop"].raw if "hop" in load() else {}).items() if "probe" in name
    ]
    if probe:
        aims.append(
            at_least(
                "events/s of the one-hop probe's",
                spread(plain["events"]).median / spread(probe[0]).median,
                0.5,
            )
        )
    return Section(
        title="Full pipeline: hospital birth over HTTP to closed dossier, instant agencies",
        columns=("", "births/s", "events/s", *(f"{name} CPU-s/1,000" for name in names), "all CPU-s/1,000"),
        rows=tuple(rows),
        aims=tuple(aims),
        settings=(
            (
                f"{ROUNDS} rounds each; births declared one a request, {POSTS_AT_ONCE} at once; the agencies' own "
                "systems complete steps in batches and the desk takes papers in by the bag, all over the public API. "
                "The bench's own CPU (declaring, completing, handing over) shares the two cores."
            ),
            "Three steps and three results a birth. NATS `sync_interval: always`, PostgreSQL with fsync.",
            "The probe's rate is that of the last one-hop run on this machine, not of the same run.",
        ),
        raw=raw,
    )


async def latency() -> Section:
    """From the declaration to the closed dossier when agencies need no time: what remains are waits of ours."""
    rows, aims, raw = [], [], {}
    for per_second, count in ((1, 30), (20, 400)):
        async with rig(count, documents=False, gather_seconds=0.0) as ready:
            limit = asyncio.Semaphore(count)
            tasks, began = [], time.perf_counter()
            for place in range(count):
                await asyncio.sleep(max(0.0, began + place / per_second - time.perf_counter()))
                tasks.append(asyncio.create_task(ready.live(limit)))
            lives = await asyncio.gather(*tasks)
        whole = [(life.closed.result() - life.sent) * 1000 for life in lives]
        accepted = [(life.received - life.sent) * 1000 for life in lives]
        p50, p99 = percentile(whole, 0.5), percentile(whole, 0.99)
        rows.append(
            (
                f"{per_second} births/s",
                f"{p50:.0f}",
                f"{p99:.0f}",
                f"{percentile(accepted, 0.5):.1f}",
                f"{percentile(accepted, 0.99):.1f}",
            )
        )
        raw[str(per_second)] = [p50, p99]
        aims.append(at_most(f"p99 at {per_second} births/s", p99, 250, unit=" ms"))
    return Section(
        title="Machine time: declaration to closed dossier when nobody needs time",
        columns=("load", "p50 ms", "p99 ms", "accepting p50 ms", "accepting p99 ms"),
        rows=tuple(rows),
        aims=tuple(aims),
        settings=("Without documents. The bench's own turns (hear, answer) are in it.",),
        raw=raw,
    )


async def accept() -> Section:
    """Accepting a birth over HTTP: how soon at 50 a second, and how many at most."""
    async with rig(5_000, documents=False, gather_seconds=0.05) as ready:
        paced, began = [], time.perf_counter()
        for place in range(1_000):
            await asyncio.sleep(max(0.0, began + place / 50 - time.perf_counter()))
            paced.append(asyncio.create_task(ready.declare()))
        lives = await asyncio.gather(*paced)
        took = [(life.received - life.sent) * 1000 for life in lives]
        await asyncio.gather(*(asyncio.wait_for(life.closed, CLOSE_SECONDS_MAX) for life in lives))
        before, rates = ready.cpu(), []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await asyncio.gather(*(ready.declare() for _ in range(600)))
            rates.append(600 / (time.perf_counter() - began))
        after = ready.cpu()
    intake = (after["intake"] - before["intake"]) / (ROUNDS * 600)
    return Section(
        title="Accepting a birth over HTTP",
        columns=("", "figure"),
        rows=(
            ("p50 at 50/s, ms", f"{percentile(took, 0.5):.1f}"),
            ("p99 at 50/s, ms", f"{percentile(took, 0.99):.1f}"),
            ("sustained, births/s, the whole pipeline running behind", spread(rates).text()),
            ("CPU of intake a birth, ms (relay and answers of the bus included)", f"{intake * 1000:.2f}"),
        ),
        settings=(
            "The comparison with an endpoint that only commits one row is not part of this bench yet.",
        ),
        raw={"sustained": rates},
    )
