"""Reading with the client package: real processes, real HTTP, killed at will; nothing lost, the cursor right."""

import asyncio
import threading
from pathlib import Path
from uuid import UUID

import pytest

from libs.bus.ids import new_id
from mot_cua import AsyncClient, AsyncFeed, FileCursor, MemoryCursor
from mot_cua.errors import CredentialsRefused, CursorTooOld, CursorUnknown, Invalid, Unauthorised
from mot_cua.event import Event
from mot_cua.events import DossierReceived, StepAssigned
from services.gateway.partners import administration
from tests.fixtures.servers import eventually
from tests.integration.client.conftest import Gateway
from tests.integration.gateway.conftest import BY, HOSPITAL, accepted, assigned, ready, received

pytestmark = pytest.mark.timeout(120)


def ids(events: list[Event]) -> list[UUID]:
    """Their ids."""
    return [UUID(event.id) for event in events]


async def some(gateway: Gateway, count: int) -> list[UUID]:
    """So many dossiers of three events each; all ids in order."""
    return [
        event
        for _ in range(count)
        for event in await gateway.house.say(new_id(), received(), accepted(), assigned())
    ]


async def test_the_feed_is_read_to_its_end_and_on_from_there(gateway: Gateway, tmp_path: Path) -> None:
    """Blocking, page by page; the file holds the place, so that the next run goes on where this one ended."""
    said = await some(gateway, 5)

    def read() -> list[Event]:
        with gateway.client() as client:
            return list(client.feed(FileCursor(tmp_path / "cursor"), follow=False, page_events=4))

    first = await asyncio.to_thread(read)
    assert ids(first) == said
    assert isinstance(first[0].data, DossierReceived)
    assert first[0].data.facility == "93016"
    assert [event.sequence for event in first[:3]] == [1, 2, 1]
    assert await asyncio.to_thread(read) == []
    more = await some(gateway, 1)
    assert ids(await asyncio.to_thread(read)) == more


async def test_only_the_types_asked_for(gateway: Gateway) -> None:
    """Patterns and names; one that means nothing is refused, with what is wrong."""
    await some(gateway, 2)
    async with gateway.async_client() as client:
        found = [event async for event in client.feed(types=["routing.*"], follow=False)]
        assert [type(event.data) for event in found] == [StepAssigned, StepAssigned]
        with pytest.raises(Invalid) as refused:
            _ = [event async for event in client.feed(types=["rooting.*"])]
    assert refused.value.code == "type-unknown"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_gateway_killed_while_it_is_read_loses_nothing(
    gateway: Gateway, tmp_path: Path, stream: bool
) -> None:
    """Killed three times, and the reader as well: each event at least once, in order, and the place at the end."""
    store = FileCursor(tmp_path / "cursor")
    seen: list[UUID] = []
    said: list[UUID] = []

    async def handle(event: Event) -> None:
        seen.append(UUID(event.id))

    async def read() -> None:
        async with gateway.async_client() as client:
            await client.feed(store, stream=stream, page_events=5).run(handle)

    async def all_seen() -> bool:
        return set(said) <= set(seen)

    for _ in range(3):
        reader = asyncio.create_task(read())
        said += await some(gateway, 3)
        await eventually(all_seen, deadline_seconds=20)
        gateway.kill()
        said += await some(gateway, 3)
        await asyncio.sleep(0.5)
        assert not reader.done()
        await gateway.start()
        await eventually(all_seen, deadline_seconds=20)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    assert list(dict.fromkeys(seen)) == said
    # What came twice is what was in hand when a reader was killed: a page at most each time.
    assert len(seen) - len(said) <= 3 * 5
    with_place = await asyncio.to_thread(
        lambda: list(gateway.client().feed(MemoryCursor(store.load()), follow=False))
    )
    assert len(with_place) <= 5


async def test_each_event_of_a_stream_has_its_own_place(gateway: Gateway) -> None:
    """Who leaves after the second of five begins at the second again, or at the third when it was committed."""
    said = await some(gateway, 2)
    store = MemoryCursor()
    async with gateway.async_client() as client:
        for committing, wanted in ((False, said[:2]), (True, said[1:3]), (False, said[3:5])):
            seen: list[UUID] = []
            async with client.feed(store, stream=True) as feed:
                async for event in feed:
                    seen.append(UUID(event.id))
                    if len(seen) == 2:
                        break
                if committing:
                    await feed.commit()
            assert seen == wanted


async def test_only_new_ones_also_when_the_reader_dies_before_the_first(gateway: Gateway) -> None:
    """`latest` is saved as a place before anything is waited for: what is said between two runs is not skipped."""
    await some(gateway, 1)
    store = MemoryCursor()
    async with gateway.async_client() as client:
        waiting = _first(client.feed(store, begin="latest"))
        await eventually(lambda: _saved(store), deadline_seconds=10)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        said = await some(gateway, 1)
        assert ids([event async for event in client.feed(store, follow=False)]) == said


