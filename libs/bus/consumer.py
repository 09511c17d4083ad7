"""The consumer of one service: every event of every producer it hears, once and in order (blueprint 5, "In").

Rules of waiting. An event ahead of its turn is held here for `hold_seconds`, then given back to the server with a
growing delay (at most `gap_nak_seconds_max`); it is never skipped. After `gap_alarm_seconds` the gap is logged and
stands in the status; the missing event comes from the producer's relay, which proves and refills its stream.
An event whose handler fails is given back with a growing delay and is a dead letter after `failures_max` failures.
One that ended `unfinished_max` processes without a word is a dead letter before it is tried again.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client

from libs.bus import batch, inbox
from libs.bus.arrivals import Arrival, Flaw, Reader, Reason, keys_of, sort
from libs.bus.batch import Applied, HandlerFailed, Streaks
from libs.bus.handling import Change, Decision, Handler, Handlers, Load, Received, Rejected, Save, Service
from libs.bus.lanes import Gaps, Lane
from libs.bus.outages import code_of, is_outage
from libs.bus.pull import Message, Pull
from libs.bus.topology import ACK_PENDING_MAX
from libs.contracts.catalogue import sources_of

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
ACQUIRE_SECONDS_MAX = 10.0
WHOLE_TRIES_MAX = 3
# Events this process has counted as begun; only a limit of memory, a second count does little harm.
BEGUN_MAX = 10_000
OUTAGE_PROBE_SECONDS = 3.0
OUTAGE_RETRY_SECONDS = 0.2

log = structlog.get_logger(__name__)


class ConsumerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one consumer process; the defaults are those of the law (blueprint 5)."""

    lanes: int = 2
    batch_messages_max: int = 256
    window_messages: int = ACK_PENDING_MAX
    failures_max: int = 20
    unfinished_max: int = 3
    dead_letters_in_row_max: int = 20
    hold_seconds: float = 0.5
    hold_retry_seconds: float = 0.05
    gap_alarm_seconds: float = 60.0
    gap_nak_seconds_max: float = 30.0
    failure_nak_seconds: float = 1.0
    failure_nak_seconds_max: float = 300.0
    refused_nak_seconds: float = 5.0
    # Below the streams' ack_wait, so that a batch is given up before another replica gets it.
    batch_seconds_max: float = 20.0
    outage_seconds_max: float = 10.0
    drain_seconds_max: float = 20.0


class ConsumerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a consumer is; `lag` counts messages not yet settled, `gaps_waiting` and dead letters are this process's."""

    lag: int
    in_flight: int
    last_progress: datetime | None
    stopped_reason: str
    gaps_waiting: int
    dead_letters_in_row: int


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
        wake: Callable[[], None],
        settings: ConsumerSettings = ConsumerSettings(),  # noqa: B008 - frozen
        after_commit: Callable[[], None] | None = None,
    ) -> None:
        """`wake` is called after each commit that said something, `after_commit` after every commit."""
        self.service = Service(name=service, handlers=handlers, load=load, save=save, context=context)
        self._pool = pool
        self._settings = settings
        self._wake = wake
        self._after_commit = after_commit or _nothing
        reader = Reader(handlers)
        self._lanes = [
            Lane(
                reader.read,
                batch_max=settings.batch_messages_max,
                retry_seconds=settings.hold_retry_seconds,
            )
            for _ in range(settings.lanes)
        ]
        sources = sources_of(service)
        window = max(1, min(settings.window_messages, ACK_PENDING_MAX) // max(1, len(sources)))
        self._pulls = {
            source: Pull(client, service=service, source=source, window=window, deliver=self._deliver)
            for source in sources
        }
        self._gaps = Gaps(
            alarm_seconds=settings.gap_alarm_seconds, forget_seconds=3 * settings.gap_nak_seconds_max
        )
        self._streaks: dict[str, int] = {}
        self._stopped: dict[str, str] = {}
        self._begun: dict[UUID, None] = {}
        self._draining = False
        self._progress: datetime | None = None

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
                await pull.start(paused=source in self._stopped)
            await stop.wait()
            await self._drain(workers)
            for task in others:
                task.cancel()

    def status(self) -> ConsumerStatus:
        """How this consumer is now."""
        return ConsumerStatus(
            lag=sum(pull.lag for pull in self._pulls.values()),
            in_flight=sum(pull.in_hand for pull in self._pulls.values()),
            last_progress=self._progress,
            stopped_reason="; ".join(f"{source}: {why}" for source, why in sorted(self._stopped.items())),
            gaps_waiting=len(self._gaps),
            dead_letters_in_row=max(self._streaks.values(), default=0),
        )

    def _deliver(self, message: Message) -> None:
        dossier = (message.headers or {}).get("ce-subject", "")
        self._lanes[hash(dossier) % len(self._lanes)].put(message)

    async def _work(self, lane: Lane) -> None:
        while not lane.closed:
            arrivals = await lane.take()
            if lane.closed:
                await self._give_back(arrivals, 0.0)
            elif arrivals:
                await self._settle(lane, arrivals)
        for message in lane.rest():
            await message.pull.nak(message, 0.0)

    async def _settle(self, lane: Lane, arrivals: list[Arrival]) -> None:
        """See every arrival to its end: applied, kept as a dead letter, held, or given back."""
        try:
            alone = await self._suspects(arrivals)
        except Exception as error:  # noqa: BLE001 - nothing has been tried yet; whatever it is, it can be tried again
            log.warning("bus.batch_not_begun", error_code=code_of(error), count=len(arrivals))
            await self._database_back()
            await self._give_back(arrivals, self._settings.failure_nak_seconds)
            return
        apart = {id(arrival) for arrival in alone}
        await self._together(lane, [arrival for arrival in arrivals if id(arrival) not in apart])
        for arrival in alone:
            await self._one(lane, arrival)

    async def _suspects(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Count the tries of redelivered events that are due, in a transaction of its own, before they are tried.

        Returns those to be tried alone because a process before this one began and did not finish them.
        """
        if not any(arrival.message.deliveries > 1 and arrival.event is not None for arrival in arrivals):
            return []
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
            due = sort(arrivals, await inbox.positions(connection, keys_of(arrivals))).due
            again = {
                arrival.event_id: arrival
                for arrival in due
                if arrival.message.deliveries > 1
                and arrival.event_id is not None
                and arrival.event is not None
                and arrival.event_id not in self._begun
            }
            attempts = await inbox.begin(connection, list(again)) if again else {}
        alone = []
        for event_id, tried in attempts.items():
            self._remember(event_id)
            if tried.begun - tried.failed > self._settings.unfinished_max:
                again[event_id].flaw = Flaw(Reason.UNFINISHED, "process-ended")
            elif tried.begun > 1:
                alone.append(again[event_id])
        return alone

    async def _together(self, lane: Lane, arrivals: list[Arrival]) -> None:
        """Apply a batch in one transaction; what fails as a whole is tried message by message."""
        tries = 0
        while arrivals:
            try:
                applied = await self._apply(arrivals)
            except HandlerFailed as failure:
                await self._failed(lane, failure.arrival, failure.__cause__)
                arrivals = [arrival for arrival in arrivals if arrival is not failure.arrival]
            except Exception as error:  # noqa: BLE001 - a service's SQL may raise anything; nothing was committed
                tries += 1
                log.warning("bus.batch_failed", error_code=code_of(error), count=len(arrivals))
                if is_outage(error) and not await self._database_back():
                    await self._give_back(arrivals, self._settings.failure_nak_seconds)
                    return
                if tries == WHOLE_TRIES_MAX:
                    for arrival in sorted(arrivals, key=lambda each: each.sequence):
                        await self._one(lane, arrival)
                    return
            else:
                await self._finish(lane, applied)
                return

    async def _one(self, lane: Lane, arrival: Arrival) -> None:
        try:
            applied = await self._apply([arrival])
        except HandlerFailed as failure:
            await self._failed(lane, arrival, failure.__cause__)
        except Exception as error:  # noqa: BLE001 - as above
            if is_outage(error) and not await self._database_back():
                await self._give_back([arrival], self._settings.failure_nak_seconds)
            else:
                await self._failed(lane, arrival, error)
        else:
            await self._finish(lane, applied)

    async def _apply(self, arrivals: Sequence[Arrival]) -> Applied:
        streaks = Streaks(counts=self._streaks, limit=self._settings.dead_letters_in_row_max)
        async with (
            asyncio.timeout(self._settings.batch_seconds_max),
            self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection,
        ):
            return await batch.apply(connection, self.service, arrivals, streaks=streaks)

    async def _finish(self, lane: Lane, applied: Applied) -> None:
        """After the commit: wake the relay, then settle each message."""
        if applied.said:
            self._wake()
        self._after_commit()
        self._streaks.update(applied.streaks)
        for key in applied.reached:
            self._gaps.closed(key)
        for arrival in applied.done:
            await _message(arrival).pull.ack(_message(arrival))
        for arrival, flaw in applied.buried:
            log.error(
                "bus.dead_letter",
                service=self.service.name,
                source=arrival.source,
                event_id=arrival.event_id,
                dossier_id=arrival.dossier_id,
                reason=flaw.reason.value,
                code=flaw.code,
            )
            await _message(arrival).pull.term(_message(arrival))
        if applied.done or applied.buried:
            self._progress = datetime.now(UTC)
        if applied.refused:
            await self._give_back(applied.refused, self._settings.refused_nak_seconds)
        await self._wait(lane, applied.gaps)
        if applied.stopped - self._stopped.keys():
            await self._note_stopped(
                {**self._stopped, **dict.fromkeys(applied.stopped, "dead letters in a row")}
            )

    async def _wait(self, lane: Lane, gaps: Sequence[Arrival]) -> None:
        """Hold arrivals that are ahead of their turn for a moment, then give them back."""
        now = asyncio.get_running_loop().time()
        for arrival in gaps:
            if arrival.key is not None:
                self._gaps.seen(arrival.key, now)
            if not arrival.held_until:
                arrival.held_until = now + self._settings.hold_seconds
            if now >= arrival.held_until or not lane.hold(arrival):
                deliveries = min(arrival.message.deliveries, 16)
                await self._give_back([arrival], min(0.5 * 2**deliveries, self._settings.gap_nak_seconds_max))

    async def _failed(self, lane: Lane, arrival: Arrival, error: BaseException | None) -> None:
        """Count the failure; give the event back with a growing delay, or keep it as a dead letter at the limit."""
        code = code_of(error)
        log.warning(
            "bus.event_failed",
            service=self.service.name,
            source=arrival.source,
            event_id=arrival.event_id,
            dossier_id=arrival.dossier_id,
            error_code=code,
        )
        delay = self._settings.failure_nak_seconds
        try:
            failures = arrival.message.deliveries
            if arrival.event_id is not None:
                async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                    failures = await inbox.fail(connection, arrival.event_id)
                self._remember(arrival.event_id)
            if failures >= self._settings.failures_max:
                arrival.flaw = Flaw(Reason.EXHAUSTED, code)
                await self._finish(lane, await self._apply([arrival]))
                return
            delay = min(delay * 2.0 ** min(failures - 1, 16), self._settings.failure_nak_seconds_max)
        except Exception as unrecorded:  # noqa: BLE001 - the database is away: the failure does not count
            log.warning("bus.failure_not_counted", error_code=code_of(unrecorded))
        await self._give_back([arrival], delay)

    async def _give_back(self, arrivals: Sequence[Arrival], delay_seconds: float) -> None:
        for arrival in arrivals:
            await _message(arrival).pull.nak(_message(arrival), delay_seconds)

    def _remember(self, event_id: UUID) -> None:
        if len(self._begun) >= BEGUN_MAX:
            del self._begun[next(iter(self._begun))]
        self._begun[event_id] = None

    async def _note_stopped(self, stopped: dict[str, str]) -> None:
        for source, pull in self._pulls.items():
            if source in stopped and source not in self._stopped:
                log.error(
                    "bus.consumer_stopped", service=self.service.name, source=source, reason=stopped[source]
                )
                await pull.pause()
            elif source in self._stopped and source not in stopped:
                log.warning("bus.consumer_resumed", service=self.service.name, source=source)
                await pull.resume()
        self._stopped = stopped

    async def _database_back(self) -> bool:
        """Wait for the database to answer, `outage_seconds_max` at most; False when it did not."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.outage_seconds_max
        while loop.time() < end and not self._draining:
            try:
                async with asyncio.timeout(OUTAGE_PROBE_SECONDS), self._pool.acquire() as connection:
                    await connection.execute("SELECT 1")
                    return True
            except Exception:  # noqa: BLE001 - any refusal means: not yet
                await asyncio.sleep(OUTAGE_RETRY_SECONDS)
        return False

    async def _until_database(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if await self._database_back():
                async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                    self._stopped = await inbox.stopped(connection)
                return

    async def _tick(self) -> None:
        """The consumer's clock: pulls that need renewing, gaps that last too long, streams resumed by a person."""
        loop = asyncio.get_running_loop()
        poll_at = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for pull in self._pulls.values():
                await pull.tick()
            for source, dossier_id in self._gaps.overdue(loop.time()):
                log.error("bus.gap", service=self.service.name, source=source, dossier_id=dossier_id)
            if self._stopped and loop.time() >= poll_at:
                poll_at = loop.time() + STATE_POLL_SECONDS
                await self._poll_state()

    async def _poll_state(self) -> None:
        try:
            async with asyncio.timeout(OUTAGE_PROBE_SECONDS), self._pool.acquire() as connection:
                stopped = await inbox.stopped(connection)
        except Exception as error:  # noqa: BLE001 - asked again in a moment
            log.warning("bus.state_unknown", error_code=code_of(error))
            return
        await self._note_stopped(stopped)

    async def _measure(self) -> None:
        while True:
            for pull in self._pulls.values():
                await pull.measure()
            await asyncio.sleep(MEASURE_SECONDS)

    async def _drain(self, workers: Sequence[asyncio.Task[None]]) -> None:
        await asyncio.gather(*(pull.stop() for pull in self._pulls.values()))
        self._draining = True
        for lane in self._lanes:
            lane.close()
        _, late = await asyncio.wait(workers, timeout=self._settings.drain_seconds_max)
        for task in late:
            task.cancel()
        for pull in self._pulls.values():
            await pull.flush()


def _message(arrival: Arrival) -> Message:
    return cast(Message, arrival.message)


def _nothing() -> None:
    return None
