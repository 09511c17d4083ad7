"""Events committed at a steady pace, by another process than the dispatcher's, and when each receiver had it."""

import asyncio
import base64
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import psutil

from bench.figures import Section, at_most, console, percentile, spread
from bench.machine import ROOT, Machine, machine, tree_seconds
from deploy.local.ports import free_port
from libs.bus.handling import Change
from libs.bus.ids import new_id
from libs.contracts.cloudevents import encode_data
from libs.contracts.event import Envelope
from libs.contracts.routing import StepStarted
from libs.database.lines import lines_of
from libs.process.sealing import Sealer, new_sealing_key
from services.gateway import store
from services.gateway.domain import Dossier, Said
from services.gateway.partners import partner_store
from services.gateway.partners.partner import Partner
from services.gateway.webhooks import endpoint_store, signing
from services.gateway.webhooks.endpoint import Endpoint

ANSWERING, HANGING, FAILING, CLOSED = 160, 20, 10, 10
PER_SECOND, EVENTS, ROUNDS = 2.0, 60, 3
# The receivers that are of no use have shown it by then, and connections are open.
WARM_UP_SECONDS = 30.0
PARTNER_ENDPOINTS = 20
P99_MS, GROWTH_MIB = 1000.0, 16.0


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds from commit to receipt for every event and healthy receiver; CPU and memory of the sender."""

    waits: list[float]
    cpu_ms_per_thousand: float
    postgres_ms_per_thousand: float
    grown_mib: float


async def run(rounds: int = ROUNDS) -> Section:
    """Rounds of our dispatcher and of the probe in turn, on the same receivers."""
    ours: list[Round] = []
    probes: list[Round] = []
    async with machine() as shared, receivers() as there, dispatcher(shared, there.port) as running:
        await _say(running.pool, PER_SECOND, round(WARM_UP_SECONDS * PER_SECOND))
        await there.arrived()
        for number in range(rounds):
            ours.append(await _ours(shared, running, there))
            probes.append(await _probe(there))
            console.print(
                f"  round {number + 1}: p99 {percentile(ours[-1].waits, 0.99):.0f} ms,"
                f" probe {percentile(probes[-1].waits, 0.99):.0f} ms; grown {ours[-1].grown_mib:.1f} MiB"
            )
        mib = psutil.Process(running.pid).memory_info().rss / 1024**2
    return _section(ours, probes, mib)


class There:
    """The process with all receivers."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    async def arrived(self) -> list[tuple[str, int]]:
        """What has arrived since the last time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"arrived\n")
        return msgspec.json.decode(await self._process.stdout.readline(), type=list[tuple[str, int]])


class Running(msgspec.Struct, frozen=True):
    """The dispatcher's process, and a pool to say events with."""

    pid: int
    pool: Any


@asynccontextmanager
async def receivers() -> AsyncIterator[There]:
    """All receivers, until the end of the block."""
    port = free_port()
    counts = [str(each) for each in (ANSWERING, HANGING, FAILING)]
    async with _program("bench.webhooks.receivers", str(port), *counts) as process:
        yield There(process, port)


@asynccontextmanager
async def dispatcher(shared: Machine, port: int) -> AsyncIterator[Running]:
    """A gateway's database with two hundred endpoints, and a dispatcher that serves them."""
    dsn = await shared.database("gateway", lines_of("gateway"))
    key = new_sealing_key()
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        await _endpoints(pool, Sealer(base64.b64decode(key)), port)
        environment = {
            "BENCH_DSN": dsn,
            "BENCH_NATS_URL": shared.nats.url,
            "BENCH_WEBHOOK_KEY": key.decode().strip(),
        }
        async with _program("bench.webhooks.ours", environment=environment) as process:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            yield Running(process.pid, pool)


