"""A partner that tends its endpoints, and a dispatcher with short waits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx

from services.gateway.webhooks.dispatching import Dispatcher, DispatcherSettings
from services.gateway.webhooks.schedule import Schedule
from tests.fixtures.receiver import Receiver, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import EVERYTHING, HOSPITAL, House, assigned

LONG_AGO = "2020-01-01T00:00:00Z"
# The same steps as the real table, in seconds instead of days.
SHORT = Schedule(table=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5), failures_max=4, timeouts_max=2)
QUICK = DispatcherSettings(
    poll_seconds=0.05,
    standby_seconds=0.1,
    endpoints_seconds=0.05,
    partners_seconds=0.2,
    replays_seconds=0.1,
    retry_seconds=0.2,
    drain_seconds=1.0,
    schedule=SHORT,
)


class Desk:
    """What a partner's program does at /webhooks."""

    def __init__(self, house: House, headers: dict[str, str]) -> None:
        self.house = house
        self.headers = headers

    async def call(self, method: str, path: str, content: Any = None, *, key: str = "") -> httpx.Response:
        """One request; a write under a key of its own."""
        headers = dict(self.headers)
        if method != "GET":
            headers["Idempotency-Key"] = key or str(uuid4())
        return await self.house.http.request(method, f"/webhooks{path}", json=content, headers=headers)

    async def did(self, method: str, path: str, content: Any = None) -> dict[str, Any]:
        """One request that must succeed; its answer."""
        answer = await self.call(method, path, content)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def add(self, url: str, *types: str) -> tuple[str, str]:
        """A new endpoint; its id and secret."""
        made = await self.did("POST", "", {"url": url, "types": list(types) or ["*"]})
        return made["endpoint"]["id"], made["secret"]

    async def show(self, endpoint: str) -> dict[str, Any]:
        """How an endpoint stands."""
        return await self.did("GET", f"/{endpoint}")

    async def deliveries(self, endpoint: str, **query: str) -> list[dict[str, Any]]:
        """Its deliveries, the newest first."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        found: list[dict[str, Any]] = (await self.did("GET", f"/{endpoint}/deliveries?{asked}"))["deliveries"]
        return found

    async def state_is(self, endpoint: str, state: str) -> bool:
        """Whether it stands so."""
        return bool((await self.show(endpoint))["state"] == state)


async def desk_of(house: House, code: str = HOSPITAL.code) -> Desk:
    """A partner's desk, by a token it has asked for."""
    return Desk(house, await house.token(code))


@asynccontextmanager
async def dispatching(house: House, settings: DispatcherSettings = QUICK) -> AsyncIterator[Dispatcher]:
    """A dispatcher of the house's process that runs until the end of the block."""
    process = house.process
    dispatcher = Dispatcher(
        house.settings.database_url, process.transactions, process.sender, process.sealer, settings
    )
    stop = asyncio.Event()
    running = asyncio.create_task(dispatcher.run(stop))
    try:
        yield dispatcher
    finally:
        stop.set()
        await running


def has(receiver: Receiver, ids: list[UUID]) -> Callable[[], Any]:
    """Whether a receiver has taken at least these."""

    async def there() -> bool:
        return set(ids) <= set(receiver.ids)

    return there


async def all_are(desk: Desk, endpoint: str, state: str, count: int) -> bool:
    """Whether that many deliveries are there, all in one state."""
    found = await desk.deliveries(endpoint, limit="200")
    return [each["state"] for each in found] == [state] * count


@asynccontextmanager
async def bystander(house: House) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """An endpoint of another partner, made now; what is yielded waits until the dispatcher has gone on.

    It waits for two events in turn that only the bystander may read. With them here, everything decided before they
    were said has taken effect, and whatever was to be sent before them has been.
    """
    await house.partner(EVERYTHING)
    desk = await desk_of(house, EVERYTHING.code)
    async with receiver() as beside:
        await desk.add(beside.url)

        async def gone_on() -> None:
            for _ in range(2):
                await eventually(has(beside, await house.say(uuid4(), assigned())))

        yield gone_on
