"""Webhooks to real receivers over loopback: order, failure and recovery, and what partners see of it."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
from standardwebhooks.webhooks import Webhook

from services.gateway.webhooks.dispatching import Dispatcher
from services.gateway.webhooks.schedule import Schedule
from tests.fixtures.receiver import HELD, Received, Receiver, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import (
    EVERYTHING,
    HOSPITAL,
    POLICE,
    House,
    accepted,
    assigned,
    ready,
    received,
)
from tests.integration.gateway.webhook_desk import LONG_AGO, QUICK, all_are, desk_of, dispatching, has


def orders(there: Receiver) -> dict[str, list[int]]:
    """Positions in time of the events taken, by dossier: their sequence of one producer."""
    found: dict[str, list[int]] = {}
    for request in there.answered:
        event = request.event
        found.setdefault(event["subject"] + event["source"], []).append(int(event["sequence"]))
    return found


async def test_an_event_is_pushed_signed_in_order_and_shown(house: House) -> None:
    """As a CloudEvent, verified by the specification's own library; each once; the partner sees what became of it."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        endpoint, secret = await desk.add(there.url)
        said = await house.say(uuid4(), received(), accepted(), assigned(), ready())
        await eventually(has(there, said))
        assert there.ids == said
        for request in there.requests:
            event = Webhook(secret).verify(request.body, request.headers)
            assert event["id"] == request.headers["webhook-id"]
            assert request.headers["content-type"] == "application/cloudevents+json"
        await eventually(lambda: all_are(desk, endpoint, "delivered", 4))
        shown = await desk.did("GET", f"/{endpoint}/deliveries/{said[0]}")
        assert (shown["attempts"][0]["status"], shown["attempts_made"]) == (204, 1)
        assert shown["request"]["body"].encode() == there.requests[0].body
        signed = there.requests[0].headers["webhook-signature"]
        assert shown["request"]["headers"]["webhook-signature"] == signed
        assert await desk.state_is(endpoint, "active")

        async def none_waits() -> bool:
            return bool((await desk.show(endpoint))["waiting"] == 0)

        await eventually(none_waits)
        assert [each["event_id"] for each in await desk.deliveries(endpoint, limit="2")] == [
            str(said[3]),
            str(said[2]),
        ]
        rest = await desk.deliveries(endpoint, limit="2", before=str(said[2]))
        assert [each["event_id"] for each in rest] == [str(said[1]), str(said[0])]


async def test_only_what_was_asked_for_and_may_be_read_is_pushed(house: House) -> None:
    """By type, and by whom the dossier concerns; a scope that shrinks takes what already waits."""
    patient = msgspec.structs.replace(QUICK, schedule=Schedule(table=(0.0, *[0.2] * 60), failures_max=60))
    await house.partner(POLICE)
    desk = await desk_of(house, POLICE.code)
    async with receiver() as there, dispatching(house, patient):
        endpoint, _ = await desk.add(there.url, "routing.*", "results.*")
        others, own = uuid4(), uuid4()
        await house.say(others, received(), accepted(), assigned("police-31341-2025"))
        mine = await house.say(own, received(), accepted(), assigned(), ready())
        # A dossier's events come in their order: before the last of each, everything else would have come.
        last = [*await house.say(others, assigned()), *await house.say(own, assigned())]
        await eventually(has(there, last))
        assert sorted(there.ids) == sorted([mine[2], *last])
        there.answering = lambda _request: 500
        dossier = uuid4()
        (waiting,) = await house.say(dossier, assigned())
        await eventually(lambda: any(request.id == waiting for request in there.requests))
        await house.pool.execute("UPDATE partner SET types = '{}' WHERE code = $1", POLICE.code)

        async def let_go() -> bool:
            return [each["event_id"] for each in await desk.deliveries(endpoint, state="failed")] == [
                str(waiting)
            ]

        await eventually(let_go)
        there.answering = lambda _request: 204
        await house.pool.execute("UPDATE partner SET types = '{routing.*}' WHERE code = $1", POLICE.code)
        later: list[UUID] = []

        async def comes_again() -> bool:
            # What is said before the dispatcher knows of the larger scope is not for this partner.
            later.extend(await house.say(dossier, assigned()))
            return bool(set(later) & set(there.ids))

        await eventually(comes_again)
        assert waiting not in there.ids
        shown = await desk.did("GET", f"/{endpoint}/deliveries/{waiting}")
        assert shown["attempts"][-1]["error"] == "not-readable"


