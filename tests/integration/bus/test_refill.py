"""A stream that was lost, purged, replaced, rolled back or damaged is found and refilled without a human."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import msgspec
import pytest

from deploy.local.nats_server import NatsServer
from libs.bus import jetstream
from libs.bus.relay import Relay
from libs.contracts.cloudevents import encode_headers
from libs.contracts.event import Envelope
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.refill_rig import City, block_of, flip_middle_bit, unprotected, writing
from tests.integration.bus.relay_rig import (
    AT,
    FAST,
    all_published,
    connected,
    keeping,
    outbox_ids,
    relaying,
    say,
    say_much,
    session,
    until,
)

# More than two of the server's 8 MiB block files would take seconds to write; one is enough for most faults.
EVENTS = 600


@pytest.fixture
async def city(database: DatabaseFactory, embedded_nats: NatsServer) -> AsyncIterator[City]:
    """A running relay and keeper, with EVENTS events published."""
    dsn = (await database("intake")).app_dsn
    async with (
        keeping(embedded_nats.url),
        session(dsn) as connection,
        relaying(dsn, embedded_nats.url) as relay,
        connected(embedded_nats.url, "admin") as client,
    ):
        await say(connection, EVENTS // 3, each=3)
        await all_published(connection)
        yield City(embedded_nats, connection, relay, client, dsn)


async def test_the_store_is_deleted_while_nats_is_stopped(city: City) -> None:
    """An empty server gets its streams from the keeper and all events from the outbox."""
    before = await city.epoch()
    async with writing(city):
        await city.server.stop()
        shutil.rmtree(city.server.store_dir)
        await city.server.start()
        await asyncio.sleep(0.5)
    await city.refilled(before)


async def test_the_store_is_deleted_while_nats_runs(city: City) -> None:
    """The server goes on acking into files nobody can find again; the keeper notices and the relay refills."""
    before = await city.epoch()
    shutil.rmtree(city.server.store_dir)
    await say(city.connection, 5)
    await city.refilled(before)
    city.server.kill()
    await city.server.start()
    await until(city.settled)
    await city.is_the_outbox()


async def test_nobody_can_purge_a_stream(city: City) -> None:
    """Not even an administrator, short of deleting it: the denial cannot be taken back."""
    config = (await jetstream.stream_info(city.client, "INTAKE")).config
    for act in ("STREAM.PURGE.INTAKE", "STREAM.MSG.DELETE.INTAKE"):
        with pytest.raises(jetstream.ApiError):
            await jetstream.request(city.client, act, {"seq": 1})
    for field in ("deny_purge", "deny_delete"):
        with pytest.raises(jetstream.ApiError):
            await jetstream.update_stream(city.client, {**config, field: False})


@pytest.mark.parametrize("act", ["STREAM.PURGE.INTAKE", "STREAM.MSG.DELETE.INTAKE"])
async def test_a_stream_without_the_denials_is_purged(
    database: DatabaseFactory, embedded_nats: NatsServer, act: str
) -> None:
    """A stream somebody made otherwise loses messages; the hole is found and filled."""
    dsn = (await database("intake")).app_dsn
    async with (
        unprotected(embedded_nats) as client,
        session(dsn) as connection,
        relaying(dsn, embedded_nats.url) as relay,
    ):
        city = City(embedded_nats, connection, relay, client, dsn)
        await say(connection, 50)
        await all_published(connection)
        await jetstream.request(client, act, {"seq": 20})
        async with keeping(embedded_nats.url):
            await city.refilled(1)
        assert await city.reason() == "holes"


async def test_a_remembered_id_is_not_a_stored_message(
    database: DatabaseFactory, embedded_nats: NatsServer
) -> None:
    """After a purge the server still answers "duplicate" for what it has thrown away; the relay looks."""
    dsn = (await database("intake")).app_dsn
    blind = msgspec.structs.replace(FAST, proof=msgspec.structs.replace(FAST.proof, look_seconds=300.0))
    async with (
        unprotected(embedded_nats) as client,
        session(dsn) as connection,
        relaying(dsn, embedded_nats.url, blind) as relay,
    ):
        city = City(embedded_nats, connection, relay, client, dsn)
        await say(connection, 50)
        await all_published(connection)
        await until(lambda: relay.status().last_error_code == "")
        await jetstream.request(client, "STREAM.PURGE.INTAKE", {})
        await connection.execute(
            "UPDATE bus.outbox SET published_at = NULL, stream_epoch = NULL, stream_seq = NULL WHERE id > 40"
        )
        async with keeping(embedded_nats.url):
            await city.refilled(1)
        assert await city.reason() == "duplicate-not-stored"


async def test_an_administrator_deletes_and_recreates_the_stream(city: City) -> None:
    """A new stream under the old name is recognised by its creation time, or by its sequences."""
    before = await city.epoch()
    async with writing(city):
        config = (await jetstream.stream_info(city.client, "INTAKE")).config
        await jetstream.delete_stream(city.client, "INTAKE")
        await jetstream.create_stream(city.client, config)
        await asyncio.sleep(0.3)
    await city.refilled(before)


@pytest.mark.parametrize("restart", ["restarted", "killed"])
async def test_a_bit_flips_in_a_block_file(city: City, restart: str) -> None:
    """After a restart the server skips the message (or forgets all after it) without a word; it is found."""
    before = await city.epoch()
    flip_middle_bit(block_of(city))
    if restart == "killed":
        city.server.kill()
        await city.server.start()
    else:
        await city.server.restart()
    await city.refilled(before)


@pytest.mark.timeout(90)
async def test_a_bit_flips_in_a_block_file_and_nobody_restarts(
    database: DatabaseFactory, embedded_nats: NatsServer
) -> None:
    """Once the server has dropped the block from memory (10 s after its last use), reading shows the loss."""
    rest = msgspec.structs.replace(FAST.proof, round_rest_seconds=12.0)
    dsn = (await database("intake")).app_dsn
    async with (
        keeping(embedded_nats.url),
        session(dsn) as connection,
        relaying(dsn, embedded_nats.url, msgspec.structs.replace(FAST, proof=rest)) as relay,
        connected(embedded_nats.url, "admin") as client,
    ):
        await say(connection, EVENTS)
        await all_published(connection)
        city = City(embedded_nats, connection, relay, client, dsn)
        before = await city.epoch()
        flip_middle_bit(block_of(city))
        await city.refilled(before, seconds=60)


async def test_a_block_file_is_cut_short(city: City) -> None:
    """Half a block file after kill -9: the end of the stream is gone and its numbers would be used again."""
    before = await city.epoch()
    city.server.kill()
    block = block_of(city)
    os.truncate(block, block.stat().st_size // 2)
    await city.server.start()
    async with writing(city):
        await asyncio.sleep(0.3)
    await city.refilled(before)


async def test_the_description_of_the_stream_is_damaged(city: City) -> None:
    """One bit in meta.inf and a restart: the server does not know the stream any more."""
    before = await city.epoch()
    flip_middle_bit(city.files / "meta.inf")
    city.server.kill()
    await city.server.start()
    await city.refilled(before)


async def test_the_folder_of_the_messages_is_deleted_while_nats_runs(city: City) -> None:
    """When the open block file (8 MiB) is full the server can begin no other and stores nothing more."""
    before = await city.epoch()
    shutil.rmtree(city.files / "msgs")
    await say_much(city.connection, megabytes=10)
    await city.refilled(before, seconds=40)


async def test_an_older_block_file_is_deleted_while_nats_runs(city: City) -> None:
    """Block files that are not the newest are read from disk: their loss shows at once."""
    await say_much(city.connection, megabytes=10)
    await all_published(city.connection)
    before = await city.epoch()
    min(city.files.glob("msgs/*.blk"), key=lambda path: int(path.stem)).unlink()
    await city.refilled(before, seconds=40)


async def test_an_old_copy_of_the_store_comes_back(city: City) -> None:
    """A restored backup lacks the newest events although every sequence it has is right."""
    before = await city.epoch()
    await city.server.stop()
    copy = city.server.folder.path / "copy"
    shutil.copytree(city.server.store_dir, copy)
    await city.server.start()
    await say(city.connection, 100)
    await all_published(city.connection)
    await city.server.stop()
    shutil.rmtree(city.server.store_dir)
    copy.rename(city.server.store_dir)
    await city.server.start()
    async with writing(city):
        await asyncio.sleep(0.3)
    await city.refilled(before)


async def test_an_event_the_outbox_does_not_know_is_thrown_out(city: City) -> None:
    """What only an administrator could have published is not ours: the stream is made of the outbox again."""
    before = await city.epoch()
    forged = Envelope(
        id=uuid4(), source="intake", type="intake.dossier-refused.v1", dossier_id=uuid4(), time=AT, sequence=1
    )
    await city.client.jetstream().publish(forged.type, b"{}", headers=encode_headers(forged))
    await city.refilled(before)
    assert await city.reason() == "unknown-event"


async def test_a_duplicate_counts_only_if_the_stream_holds_it(city: City) -> None:
    """The server remembers the ids of messages it no longer holds; a relay believes what it can read."""
    before = await city.epoch()
    # The row is said again as if it had never been published, pointing the relay at a remembered id.
    last = await city.connection.fetchval("SELECT max(id) FROM bus.outbox")
    await city.connection.execute(
        "UPDATE bus.outbox SET published_at = NULL, stream_epoch = NULL, stream_seq = NULL WHERE id = $1",
        last,
    )
    await all_published(city.connection)
    assert await city.epoch() == before
    await city.is_the_outbox()


async def test_a_crash_in_the_middle_of_a_refill_is_made_good(
    database: DatabaseFactory, embedded_nats: NatsServer
) -> None:
    """Relays cancelled again and again while they rebuild and refill: the next goes on, nothing is lost."""
    dsn = (await database("intake")).app_dsn
    slow = msgspec.structs.replace(
        FAST, pump=msgspec.structs.replace(FAST.pump, window_messages_max=20, windows_max=1)
    )
    async with (
        keeping(embedded_nats.url),
        session(dsn) as connection,
        connected(embedded_nats.url, "admin") as client,
    ):
        async with relaying(dsn, embedded_nats.url):
            await say(connection, 1500)
            await all_published(connection)
        await jetstream.delete_stream(client, "INTAKE")
        for _ in range(6):
            async with connected(embedded_nats.url) as own:
                relay = Relay(dsn=dsn, client=own, source="intake", settings=slow)
                task = asyncio.create_task(relay.run(asyncio.Event()))
                await until(lambda relay=relay: relay.status().refilling)  # type: ignore[misc]
                await asyncio.sleep(0.03)
                while not task.done():
                    task.cancel()
                    await asyncio.wait((task,), timeout=0.5)
        assert (
            await connection.fetchval("SELECT state FROM bus.stream_epoch ORDER BY epoch DESC LIMIT 1")
            != "current"
        )
        async with relaying(dsn, embedded_nats.url) as relay:
            await City(embedded_nats, connection, relay, client, dsn).refilled(1)


async def test_a_first_relay_does_not_take_over_a_stream_it_does_not_know(
    database: DatabaseFactory, embedded_nats: NatsServer
) -> None:
    """A new database in front of an old store: the stream is made anew, so that it holds only what the outbox has."""
    async with keeping(embedded_nats.url), connected(embedded_nats.url, "admin") as client:
        old = (await database("intake")).app_dsn
        async with session(old) as connection, relaying(old, embedded_nats.url):
            await say(connection, 20)
            await all_published(connection)
        dsn = (await database("intake")).app_dsn
        async with session(dsn) as connection, relaying(dsn, embedded_nats.url) as relay:
            await say(connection, 7)
            await City(embedded_nats, connection, relay, client, dsn).refilled(0)
            assert await connection.fetchval("SELECT reason FROM bus.stream_epoch") == "unknown-stream"


async def test_a_consumer_gets_everything_again_after_a_refill(city: City) -> None:
    """The durable is made anew with the stream and delivers the whole outbox, in order."""
    before = await city.epoch()
    await city.server.stop()
    shutil.rmtree(city.server.store_dir)
    await city.server.start()
    await city.refilled(before)
    heard: list[UUID] = []
    subscription = await city.client.jetstream().pull_subscribe_bind("routing-intake", stream="INTAKE")
    while len(heard) < EVENTS:
        for message in await subscription.fetch(100, timeout=5):
            assert message.headers is not None
            heard.append(UUID(message.headers["ce-id"]))
            await message.ack()
    assert heard == await outbox_ids(city.connection)
