"""The package on NATS: the partner's own durable, read, acknowledged, and gone on with over HTTP."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout

from mot_cua.errors import CredentialsRefused, NotAllowed, Unreachable
from mot_cua.event import Event
from mot_cua.events import DossierReceived
from mot_cua.saying import Outcome
from mot_cua.straight import NatsFeed, NatsInbox, answer_in
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import HOSPITAL, House, accepted, assigned, owner, received
from tests.integration.gateway.owner import DOSSIER, Owner
from tests.integration.gateway.straight.conftest import partners_nats
from tests.integration.gateway.straight.partners_nats import PartnersNats

__all__ = ["owner", "partners_nats"]
pytestmark = pytest.mark.timeout(90)


def reader(nats: PartnersNats, **options: Any) -> NatsFeed:
    """The hospital's program."""
    return NatsFeed(
        f"nats://127.0.0.1:{nats.server.port}", HOSPITAL.code, nats.seeds[HOSPITAL.code], **options
    )


def writer(nats: PartnersNats, **options: Any) -> NatsInbox:
    """The same, handing in."""
    return NatsInbox(
        f"nats://127.0.0.1:{nats.server.port}", HOSPITAL.code, nats.seeds[HOSPITAL.code], **options
    )


async def answers(feed: NatsFeed, count: int) -> list[Outcome]:
    """What became of the next so many that were handed in."""
    found = [answer_in(event) for event in await take(feed, count)]
    return [outcome for outcome in found if outcome is not None]


async def take(feed: NatsFeed, count: int, *, commit: bool = True) -> list[Event]:
    """The next events."""
    found: list[Event] = []
    async for event in feed:
        found.append(event)
        if len(found) == count:
            break
    if commit:
        await feed.commit()
    return found


def ids(events: list[Event]) -> list[UUID]:
    """Their ids."""
    return [UUID(event.id) for event in events]


