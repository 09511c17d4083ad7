"""What the tests of the outgoing half share: events to say, a running relay and keeper, and a stream read back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from nats.aio.client import Client

from libs.bus import jetstream
from libs.bus.connection import close, connect
from libs.bus.keeper import Keeper, KeeperSettings
from libs.bus.outbox import Outgoing, emit
from libs.bus.proof import ProofSettings
from libs.bus.pump import PumpSettings
from libs.bus.refill import RefillSettings
from libs.bus.relay import Relay, RelaySettings
from libs.bus.stored import READ_MESSAGES_MAX, Found, read
from libs.contracts.intake import DossierRefused

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
# Production numbers scaled down so that a test takes seconds.
FAST = RelaySettings(
    standby_seconds=0.2,
    retry_seconds_max=0.5,
    stalled_seconds=0.1,
    silent_seconds_max=1.0,
    pump=PumpSettings(ack_seconds_max=2.0),
    proof=ProofSettings(look_seconds=0.3, round_rest_seconds=0.5, read_messages_per_second=20_000),
    refill=RefillSettings(answer_seconds_max=2.0, retry_seconds=0.2),
)
FAST_KEEPER = KeeperSettings(watch_seconds=0.3, disk_seconds=0.5, rebuild_seconds_min=0.2)


def refused(number: int = 0, bulk: str = "") -> DossierRefused:
    """Any event of intake, made larger by `bulk`."""
    reason = "out_of_area" + bulk
    return DossierRefused(code=f"code-{number}", procedure="1.001193", reason=reason, refused_at=AT)


def outgoing(dossiers: Sequence[UUID], events_each: int = 1) -> list[Outgoing]:
    """`events_each` events of each dossier, one dossier after another within each round."""
    return [
        Outgoing(dossier_id=dossier, event=refused(number))
        for number in range(events_each)
        for dossier in dossiers
    ]


async def say(connection: Any, count: int, *, each: int = 1) -> list[UUID]:
    """Commit `count` dossiers with `each` events in one transaction; returns the event ids."""
    async with connection.transaction():
        envelopes = await emit(connection, "intake", outgoing([uuid4() for _ in range(count)], each))
    return [envelope.id for envelope in envelopes]


async def say_much(connection: Any, *, megabytes: int) -> None:
    """Commit about that much in events of 20 kB (a block file of the server has 8 MiB)."""
    event = refused(bulk="x" * 20_000)
    async with connection.transaction():
        for _ in range(megabytes):
            await emit(connection, "intake", [Outgoing(dossier_id=uuid4(), event=event) for _ in range(50)])


async def until(
    condition: Callable[[], Awaitable[bool] | bool], *, seconds: float = 10, what: str = "the condition"
) -> float:
    """Wait for `condition`; returns the seconds it took. Fails when they are over."""
    began = time.monotonic()
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return time.monotonic() - began
        if time.monotonic() - began > seconds:
            raise AssertionError(f"{what} did not come about in {seconds} s")
        await asyncio.sleep(0.02)


async def unpublished(connection: Any) -> int:
    """Rows no stream has."""
    return int(await connection.fetchval("SELECT count(*) FROM bus.outbox WHERE published_at IS NULL"))


async def all_published(connection: Any, *, seconds: float = 15) -> float:
    """Wait until every row is marked."""

    async def done() -> bool:
        return await unpublished(connection) == 0

    return await until(done, seconds=seconds, what="publishing everything")


async def stream_messages(client: Client, stream: str = "INTAKE") -> list[Found]:
    """Everything the stream holds, in order."""
    last = (await jetstream.stream_info(client, stream)).state.last_seq
    found: dict[int, Found] = {}
    for first in range(1, last + 1, READ_MESSAGES_MAX):
        found |= await read(client, stream, first, min(READ_MESSAGES_MAX, last - first + 1))
    return [found[sequence] for sequence in sorted(found)]


async def outbox_ids(connection: Any) -> list[UUID]:
    """The event ids of the ledger in its order."""
    return [row["event_id"] for row in await connection.fetch("SELECT event_id FROM bus.outbox ORDER BY id")]


@asynccontextmanager
async def connected(url: str, name: str = "intake") -> AsyncIterator[Client]:
    """A client that is closed in the end."""
    client = await connect(url, name=name, on_closed=lambda: None)
    try:
        yield client
    finally:
        await close(client)


@asynccontextmanager
async def session(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A database session that is closed in the end."""
    connection = await asyncpg.connect(dsn, timeout=10, command_timeout=30)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[asyncio.Event]:
    """`run(stop)` as a task beside the block; stopped and awaited in the end."""
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 15)


@asynccontextmanager
async def keeping(url: str, settings: KeeperSettings = FAST_KEEPER) -> AsyncIterator[Keeper]:
    """A keeper that has made the topology."""
    async with connected(url, "keeper") as client:
        keeper = Keeper(client, settings)
        async with running(keeper.run):
            await asyncio.wait_for(keeper.ready.wait(), 10)
            yield keeper


@asynccontextmanager
async def relaying(dsn: str, url: str, settings: RelaySettings = FAST) -> AsyncIterator[Relay]:
    """An intake relay with a connection of its own."""
    async with connected(url) as client:
        relay = Relay(dsn=dsn, client=client, source="intake", settings=settings)
        async with running(relay.run):
            yield relay