async def _saved(store: MemoryCursor) -> bool:
    return store.cursor is not None


async def test_a_handler_that_fails_gets_the_event_again(gateway: Gateway) -> None:
    """What it raises ends the run."""
    said = await some(gateway, 1)
    handled: list[UUID] = []

    def handle(event: Event) -> None:
        if UUID(event.id) == said[1] and said[1] not in failed:
            failed.append(said[1])
            raise RuntimeError("no disk")
        handled.append(UUID(event.id))

    failed: list[UUID] = []

    def run() -> None:
        with gateway.client() as client:
            feed = client.feed(MemoryCursor(), follow=False)
            with pytest.raises(RuntimeError):
                feed.run(handle)
            feed.run(handle)

    await asyncio.to_thread(run)
    assert handled == said


async def test_a_feed_that_waits_is_stopped_from_elsewhere(gateway: Gateway) -> None:
    """By a signal's handler or another thread, after the event in hand."""
    said = await some(gateway, 1)
    seen: list[UUID] = []
    with gateway.client() as client:
        feed = client.feed()

        def handle(event: Event) -> None:
            seen.append(UUID(event.id))
            if len(seen) == 3:
                feed.stop()

        thread = threading.Thread(target=feed.run, args=(handle,))
        thread.start()
        await asyncio.to_thread(thread.join, 20)
        assert not thread.is_alive()
    assert seen == said


async def test_places_that_are_none_are_told_apart(gateway: Gateway) -> None:
    """Another feed's: unknown. One whose events are gone: too old, with the first place there is."""
    said = await some(gateway, 2)
    async with gateway.async_client() as client:
        store = MemoryCursor()
        async for _ in client.feed(store, follow=False, page_events=1):
            if store.cursor:
                break
        with pytest.raises(CursorUnknown):
            _ = [event async for event in client.feed(MemoryCursor("00000000-1"))]
        await gateway.house.pool.execute("DELETE FROM feed WHERE position <= 3")
        await gateway.house.pool.execute("UPDATE feed_head SET first = 4")
        with pytest.raises(CursorTooOld) as old:
            _ = [event async for event in client.feed(store)]
        on = client.feed(MemoryCursor(old.value.earliest), follow=False)
        assert ids([event async for event in on]) == said[3:]


async def test_a_token_is_kept_and_renewed_before_its_end_and_after_a_refusal(gateway: Gateway) -> None:
    """One for many calls; a new one where the clock says so; and one more when the gateway does not know it."""
    now = 0.0
    async with gateway.async_client() as client:
        client.session.clock = lambda: now
        first = await client.token()
        _ = [event async for event in client.feed(follow=False)]
        assert await client.token() == first
        now = 280.0
        second = await client.token()
        assert second != first
        client.session._token = second[:-4] + "AAAA"
        _ = [event async for event in client.feed(follow=False)]
        assert await client.token() not in (first, second)
    given = [what for what, _ in await gateway.house.deeds(HOSPITAL.code)].count("token-given")
    assert given == 3


async def test_keys_are_changed_while_the_program_runs(gateway: Gateway) -> None:
    """Both count during the overlap; a token of the retired key ends, and the client says why it cannot go on."""
    await some(gateway, 1)
    await gateway.house.key(HOSPITAL.code, "k2")
    async with gateway.async_client() as client:
        client.use_key(gateway.key(kid="k2"))
        assert len([event async for event in client.feed(follow=False)]) == 3
        async with gateway.house.pool.acquire() as conn, conn.transaction():
            await administration.retire_key(conn, HOSPITAL.code, "k2", BY)
        with pytest.raises((Unauthorised, CredentialsRefused)):
            await asyncio.wait_for(_until_refused(client), 40)
        client.use_key(gateway.key())
        assert len([event async for event in client.feed(follow=False)]) == 3


async def _until_refused(client: AsyncClient) -> None:
    while True:
        _ = [event async for event in client.feed(follow=False)]
        await asyncio.sleep(1)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_waits_is_told_within_a_second(gateway: Gateway, stream: bool) -> None:
    """Long polling and stream alike."""
    store = MemoryCursor()
    dossier = new_id()
    await gateway.house.say(dossier, received())
    async with gateway.async_client() as client:
        waiting = _first(client.feed(store, begin="latest", stream=stream))
        await eventually(lambda: _saved(store), deadline_seconds=10)
        await asyncio.sleep(0.5)
        said = await gateway.house.say(dossier, ready())
        event = await asyncio.wait_for(waiting, 2)
    assert UUID(event.id) == said[0]


def _first(feed: AsyncFeed) -> "asyncio.Task[Event]":
    async def one() -> Event:
        return await anext(aiter(feed))

    return asyncio.create_task(one())
