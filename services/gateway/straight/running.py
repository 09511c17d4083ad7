"""Straight NATS in one process: the connection, the door, and the lead when nobody else has it."""

import asyncio

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from libs.bus.connection import NatsNotReached, close, connect
from libs.bus.ending import end_tasks
from libs.database.leading import Lead
from libs.http.auth import GATEWAY
from services.gateway.straight.leading import TURN_SECONDS, Leading, Parts
from services.gateway.straight.patience import passes, rest

RETRY_SECONDS = 2.0
log = structlog.get_logger(__name__)


class Straight:
    """A background task of every process. A partners' server that is away disturbs nothing else."""

    def __init__(self, url: str, database_url: str, parts: Parts) -> None:
        self._url = url
        self._database_url = database_url
        self._parts = parts

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, connecting again whenever the connection ends for good."""
        while not stop.is_set():
            over = asyncio.Event()
            connecting = asyncio.create_task(connect(self._url, name=GATEWAY, on_closed=over.set))
            stopping = asyncio.create_task(_pass_on(stop, over))
            try:
                await asyncio.wait((connecting, stopping), return_when=asyncio.FIRST_COMPLETED)
                if not connecting.done():
                    return
                await self._work(connecting.result(), over)
            except (NatsNotReached, NatsError, OSError) as error:
                log.warning("partners-nats-away", error=type(error).__name__)
                await rest(stop, RETRY_SECONDS)
            finally:
                await end_tasks(connecting, stopping)

    async def _work(self, client: Client, over: asyncio.Event) -> None:
        try:
            await self._parts.door.open(client)
            await self._stand_by(client, over)
        finally:
            await close(client)

    async def _stand_by(self, client: Client, over: asyncio.Event) -> None:
        """Lead whenever nobody else does."""
        while not over.is_set():
            try:
                lead = await Lead.open(self._database_url, name=GATEWAY, work="straight")
                try:
                    while not over.is_set():
                        if await lead.take():
                            log.info("partners-nats-leading")
                            await Leading(self._parts, client, lead).run(over)
                        await rest(over, TURN_SECONDS)
                finally:
                    await lead.close()
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("partners-nats-waits", error=type(error).__name__)
                await rest(over, RETRY_SECONDS)


async def _pass_on(stop: asyncio.Event, over: asyncio.Event) -> None:
    await stop.wait()
    over.set()
