"""Several windows under way at once: what one of them meets does not spoil what is known of the others."""

import asyncio
from uuid import uuid4

import msgspec

from deploy.local.nats_server import NatsServer
from libs.bus.outbox import emit
from libs.bus.proof import ProofSettings
from libs.bus.pump import PumpSettings
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.relay_rig import (
    FAST,
    all_published,
    connected,
    keeping,
    outbox_ids,
    outgoing,
    relaying,
    say,
    session,
    stream_messages,
    until,
)
from tests.integration.bus.slow_path import slow_path

# Small windows, so that three are full; nobody reads the stream meanwhile, so that only acks are on the way.
WINDOWS = msgspec.structs.replace(
    FAST,
    pump=PumpSettings(window_messages_max=64, windows_max=3, ack_seconds_max=1.0),
    proof=ProofSettings(look_seconds=300.0, round_rest_seconds=300.0),
)
# Some acks of the first window of 64, each about 90 bytes on the wire.
SOME_ACKS_BYTES = 2500


async def test_late_acks_of_one_window_do_not_make_the_stream_suspect(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """Acks come too late for the first of three windows, in time for the others: all is stored once, in order."""
    dsn = (await database("intake")).app_dsn
    async with (
        keeping(nats_server.url),
        session(dsn) as connection,
        slow_path(nats_server.url) as path,
        relaying(dsn, path.url, WINDOWS) as relay,
        connected(nats_server.url, "admin") as client,
    ):
        await until(lambda: relay.status().epoch == 1)
        path.hold_after(SOME_ACKS_BYTES)
        ids = await say(connection, 1000, each=2)
        relay.wake()
        await until(lambda: path.holding)
        await asyncio.sleep(WINDOWS.pump.ack_seconds_max + 0.2)
        path.release()
        await all_published(connection)
        assert [message.event_id for message in await stream_messages(client)] == ids
        assert relay.status().epoch == 1


async def test_a_refused_batch_waits_for_the_windows_behind_it(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """A duplicate refuses the first of several batches; those behind it are stored before it comes again, and count."""
    dsn = (await database("intake")).app_dsn
    async with (
        keeping(nats_server.url),
        session(dsn) as connection,
        relaying(dsn, nats_server.url, WINDOWS) as relay,
        connected(nats_server.url, "admin") as client,
    ):
        await say(connection, 50)
        await all_published(connection)
        async with connection.transaction():
            await connection.execute(
                "UPDATE bus.outbox SET published_at = NULL, stream_epoch = NULL, stream_seq = NULL WHERE id = 25"
            )
            await emit(connection, "intake", outgoing([uuid4() for _ in range(500)]))
        await all_published(connection)
        found = [message.event_id for message in await stream_messages(client)]
        assert sorted(found, key=str) == sorted(await outbox_ids(connection), key=str)
        assert (relay.status().epoch, relay.status().last_error_code) == (1, "")
