"""Handing in by NATS: in the partner's name, once, in order, answered to the partner alone, and then erased."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nats.js.errors import APIError

from libs.contracts.gateway import EventRefused, EventTaken
from services.gateway.housekeeping import Housekeeping
from services.gateway.straight import store
from services.gateway.straight.store import Answer
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import EVERYTHING, HOSPITAL
from tests.integration.gateway.straight.inbox_desk import SUBJECT
from tests.integration.gateway.straight.partners_nats import PartnersNats

pytestmark = pytest.mark.timeout(90)


async def test_what_is_handed_in_is_taken_answered_and_erased(desk: Callable[[], Any]) -> None:
    """In order and in the partner's name; good and bad alike, each with its answer on the way back."""
    async with desk() as at:
        for number in range(5):
            await at.publish(f"e{number}", b'{"a":"good"}')
        await at.publish("e5", b'{"a":"bad"}')
        answers = await at.answers(6)
        assert at.recorder.taken == [
            *((HOSPITAL.code, f"e{number}", b'{"a":"good"}') for number in range(5)),
            (HOSPITAL.code, "e5", b'{"a":"bad"}'),
        ]
        assert answers[:5] == [
            EventTaken(
                source=HOSPITAL.code, id=f"e{number}", location="/births/d", result={"dossier_id": "d"}
            )
            for number in range(5)
        ]
        last = answers[5]
        assert isinstance(last, EventRefused)
        assert (last.id, last.problem["type"]) == ("e5", "urn:mot-cua:problem:invalid-content")
        assert last.problem["errors"][0]["field"] == "data.mother"
        await eventually(at.is_empty)

        async def all_confirmed() -> bool:
            count: int = await at.waiting()
            return count == 0

        await eventually(all_confirmed)


async def test_nonsense_is_answered_and_stops_nothing(desk: Callable[[], Any]) -> None:
    """No headers, no JSON, nothing at all: refused each, and what comes behind it is taken."""
    async with desk() as at:
        for body in (b"", b"\x00\xff", b"{" * 1000):
            await at.client.jetstream().publish(SUBJECT, body)
        await at.publish("e1", b"good")
        answers = await at.answers(4)
        assert [isinstance(answer, EventTaken) for answer in answers] == [False, False, False, True]


async def test_what_was_sent_twice_is_stored_once(desk: Callable[[], Any]) -> None:
    """The server tells the partner so; beyond its memory the taker knows source and id."""
    async with desk() as at:
        assert [await at.publish("e1", b"good"), await at.publish("e1", b"good")] == [False, True]
        assert len(await at.answers(1)) == 1
        assert len(at.recorder.taken) == 1


async def test_it_waits_for_a_service_that_is_away_and_gives_up_on_what_breaks_it(
    desk: Callable[[], Any],
) -> None:
    """An outage delays; an event that makes the taker fail is answered 500 after three tries, and the next is taken."""
    async with desk() as at:
        at.recorder.fails = [None, None]
        await at.publish("e1", b"good")
        assert isinstance((await at.answers(1))[0], EventTaken)
        at.recorder.fails = [RuntimeError(), RuntimeError(), RuntimeError()]
        await at.publish("e2", b"good")
        await at.publish("e3", b"good")
        first, second = await at.answers(2)
        assert isinstance(first, EventRefused)
        assert (first.source, first.id, first.problem["status"]) == (HOSPITAL.code, "e2", 500)
        assert isinstance(second, EventTaken)


async def test_answers_survive_the_stream_they_were_in(desk: Callable[[], Any]) -> None:
    """What was answered and not confirmed is in the stream again when that was made anew."""
    async with desk() as at:
        await at.publish("e1", b"good")
        await eventually(lambda: at.partners_nats.holds(HOSPITAL.code, 1), deadline_seconds=30)
        await at.partners_nats.break_stream(HOSPITAL.code, "deleted")
        assert [answer.id for answer in await at.answers(1)] == ["e1"]


async def test_an_answer_that_comes_while_others_are_read_is_published(
    desk: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed between the lane's reading and its going on waits for no further one."""
    read, go_on = asyncio.Event(), asyncio.Event()
    reading = store.waiting_answers

    async def held_back(*asked: Any) -> list[Answer]:
        found = await reading(*asked)
        if found:
            read.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(store, "waiting_answers", held_back)
    async with desk() as at:
        await at.publish("e1", b"good")
        await asyncio.wait_for(read.wait(), 10)
        await at.publish("e2", b"good")

        async def both_kept() -> bool:
            count: int = await at.waiting()
            return count == 2 and await at.is_empty()

        await eventually(both_kept)
        go_on.set()
        assert [answer.id for answer in await at.answers(2)] == ["e1", "e2"]


async def test_an_answer_nobody_fetches_is_not_kept_for_ever(desk: Callable[[], Any]) -> None:
    """It may be about people: after seven days it is gone, before it stays."""
    async with desk() as at:
        await at.publish("e1", b"good")
        await eventually(lambda: at.partners_nats.holds(HOSPITAL.code, 1), deadline_seconds=30)
        keeping = Housekeeping(at.house.process.transactions, 0)
        for days, left in ((6, 1), (8, 0)):
            await at.house.pool.execute(
                "UPDATE straight_answer SET answered_at = now() - make_interval(days => $1)", days
            )
            await keeping.turn()
            assert await at.waiting() == left


async def test_nobody_hands_in_for_another_and_no_inbox_takes_all(
    desk: Callable[[], Any], partners_nats: PartnersNats
) -> None:
    """Another's inbox is closed to it; a message beyond the limit, or a flood of them, is refused by the server."""
    async with desk() as at:
        await at.house.partner(EVERYTHING)
        await partners_nats.admit(at.house, EVERYTHING.code)
        other = await partners_nats.connect(EVERYTHING.code)
        await other.publish(SUBJECT, b"good")
        await other.flush()
        at.recorder.fails = [None] * 50
        with pytest.raises(APIError):
            await at.flood()
        at.recorder.fails = []
        await at.publish("e1", b"good")
        await eventually(at.is_empty, deadline_seconds=30)
        assert {code for code, _, _ in at.recorder.taken} == {HOSPITAL.code}
        assert at.recorder.taken[-1][1] == "e1"
