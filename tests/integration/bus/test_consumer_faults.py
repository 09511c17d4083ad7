"""The consumer under faults: freezes, kills, servers away, durables that vanish. Nothing twice, nothing lost."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest_asyncio

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import EmbeddedPostgres
from libs.bus import jetstream, topology
from libs.bus.consumer import Change
from libs.bus.ids import new_id
from libs.contracts.cloudevents import encode_data
from libs.database import dsn_for, migrate, provision
from tests.fixtures.database import (
    APP_PASSWORD,
    MIGRATOR_PASSWORD,
    DatabaseFactory,
    ServiceDatabase,
    lines_of,
)
from tests.integration.bus.probe_service import (
    QUICK,
    Dossier,
    Probe,
    corrected,
    in_order,
    open_probe,
    save,
    supplemented,
    until,
)

ONE_LANE = msgspec.structs.replace(QUICK, lanes=1)


@pytest_asyncio.fixture
async def probe(database: DatabaseFactory, embedded_nats: NatsServer) -> AsyncIterator[Probe]:
    """A probe service on a fresh database and a NATS server of its own."""
    found = await open_probe(await database("routing"), embedded_nats.url)
    yield found
    await found.client.close()
    await found.pool.close()


async def publish(probe: Probe, dossiers: int, events: int) -> None:
    """`events` events of each of so many dossiers."""
    ids = [new_id() for _ in range(dossiers)]
    for _ in range(events):
        for dossier in ids:
            await probe.producer.say(dossier, supplemented())


async def test_a_frozen_process_that_wakes_doubles_nothing(probe: Probe) -> None:
    """A replica stopped past ack_wait, whose work another replica does, changes nothing when it goes on."""
    await probe.ack_wait(1.5)
    with probe.process() as child:
        await publish(probe, 10, 10)
        await until(lambda: _some(probe), 15, "the process works")
        os.kill(child.pid, signal.SIGSTOP)
        await publish(probe, 10, 10)
        async with probe.consumer():
            # Frozen within a transaction, it holds its dossiers until the server ends its session.
            await probe.has("probe.effect", 200, seconds=60)
            os.kill(child.pid, signal.SIGCONT)
            await publish(probe, 10, 10)
            await probe.has("probe.effect", 300, seconds=30)
            await probe.settled(30)
    assert in_order(await probe.effects())
    assert await probe.count("bus.outbox") == 300
    assert await probe.count("bus.dead_letter") == 0


async def _some(probe: Probe) -> bool:
    return await probe.count("probe.effect") > 0


async def test_a_dossier_somebody_holds_keeps_no_other_from_moving(probe: Probe) -> None:
    """A process frozen with a dossier in its hands delays that one: the batch it is in is split around it."""
    held = new_id()
    await probe.producer.say(held, supplemented())
    async with probe.consumer(ONE_LANE):
        await probe.has("probe.effect", 1)
    await probe.producer.say(held, supplemented())
    await publish(probe, 40, 2)
    holder = await asyncpg.connect(probe.database.app_dsn)
    try:
        await holder.execute("BEGIN")
        await holder.execute("SELECT 1 FROM bus.position WHERE dossier_id = $1 FOR UPDATE", held)
        async with probe.consumer(ONE_LANE):
            await probe.has("probe.effect", 81, seconds=25)
            await holder.execute("ROLLBACK")
            await probe.has("probe.effect", 82, seconds=25)
            await probe.settled()
    finally:
        await holder.close()
    assert await probe.count("bus.dead_letter") == 0


async def test_processes_killed_at_any_time_double_and_lose_nothing(probe: Probe) -> None:
    """kill -9 in the middle of the work, several times over: every event takes effect once and in order."""
    await probe.ack_wait(1)
    await publish(probe, 40, 10)
    for _ in range(4):
        before = await probe.count("probe.effect")
        with probe.process() as child:
            await until(partial(_more, probe, before), 20, "the process works")
            child.kill()
        await publish(probe, 40, 2)
    async with probe.consumer():
        await probe.has("probe.effect", 720, seconds=40)
        await probe.settled(30)
    assert in_order(await probe.effects())
    assert await probe.count("bus.dead_letter") == 0
    assert await probe.count("bus.attempt") == 0


async def _more(probe: Probe, before: int) -> bool:
    return await probe.count("probe.effect") > before or await probe.unsettled() == 0


async def test_an_event_that_kills_its_process_becomes_a_dead_letter(probe: Probe) -> None:
    """After a few processes the killer is kept as unfinished, untried; its dossier and all others go on."""
    await probe.ack_wait(1)
    killer = new_id()
    await probe.producer.say(killer, corrected("exit"))
    await probe.producer.say(killer, supplemented())
    await publish(probe, 5, 2)
    for _ in range(12):
        with probe.process() as child:
            await until(partial(_over, probe, child), 30, "the process ends, or all is done")
        if await probe.count("bus.dead_letter"):
            break
    async with probe.consumer():
        await probe.has("probe.effect", 11, seconds=30)
        await probe.settled(30)
    row = await probe.pool.fetchrow("SELECT reason, dossier_id FROM bus.dead_letter")
    assert row is not None
    assert (row["reason"], row["dossier_id"]) == ("unfinished", killer)
    assert in_order([effect for effect in await probe.effects() if effect[1] != killer])


async def test_a_killer_takes_no_innocent_event_with_it(probe: Probe) -> None:
    """What is slowly being saved in another lane whenever the killer ends the process does not share the blame."""
    owner = await asyncpg.connect(probe.database.migrator_dsn)
    await owner.execute(
        "CREATE FUNCTION probe.slow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$;"
        "CREATE TRIGGER slow BEFORE INSERT ON probe.effect FOR EACH ROW EXECUTE FUNCTION probe.slow()"
    )
    await owner.close()
    await probe.ack_wait(1)
    killer = new_id()
    await probe.producer.say(killer, corrected("exit"))
    await publish(probe, 6, 1)
    for _ in range(12):
        with probe.process() as child:
            await until(partial(_over, probe, child), 30, "the process ends, or all is done")
        if await probe.count("bus.dead_letter"):
            break
    async with probe.consumer():
        await probe.has("probe.effect", 6, seconds=30)
        await probe.settled(30)
    assert [row[0] for row in await probe.pool.fetch("SELECT dossier_id FROM bus.dead_letter")] == [killer]
    assert await probe.count("bus.attempt") == 0


async def test_nothing_is_noted_as_begun_beside_a_suspect(probe: Probe) -> None:
    """While a suspect is tried alone, another lane's redelivered event waits with its note too."""
    suspect, other = _in_two_lanes()
    first = await probe.producer.say(suspect, supplemented())
    await probe.producer.say(other, supplemented())
    await probe.pool.execute("INSERT INTO bus.attempt (event_id, begun) VALUES ($1, 1)", first.id)
    pull = await probe.client.jetstream().pull_subscribe_bind("routing-intake", "INTAKE")
    for message, delay in zip(await pull.fetch(2), (0, 1), strict=True):
        await message.nak(delay)
    tried, gate = asyncio.Event(), asyncio.Event()

    async def slow(connection: Any, changes: Sequence[Change[Dossier]]) -> None:
        if changes[0].dossier_id == suspect:
            tried.set()
            await gate.wait()
        await save(connection, changes)

    async with probe.consumer(save=slow) as consumer:
        await asyncio.wait_for(tried.wait(), 10)
        await until(lambda: consumer.status().in_flight == 2, 10, "the other is delivered again")
        await asyncio.sleep(0.3)
        begun = await probe.pool.fetch("SELECT event_id FROM bus.attempt")
        gate.set()
        await probe.has("probe.effect", 2)
        await probe.settled()
    assert [row[0] for row in begun] == [first.id]