async def test_a_dossier_that_fails_holds_no_other(house: House) -> None:
    """Its own later events wait behind the one that fails; given up in the end, they go on; recovered, it comes."""
    await house.partner()
    desk = await desk_of(house)
    bad = uuid4()

    def answering(request: Received) -> int:
        event = request.event
        return 500 if event["subject"] == str(bad) and event["type"].startswith("intake.dossier-r") else 204

    async with receiver(answering) as there, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        others: list[UUID] = []
        waiting = await house.say(bad, received(), accepted(), assigned())
        for _ in range(4):
            others += await house.say(uuid4(), received(), accepted(), assigned())
            await asyncio.sleep(0.05)
        await eventually(has(there, others))
        assert not set(waiting) & set(there.ids)

        async def three_wait() -> bool:
            return bool((await desk.show(endpoint))["waiting"] == 3)

        await eventually(three_wait)
        await eventually(has(there, waiting[1:]), deadline_seconds=20)
        assert [each for each in there.ids if each in waiting] == waiting[1:]

        async def given_up() -> bool:
            return [each["event_id"] for each in await desk.deliveries(endpoint, state="failed")] == [
                str(waiting[0])
            ]

        await eventually(given_up)
        failed = await desk.did("GET", f"/{endpoint}/deliveries/{waiting[0]}")
        assert [each["status"] for each in failed["attempts"]] == [500] * 6
        assert {each["response_body"] for each in failed["attempts"]} == {"because"}
        assert await desk.state_is(endpoint, "active")
        assert ("webhook-event-given-up", f"{endpoint} {waiting[0]}") in await house.deeds(HOSPITAL.code)
        there.answering = lambda _request: 204
        replay = await desk.did("POST", f"/{endpoint}/recover", {"since": LONG_AGO})
        assert (replay["kind"], replay["total"]) == ("recover", 1)
        await eventually(has(there, waiting))
        await eventually(lambda: all_are(desk, endpoint, "delivered", 15))
        assert (await desk.did("GET", f"/{endpoint}/replays/{replay['id']}"))["done"] == 1
        assert len(there.ids) == len(set(there.ids))


async def test_an_endpoint_that_was_away_gets_everything_once_and_in_order(house: House) -> None:
    """What was said meanwhile costs it one probe, not a try an event; others get theirs as if nothing was."""
    await house.partner()
    await house.partner(EVERYTHING)
    desk, other = await desk_of(house), await desk_of(house, EVERYTHING.code)
    async with receiver() as there, receiver() as healthy, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        await other.add(healthy.url)
        there.answering = lambda _request: 503
        said = [event for _ in range(10) for event in await house.say(uuid4(), received(), accepted())]
        await eventually(lambda: desk.state_is(endpoint, "failing"))
        tried = len(there.requests)
        dossiers = [uuid4() for _ in range(40)]
        for events in ((received(), accepted()), (assigned(),), (ready(),)):
            said += [each for dossier in dossiers for each in await house.say(dossier, *events)]
        await eventually(has(healthy, said))
        assert len(there.requests) - tried <= 5
        shown = await desk.show(endpoint)
        assert shown["waiting"] == len(said)
        assert shown["failing_since"] is not None
        assert await house.pool.fetchval(
            "SELECT count(*) <= 20 FROM delivery WHERE endpoint = $1::uuid", endpoint
        )
        there.answering = lambda _request: 204
        await eventually(has(there, said), deadline_seconds=30)
        assert sorted(there.ids) == sorted(said)
        assert all(found == sorted(found) for found in orders(there).values())
        await eventually(lambda: desk.state_is(endpoint, "active"))
        assert ("webhook-failing", endpoint) in await house.deeds(HOSPITAL.code)
        assert (await desk.show(endpoint))["failing_since"] is None


