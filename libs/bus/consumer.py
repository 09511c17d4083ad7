"""The consumer of one service: every event of every producer it hears, once and in order (blueprint 5, "In").

Rules of waiting. An event ahead of its turn is held here for `hold_seconds`, then given back to the server with a
growing delay (at most `gap_nak_seconds_max`); it is never skipped. After `gap_alarm_seconds` the gap is logged and
stands in the status; the missing event comes from the producer's relay, which proves and refills its stream.
An event whose handler fails is given back with a growing delay and is a dead letter after `failures_max` failures.
One that ended `unfinished_max` processes without a word is a dead letter before it is tried again.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import structlog
from nats.aio.client import Client

from libs.bus import dead_letters, inbox
from libs.bus.arrivals import Reader
from libs.bus.consumer_settings import ConsumerSettings, ConsumerStatus
from libs.bus.ending import end_tasks
from libs.bus.handling import Change, Decision, Handler, Handlers, Load, Received, Rejected, Save, Service
from libs.bus.lanes import Lane
from libs.bus.outages import code_of
from libs.bus.pull import Message, Pull
from libs.bus.settling import ACQUIRE_SECONDS_MAX, OUTAGE_PROBE_SECONDS, Settler
from libs.contracts.catalogue import sources_of
from libs.telemetry.metrics import gauge

__all__ = [
    "Change",
    "Consumer",
    "ConsumerSettings",
    "ConsumerStatus",
    "Decision",
    "Handler",
    "Handlers",
    "Load",
    "Received",
    "Rejected",
    "Save",
    "Service",
]

TICK_SECONDS = 0.25
MEASURE_SECONDS = 10.0
STATE_POLL_SECONDS = 2.0

log = structlog.get_logger(__name__)

_PENDING = gauge("bus_consumer_pending")
_STOPPED = gauge("bus_consumer_stopped")
_GAPS = gauge("bus_gaps_waiting")
_LETTERS = gauge("bus_dead_letters_open")


class Consumer:
    """Consumes every stream `service` hears, until told to stop."""

    def __init__(
        self,
        *,
        service: str,
        pool: "asyncpg.Pool[Any]",
        client: Client,
        handlers: Handlers,
        load: Load,
        save: Save,
        context: Any,
        causal: bool = False,
        wake: Callable[[], None],
        settings: ConsumerSettings = ConsumerSettings(),  # noqa: B008 - frozen
        after_commit: Callable[[], None] | None = None,
    ) -> None:
        """`wake` is called after each commit that said something, `after_commit` after every commit."""
        self.service = Service(
            name=service, handlers=handlers, load=load, save=save, context=context, causal=causal
        )
        self._pool = pool
        self._settings = settings
        self._settler = Settler(
            self.service,
            pool,
            settings,
            wake=wake,
            after_commit=after_commit or _nothing,
            on_stopped=self._pause,
        )
        reader = Reader(handlers)
        self._lanes = [
            Lane(
                reader.read,
                pressing=reader.acts_on,
                batch_max=settings.batch_messages_max,
                retry_seconds=settings.hold_retry_seconds,
                company_seconds=settings.company_seconds,
            )
            for _ in range(settings.lanes)
        ]
        self._pulls = {
            source: Pull(
                client, service=service, source=source, window=settings.window_messages, deliver=self._deliver
            )
            for source in sources_of(service)
        }
        self._stopped: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`: then finish the batches in flight, give back the rest and return.

        Raises only what is a mistake in this library; the process should then end.
        """
        await self._until_database(stop)
        if stop.is_set():
            return
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work(lane)) for lane in self._lanes]
            others = [group.create_task(self._tick()), group.create_task(self._measure())]
            for source, pull in self._pulls.items():
                _STOPPED.labels(pull.durable).set(source in self._stopped)
                await pull.start(paused=source in self._stopped)
            await stop.wait()
            await self._drain(workers)
            await end_tasks(*others)

    def status(self) -> ConsumerStatus:
        """How this consumer is now."""
        return ConsumerStatus(
            lag=sum(pull.lag for pull in self._pulls.values()),
            in_flight=sum(pull.in_hand for pull in self._pulls.values()),
            last_progress=self._settler.progress,
            stopped_reason="; ".join(f"{source}: {why}" for source, why in sorted(self._stopped.items())),
            gaps_waiting=len(self._settler.gaps),
            dead_letters_in_row=max(self._settler.streaks.values(), default=0),
        )

    def _deliver(self, message: Message) -> None:
        dossier = (message.headers or {}).get("ce-subject", "")
        self._lanes[hash(dossier) % len(self._lanes)].put(message)

    async def _work(self, lane: Lane) -> None:
        loop = asyncio.get_running_loop()
        while not lane.closed:
            arrivals = await lane.take()
            if self._settler.ending:
                await self._settler.give_back(arrivals, 0.0)
            elif arrivals:
                began = loop.time()
                await self._settler.settle(lane, arrivals)
                await asyncio.sleep(
                    self._settings.gathering.pause_seconds(len(arrivals), loop.time() - began)
                )
        for message in lane.rest():
            await message.pull.nak(message, 0.0)

    def _pause(self, sources: frozenset[str]) -> None:
        """A batch stopped these streams, or found that another replica has."""
        for source in sources - self._stopped.keys():
            self._stopped[source] = "dead letters in a row"
            _STOPPED.labels(self._pulls[source].durable).set(1)
            log.error("consumer-stopped", service=self.service.name, source=source)
            self._pulls[source].pause()

    async def _note_stopped(self, stopped: dict[str, str]) -> None:
        self._pause(frozenset(stopped.keys() & self._pulls.keys()))
        for source in self._stopped.keys() - stopped.keys():
            log.warning("consumer-resumed", service=self.service.name, source=source)
            _STOPPED.labels(self._pulls[source].durable).set(0)
            await self._pulls[source].resume()
        self._stopped = {source: why for source, why in stopped.items() if source in self._pulls}

    async def _until_database(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if await self._settler.database_back():
                async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                    await self._note_stopped(await inbox.stopped(connection))
                return

    async def _tick(self) -> None:
        """The consumer's clock: pulls that need renewing, gaps that last too long, streams resumed by a person."""
        loop = asyncio.get_running_loop()
        poll_at = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for pull in self._pulls.values():
                await pull.tick()
            for source, dossier_id in self._settler.gaps.overdue(loop.time()):
                log.error("gap-waits", service=self.service.name, source=source, dossier_id=dossier_id)
            _GAPS.set(len(self._settler.gaps))
            if self._stopped and loop.time() >= poll_at:
                poll_at = loop.time() + STATE_POLL_SECONDS
                await self._poll_state()

    async def _poll_state(self) -> None:
        try:
            async with asyncio.timeout(OUTAGE_PROBE_SECONDS), self._pool.acquire() as connection:
                stopped = await inbox.stopped(connection)
        except Exception as error:  # noqa: BLE001 - asked again in a moment
            log.warning("consumer-state-unknown", error=code_of(error))
            return
        await self._note_stopped(stopped)

    async def _measure(self) -> None:
        while True:
            for pull in self._pulls.values():
                await pull.measure()
                _PENDING.labels(pull.durable).set(pull.lag)
            await self._count_letters()
            await asyncio.sleep(MEASURE_SECONDS)

    async def _count_letters(self) -> None:
        try:
            async with asyncio.timeout(OUTAGE_PROBE_SECONDS), self._pool.acquire() as connection:
                _LETTERS.set(await dead_letters.count_open(connection))
        except Exception as error:  # noqa: BLE001 - counted again in a moment
            log.warning("dead-letters-not-counted", error=code_of(error))

    async def _drain(self, workers: Sequence[asyncio.Task[None]]) -> None:
        await asyncio.gather(*(pull.stop() for pull in self._pulls.values()))
        self._settler.ending = True
        for lane in self._lanes:
            lane.close()
        _, late = await asyncio.wait(workers, timeout=self._settings.drain_seconds_max)
        for task in late:
            task.cancel()
        for pull in self._pulls.values():
            await pull.flush()


def _nothing() -> None:
    return None
