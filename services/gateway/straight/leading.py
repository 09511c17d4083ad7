"""The process that leads: whoever is switched on has a lane and an inbox."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from libs.bus import jetstream
from libs.bus.ending import end_tasks
from libs.database.leading import Lead
from libs.database.transactions import Transactions
from services.gateway.feed.following import Feed
from services.gateway.feed.reading_log import ReadingLog
from services.gateway.straight import key_store, store
from services.gateway.straight.door import Door
from services.gateway.straight.inbox import Inbox
from services.gateway.straight.lane import Lane, Tools
from services.gateway.straight.messages import Taker
from services.gateway.straight.patience import rest
from services.gateway.straight.store import Standing
from services.gateway.straight.streams import Streams, StreamSettings
from services.gateway.straight.tail import Tail

# How old a registration may be: scope, suspension, keys.
TURN_SECONDS = 2.0
log = structlog.get_logger(__name__)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What it works with."""

    pool: "asyncpg.Pool[Any]"
    transactions: Transactions
    feed: Feed
    log: ReadingLog
    door: Door
    taker: Taker
    settings: StreamSettings


class _Served(msgspec.Struct):
    """What one partner has while we lead."""

    lane: Lane
    inbox: Inbox
    tasks: list[asyncio.Task[None]]


class Leading:
    """One time of leading."""

    def __init__(self, parts: Parts, client: Client, lead: Lead) -> None:
        self._parts = parts
        self._client = client
        self._lead = lead
        self._tail = Tail(parts.pool, parts.feed)
        self._tools = Tools(
            client=client,
            streams=Streams(client, parts.transactions, parts.settings),
            transactions=parts.transactions,
            feed=parts.feed,
            tail=self._tail,
            log=parts.log,
        )
        self._served: dict[str, _Served] = {}

    async def run(self, over: asyncio.Event) -> None:
        """Lead until told to stop. Raises what the database raises, such as when the lock is lost."""
        await self._tail.start()
        tail = asyncio.create_task(self._tail.run(over))
        try:
            while not over.is_set():
                await self._turn(over)
                if tail.done() and (error := tail.exception()):
                    raise error
                await rest(over, TURN_SECONDS)
        finally:
            await end_tasks(tail, *(task for served in self._served.values() for task in served.tasks))

    async def _turn(self, over: asyncio.Event) -> None:
        """Do as partners are registered now."""
        await self._lead.alive()
        async with self._parts.transactions.transaction() as conn:
            standings = {each.partner.code: each for each in await store.standings(conn)}
            handing_in = await store.handing_in(conn)
            good = await key_store.good_keys(conn)
        for code, served in list(self._served.items()):
            if code not in standings or any(task.done() for task in served.tasks):
                await self._leave(code, served)
        for code, standing in standings.items():
            self._tell(code, standing, over)
        try:
            await self._parts.door.send_away(self._client, good)
            await self._tools.streams.sweep(standings, handing_in)
        except (jetstream.ApiError, NatsError, TimeoutError) as error:
            log.warning("partners-nats-waits", error=type(error).__name__)

    async def _leave(self, code: str, served: _Served) -> None:
        del self._served[code]
        await end_tasks(*served.tasks)
        for task in served.tasks:
            if not task.cancelled() and (error := task.exception()):
                # One partner's mistake, or ours about it, is not the others': it is tried again at the next turn.
                log.error("partner-lane-failed", partner=code, exc_info=error)

    def _tell(self, code: str, standing: Standing, over: asyncio.Event) -> None:
        served = self._served.get(code)
        if served is None:
            self._served[code] = self._begin(standing, over)
            return
        served.lane.told(standing)
        served.inbox.partner = standing.partner

    def _begin(self, standing: Standing, over: asyncio.Event) -> _Served:
        lane = Lane(standing, self._tools)
        inbox = Inbox(
            standing.partner,
            self._client,
            self._parts.transactions,
            self._parts.taker,
            lane,
            replicas=self._parts.settings.replicas,
        )
        return _Served(
            lane, inbox, [asyncio.create_task(lane.run(over)), asyncio.create_task(inbox.run(over))]
        )