async def test_what_was_never_attempted_is_replayed(house: House) -> None:
    """Said before the endpoint was, or of types added later; what was delivered is not sent again."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        dossiers = [uuid4() for _ in range(30)]
        before = [each for dossier in dossiers for each in await house.say(dossier, received(), accepted())]
        endpoint, _ = await desk.add(there.url, "intake.dossier-received.v1")
        live = await house.say(uuid4(), received(), accepted())
        await eventually(has(there, live[:1]))
        await desk.did("PATCH", f"/{endpoint}", {"types": ["*"]})
        replay = await desk.did("POST", f"/{endpoint}/replay-missing", {"since": LONG_AGO})
        second = await desk.call("POST", f"/{endpoint}/replay-missing", {"since": LONG_AGO})
        assert second.status_code == 409
        await eventually(has(there, before + live), deadline_seconds=20)

        async def done() -> bool:
            found = await desk.did("GET", f"/{endpoint}/replays/{replay['id']}")
            return (found["state"], found["total"], found["done"]) == ("done", 61, 61)

        await eventually(done)
        assert len(there.ids) == len(set(there.ids)) == 62
        assert all(found == sorted(found) for found in orders(there).values())
        now = datetime.now(UTC).isoformat()
        replay = await desk.did("POST", f"/{endpoint}/replay-missing", {"since": now})

        async def empty() -> bool:
            found = await desk.did("GET", f"/{endpoint}/replays/{replay['id']}")
            return (found["state"], found["total"]) == ("done", 0)

        await eventually(empty)


async def test_recovering_makes_what_waits_for_its_next_try_due(house: House) -> None:
    """A person has mended the receiver and does not wait for the table; a good test alone wakes a failing endpoint."""
    slow = msgspec.structs.replace(
        QUICK, schedule=msgspec.structs.replace(QUICK.schedule, table=(0.0, 0.1, 600.0, 600.0))
    )
    await house.partner()
    desk = await desk_of(house)
    async with receiver(lambda _request: 500) as there, dispatching(house, slow):
        endpoint, _ = await desk.add(there.url)
        (event,) = await house.say(uuid4(), received())
        await eventually(lambda: len(there.requests) == 2)

        async def waits() -> bool:
            found = await desk.did("GET", f"/{endpoint}/deliveries/{event}")
            return found["attempts_made"] == 2 and found["next_attempt_at"] is not None

        await eventually(waits)
        there.answering = lambda _request: 204
        await desk.did("POST", f"/{endpoint}/recover", {"since": LONG_AGO})
        await eventually(has(there, [event]))
        there.answering = lambda _request: 500
        said = [each for _ in range(6) for each in await house.say(uuid4(), received())]
        await eventually(lambda: desk.state_is(endpoint, "failing"))
        there.answering = lambda _request: 204
        assert (await desk.did("POST", f"/{endpoint}/test"))["state"] == "delivered"
        await eventually(has(there, said))
        await eventually(lambda: desk.state_is(endpoint, "active"))


async def test_recovering_an_event_that_is_on_its_last_try_gives_it_further_ones(house: House) -> None:
    """That try ends after the recovery has counted it: it fails, and is not the last any more."""
    two = msgspec.structs.replace(QUICK, schedule=msgspec.structs.replace(QUICK.schedule, table=(0.0, 0.1)))
    await house.partner()
    desk = await desk_of(house)

    def answering(_request: Received) -> int | str:
        if len(there.requests) == 2 and not there.released.is_set():
            return HELD
        return 500 if len(there.requests) <= 2 else 204

    async with receiver(answering) as there, dispatching(house, two):
        endpoint, _ = await desk.add(there.url)
        (event,) = await house.say(uuid4(), received())
        await eventually(lambda: there.open == 1 and len(there.requests) == 2)
        # The outcome of the first is written with the second under way.
        await asyncio.sleep(0.2)
        replay = await desk.did("POST", f"/{endpoint}/recover", {"since": LONG_AGO})
        assert replay["total"] == 1

        async def counted() -> bool:
            return bool((await desk.did("GET", f"/{endpoint}/replays/{replay['id']}"))["done"] == 1)

        await eventually(counted)
        # The line hears of it right after.
        await asyncio.sleep(0.2)
        there.released.set()
        await eventually(has(there, [event]))
        await eventually(lambda: all_are(desk, endpoint, "delivered", 1))
        found = await desk.did("GET", f"/{endpoint}/deliveries/{event}")
        assert [each["status"] for each in found["attempts"]] == [500, 500, 204]
        assert "webhook-event-given-up" not in [what for what, _ in await house.deeds(HOSPITAL.code)]


async def test_an_event_sent_by_hand_while_it_waits_is_not_sent_again(house: House) -> None:
    """The rest of its dossier goes on at once."""
    slow = msgspec.structs.replace(
        QUICK, schedule=msgspec.structs.replace(QUICK.schedule, table=(0.0, 600.0, 600.0))
    )
    await house.partner()
    desk = await desk_of(house)
    async with receiver(lambda _request: 500) as there, dispatching(house, slow):
        endpoint, _ = await desk.add(there.url)
        said = await house.say(uuid4(), received(), accepted())
        await eventually(lambda: len(there.requests) == 1)
        there.answering = lambda _request: 204
        shown = await desk.did("POST", f"/{endpoint}/deliveries/{said[0]}/resend")
        assert shown["state"] == "delivered"
        await eventually(has(there, said))
        assert there.ids == said


async def test_a_dispatcher_that_ends_is_taken_over(house: House) -> None:
    """One leads at a time; what was on its way comes again under its id, nothing is missing."""
    await house.partner()
    desk = await desk_of(house)
    process = house.process
    async with receiver() as there:
        await desk.add(there.url)
        second = Dispatcher(
            house.settings.database_url, process.transactions, process.sender, process.sealer, QUICK
        )
        stop = asyncio.Event()
        said: list[UUID] = []
        async with dispatching(house):
            standing_by = asyncio.create_task(second.run(stop))
            for _ in range(10):
                said += await house.say(uuid4(), received(), accepted())
            await eventually(has(there, said[:8]))
            assert len(there.ids) == len(set(there.ids))
        for _ in range(10):
            said += await house.say(uuid4(), received(), accepted())
        await eventually(has(there, said))
        stop.set()
        await standing_by
    assert all(found == sorted(found) for found in orders(there).values())


async def test_a_lost_lock_and_a_database_that_breaks_off_cost_time_only(house: House) -> None:
    """Every connection is cut several times while events are said; each arrives, in order."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        await desk.add(there.url)
        said: list[UUID] = []
        for _ in range(4):
            for _ in range(5):
                said += await house.say(uuid4(), received(), accepted())
            await house.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND usename = current_user"
            )
            await asyncio.sleep(0.3)
        await eventually(has(there, said), deadline_seconds=20)
        first: dict[UUID, int] = {}
        for place, event in enumerate(there.ids):
            first.setdefault(event, place)
        assert all(first[said[place]] < first[said[place + 1]] for place in range(0, len(said), 2))
