"""The partners' own NATS server, a gateway at work on it, and partners' programs as they would write them."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
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
from libs.bus import jetstream
from libs.bus.ending import end_tasks
from libs.bus.jetstream import ConsumerInfo
from services.gateway.process import Process
from services.gateway.straight import administration as straight
from services.gateway.straight.door import QUESTION
from services.gateway.straight.layout import DURABLE, events_stream
from services.gateway.straight.streams import SEQUENCES_BETWEEN_LIVES
from tests.fixtures.servers import eventually
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

    async def switch_on(self, house: House, code: str, *, after: str = "") -> None:
        """Let a partner read from a cursor on."""
        async with house.pool.acquire() as conn, conn.transaction():
            await straight.switch_on(conn, code, after, BY)

    async def admit(self, house: House, code: str = HOSPITAL.code, *, after: str = "") -> None:
        """Switch a partner on, with a key."""
        await self.switch_on(house, code, after=after)
        await self.add_key(house, code)

    async def add_key(self, house: House, code: str, name: str = "") -> str:
        """One more key of a partner, whose seed stays here; the public key."""
        self.new_seed(name or code)
        public = self.public(name or code).decode()
        async with house.pool.acquire() as conn, conn.transaction():
            await straight.add_key(conn, code, public, BY)
        return public

    def new_seed(self, name: str) -> None:
        """A key nobody has registered yet."""
        self.seeds[name] = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER).decode()

    def public(self, name: str) -> bytes:
        """The public half of a key."""
        return bytes(nkeys.from_seed(bytearray(self.seeds[name].encode())).public_key)

    async def knock(self, opening: bytes) -> str:
        """What the server says to a connection that is opened so, by hand."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.server.port)
        try:
            await reader.readline()
            writer.write(b"CONNECT {%s}\r\nPING\r\n" % opening)
            async with asyncio.timeout(LET_IN_SECONDS):
                said = await reader.readline()
            return said.decode().strip().removeprefix("-ERR '").removesuffix("'")
        finally:
            writer.close()

    async def connect(
        self, code: str = HOSPITAL.code, *, key: str = "", seconds: float = LET_IN_SECONDS
    ) -> Client:
        """A partner's program, which tries until it is let in. Raises NotLetIn."""
        loop = asyncio.get_running_loop()
        end_at = loop.time() + seconds
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

    @asynccontextmanager
    async def at_work(self, *processes: Process) -> AsyncIterator[None]:
        """Processes of the gateway doing what they do beside answering HTTP, once the door is open."""
        stop = asyncio.Event()
        tasks = [asyncio.ensure_future(work(stop)) for process in processes for work in process.background]
        try:
            await eventually(self._is_open)
            yield
            for task in tasks:
                assert not task.done(), task
        finally:
            stop.set()
            await asyncio.wait(tasks, timeout=10)
            await end_tasks(*tasks)
            for task in tasks:
                if not task.cancelled() and (error := task.exception()):
                    raise error

    async def _is_open(self) -> bool:
        listed = await self.server.monitor("/connz?subs=1")
        return any(QUESTION in each.get("subscriptions_list", ()) for each in listed["connections"])

    async def admin(self) -> Client:
        """Somebody who may do everything in the account, as the gateway."""
        client = await nats.connect(self.settings["partners_nats_url"])
        self._clients.append(client)
        return client

    async def stored(self, code: str) -> int:
        """How many messages a partner's stream holds."""
        return (await jetstream.stream_info(await self.admin(), events_stream(code))).state.messages

    async def holds(self, code: str, count: int) -> bool:
        """Whether a partner's stream is there and holds so many messages."""
        with contextlib.suppress(jetstream.NotFound):
            return await self.stored(code) == count
        return False

    async def is_in_life(self, code: str, number: int) -> bool:
        """Whether a partner's stream has been made so many times, by its sequences."""
        with contextlib.suppress(jetstream.NotFound):
            info = await jetstream.stream_info(await self.admin(), events_stream(code))
            return bool(info.state.first_seq // SEQUENCES_BETWEEN_LIVES == number)
        return False

    async def is_gone(self, stream: str) -> bool:
        """Whether there is no such stream."""
        try:
            await jetstream.stream_info(await self.admin(), stream)
        except jetstream.NotFound:
            return True
        return False

    async def durable(self, code: str) -> ConsumerInfo:
        """A partner's place in its stream."""
        return await jetstream.consumer_info(await self.admin(), events_stream(code), DURABLE)

    async def is_purged_below(self, code: str, confirmed: int) -> bool:
        """Whether of what was confirmed only the last message is left."""
        state = (await jetstream.stream_info(await self.admin(), events_stream(code))).state
        return bool(state.first_seq % SEQUENCES_BETWEEN_LIVES == confirmed - 1)

    async def break_stream(self, code: str, fault: str) -> None:
        """What an operator, or a disk, may do to a stream."""
        admin, stream = await self.admin(), events_stream(code)
        match fault:
            case "deleted":
                await jetstream.delete_stream(admin, stream)
            case "purged":
                await jetstream.request(admin, f"STREAM.PURGE.{stream}")
            case "durable deleted":
                await jetstream.delete_consumer(admin, stream, DURABLE)
            case "durable paused":
                body = {"pause_until": "2030-01-01T00:00:00Z"}
                await jetstream.request(admin, f"CONSUMER.PAUSE.{stream}.{DURABLE}", body)
            case _:
                raise KeyError(fault)

    async def roll_back(self, between: Callable[[], Awaitable[None]]) -> None:
        """Kill the server and give it the files it had before `between`, as a restored disk does."""
        kept = self.server.store_dir.with_name("kept")
        shutil.copytree(self.server.store_dir, kept)
        await between()
        self.server.kill()
        shutil.rmtree(self.server.store_dir)
        kept.rename(self.server.store_dir)
        await self.server.restart()

    async def close(self) -> None:
        """Close every connection made."""
        for client in self._clients:
            with contextlib.suppress(NatsError, OSError):
                await client.close()


async def _quiet(_error: Exception) -> None:
    """Refusals are told by what a call raises."""


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
