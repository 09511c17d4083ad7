"""The consumer on real servers: each event once, in order, in batches, whatever order they arrive in."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest_asyncio

from libs.bus.ids import new_id
from libs.contracts.cloudevents import encode_data
from libs.contracts.intake import DossierReceived
from libs.contracts.results import ResultRejected
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.probe_service import QUICK, Probe, in_order, open_probe, supplemented, until


@pytest_asyncio.fixture
async def probe(database: DatabaseFactory, nats_server: object) -> AsyncIterator[Probe]:
    """A probe service on a fresh database and a fresh server."""
    found = await open_probe(await database("routing"), nats_server.url)  # type: ignore[attr-defined]
    yield found
    await found.client.close()
    await found.pool.close()


async def test_events_take_effect_once_in_order(probe: Probe) -> None:
    """Every event of every dossier is applied once, in sequence, and recorded in inbox, position and outbox."""
    dossiers = [new_id() for _ in range(20)]
    for _ in range(5):
        for dossier in dossiers:
            await probe.producer.say(dossier, supplemented())
    async with probe.consumer() as consumer:
        await probe.has("probe.effect", 100)
        await probe.settled()
        assert consumer.status().lag <= 100
        assert consumer.status().last_progress is not None
    effects = await probe.effects()
    assert in_order(effects)
    assert await probe.count("bus.inbox") == 100
    assert await probe.count("bus.position", "sequence = 5") == 20
    assert await probe.count("bus.outbox") == 100
    assert probe.woken > 0


async def test_causation_and_trace_are_carried(probe: Probe) -> None:
    """What a handler says names the event that caused it and keeps its trace."""
    envelope = await probe.producer.say(new_id(), supplemented())
    async with probe.consumer():
        await probe.has("bus.outbox", 1)
    (row,) = await probe.pool.fetch("SELECT * FROM bus.outbox")
    assert (row["causation_id"], row["traceparent"]) == (envelope.id, envelope.traceparent)
    assert row["dossier_id"] == envelope.dossier_id


async def test_an_event_nobody_handles_only_moves_the_position(probe: Probe) -> None:
    """An event of the stream without a handler here leaves no inbox row and no gap."""
    dossier = new_id()
    received = DossierReceived(
        code="H1",
        procedure="p",
        channel="hospital",
        receiving_agency="a",
        received_at=supplemented().supplemented_at,
    )
    await probe.producer.say(dossier, received)
    await probe.producer.say(dossier, supplemented())
    async with probe.consumer():
        await probe.has("probe.effect", 1)
        await probe.settled()
    assert await probe.count("bus.inbox") == 1
    assert await probe.pool.fetchval("SELECT sequence FROM bus.position") == 2


async def test_a_new_kind_of_event_is_no_dead_letter(probe: Probe) -> None:
    """A subject this version does not know at all only moves the position."""
    dossier = new_id()
    envelope = msgspec.structs.replace(
        probe.producer.envelope(dossier, supplemented()), type="intake.dossier-praised.v1"
    )
    await probe.producer.publish(envelope, b"{}")
    await probe.producer.say(dossier, supplemented())
    async with probe.consumer():
        await probe.has("probe.effect", 1)
        await probe.settled()
    assert await probe.count("bus.dead_letter") == 0


async def test_duplicates_and_any_order_change_nothing(probe: Probe) -> None:
    """Each event published three times, all shuffled, has the effect of a stream without repeats."""
    dossiers = [new_id() for _ in range(10)]
    sent = [probe.producer.envelope(dossier, supplemented()) for dossier in dossiers for _ in range(8)]
    copies = [(envelope, copy) for envelope in sent for copy in range(3)]
    random.Random(7).shuffle(copies)  # noqa: S311
    async with probe.consumer():
        for envelope, copy in copies:
            await probe.producer.publish(
                envelope, encode_data(supplemented()), message_id=f"{envelope.id}.{copy}"
            )
        await probe.has("probe.effect", 80)
        await probe.settled(30)
    assert in_order(await probe.effects())
    assert await probe.count("bus.outbox") == 80


async def test_a_gap_waits_and_alarms(probe: Probe) -> None:
    """Events after a missing one wait, the gap shows in the status, and other dossiers go on."""
    waiting, other = new_id(), new_id()
    second = probe.producer.envelope(waiting, supplemented(), 2)
    await probe.producer.publish(second, encode_data(supplemented()))
    await probe.producer.say(other, supplemented())
    async with probe.consumer() as consumer:
        await probe.has("probe.effect", 1)
        await until(lambda: consumer.status().gaps_waiting == 1, 5, "the gap is seen")
        await asyncio.sleep(QUICK.hold_seconds * 2)
        assert await probe.count("probe.effect") == 1
        await probe.producer.say(waiting, supplemented(), 1)
        await probe.has("probe.effect", 3)
        await probe.settled()
        assert consumer.status().gaps_waiting == 0
    assert in_order(await probe.effects())


async def test_two_consumers_on_one_durable_share_the_work(probe: Probe) -> None:
    """Two replicas see different events of one dossier and still apply each once and in order."""
    dossiers = [new_id() for _ in range(8)]
    async with probe.consumer(), probe.consumer():
        for _ in range(25):
            for dossier in dossiers:
                await probe.producer.say(dossier, supplemented())
        await probe.has("probe.effect", 200)
        await probe.settled(30)
    assert in_order(await probe.effects())


async def test_two_producers_have_their_own_sequences(probe: Probe) -> None:
    """The same dossier counts 1, 2, 3 … for each producer."""
    dossier = new_id()
    rejected = ResultRejected(step="s", result="r", reason="bad", rejected_at=supplemented().supplemented_at)
    for _ in range(3):
        await probe.producer.say(dossier, supplemented())
        await probe.producer.say(dossier, rejected)
    async with probe.consumer():
        await probe.has("probe.effect", 6)
    assert in_order(await probe.effects())
    assert await probe.count("bus.position") == 2


async def test_nothing_is_asked_twice_of_a_state_unchanged(probe: Probe) -> None:
    """Redelivered events that are done are acknowledged without being handled again."""
    dossier: UUID = new_id()
    sent = [await probe.producer.say(dossier, supplemented()) for _ in range(10)]
    async with probe.consumer():
        await probe.has("probe.effect", 10)
        await probe.settled()
        handled = probe.context.handled
        for envelope in sent:
            await probe.producer.publish(
                envelope, encode_data(supplemented()), message_id=f"{envelope.id}.e2"
            )
        await probe.settled()
        assert probe.context.handled == handled
