"""What is sent by hand is sent once under a key, however many ask for it at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.gateway.webhooks import by_hand_store
from tests.fixtures.receiver import HELD, Receiver, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import House, received
from tests.integration.gateway.webhook_desk import Desk, all_are, desk_of, dispatching, has


@asynccontextmanager
async def delivered(house: House) -> AsyncIterator[tuple[Desk, Receiver, str, UUID]]:
    """A partner, its receiver, its endpoint, and an event that was delivered there."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        (event,) = await house.say(uuid4(), received())
        await eventually(has(there, [event]))
        await eventually(lambda: all_are(desk, endpoint, "delivered", 1))
        yield desk, there, endpoint, event


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """The requests that have asked for a key, each by its task."""
    asked: set[Any] = set()
    claim = by_hand_store.claim

    async def noted(*given: Any) -> datetime | None:
        until = await claim(*given)
        asked.add(asyncio.current_task())
        return until

    monkeypatch.setattr(by_hand_store, "claim", noted)
    return asked


async def test_two_requests_under_one_key_send_once(house: House, asking: set[Any]) -> None:
    """The others wait for the first, while its receiver does not answer, and give its answer."""
    async with delivered(house) as (desk, there, endpoint, event):
        for number, path in enumerate((f"/{endpoint}/deliveries/{event}/resend", f"/{endpoint}/test")):
            before, key = len(there.requests), f"by-hand-{number}"
            there.released.clear()
            asking.clear()
            there.answering = lambda _request: 204 if there.released.is_set() else HELD
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(desk.call("POST", path, key=key)) for _ in range(3)]
                await eventually(lambda: there.open == 1)
                await eventually(lambda: len(asking) == 3)
                assert [task.done() for task in tasks] == [False] * 3
                there.released.set()
            answers = [task.result() for task in tasks]
            assert len(there.requests) == before + 1
            assert [answer.status_code for answer in answers] == [200] * 3
            assert len({answer.content for answer in answers}) == 1
            replayed = ["idempotency-replayed" in answer.headers for answer in answers]
            assert sorted(replayed) == [False, True, True]
        assert await house.pool.fetchval("SELECT count(*) FROM by_hand") == 0


async def test_a_410_to_what_is_sent_by_hand_ends_nothing(house: House) -> None:
    """Only an event's own 410 disables an endpoint: neither a test event's nor that of one sent again."""
    async with delivered(house) as (desk, there, endpoint, event):
        there.answering = lambda _request: 410
        for path in (f"/{endpoint}/test", f"/{endpoint}/deliveries/{event}/resend"):
            answer = await desk.call("POST", path, key=path)
            assert answer.json()["attempts"][-1]["status"] == 410
        assert (await desk.show(endpoint))["state"] == "active"