@asynccontextmanager
async def _program(
    module: str, *arguments: str, environment: dict[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program of the bench that has said that it is ready; a line more ends it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=ROOT,
        env=os.environ | (environment or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n", module
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.write(b"end\n")
            process.stdin.close()
        async with asyncio.timeout(30):
            await process.wait()


async def _endpoints(pool: "asyncpg.Pool[Any]", sealer: Sealer, port: int) -> None:
    closed = free_port()
    for number in range(ANSWERING + HANGING + FAILING + CLOSED):
        partner = f"partner-{number // PARTNER_ENDPOINTS}"
        reached = number < ANSWERING + HANGING + FAILING
        endpoint = Endpoint(
            id=new_id(),
            partner=partner,
            url=f"http://127.1.0.{number + 1}:{port if reached else closed}/hook",
            types=("*",),
            description="",
            state="active",
            reason="",
            cursor=0,
            version=1,
            created_at=datetime.now(UTC),
        )
        async with pool.acquire() as conn, conn.transaction():
            await partner_store.insert(
                conn, Partner(code=partner, name_vi=partner, types=("*",), reads=("*",))
            )
            await endpoint_store.insert(conn, endpoint)
            sealed = sealer.seal(signing.new_secret(), endpoint.id)
            await endpoint_store.add_secret(conn, endpoint.id, new_id(), sealed)


async def _say(pool: "asyncpg.Pool[Any]", per_second: float, events: int) -> dict[str, int]:
    """Record events as the gateway's consumer does, each of a dossier of its own; when each was committed.

    At random moments: at a steady beat all would fall on the same moment between two looks of the dispatcher.
    """
    committed: dict[str, int] = {}
    draw = random.Random(7)
    for _ in range(events):
        began, dossier_id, now = time.monotonic(), new_id(), datetime.now(UTC)
        envelope = Envelope(
            id=new_id(),
            source="routing",
            type=StepStarted.SUBJECT,
            dossier_id=dossier_id,
            time=now,
            sequence=1,
        )
        data = encode_data(StepStarted(step="register_birth", agency="ward-31340", started_at=now))
        said = Said(envelope, data, frozenset({"facility/93016"}))
        async with pool.acquire() as conn, conn.transaction():
            after = Dossier(said.readers, (said,))
            await store.save(conn, [Change(dossier_id=dossier_id, before=None, after=after)])
        committed[str(envelope.id)] = time.monotonic_ns()
        await asyncio.sleep(max(0.0, began + draw.expovariate(per_second) - time.monotonic()))
    return committed


async def _ours(shared: Machine, running: Running, there: There) -> Round:
    process = psutil.Process(running.pid)
    rss, cpu, postgres = (
        process.memory_info().rss,
        tree_seconds(running.pid),
        shared.cpu_seconds()["postgres"],
    )
    committed = await _say(running.pool, PER_SECOND, EVENTS)
    await asyncio.sleep(3)
    waits = _waits(committed, await there.arrived())
    return Round(
        waits=waits,
        cpu_ms_per_thousand=(tree_seconds(running.pid) - cpu) * 1e6 / len(waits),
        postgres_ms_per_thousand=(shared.cpu_seconds()["postgres"] - postgres) * 1e6 / len(waits),
        grown_mib=(process.memory_info().rss - rss) / 1024**2,
    )


async def _probe(there: There) -> Round:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.webhooks.probe",
        *(str(each) for each in (ANSWERING, there.port, PER_SECOND, EVENTS // 2)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    before = _children_seconds()
    output, _ = await process.communicate()
    spent = _children_seconds() - before
    began = dict(line.split() for line in output.decode().splitlines()[5:])
    waits = _waits({each: int(at) for each, at in began.items()}, await there.arrived())
    return Round(
        waits=waits,
        cpu_ms_per_thousand=spent * 1e6 / (len(waits) + 5 * ANSWERING),
        postgres_ms_per_thousand=0.0,
        grown_mib=0.0,
    )


def _children_seconds() -> float:
    """CPU seconds of children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _waits(committed: dict[str, int], arrived: Sequence[tuple[str, int]]) -> list[float]:
    """Milliseconds for each event and receiver. Raises AssertionError when one is missing or came twice."""
    waits = [(at - committed[event_id]) / 1e6 for event_id, at in arrived if event_id in committed]
    assert len(waits) == len(committed) * ANSWERING, (len(waits), len(committed) * ANSWERING)
    return waits


def _section(ours: Sequence[Round], probes: Sequence[Round], mib: float) -> Section:
    rows = [
        (
            f"p{round(share * 100)} ms",
            *(spread([percentile(each.waits, share) for each in runs]).text() for runs in (ours, probes)),
        )
        for share in (0.5, 0.99)
    ]
    rows.append(
        ("longest, ms", *(spread([max(each.waits) for each in runs]).text() for runs in (ours, probes)))
    )
    rows.append(
        (
            "CPU ms per 1,000 deliveries",
            *(spread([each.cpu_ms_per_thousand for each in runs]).text() for runs in (ours, probes)),
        )
    )
    rows.append(("… of PostgreSQL", spread([each.postgres_ms_per_thousand for each in ours]).text(), ""))
    rows.append(("memory grown in a round, MiB", spread([each.grown_mib for each in ours]).text(1), ""))
    rows.append(("memory at the end, MiB", f"{mib:.0f}", ""))
    p99 = spread([percentile(each.waits, 0.99) for each in ours]).greatest
    grown = spread([each.grown_mib for each in ours]).greatest
    return Section(
        title="Webhooks: 200 endpoints of which 20 hang and 20 refuse",
        columns=("commit to receipt by the healthy 160", "dispatcher", "probe"),
        rows=tuple(rows),
        aims=(
            at_most("p99 from commit to receipt, worst round", p99, P99_MS, unit=" ms"),
            at_most("memory grown in a round", grown, GROWTH_MIB, digits=1, unit=" MiB"),
        ),
        settings=_settings(len(ours)),
        raw={
            "p99": [percentile(each.waits, 0.99) for each in ours],
            "probe p99": [percentile(each.waits, 0.99) for each in probes],
        },
    )


def _settings(rounds: int) -> tuple[str, ...]:
    load = (
        f"{rounds} rounds of {EVENTS} events at {PER_SECOND:g} a second at random moments, each for all 200 endpoints:"
        f" {PER_SECOND * ANSWERING:g} deliveries a second. Each event is recorded by another process than the"
        " dispatcher's, which finds it by asking (every 100 ms). Ten of those that"
        " refuse answer 500, ten take no connection. Every delivery arrived once."
    )
    shape = (
        "Plain HTTP on loopback, an address an endpoint; the receivers share the two cores. The probe posts the"
        " same events with the same library, without a database, order, retries or signatures."
    )
    return load, shape
