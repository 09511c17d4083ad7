"""With the settings of production damage is found within 60 seconds and made good within 120, without a human."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.nats_server import NatsServer
from libs.bus import jetstream
from libs.bus.keeper import KeeperSettings
from libs.bus.relay import RelaySettings
from tests.fixtures.database import DatabaseFactory
from tests.fixtures.nats import fresh_nats
from tests.integration.bus.refill_rig import City, block_of, flip_middle_bit, unprotected
from tests.integration.bus.relay_rig import (
    all_published,
    connected,
    keeping,
    relaying,
    say,
    session,
    until,
)

FOUND_SECONDS_MAX, REFILLED_SECONDS_MAX = 60.0, 120.0
EVENTS = 300

# Seconds until the damage was found, and until the stream was the outbox again.
Times = tuple[float, float]


@pytest.mark.timeout(240)
async def test_damage_is_found_and_made_good_in_time(database: DatabaseFactory, scratch: Path) -> None:
    """A bit flipped in the newest block, a store rolled back, a small stream purged: each on a city of its own."""
    dsns = [(await database("intake")).app_dsn for _ in range(3)]
    timed: dict[str, Times] = {}
    async with (
        fresh_nats(scratch) as first,
        fresh_nats(scratch) as second,
        fresh_nats(scratch) as third,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(_flip(dsns[0], first, timed))
        group.create_task(_roll_back(dsns[1], second, timed))
        group.create_task(_purge(dsns[2], third, timed))
    assert len(timed) == 3
    print(timed)  # noqa: T201 - shown with -s


@asynccontextmanager
async def _published(dsn: str, server: NatsServer) -> AsyncIterator[City]:
    """A relay and a keeper as in production, and everything said is published."""
    async with (
        keeping(server.url, KeeperSettings()),
        session(dsn) as connection,
        relaying(dsn, server.url, RelaySettings()) as relay,
        connected(server.url, "admin") as client,
    ):
        await say(connection, EVENTS)
        await all_published(connection)
        yield City(server, connection, relay, client, dsn)


async def _flip(dsn: str, server: NatsServer, timed: dict[str, Times]) -> None:
    """Nobody restarts the server: it goes on answering from memory until it forgets the block."""
    async with _published(dsn, server) as city:
        before = await city.epoch()
        flip_middle_bit(block_of(city))
        timed["bit flipped"] = await _healed(city, before)


async def _roll_back(dsn: str, server: NatsServer, timed: dict[str, Times]) -> None:
    """The store of a moment ago comes back; nothing is said afterwards that could show it."""
    async with _published(dsn, server) as city:
        before = await city.epoch()
        await server.stop()
        copy = server.folder.path / "copy"
        shutil.copytree(server.store_dir, copy)
        await server.start()
        await say(city.connection, 50)
        await all_published(city.connection)
        await server.stop()
        shutil.rmtree(server.store_dir)
        copy.rename(server.store_dir)
        await server.start()
        timed["rolled back"] = await _healed(city, before)


async def _purge(dsn: str, server: NatsServer, timed: dict[str, Times]) -> None:
    """Only a stream somebody made without the denials can be purged; the keeper comes afterwards."""
    async with (
        unprotected(server) as client,
        session(dsn) as connection,
        relaying(dsn, server.url, RelaySettings()) as relay,
    ):
        city = City(server, connection, relay, client, dsn)
        await say(connection, 20)
        await all_published(connection)
        before = await city.epoch()
        await jetstream.request(client, "STREAM.PURGE.INTAKE", {})
        async with keeping(server.url, KeeperSettings()):
            timed["purged"] = await _healed(city, before)


async def _healed(city: City, before: int) -> Times:
    """Wait for both; fails when one is late."""
    began = time.monotonic()

    async def found() -> bool:
        return await city.epoch() > before

    await until(found, seconds=FOUND_SECONDS_MAX, what="finding the damage")
    after = time.monotonic() - began
    await until(city.settled, seconds=REFILLED_SECONDS_MAX - after, what="the refill")
    await city.is_the_outbox()
    return after, time.monotonic() - began
