"""The partners' own NATS server, a gateway at work on it, and partners' programs as they would write them."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import nats
import nkeys
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from deploy.local.nats_server import NatsServer
from deploy.local.ports import LOOPBACK
from services.gateway.process import Process
from services.gateway.straight import administration as straight
from services.gateway.straight.patience import end
from services.gateway.straight.places import DURABLE, events_stream
from tests.integration.gateway.conftest import BY, HOSPITAL, House

LET_IN_SECONDS = 6.0


class NotLetIn(Exception):
    """The server has refused a partner's program."""


class PartnersNats:
    """The server, and settings by which a gateway is its judge."""

    def __init__(self, server: NatsServer, key: str) -> None:
        self.server = server
        self.settings = {"partners_nats_url": server.url_for("gateway"), "partners_nats_key": key}
        self.seeds: dict[str, str] = {}
        self._clients: list[Client] = []

    async def admit(self, house: House, code: str = HOSPITAL.code, *, after: str = "") -> None:
        """Switch a partner on, with a key."""
        async with house.pool.acquire() as conn, conn.transaction():
            await straight.switch_on(conn, code, after, BY)
        await self.add_key(house, code)

    async def add_key(self, house: House, code: str, name: str = "") -> str:
        """One more key of a partner, whose seed stays here; the public key."""
        pair = nkeys.from_seed(nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER))
        self.seeds[name or code] = pair.seed.decode()
        public = str(pair.public_key.decode())
        async with house.pool.acquire() as conn, conn.transaction():
            await straight.add_key(conn, code, public, BY)
        return public

    async def connect(self, code: str = HOSPITAL.code, *, key: str = "") -> Client:
        """A partner's program, which tries until it is let in. Raises NotLetIn."""
        loop = asyncio.get_running_loop()
        end_at = loop.time() + LET_IN_SECONDS
        while loop.time() < end_at:
            client = Client()
            self._clients.append(client)
            with contextlib.suppress(NatsError, OSError):
                await client.connect(
                    f"nats://{LOOPBACK}:{self.server.port}",
                    nkeys_seed_str=self.seeds[key or code],
                    inbox_prefix=f"_INBOX_{code}",
                    allow_reconnect=False,
                    connect_timeout=8,
                    error_cb=_quiet,
                )
                # A refusal may come after nats-py believes to be connected.
                await client.flush(timeout=2)
                if client.is_connected:
                    return client
            await asyncio.sleep(0.2)
        raise NotLetIn(code)

    async def admin(self) -> Client:
        """Somebody who may do everything in the account, as the gateway."""
        client = await nats.connect(self.settings["partners_nats_url"])
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """Close every connection made."""
        for client in self._clients:
            with contextlib.suppress(NatsError, OSError):
                await client.close()


async def _quiet(_error: Exception) -> None:
    """Refusals are told by what a call raises."""


@asynccontextmanager
async def at_work(*processes: Process) -> AsyncIterator[None]:
    """Processes of the gateway doing what they do beside answering HTTP."""
    stop = asyncio.Event()
    tasks = [asyncio.ensure_future(work(stop)) for process in processes for work in process.background]
    try:
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        stop.set()
        await asyncio.wait(tasks, timeout=10)
        await end(tasks)
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise error


async def take(
    client: Client, code: str, count: int, *, seconds: float = 10.0, ack: bool = True
) -> list[Msg]:
    """The next messages of a partner, `count` of them or as many as come in time."""
    found: list[Msg] = []
    loop = asyncio.get_running_loop()
    end_at = loop.time() + seconds
    subscription = await client.jetstream().pull_subscribe_bind(durable=DURABLE, stream=events_stream(code))
    while len(found) < count and (left := end_at - loop.time()) > 0 and client.is_connected:
        try:
            messages = await subscription.fetch(count - len(found), timeout=min(left, 1.0))
        except (NatsError, JetStreamError, OSError):
            # A stream that is just being made is not there yet: as a program of a partner does, ask again.
            await asyncio.sleep(0.1)
            continue
        for message in messages:
            if ack:
                await message.ack_sync()
            found.append(message)
    with contextlib.suppress(NatsError):
        await subscription.unsubscribe()
    return found


def ids(messages: list[Msg]) -> list[UUID]:
    """The ids of events."""
    return [UUID((message.headers or {})["ce-id"]) for message in messages]
