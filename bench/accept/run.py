"""Accepting a birth over HTTP: how soon at 50 a second, how many at most, against one that only commits one row."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from bench.accept.one_row import TABLES
from bench.figures import Section, console, percentile, ratio, spread
from bench.load.http import Client, expect
from bench.load.rig import Rig, rig
from bench.machine import ROOT, run_sql, tree_seconds
from deploy.local.ports import free_port
from libs.database.provision import dsn_for, provision
from libs.http.public_keys import JWKS_NAME

ROUNDS = 5
PACED, PER_SECOND = 500, 50.0
BIRTHS, CLIENTS = 800, 64
SETTLE_SECONDS_MAX = 60.0
PASSWORD = "bench"  # noqa: S105 - a database that ends with the bench


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """What one round of as many requests as will go gave."""

    rate: float
    python_ms: float
    postgres_ms: float


async def run(rounds: int = ROUNDS) -> Section:
    """Measure accepting."""
    async with rig(documents=False, gather_seconds=0.05) as ready:
        lives = await ready.paced(PACED, PER_SECOND)
        took = [(life.received - life.sent) * 1000 for life in lives]
        await ready.closed(lives)
        async with _one_row(ready) as (client, pid):
            ours: list[Burst] = []
            least: list[Burst] = []
            # Only accepting is measured: what follows waits until the agencies are let go on.
            with ready.actor.held():
                for number in range(rounds):
                    ours.append(await _burst(ready, ready.actor.clients["intake"], _pid(ready, "intake")))
                    least.append(await _burst(ready, client, pid))
                    console.print(
                        f"  round {number + 1}: {ours[-1].rate:,.0f}/s, one row {least[-1].rate:,.0f}/s"
                    )
    return _section(took, ours, least)


async def _burst(ready: Rig, client: Client, pid: int) -> Burst:
    assert ready.city.postgres is not None
    server = ready.city.postgres.pid
    ready.make(BIRTHS)
    bodies = [ready.take().body for _ in range(BIRTHS)]
    await _quiet(ready)
    before = tree_seconds(pid), tree_seconds(server)
    began = time.perf_counter()

    async def one_client() -> None:
        while bodies:
            headers = ready.actor.hospital | ready.actor.key()
            expect(await client.post("/births", bodies.pop(), headers), 201)

    await asyncio.gather(*(one_client() for _ in range(CLIENTS)))
    seconds = time.perf_counter() - began
    return Burst(
        rate=BIRTHS / seconds,
        python_ms=(tree_seconds(pid) - before[0]) * 1000 / BIRTHS,
        postgres_ms=(tree_seconds(server) - before[1]) * 1000 / BIRTHS,
    )


async def _quiet(ready: Rig) -> None:
    """Wait until what the last round set going has come to rest."""
    async with asyncio.timeout(SETTLE_SECONDS_MAX):
        heard = -1
        while heard != ready.actor.events:
            heard = ready.actor.events
            await asyncio.sleep(0.5)


def _pid(ready: Rig, name: str) -> int:
    return next(each.pid for each in ready.city.processes() if each.name == name and each.pid)


@asynccontextmanager
async def _one_row(ready: Rig) -> AsyncIterator[tuple[Client, int]]:
    """The bench-only endpoint as a process of its own on the city's PostgreSQL."""
    city = ready.city
    assert city.postgres is not None
    admin = city.postgres.admin_dsn
    await provision(admin, "onerow", migrator_password=PASSWORD, app_password=PASSWORD)
    await run_sql(dsn_for(admin, database="onerow", user="onerow_migrator", password=PASSWORD), TABLES)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": dsn_for(admin, database="onerow", user="onerow_app", password=PASSWORD),
        "PUBLIC_KEYS": str(city.keys / JWKS_NAME),
        "HTTP_PORT": str(port),
    }
    with (city.folder / "one-row.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.accept.one_row", cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    client = Client(f"http://127.0.0.1:{port}")
    try:
        async with asyncio.timeout(30):
            while True:
                try:
                    expect(await client.get("/health/live", {}), 200)
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        yield client, process.pid
    finally:
        client.close()
        process.terminate()
        await process.wait()


def _section(took: list[float], ours: list[Burst], least: list[Burst]) -> Section:
    share = ratio([each.rate for each in ours], [each.rate for each in least])
    rows = [
        (
            name,
            spread([each.rate for each in bursts]).text(),
            spread([each.python_ms for each in bursts]).text(2),
            spread([each.postgres_ms for each in bursts]).text(2),
            f"{1000 / spread([each.python_ms + each.postgres_ms for each in bursts]).median:,.0f}",
        )
        for name, bursts in (("POST /births of intake", ours), ("only one row", least))
    ]
    paced = (
        f"At {PER_SECOND:g} births/s ({PACED} births, the whole pipeline running behind): p50"
        f" {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms from request to answer."
    )
    burst = (
        f"At most: {CLIENTS} clients with keep-alive, {len(ours)} alternating rounds of {BIRTHS} births, one process"
        f" each. Ours takes {share.text(2)} times as many as the endpoint that commits only one row; in it are the"
        " duplicate check, code, receipt, event, idempotency, and what relay and consumers do meanwhile."
    )
    core = "Per core: one second over the CPU that one birth costs the process and PostgreSQL together."
    return Section(
        title="Accepting a birth over HTTP",
        columns=("endpoint", "births/s", "Python ms each", "PostgreSQL ms each", "births/s per core"),
        rows=tuple(rows),
        settings=(paced, burst, core),
        raw={"ours": [each.rate for each in ours], "one row": [each.rate for each in least], "took": took},
    )
