"""One round of one contestant: fresh database and streams, the same events, a clock, and a look at what came out."""

import asyncio
import os
import sys
import time
from pathlib import Path

import asyncpg
import msgspec
import nats
from nats.aio.client import Client

from bench.hop import work
from bench.machine import ROOT, Machine, tree_seconds
from libs.bus import jetstream, topology
from libs.bus.publisher import Message, Publisher, Stored
from libs.database.migrate import Line

POLL_SECONDS = 0.01
READY_SECONDS_MAX = 60.0
END_SECONDS_MAX = 30.0
FILL_MESSAGES = 500


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """A program that makes the hop. `owner`: it needs a role that may create tables."""

    name: str
    module: str
    workers: int = 1
    owner: bool = False
    # Whether it writes an inbox row per event (DBOS keeps its own record).
    inbox: bool = True


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round gave. CPU in microseconds per event."""

    contestant: str
    events: int
    seconds: float
    python_us: float
    postgres_us: float
    nats_us: float

    @property
    def rate(self) -> float:
        """Events per second."""
        return self.events / self.seconds


class WrongResult(Exception):
    """A contestant did not do what it should have."""


async def play(machine: Machine, contestant: Contestant, *, events: int, seconds_max: float) -> Round:
    """Let one contestant take `events` events, or what it can in `seconds_max`, and check what it did."""
    client = await nats.connect(machine.nats.url)
    dsn = await machine.database("routing", [Line("bus", ROOT / "libs/bus/migrations")], extra=work.TABLES)
    try:
        await _fresh_streams(client)
        await fill(client, events)
        await machine.checkpoint()
        process = await _spawn(machine, contestant, dsn)
        try:
            return await _time(machine, contestant, client, process, dsn, events, seconds_max)
        finally:
            await _end(process)
    finally:
        await client.close()
        await machine.drop(dsn)


async def _fresh_streams(client: Client) -> None:
    for plan in topology.plan():
        try:
            await jetstream.delete_stream(client, plan.name)
        except jetstream.NotFound:
            continue
    await topology.reconcile(client)


async def fill(client: Client, events: int) -> None:
    """Put the events into the stream as intake's relay would."""
    publisher = Publisher(client, "INTAKE")
    await publisher.open()
    window: list[Message] = []
    for envelope, event in work.inputs(events):
        window.append(Message(*work.message(envelope, event)))
        if len(window) == FILL_MESSAGES:
            await _publish(publisher, window)
            window = []
    if window:
        await _publish(publisher, window)
    await publisher.close()


async def _publish(publisher: Publisher, window: list[Message]) -> None:
    outcomes = await publisher.publish(window, deadline_seconds=30, atomic=True)
    if not all(isinstance(outcome, Stored) for outcome in outcomes):
        raise WrongResult("the stream did not take the events")


async def _spawn(machine: Machine, contestant: Contestant, dsn: str) -> asyncio.subprocess.Process:
    if contestant.owner:
        dsn = dsn.replace("routing_app", "routing_migrator")
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "BENCH_DSN": dsn,
        "BENCH_NATS_URL": machine.nats.url,
        "BENCH_WORKERS": str(contestant.workers),
        "PYTHONPATH": str(ROOT),
        "LOG_LEVEL": "ERROR",
    }
    log = Path(machine.folder / f"{contestant.name.replace(' ', '-')}.log").open("ab")  # noqa: SIM115
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        contestant.module,
        cwd=ROOT,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
    )
    log.close()
    assert process.stdout is not None
    async with asyncio.timeout(READY_SECONDS_MAX):
        while (line := await process.stdout.readline()) != b"ready\n":
            if not line:
                text = Path(machine.folder / f"{contestant.name.replace(' ', '-')}.log").read_text()
                raise WrongResult(f"{contestant.name} ended before it was ready:\n{text[-3000:]}")
    return process


async def _time(
    machine: Machine,
    contestant: Contestant,
    client: Client,
    process: asyncio.subprocess.Process,
    dsn: str,
    events: int,
    seconds_max: float,
) -> Round:
    assert process.stdin is not None
    servers, own = machine.cpu_seconds(), tree_seconds(process.pid)
    began = time.perf_counter()
    process.stdin.write(b"go\n")
    done = 0
    while done < events and time.perf_counter() - began < seconds_max:
        await asyncio.sleep(POLL_SECONDS)
        if process.returncode is not None:
            raise WrongResult(f"{contestant.name} ended by itself")
        done = (await jetstream.stream_info(client, "ROUTING")).state.messages
        if done == events:
            info = await jetstream.consumer_info(client, "INTAKE", "routing-intake")
            done -= info.num_ack_pending + info.num_pending
    seconds = time.perf_counter() - began
    spent = {name: value - servers[name] for name, value in machine.cpu_seconds().items()}
    spent_own = tree_seconds(process.pid) - own
    await _end(process)
    await _check(contestant, machine.admin_dsn(dsn), client, done, events)
    per = 1e6 / max(1, done)
    return Round(
        contestant=contestant.name,
        events=done,
        seconds=seconds,
        python_us=spent_own * per,
        postgres_us=spent["postgres"] * per,
        nats_us=spent["nats"] * per,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(END_SECONDS_MAX):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


async def _check(contestant: Contestant, dsn: str, client: Client, done: int, events: int) -> None:
    """Every event taken has exactly its rows, and its event is in the stream once."""
    if done == 0:
        raise WrongResult(f"{contestant.name} did nothing")
    connection = await asyncpg.connect(dsn)
    try:
        counts = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM bus.inbox), (SELECT count(*) FROM bus.outbox),"
            "  (SELECT sum(1 + (convert_from(state, 'UTF8')::json ->> 'supplements')::int) FROM dossier)"
        )
    finally:
        await connection.close()
    assert counts is not None
    messages = (await jetstream.stream_info(client, "ROUTING")).state.messages
    inbox, outbox, changes = counts
    right = outbox == changes and messages <= outbox and (inbox == outbox or not contestant.inbox)
    if not right or (done == events and messages != events):
        raise WrongResult(
            f"{contestant.name}: {inbox} in the inbox, {changes} changes, {outbox} in the outbox, {messages} said"
        )
