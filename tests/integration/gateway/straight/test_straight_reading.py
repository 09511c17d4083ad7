"""Reading by NATS: each partner has exactly its events, once and in order, whatever becomes of the stream."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.contracts.cloudevents import decode
from services.gateway.settings import Settings
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import (
    EVERYTHING,
    HOSPITAL,
    POLICE,
    House,
    accepted,
    assigned,
    received,
)
from tests.integration.gateway.straight.partners_nats import PartnersNats, ids, take
from tests.integration.gateway.test_process import running

pytestmark = pytest.mark.timeout(90)


async def test_a_partner_gets_exactly_its_events_in_order(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """What was said before it was switched on and what is said afterwards; nothing of others' dossiers."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.partner(POLICE)
    mine, other = uuid4(), uuid4()
    said = await house.say(mine, received(), accepted())
    await house.say(other, received("93017"), accepted("93017"))
    await partners_nats.admit(house)
    await partners_nats.admit(house, POLICE.code)
    async with partners_nats.at_work(house.process):
        client = await partners_nats.connect()
        first = await take(client, HOSPITAL.code, 2)
        said += await house.say(mine, assigned())
        messages = first + await take(client, HOSPITAL.code, 1)
        assert ids(messages) == said
        police = await take(await partners_nats.connect(POLICE.code), POLICE.code, 2, seconds=3)
    assert ids(police) == said[2:]
    envelope, data = decode(messages[0].headers, messages[0].data)
    assert (envelope.id, envelope.dossier_id, envelope.type) == (said[0], mine, "intake.dossier-received.v1")
    assert messages[0].subject == f"events.{HOSPITAL.code}.intake.dossier-received.v1.{mine}"
    assert b'"facility":"93016"' in data


async def test_the_cursor_of_a_message_is_the_feed_s(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """A partner may go on over HTTP from where it was on NATS."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), received(), accepted(), assigned())
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        messages = await take(await partners_nats.connect(), HOSPITAL.code, 2)
    answer = await house.read(await house.token(), (messages[1].headers or {})["feed-cursor"])
    assert [event["id"] for event in answer.json()] == [str(said[2])]


async def test_who_was_away_gets_everything_and_delays_nobody(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """A partner that takes nothing fills its stream and no more; when it is back it finds all, each once, in order."""
    house: House = await houses(partners_stream_bytes=64 * 1024, **partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.partner(EVERYTHING)
    await partners_nats.admit(house)
    await partners_nats.admit(house, EVERYTHING.code)
    said: list[UUID] = []
    async with partners_nats.at_work(house.process):
        awake = await partners_nats.connect()
        for _ in range(20):
            said += await house.say(uuid4(), *(received() for _ in range(20)))
            assert ids(await take(awake, HOSPITAL.code, 20)) == said[-20:]
        back = await partners_nats.connect(EVERYTHING.code)
        stored = await partners_nats.stored(EVERYTHING.code)
        assert 0 < stored < len(said)
        assert ids(await take(back, EVERYTHING.code, len(said), seconds=40)) == said
        assert await take(back, EVERYTHING.code, 1, seconds=2) == []


async def test_what_has_gathered_is_stored_as_one_batch(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """The server forces it to disk once; a few by themselves, and all in the order of the feed."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), *(received() for _ in range(30)))
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        client = await partners_nats.connect()
        gathered = await take(client, HOSPITAL.code, 30)
        said += await house.say(uuid4(), received(), accepted())
        few = await take(client, HOSPITAL.code, 2)
    assert ids(gathered + few) == said
    batches = [(message.headers or {}).get("Nats-Batch-Id") for message in gathered + few]
    assert batches[0]
    assert batches == [batches[0]] * 30 + [None] * 2


@pytest.mark.parametrize("fault", ["deleted", "purged", "durable deleted", "durable paused"])
async def test_a_stream_that_is_not_what_it_must_be_is_made_anew_and_nothing_is_lost(
    houses: Callable[..., Any], partners_nats: PartnersNats, fault: str
) -> None:
    """What was confirmed does not come again, what was not does, and in order.

    Of a stream that somebody has emptied by hand the newest may be read before that is seen; then they come again.
    """
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), *(received() for _ in range(6)))
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        client = await partners_nats.connect()
        assert ids(await take(client, HOSPITAL.code, 3)) == said[:3]
        await eventually(lambda: partners_nats.is_purged_below(HOSPITAL.code, 3))
        await partners_nats.break_stream(HOSPITAL.code, fault)
        said += await house.say(uuid4(), *(received() for _ in range(3)))
        seen = ids(await take(client, HOSPITAL.code, 6))
        seen += ids(await take(client, HOSPITAL.code, 3, seconds=2))
        assert seen[-6:] == said[3:]
        assert seen[:-6] in ([], said[6:]) if fault == "purged" else len(seen) == 6