def _in_two_lanes() -> tuple[UUID, UUID]:
    """Two dossiers whose events go to different lanes of a consumer of this process."""
    first = new_id()
    while True:
        second = new_id()
        if (hash(str(first)) - hash(str(second))) % 2:
            return first, second


async def _over(probe: Probe, child: Any) -> bool:
    return child.poll() is not None or await probe.count("bus.dead_letter") == 1


async def test_the_consumer_goes_on_after_nats_was_killed(probe: Probe, embedded_nats: NatsServer) -> None:
    """kill -9 of nats-server: consumption resumes by itself on the restarted server."""
    await probe.ack_wait(2)
    async with probe.consumer():
        await publish(probe, 5, 5)
        await probe.has("probe.effect", 25)
        embedded_nats.kill()
        await embedded_nats.start()
        await until(lambda: probe.client.is_connected, 15, "the test is connected again")
        await publish(probe, 5, 5)
        await probe.has("probe.effect", 50, seconds=20)
        await probe.settled(40)
    assert in_order(await probe.effects())


async def test_a_durable_that_vanishes_and_comes_back_is_followed(probe: Probe) -> None:
    """The keeper re-creates a deleted durable, all events come again, and only the new ones have an effect."""
    async with probe.consumer():
        await publish(probe, 5, 4)
        await probe.has("probe.effect", 20)
        await jetstream.delete_consumer(probe.client, "INTAKE", "routing-intake")
        await publish(probe, 5, 4)
        await topology.reconcile(probe.client)
        await probe.has("probe.effect", 40, seconds=30)
        await probe.settled(30)
    assert in_order(await probe.effects())


