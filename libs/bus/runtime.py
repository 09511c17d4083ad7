"""The bus in one service's process: pool, connection, relay and consumer, started and ended in the right order."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client

from libs.bus import batch, dead_letters, inbox
from libs.bus.arrivals import Flaw, Reason
from libs.bus.batch import HandlerFailed, Retried
from libs.bus.connection import NatsNotReached, close, connect
from libs.bus.consumer import Consumer, ConsumerSettings, ConsumerStatus
from libs.bus.dead_letters import DeadLetter, MaskedLetter
from libs.bus.ending import end_tasks
from libs.bus.handling import Service
from libs.bus.outages import code_of
from libs.bus.relay import Relay, RelaySettings, RelayStatus
from libs.bus.writer import Writer
from libs.contracts.catalogue import PRODUCERS
from libs.database import open_pool

CLOSE_SECONDS_MAX = 10.0
CONNECT_SECONDS_MAX = 10.0
POOL_SIZE = 8

log = structlog.get_logger(__name__)


class BusClosed(Exception):
    """The NATS client has closed for good (the server refuses us); the process should end and be started again."""


class BusStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How this process's bus is; relay and consumer are None before NATS was first reached.

    A service that says nothing has no relay.
    """

    connected: bool
    relay: RelayStatus | None
    consumer: ConsumerStatus | None


