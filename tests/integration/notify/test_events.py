"""Notify on real NATS and PostgreSQL: everything told once, also when everything is delivered again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from libs.bus import topology
from libs.bus.connection import connect
from libs.bus.handling import Service
from libs.bus.ids import new_id
from libs.bus.runtime import BusRuntime
from libs.contracts.cloudevents import encode_data
from services.notify import store
from services.notify.handlers import HANDLERS
from tests.fixtures.servers import eventually
from tests.integration.bus.probe_service import Producer
from tests.integration.notify.conftest import Bureau, ready, received
from tests.integration.notify.test_planning import SETTLED

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def listening(bureau: Bureau, url: str) -> AsyncIterator[None]:
    """Notify's consumer and relay, as its process runs them."""
    service = Service(name="notify", handlers=HANDLERS, load=store.load, save=store.save, context=bureau.book)
    bus = BusRuntime(service, database_url=bureau.database.app_dsn, nats_url=url)
    await bus.start()
    stop = asyncio.Event()
    running = asyncio.create_task(bus.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await running
        await bus.close()


async def test_everything_delivered_again_tells_nobody_twice(bureau: Bureau, nats_server: object) -> None:
    """Published twice, and all delivered once more to a restarted notify whose durables were made anew."""
    url: str = nats_server.url  # type: ignore[attr-defined]
    client = await connect(url, name="test", on_closed=lambda: None)
    try:
        await topology.reconcile(client)
        producer = Producer(client)
        dossier_id = new_id()
        bureau.intake.add(dossier_id)
        async with listening(bureau, url):
            for event in (received(), SETTLED, ready("birth_certificate"), ready("insurance_card")):
                envelope = await producer.say(dossier_id, event)
                await producer.publish(envelope, encode_data(event), message_id=f"again-{envelope.id}")

            async def heard() -> bool:
                return bool(await bureau.pool.fetchval("SELECT count(*) = 4 FROM bus.inbox"))

            await eventually(heard, deadline_seconds=30)
        await bureau.send()
        mails = len(bureau.post.mails)
        occasions = await bureau.pool.fetchval("SELECT count(*) FROM occasion")
        for source in ("intake", "routing", "results"):
            await client.jetstream().delete_consumer(
                topology.stream_of(source), topology.durable_of("notify", source)
            )
        await topology.reconcile(client)
        async with listening(bureau, url):

            async def delivered_again() -> bool:
                return all(
                    [
                        (
                            await client.jetstream().consumer_info(
                                topology.stream_of(source), topology.durable_of("notify", source)
                            )
                        ).ack_floor.stream_seq
                        == count
                        for source, count in (("intake", 2), ("routing", 2), ("results", 4))
                    ]
                )

            await eventually(delivered_again, deadline_seconds=60)
        await bureau.send()
    finally:
        await client.close()
    assert (mails, len(bureau.post.mails)) == (2, 2)
    assert await bureau.pool.fetchval("SELECT count(*) FROM occasion") == occasions
    assert set(await bureau.states(dossier_id)) == {"sent"}
