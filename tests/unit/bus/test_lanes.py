"""When a lane hands out what has come."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from libs.bus.arrivals import Arrival
from libs.bus.lanes import Lane
from libs.bus.pull import Message

ACTED_ON, COUNTED = "routing.step-completed.v1", "routing.step-started.v1"
# Far longer than anything here may take, far shorter than a test run's patience.
LONG = 30.0


def message(subject: str) -> Message:
    """A delivery of which a lane looks at the subject only."""
    return cast(Message, SimpleNamespace(subject=subject, pull=SimpleNamespace(source="routing")))


def lane(*, company_seconds: float = LONG, batch_max: int = 4, retry_seconds: float = LONG) -> Lane:
    """A lane of a service that acts on one subject."""
    return Lane(
        Arrival,
        pressing=lambda found: found.subject == ACTED_ON,
        batch_max=batch_max,
        retry_seconds=retry_seconds,
        company_seconds=company_seconds,
    )


async def taken(from_lane: Lane) -> list[str]:
    """The subjects of the next batch, which must come at once."""
    async with asyncio.timeout(5):
        return [arrival.message.subject for arrival in await from_lane.take()]


async def waits(from_lane: Lane) -> "asyncio.Task[list[Any]]":
    """A `take` that has begun and has nothing to give yet."""
    taking: asyncio.Task[list[Any]] = asyncio.create_task(from_lane.take())
    await asyncio.sleep(0.02)
    assert not taking.done()
    return taking


async def test_messages_only_counted_wait_for_one_to_act_on() -> None:
    """They come in one batch with it, in the order in which they arrived."""
    found = lane()
    found.put(message(COUNTED))
    taking = await waits(found)
    found.put(message(COUNTED))
    found.put(message(ACTED_ON))
    async with asyncio.timeout(5):
        subjects = [arrival.message.subject for arrival in await taking]
    assert subjects == [COUNTED, COUNTED, ACTED_ON]


async def test_they_do_not_wait_for_ever() -> None:
    """After a moment they are handed out alone."""
    found = lane(company_seconds=0.01)
    found.put(message(COUNTED))
    assert await taken(found) == [COUNTED]


async def test_a_message_to_act_on_waits_for_nobody() -> None:
    """Nor do those behind it that the batch had no room for; what comes after them waits again."""
    found = lane()
    for _ in range(6):
        found.put(message(ACTED_ON))
    assert len(await taken(found)) == 4
    assert len(await taken(found)) == 2
    found.put(message(COUNTED))
    (await waits(found)).cancel()


async def test_a_full_batch_waits_for_nobody() -> None:
    """Whatever is in it."""
    found = lane()
    for _ in range(4):
        found.put(message(COUNTED))
    assert len(await taken(found)) == 4


async def test_what_is_held_back_may_wait_for_a_message_only_counted() -> None:
    """The missing sequence can be of any event: then nothing waits for company."""
    found = lane()
    assert found.hold(Arrival(message(ACTED_ON), "routing"))
    found.put(message(COUNTED))
    assert await taken(found) == [ACTED_ON, COUNTED]


async def test_closing_a_lane_ends_the_wait_for_company() -> None:
    """Whoever takes gets what is there at once, so that a service that stops does not wait."""
    found = lane()
    found.put(message(COUNTED))
    taking = await waits(found)
    found.close()
    async with asyncio.timeout(5):
        assert len(await taking) == 1