async def test_a_server_that_was_rolled_back_is_filled_again(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """Of what was stored and confirmed after the copy was made nothing is lost, and nothing confirmed comes again."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), *(received() for _ in range(4)))
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        assert ids(await take(await partners_nats.connect(), HOSPITAL.code, 2)) == said[:2]

        async def between() -> None:
            said.extend(await house.say(uuid4(), *(received() for _ in range(4))))
            assert ids(await take(await partners_nats.connect(), HOSPITAL.code, 4)) == said[2:6]
            await eventually(lambda: partners_nats.is_purged_below(HOSPITAL.code, 6))

        await partners_nats.roll_back(between)
        client = await partners_nats.connect(seconds=20)
        assert ids(await take(client, HOSPITAL.code, 2, seconds=20)) == said[6:]
        assert await take(client, HOSPITAL.code, 1, seconds=2) == []


async def test_the_stream_of_another_feed_is_not_believed(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """A database that was restored has another feed: what was confirmed of the old one moves nobody in the new one."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), received(), accepted(), assigned())
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        await eventually(lambda: partners_nats.holds(HOSPITAL.code, 3))
    assert ids(await take(await partners_nats.admin(), HOSPITAL.code, 2)) == said[:2]
    await house.pool.execute("UPDATE feed_head SET feed = 'aaaaaaaa'")
    async with partners_nats.at_work(house.process):
        await eventually(lambda: partners_nats.is_in_life(HOSPITAL.code, 2))
        assert ids(await take(await partners_nats.connect(), HOSPITAL.code, 3)) == said


async def test_a_late_ack_never_means_another_message(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """A message held while the stream is made anew comes again; confirming the old one confirms nothing of the new."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), received(), accepted())
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        client = await partners_nats.connect()
        held = await take(client, HOSPITAL.code, 2, ack=False)
        await partners_nats.break_stream(HOSPITAL.code, "deleted")
        again = await take(client, HOSPITAL.code, 2, seconds=15, ack=False)
        for message in held:
            await message.ack()
        await client.flush()
        assert ids(again) == said
        place = await partners_nats.durable(HOSPITAL.code)
        assert place.num_ack_pending == 2


async def test_switched_on_anew_it_begins_where_it_is_told(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """From the beginning once more, or only what is new."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), received(), accepted())
    await partners_nats.admit(house, after="latest")
    async with partners_nats.at_work(house.process):
        client = await partners_nats.connect()
        assert await take(client, HOSPITAL.code, 1, seconds=3) == []
        await partners_nats.switch_on(house, HOSPITAL.code)
        assert ids(await take(client, HOSPITAL.code, 2)) == said


async def test_reading_is_noted(houses: Callable[..., Any], partners_nats: PartnersNats) -> None:
    """How many events were confirmed, from where to where, and by whose key a connection was let in."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.say(uuid4(), received(), accepted(), assigned())
    await partners_nats.admit(house)

    async def noted() -> bool:
        row = await house.pool.fetchrow(
            "SELECT sum(events), min(after), max(until) FROM reading WHERE partner = $1 AND way = 'nats'",
            HOSPITAL.code,
        )
        return row is not None and tuple(row) == (3, 0, 3)

    async with partners_nats.at_work(house.process):
        await take(await partners_nats.connect(), HOSPITAL.code, 3)
        await eventually(noted)
    deeds = [what for what, _ in await house.deeds(HOSPITAL.code)]
    assert deeds[-3:] == ["nats-on", "nats-key-added", "nats-admitted"]


async def test_gateways_killed_at_will_store_each_event_once(
    settings: Callable[..., Settings], houses: Callable[..., Any], partners_nats: PartnersNats, tmp_path: Path
) -> None:
    """Two processes, one of them killed again and again: the stream is the feed, without holes and doubles."""
    house: House = await houses()
    await house.partner(EVERYTHING)
    await partners_nats.admit(house, EVERYTHING.code)
    given = settings(**partners_nats.settings)
    said: list[UUID] = []
    with ExitStack() as stack:
        children = [stack.enter_context(running(given, tmp_path / f"{name}.log"))[0] for name in "ab"]
        client = await partners_nats.connect(EVERYTHING.code, seconds=30)
        seen: list[UUID] = []
        for turn in range(6):
            for _ in range(10):
                said += await house.say(uuid4(), *(received() for _ in range(10)))
            seen += ids(await take(client, EVERYTHING.code, 50, seconds=5))
            if turn % 2 == 0:
                victim = children.pop(0)
                victim.kill()
                victim.wait()
                children.append(stack.enter_context(running(given, tmp_path / f"{turn}.log"))[0])
        while len(seen) < len(said):
            more = ids(await take(client, EVERYTHING.code, 200, seconds=10))
            assert more
            seen += more
    assert seen == said