async def test_a_stream_made_anew_and_refilled_changes_nothing(probe: Probe) -> None:
    """The stream is deleted and refilled under a new epoch: old events are skipped, the next ones applied."""
    dossier = new_id()
    sent = [await probe.producer.say(dossier, supplemented()) for _ in range(10)]
    async with probe.consumer():
        await probe.has("probe.effect", 10)
        await jetstream.delete_stream(probe.client, "INTAKE")
        await topology.reconcile(probe.client)
        for envelope in sent:
            await probe.producer.publish(
                envelope, encode_data(supplemented()), message_id=f"{envelope.id}.e2"
            )
        await probe.producer.say(dossier, supplemented())
        await probe.has("probe.effect", 11, seconds=30)
        await probe.settled(30)
    assert in_order(await probe.effects())


async def test_the_consumer_waits_for_postgresql(embedded_nats: NatsServer, scratch: Path) -> None:
    """PostgreSQL killed under load: nothing is lost, nothing becomes a dead letter, work goes on when it is back."""
    # What was acknowledged must survive the kill: a server that forces its log to disk, unlike the tests' others.
    postgres = EmbeddedPostgres(scratch / "durable-postgres", durable=True)
    await postgres.start()
    try:
        await _kill_postgres_under_load(postgres, embedded_nats.url)
    finally:
        await postgres.stop()


async def _kill_postgres_under_load(postgres: EmbeddedPostgres, url: str) -> None:
    dsn = postgres.admin_dsn
    await provision(dsn, "routing", migrator_password=MIGRATOR_PASSWORD, app_password=APP_PASSWORD)
    inside = dsn_for(dsn, database="routing")
    database = ServiceDatabase(
        name="routing",
        admin_dsn=inside,
        migrator_dsn=dsn_for(inside, user="routing_migrator", password=MIGRATOR_PASSWORD),
        app_dsn=dsn_for(inside, user="routing_app", password=APP_PASSWORD),
    )
    await migrate(database.migrator_dsn, lines_of("routing")[:1])
    probe = await open_probe(database, url)
    async with probe.consumer():
        await publish(probe, 10, 5)
        await until(lambda: _some(probe), 15, "the consumer works")
        postgres.kill()
        await publish(probe, 10, 5)
        await postgres.start()
        await until(lambda: _reachable(probe), 20, "the database answers")
        await probe.has("probe.effect", 100, seconds=40)
        await probe.settled(40)
    assert in_order(await probe.effects())
    assert await probe.count("bus.dead_letter") == 0
    await probe.client.close()
    probe.pool.terminate()


async def _reachable(probe: Probe) -> bool:
    try:
        return await probe.count("probe.effect") >= 0
    except Exception:  # noqa: BLE001 - whatever it is, it is not reachable yet
        return False


async def test_what_a_stopping_consumer_gives_back_is_delivered_at_once(probe: Probe) -> None:
    """SIGTERM: batches in flight are finished and the rest is given back, not left to ack_wait (30 s)."""
    with probe.process() as child:
        await publish(probe, 30, 20)
        await until(lambda: _some(probe), 15, "the process works")
        child.terminate()
        await until(lambda: child.poll() is not None, 20, "the process ends")
        assert child.returncode == 0
    async with probe.consumer():
        await probe.has("probe.effect", 600, seconds=15)
        await probe.settled()
    assert in_order(await probe.effects())


async def test_drained_work_is_not_done_again(probe: Probe) -> None:
    """After a drain no message already applied is waiting for an ack."""
    await publish(probe, 10, 3)
    async with probe.consumer():
        await probe.has("probe.effect", 30)
    await asyncio.sleep(0)
    infos = await jetstream.consumer_info(probe.client, "INTAKE", "routing-intake")
    assert infos.num_ack_pending == 0
