"""What is kept of endpoints and deliveries: nothing that is out of date, and no more than somebody will look at."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

from libs.bus.ids import new_id
from services.gateway.webhooks import delivery_store, endpoint_store, queue_store
from services.gateway.webhooks.endpoint import TEST_TYPE, Attempt, Delivery
from services.gateway.webhooks.holding import Holder
from services.gateway.webhooks.queue import Item
from services.gateway.webhooks.queue_store import Settled
from services.gateway.webhooks.recording import Recorder
from services.gateway.webhooks.schedule import Schedule
from services.gateway.webhooks.sending import Attempted
from tests.fixtures.receiver import receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import House, received
from tests.integration.gateway.webhook_desk import all_are, desk_of, dispatching


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


async def test_what_was_judged_while_its_partners_change_was_read_is_not_gone_by(house: House) -> None:
    """The dispatcher holds the endpoint as the database has it, which does not keep what was found of the old one."""
    await house.partner()
    desk = await desk_of(house)
    endpoint, _ = await desk.add("http://127.0.0.1:9/")
    process, now = house.process, datetime.now(UTC)
    recorder = Recorder(process.transactions)
    holder = Holder(process.transactions, recorder, process.sealer, Schedule())
    await holder.follow_endpoints()
    line = holder.lines[UUID(endpoint)]
    line.push([Item(event_id=uuid4(), position=1, dossier_id=uuid4(), due=now)])
    sent = line.take(now)
    assert sent is not None
    await desk.did("PATCH", f"/{endpoint}", {"url": "http://127.0.0.1:10/"})
    following = asyncio.create_task(holder.follow_endpoints())
    while not recorder._writing.locked():  # noqa: ASYNC110 - turns of the loop: it is for a moment
        await asyncio.sleep(0)
    recorder.note(*line.settle(sent, Attempted(at=now, status=410, error="status"), now, 0))
    assert line.state == "disabled"
    await following
    await recorder.flush()
    assert await desk.state_is(endpoint, "active")
    assert (line.state, line.endpoint.url) == ("active", "http://127.0.0.1:10/")


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


async def test_an_attempt_that_began_before_a_recovery_does_not_undo_it(house: House) -> None:
    """It is kept among the attempts; in line again stays in line, unless that attempt was a good one."""
    await house.partner()
    desk = await desk_of(house)
    made, _ = await desk.add("http://127.0.0.1:9/")
    endpoint, now = UUID(made), datetime.now(UTC)
    (event,) = await house.say(uuid4(), received())

    async def stands_after(state: str, status: int) -> tuple[str, int, int]:
        attempt = Attempt(at=now, status=status, milliseconds=1, error="", response_body="")
        settled = Settled(
            endpoint=endpoint,
            event_id=event,
            state=state,
            tries_before=9,
            tries=10,
            next_attempt_at=now,
            attempt=attempt,
        )
        async with house.pool.acquire() as conn, conn.transaction():
            await queue_store.settle(conn, [settled])
            found = await delivery_store.find(conn, endpoint, event)
        assert found is not None
        return found.state, found.tries, found.attempts_made

    async with house.pool.acquire() as conn:
        position = await conn.fetchval("SELECT position FROM feed WHERE event_id = $1", event)
        await queue_store.line_up(conn, [(endpoint, position)])
    assert await stands_after("failed", 500) == ("pending", 0, 1)
    assert await stands_after("pending", 500) == ("pending", 0, 2)
    assert await stands_after("delivered", 204) == ("delivered", 10, 3)