class BusRuntime:
    """One service on the bus.

    `await start()` opens the database (then `writer`, and everything about dead letters, works); `run(stop)` is a
    background task for libs.http.serve: it connects to NATS, relays and consumes until `stop`; `close()` comes last.
    The service accepts writes while NATS is away.
    """

    def __init__(
        self,
        service: Service,
        *,
        database_url: str,
        nats_url: str,
        pool_size: int = POOL_SIZE,
        consumer: ConsumerSettings = ConsumerSettings(),  # noqa: B008 - frozen
        relay: RelaySettings = RelaySettings(),  # noqa: B008 - frozen
        after_commit: Callable[[], None] | None = None,
    ) -> None:
        """`after_commit` is called after every commit of the consumer, such as to wake a worker for its jobs."""
        self.service = service
        self._database_url = database_url
        self._nats_url = nats_url
        self._pool_size = pool_size
        self._consumer_settings = consumer
        self._relay_settings = relay
        self.after_commit = after_commit
        self._pool: asyncpg.Pool[Any] | None = None
        self._client: Client | None = None
        self._relay: Relay | None = None
        self._consumer: Consumer | None = None
        self._closed = asyncio.Event()

    async def start(self) -> None:
        """Open the database. Raises as libs.database.open_pool does."""
        if self._pool is None:
            self._pool = await open_pool(
                self._database_url, application_name=self.service.name, size_max=self._pool_size
            )

    async def run(self, stop: asyncio.Event) -> None:
        """Relay and consume until `stop`, then drain: consumer first, then relay, then the connection.

        Raises BusClosed, or what is a mistake in this library.
        """
        await self.start()
        client = await self._connect(stop)
        if client is None:
            return
        self._client = client
        self._closed.clear()
        if self.service.name in PRODUCERS:
            self._relay = Relay(
                dsn=self._database_url, client=client, source=self.service.name, settings=self._relay_settings
            )
        self._consumer = self._make_consumer(client)
        try:
            await self._run(stop, self._relay, self._consumer)
        finally:
            self._relay = None
            await self._disconnect(client)

    async def close(self) -> None:
        """Close the database; after everything that uses it has ended."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @property
    def pool(self) -> "asyncpg.Pool[Any]":
        """The service's pool. Raises RuntimeError before `start`."""
        if self._pool is None:
            raise RuntimeError("the bus is not started")
        return self._pool

    @property
    def writer(self) -> Writer:
        """Transactions whose events are relayed at once. Raises RuntimeError before `start`."""
        return Writer(self.pool, self.wake)

    def wake(self) -> None:
        """Tell the relay that something was committed; without NATS its rows simply wait."""
        if self._relay is not None:
            self._relay.wake()

    def status(self) -> BusStatus:
        """How the bus is, without asking anyone."""
        return BusStatus(
            connected=self._client is not None and self._client.is_connected,
            relay=self._relay.status() if self._relay else None,
            consumer=self._consumer.status() if self._consumer else None,
        )

    async def letters(self, *, status: str | None = "open", after_id: int = 0) -> list[DeadLetter]:
        """Dead letters of `status` (None = all), oldest first."""
        async with self.pool.acquire() as connection:
            return await dead_letters.listing(connection, status=status, after_id=after_id)

    async def letter(self, letter_id: int) -> MaskedLetter | None:
        """One dead letter, masked."""
        async with self.pool.acquire() as connection:
            return await dead_letters.show(connection, letter_id)

    async def retry(self, letter_id: int, *, who: str) -> Retried:
        """Apply a dead letter's event again, exactly once.

        `flaw` of the result says why it is still refused. Raises dead_letters.NotOpen, or what load and save raise.
        """
        async with self.pool.acquire() as connection:
            try:
                retried = await batch.retry(connection, self.service, letter_id, who=who)
            except HandlerFailed as failure:
                flaw = Flaw(Reason.EXHAUSTED, code_of(failure.__cause__))
                await dead_letters.tried(connection, letter_id, flaw.code)
                retried = Retried(letter_id=letter_id, flaw=flaw)
        self.wake()
        if self.after_commit is not None:
            self.after_commit()
        log.info(
            "dead-letter-retried", service=self.service.name, code=retried.flaw.code if retried.flaw else ""
        )
        return retried

    async def discard(self, letter_id: int, *, who: str, why: str) -> None:
        """Close a dead letter without applying it. Raises dead_letters.NotOpen."""
        async with self.pool.acquire() as connection:
            await dead_letters.resolve(connection, letter_id, status="discarded", who=who, why=why)
        log.info("dead-letter-discarded", service=self.service.name)

    async def resume(self, source: str, *, who: str) -> bool:
        """Listen to a stopped producer's stream again; False when it was not stopped."""
        async with self.pool.acquire() as connection:
            return await inbox.resume(connection, source, who)

    def _make_consumer(self, client: Client) -> Consumer:
        return Consumer(
            service=self.service.name,
            pool=self.pool,
            client=client,
            handlers=self.service.handlers,
            load=self.service.load,
            save=self.service.save,
            context=self.service.context,
            causal=self.service.causal,
            wake=self.wake,
            settings=self._consumer_settings,
            after_commit=self.after_commit,
        )

    async def _run(self, stop: asyncio.Event, relay: Relay | None, consumer: Consumer) -> None:
        relay_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            if relay is not None:
                group.create_task(relay.run(relay_stop))
            watch = group.create_task(self._watch())
            await group.create_task(consumer.run(stop))
            watch.cancel()
            relay_stop.set()

    async def _watch(self) -> None:
        await self._closed.wait()
        raise BusClosed("the NATS client is closed")

    async def _connect(self, stop: asyncio.Event) -> Client | None:
        """Try until NATS answers; None as soon as told to stop before."""
        stopping = asyncio.create_task(stop.wait())
        connecting = asyncio.create_task(self._connect_at_last())
        client = None
        try:
            await asyncio.wait((connecting, stopping), return_when=asyncio.FIRST_COMPLETED)
            client = connecting.result() if connecting.done() else None
            return client
        finally:
            await end_tasks(connecting, stopping)
            # Connected after all while it was ended (see end_tasks).
            if client is None and not connecting.cancelled() and connecting.exception() is None:
                await close(connecting.result())

    async def _connect_at_last(self) -> Client:
        while True:
            try:
                return await connect(
                    self._nats_url,
                    name=self.service.name,
                    on_closed=self._closed.set,
                    first_deadline_seconds=CONNECT_SECONDS_MAX,
                )
            except NatsNotReached:
                log.warning("nats-not-reached", service=self.service.name)

    async def _disconnect(self, client: Client) -> None:
        self._client = None
        await close(client)
