"""The relay: everything committed reaches the stream, in order, through every failure of NATS and PostgreSQL."""

import asyncio
import random
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import EmbeddedPostgres
from libs.bus.keeper import KeeperSettings
from libs.bus.ledger import Ledger
from libs.bus.outbox import emit
from libs.bus.relay import Relay
from libs.bus.topology import TopologySettings
from libs.bus.writer import Writer
from libs.contracts.cloudevents import decode
from libs.database import dsn_for, migrate, open_pool, provision
from tests.fixtures.database import DatabaseFactory, lines_of
from tests.integration.bus.relay_rig import (
    FAST,
    all_published,
    connected,
    keeping,
    outbox_ids,
    outgoing,
    relaying,
    running,
    say,
    session,
    stream_messages,
    until,
)


async def test_what_is_committed_is_in_the_stream_with_its_attributes(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """Subject, headers and body are those of the outbox row, and the row knows its place in the stream."""
    dsn = (await database("intake")).app_dsn
    async with keeping(nats_server.url), session(dsn) as connection, relaying(dsn, nats_server.url):
        async with connection.transaction():
            (said,) = await emit(connection, "intake", outgoing([uuid4()]), traceparent="00-1-2-01")
        await all_published(connection)
        (row,) = await connection.fetch("SELECT * FROM bus.outbox")
        async with connected(nats_server.url, "admin") as client:
            message = await client.jetstream().get_msg("INTAKE", seq=row["stream_seq"])
    assert message.subject == said.type
    envelope, payload = decode(message.headers, message.data or b"")
    assert envelope == said
    assert payload == row["payload"]
    assert message.headers is not None
    assert message.headers["Nats-Msg-Id"] == str(said.id)
    assert (row["stream_epoch"], row["stream_seq"]) == (1, 1)


async def test_order_per_dossier_under_concurrent_writers(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """Transactions of random length commit out of id order; the stream has every event once, each dossier in order."""
    dsn = (await database("intake")).app_dsn
    dossiers = [uuid4() for _ in range(20)]
    pool = await open_pool(dsn, application_name="test", size_max=8)
    async with keeping(nats_server.url), relaying(dsn, nats_server.url) as relay:
        writer = Writer(pool, relay.wake)

        async def write(seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311
            for _ in range(25):
                async with writer.transaction() as connection:
                    mine = chance.sample(dossiers, chance.randint(1, 4))
                    await emit(connection, "intake", outgoing(mine))
                    await asyncio.sleep(chance.random() * 0.01)

        await asyncio.gather(*(write(seed) for seed in range(8)))
        async with session(dsn) as connection, connected(nats_server.url, "admin") as client:
            await all_published(connection)
            ids = await outbox_ids(connection)
            found = [message.event_id for message in await stream_messages(client)]
            rows = await connection.fetch("SELECT event_id, dossier_id, sequence FROM bus.outbox")
    await pool.close()
    assert sorted(ids, key=str) == sorted(found, key=str)
    place = {row["event_id"]: (row["dossier_id"], row["sequence"]) for row in rows}
    sequences: dict[UUID, list[int]] = defaultdict(list)
    for event_id in found:
        assert event_id is not None
        dossier, sequence = place[event_id]
        sequences[dossier].append(sequence)
    assert all(order == list(range(1, len(order) + 1)) for order in sequences.values())


async def test_a_backlog_is_published_in_big_batches(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """Five thousand waiting rows are published and marked; status counts them down to nothing."""
    dsn = (await database("intake")).app_dsn
    async with session(dsn) as connection, keeping(nats_server.url):
        ids = await say(connection, 1000, each=5)
        async with relaying(dsn, nats_server.url) as relay, connected(nats_server.url, "admin") as client:
            await all_published(connection)
            await until(lambda: relay.status().unpublished == 0 and relay.status().last_error_code == "")
            assert [message.event_id for message in await stream_messages(client)] == ids


async def test_one_relay_is_active_and_a_standby_takes_over(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """The second relay waits for the lock, hints for the first, and publishes as soon as the first is gone."""
    dsn = (await database("intake")).app_dsn
    async with (
        keeping(nats_server.url),
        session(dsn) as connection,
        relaying(dsn, nats_server.url, FAST) as first,
    ):
        await until(lambda: first.status().active)
        async with relaying(dsn, nats_server.url, FAST) as second:
            await say(connection, 1)
            second.wake()
            await all_published(connection)
            assert not second.status().active
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            )
            await until(lambda: first.status().active or second.status().active)
            await say(connection, 10)
            await all_published(connection)
            await until(lambda: first.status().active != second.status().active)


async def test_a_standby_wakes_the_active_relay_by_a_hint(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """With polling as good as off, a commit of another process is published through NOTIFY."""
    dsn = (await database("intake")).app_dsn
    slow = msgspec.structs.replace(FAST, poll_seconds=30.0, standby_seconds=5.0)
    async with (
        keeping(nats_server.url),
        session(dsn) as connection,
        relaying(dsn, nats_server.url, slow) as active,
    ):
        await until(lambda: active.status().active)
        async with relaying(dsn, nats_server.url, slow) as standby:
            await until(lambda: standby.status().last_error_code == "" and not standby.status().active)
            await say(connection, 1)
            standby.wake()
            assert await all_published(connection, seconds=5) < 5


async def test_a_standby_under_load_takes_over(database: DatabaseFactory, nats_server: NatsServer) -> None:
    """Commits that never stop waking the standby do not keep it from asking for the lock."""
    dsn = (await database("intake")).app_dsn
    leader = await Ledger.open(dsn, name="leader")
    assert await leader.try_lead()
    async with keeping(nats_server.url), connected(nats_server.url) as client:
        standby = Relay(dsn=dsn, client=client, source="intake", settings=FAST)
        loading = asyncio.create_task(_wake_on(standby))
        async with running(standby.run):
            await asyncio.sleep(2 * FAST.standby_seconds)
            assert not standby.status().active
            await leader.close()
            await until(lambda: standby.status().active, seconds=5)
        loading.cancel()


async def _wake_on(relay: Relay) -> None:
    """Wake a relay far more often than it can pass the hint on."""
    while True:
        relay.wake()
        await asyncio.sleep(0)


async def test_a_relay_that_has_lost_its_lock_can_mark_nothing(database: DatabaseFactory) -> None:
    """The session that held the lock is the session that writes: with the lock goes the right to write."""
    database_ = await database("intake")
    zombie = await Ledger.open(database_.app_dsn, name="zombie")
    assert await zombie.try_lead()
    async with session(database_.app_dsn) as connection:
        await say(connection, 1)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
        successor = await Ledger.open(database_.app_dsn, name="successor")

        async def leads() -> bool:
            return await successor.try_lead()

        await until(leads)
        with pytest.raises(Exception, match=r"clos|terminat"):
            await zombie.mark(1, [(1, 1)])
        await zombie.close()
        await successor.close()
        assert await connection.fetchval("SELECT published_at FROM bus.outbox") is None


async def test_a_frozen_relay_loses_its_lock(database: DatabaseFactory) -> None:
    """A process that is stopped for longer than its session may be idle does not keep others from relaying."""
    dsn = (await database("intake")).app_dsn
    frozen = await Ledger.open(dsn, name="frozen", idle_seconds_max=1.5)
    assert await frozen.try_lead()
    successor = await Ledger.open(dsn, name="successor")
    assert not await successor.try_lead()

    async def leads() -> bool:
        return await successor.try_lead()

    await until(leads, seconds=15)
    await frozen.close()
    await successor.close()


@pytest.mark.parametrize("how", ["kill", "restart"])
async def test_nats_restarts_under_load(
    database: DatabaseFactory, embedded_nats: NatsServer, how: str
) -> None:
    """Three restarts (in order or by kill -9) while rows are written: everything is stored once, in order."""
    dsn = (await database("intake")).app_dsn
    dossier = uuid4()
    async with (
        keeping(embedded_nats.url),
        session(dsn) as connection,
        relaying(dsn, embedded_nats.url) as relay,
    ):
        for _ in range(3):
            writing = asyncio.create_task(_write_on(dsn, dossier, relay.wake))
            await asyncio.sleep(0.1)
            if how == "kill":
                embedded_nats.kill()
            else:
                await embedded_nats.stop()
            await writing
            await embedded_nats.start()
            await all_published(connection)
        ids = await outbox_ids(connection)
        async with connected(embedded_nats.url, "admin") as client:
            assert [message.event_id for message in await stream_messages(client)] == ids


@pytest.mark.timeout(90)
async def test_postgres_restarts_under_load(scratch: Path, nats_server: NatsServer) -> None:
    """The relay comes back after PostgreSQL was killed and publishes what was committed."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir=scratch))
    folder.chmod(0o755)
    # Durable: a server that does not wait for its log loses the last commits at kill -9.
    async with EmbeddedPostgres(folder) as server:
        await _relay_through_kills(server, nats_server)


async def _relay_through_kills(embedded_postgres: EmbeddedPostgres, nats_server: NatsServer) -> None:
    await provision(embedded_postgres.admin_dsn, "intake", migrator_password="m", app_password="a")
    await migrate(
        dsn_for(embedded_postgres.admin_dsn, database="intake", user="intake_migrator", password="m"),
        lines_of("intake"),
    )

    def dsn() -> str:
        return dsn_for(embedded_postgres.admin_dsn, database="intake", user="intake_app", password="a")

    async with keeping(nats_server.url), relaying(dsn(), nats_server.url) as relay:
        for _ in range(2):
            async with session(dsn()) as connection:
                await say(connection, 300)
            embedded_postgres.kill()
            await embedded_postgres.start()
            async with session(dsn()) as connection:
                await say(connection, 50)
                await all_published(connection)
        await until(lambda: relay.status().active and relay.status().last_error_code == "")
        async with session(dsn()) as connection, connected(nats_server.url, "admin") as client:
            ids = await outbox_ids(connection)
            found = {message.event_id for message in await stream_messages(client)}
        assert found == set(ids)


async def test_a_full_stream_is_waited_out(database: DatabaseFactory, nats_server: NatsServer) -> None:
    """Discard new: the relay says stream-full, loses nothing, and goes on when there is room."""
    dsn = (await database("intake")).app_dsn
    small = KeeperSettings(topology=TopologySettings(stream_bytes_max=60_000))
    async with session(dsn) as connection, relaying(dsn, nats_server.url) as relay:
        async with keeping(nats_server.url, small):
            ids = await say(connection, 400)
            await until(lambda: relay.status().last_error_code == "stream-full", seconds=15)
            assert 0 < relay.status().unpublished < 400
            assert relay.status().oldest_unpublished_seconds > 0
        async with keeping(nats_server.url), connected(nats_server.url, "admin") as client:
            await all_published(connection)
            await until(lambda: relay.status().last_error_code == "")
            assert {message.event_id for message in await stream_messages(client)} == set(ids)


async def _write_on(dsn: str, dossier: UUID, wake: Any) -> None:
    """Forty transactions of five events of one dossier, about a third of a second."""
    async with session(dsn) as connection:
        for _ in range(40):
            async with connection.transaction():
                await emit(connection, "intake", outgoing([dossier], 5))
            wake()
            await asyncio.sleep(0.005)
