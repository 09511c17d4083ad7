"""What is kept of endpoints and deliveries: nothing that is out of date, and no more than somebody will look at."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from libs.bus.ids import new_id
from services.gateway.webhooks import delivery_store, endpoint_store
from services.gateway.webhooks.endpoint import TEST_TYPE, Delivery
from tests.fixtures.receiver import receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import House, received
from tests.integration.gateway.test_webhooks import all_are
from tests.integration.gateway.webhook_desk import desk_of, dispatching


async def test_what_was_judged_before_its_partner_changed_it_is_not_kept(house: House) -> None:
    """An endpoint with a new address is not given up for what the dispatcher found of the old one."""
    await house.partner()
    desk = await desk_of(house)
    endpoint, _ = await desk.add("http://127.0.0.1:9/")

    async def found(version: int) -> bool:
        async with house.pool.acquire() as conn, conn.transaction():
            return await endpoint_store.set_state(
                conn,
                UUID(endpoint),
                "disabled",
                "gone",
                expected=("active", "failing"),
                version=version,
                since=datetime.now(UTC),
            )

    await desk.did("PATCH", f"/{endpoint}", {"url": "http://127.0.0.1:10/"})
    assert not await found(1)
    assert await desk.state_is(endpoint, "active")
    assert await found(2)
    assert await desk.state_is(endpoint, "disabled")


async def test_of_test_events_the_newest_hundred_are_kept(house: House) -> None:
    """Deliveries of what was said stay, however many are tried out."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        said = await house.say(uuid4(), received())
        await eventually(lambda: all_are(desk, endpoint, "delivered", 1))
    made = [new_id() for _ in range(105)]
    async with house.pool.acquire() as conn, conn.transaction():
        for event in made:
            delivery = Delivery(
                event_id=event,
                position=None,
                type=TEST_TYPE,
                dossier_id=uuid4(),
                occurred_at=datetime.now(UTC),
                state="delivered",
                tries=1,
                next_attempt_at=datetime.now(UTC),
                attempts_made=1,
                body=b"{}",
            )
            await delivery_store.insert_test(conn, UUID(endpoint), delivery)
    kept = [UUID(int=row[0].int) for row in await house.pool.fetch("SELECT event_id FROM delivery")]
    assert sorted(kept) == sorted([*said, *made[5:]])