async def test_what_was_handled_is_gone_and_the_rest_comes_again(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """Typed as over HTTP; the cursor of the last one goes on there."""
    house: House = await houses(**partners_nats.settings)
    await house.partner()
    dossier = uuid4()
    said = await house.say(dossier, received(), accepted(), assigned())
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        async with reader(partners_nats) as feed:
            first = await take(feed, 2, commit=False)
            assert isinstance(first[0].data, DossierReceived)
            assert (first[0].dossier_id, first[0].sequence, first[0].plain["facility"]) == (
                dossier,
                1,
                "93016",
            )
            cursor = feed.cursor
        # The second was in hand and the third fetched: who left gave them back, and the next need not wait until the
        # server believes them lost.
        durable = await partners_nats.durable(HOSPITAL.code)
        async with asyncio.timeout(durable.config["ack_wait"] / 1e9 / 2), reader(partners_nats) as feed:
            assert ids(await take(feed, 2)) == said[1:]
    answer = await house.read(await house.token(), cursor)
    assert [event["id"] for event in answer.json()] == [str(each) for each in said[1:]]


async def three_waiting(house: House, nats: PartnersNats) -> list[UUID]:
    """Three events in the hospital's stream, fetched together by whoever reads."""
    said = await house.say(uuid4(), received(), accepted(), assigned())

    async def all_there() -> bool:
        return (await nats.durable(HOSPITAL.code)).num_pending == len(said)

    await eventually(all_there)
    return said


@pytest.mark.parametrize("failure", [NatsTimeout, asyncio.CancelledError])
async def test_an_event_whose_acknowledgement_was_lost_comes_before_the_later_ones(
    houses: Callable[..., Any],
    partners_nats: PartnersNats,
    monkeypatch: pytest.MonkeyPatch,
    failure: type[BaseException],
) -> None:
    """In order and at once, whether the server was slow or the program was told to stop meanwhile."""
    house: House = await houses(**partners_nats.settings)
    await house.partner()
    await partners_nats.admit(house)

    async def lost(message: Msg, **options: float) -> Msg:
        raise failure

    async with partners_nats.at_work(house.process):
        said = await three_waiting(house, partners_nats)
        async with reader(partners_nats) as feed:
            await take(feed, 1, commit=False)
            with monkeypatch.context() as patch, contextlib.suppress(asyncio.CancelledError):
                patch.setattr(Msg, "ack_sync", lost)
                await feed.commit()
        durable = await partners_nats.durable(HOSPITAL.code)
        async with asyncio.timeout(durable.config["ack_wait"] / 1e9 / 2), reader(partners_nats) as feed:
            assert ids(await take(feed, 3)) == said


async def test_two_tasks_may_close_the_feed(
    houses: Callable[..., Any], partners_nats: PartnersNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each event it holds is given back once, in order."""
    house: House = await houses(**partners_nats.settings)
    await house.partner()
    await partners_nats.admit(house)
    give_back, given = Msg.nak, list[UUID]()

    async def after_others(message: Msg) -> None:
        await asyncio.sleep(0)
        given.append(UUID((message.headers or {})["ce-id"]))
        await give_back(message)

    monkeypatch.setattr(Msg, "nak", after_others)
    async with partners_nats.at_work(house.process), reader(partners_nats) as feed:
        said = await three_waiting(house, partners_nats)
        await take(feed, 1, commit=False)
        await asyncio.gather(feed.close(), feed.close())
    assert given == said


async def test_a_server_that_is_killed_is_waited_for(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """While it is read: everything comes, in order, at least once."""
    house: House = await houses(**partners_nats.settings)
    await house.partner()
    await partners_nats.admit(house)
    seen: list[UUID] = []

    async def handle(event: Event) -> None:
        seen.append(UUID(event.id))

    async with partners_nats.at_work(house.process), reader(partners_nats) as feed:
        said = await house.say(uuid4(), *(received() for _ in range(5)))
        reading = asyncio.create_task(feed.run(handle))

        async def all_seen() -> bool:
            return set(said) <= set(seen)

        await eventually(all_seen, deadline_seconds=20)
        partners_nats.server.kill()
        said += await house.say(uuid4(), *(received() for _ in range(5)))
        await partners_nats.server.restart()
        await eventually(all_seen, deadline_seconds=40)
        feed.stop()
        await asyncio.wait_for(reading, 20)
    assert list(dict.fromkeys(seen)) == said


async def test_a_key_that_is_not_let_in_is_said_so(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """After some patience: the gateway may have been away."""
    house: House = await houses(**partners_nats.settings)
    await house.partner()
    await partners_nats.admit(house)
    await house.pool.execute("UPDATE partner SET state = 'revoked'")
    async with partners_nats.at_work(house.process), reader(partners_nats, patience_seconds=1) as feed:
        with pytest.raises(CredentialsRefused):
            await asyncio.wait_for(take(feed, 1), 30)


async def test_what_is_handed_in_is_answered_in_the_stream(
    houses: Callable[..., Any], owner: Owner, partners_nats: PartnersNats
) -> None:
    """Taken with what its owner answered, refused with the problem; the same id again is answered again."""
    urls = {f"{name}_url": owner.url for name in ("intake", "routing", "results")}
    house: House = await houses(**urls, **partners_nats.settings)
    await house.partner()
    await partners_nats.admit(house)
    started = {"step": "register_birth", "version": 3}
    async with (
        partners_nats.at_work(house.process),
        writer(partners_nats) as inbox,
        reader(partners_nats) as feed,
        asyncio.timeout(60),
    ):
        assert (
            await inbox.say("partner.step-started.v1", started, dossier_id=DOSSIER, event_id="b-1") == "b-1"
        )
        (first,) = await answers(feed, 1)
        assert (first.id, first.state, first.dossier_id) == ("b-1", "taken", str(DOSSIER))
        assert first.location == f"/city/routing/cases/{DOSSIER}"
        await inbox.say("partner.step-started.v1", started, dossier_id=DOSSIER, event_id="b-1")
        (again,) = await answers(feed, 1)
        assert (again.id, again.replayed, again.result) == ("b-1", True, first.result)
        owner.refuse(403, "not-allowed")
        made = await inbox.say("partner.step-started.v1", started, dossier_id=DOSSIER)
        (refused,) = await answers(feed, 1)
        assert (refused.id, refused.state) == (made, "refused")
        assert isinstance(refused.refusal, NotAllowed)
        await house.say(uuid4(), received())
        assert [answer_in(event) for event in await take(feed, 1)] == [None]


async def test_a_server_that_is_away_is_handed_in_to_when_it_is_back(
    houses: Callable[..., Any],
    owner: Owner,
    partners_nats: PartnersNats,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Within the patience; of what was on its way when it went, beyond it, the program is told that nobody knows."""
    urls = {f"{name}_url": owner.url for name in ("intake", "routing", "results")}
    house: House = await houses(**urls, **partners_nats.settings)
    await house.partner()
    await partners_nats.admit(house)
    said = ("partner.step-started.v1", {"step": "register_birth", "version": 3})
    async with (
        partners_nats.at_work(house.process),
        writer(partners_nats, patience_seconds=40) as inbox,
        writer(partners_nats, patience_seconds=1) as brief,
        asyncio.timeout(80),
    ):
        await inbox.say(*said, dossier_id=DOSSIER, event_id="b-1")
        await brief.say(*said, dossier_id=DOSSIER, event_id="b-1")
        # A test before this one may have set what is heard of logs.
        caplog.set_level(logging.WARNING, logger="mot_cua")
        caplog.clear()
        partners_nats.server.kill()
        handing_in = asyncio.create_task(inbox.say(*said, dossier_id=DOSSIER, event_id="b-2"))
        with pytest.raises(Unreachable):
            await brief.say(*said, dossier_id=DOSSIER, event_id="b-3")
        # Another time there is not even a connection.
        with pytest.raises(Unreachable) as never:
            await brief.say(*said, dossier_id=DOSSIER, event_id="b-3")
        assert not never.value.sent
        await eventually(lambda: "handing in again" in caplog.text)
        assert not handing_in.done()
        await partners_nats.server.restart()
        assert await handing_in == "b-2"
        async with reader(partners_nats) as feed:
            told: list[str] = []
            while "b-2" not in told:
                told += [outcome.id for outcome in await answers(feed, 1)]
        with pytest.raises(ValueError, match="256"):
            await inbox.say("partner.birth-declared.v1", {"note": "x" * 300_000})
