"""Seeing a batch to its end: applied, kept as dead letters, held for a moment, or given back to the server."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
import structlog

from libs.bus import batch, inbox
from libs.bus.arrivals import Arrival, Flaw, Reason, halves, keys_of, sort
from libs.bus.batch import Applied, HandlerFailed, Streaks
from libs.bus.consumer_settings import ConsumerSettings
from libs.bus.handling import Service
from libs.bus.lanes import Beside, Gaps, Lane
from libs.bus.outages import code_of, is_contention, is_outage
from libs.bus.pull import Message, Pull
from libs.telemetry.metrics import counter, histogram
from libs.telemetry.traces import span, tracing

ACQUIRE_SECONDS_MAX = 10.0
WHOLE_TRIES_MAX = 3
# Events this process has counted as begun; only a limit of memory, a second count does little harm.
BEGUN_MAX = 10_000
OUTAGE_PROBE_SECONDS = 3.0
OUTAGE_RETRY_SECONDS = 0.2

log = structlog.get_logger(__name__)

_CONSUMED = counter("bus_consumed_total")
_DEAD = counter("bus_dead_letters_total")


class Settler:
    """The work of one consumer on the batches of all its lanes."""

    def __init__(
        self,
        service: Service,
        pool: "asyncpg.Pool[Any]",
        settings: ConsumerSettings,
        *,
        wake: Callable[[], None],
        after_commit: Callable[[], None],
        on_stopped: Callable[[frozenset[str]], None],
    ) -> None:
        """`on_stopped` is called with the producers whose streams a batch has stopped or found stopped."""
        self._service = service
        self._pool = pool
        self._settings = settings
        self._wake = wake
        self._after_commit = after_commit
        self._on_stopped = on_stopped
        self._begun: dict[UUID, None] = {}
        self._beside = Beside(settings.lanes)
        self.gaps = Gaps(
            alarm_seconds=settings.gap_alarm_seconds, forget_seconds=3 * settings.gap_nak_seconds_max
        )
        self._seconds = histogram("bus_process_seconds").labels(service.name)
        self._messages = histogram("bus_batch_messages").labels(service.name)
        self.streaks: dict[str, int] = {}
        self.progress: datetime | None = None
        self.ending = False

    async def settle(self, lane: Lane, arrivals: list[Arrival]) -> None:
        """See every arrival to its end: applied, kept as a dead letter, held, or given back."""
        # Begun only once no suspect is in flight: what is begun beside one shares the blame.
        async with self._beside.others():
            try:
                alone = await self._suspects(arrivals)
            except Exception as error:  # noqa: BLE001 - nothing has been tried yet; whatever it is, it can be tried again
                log.warning("batch-not-begun", error=code_of(error), count=len(arrivals))
                await self.database_back()
                await self.give_back(arrivals, self._settings.failure_nak_seconds)
                return
            apart = {id(arrival) for arrival in alone}
            await self._together(lane, [arrival for arrival in arrivals if id(arrival) not in apart])
        for arrival in alone:
            async with self._beside.nobody():
                await self._alone(lane, arrival)

    async def _suspects(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Of redelivered events that are due, those a process before this one began and did not finish.

        They are to be tried with nothing beside them, the least tried first, so that one that ends its process takes
        no other with it: whatever is begun beside it would share the blame.
        For the others it is noted, in a transaction of its own, that they are begun now.
        """
        if not any(_redelivered(arrival) for arrival in arrivals):
            return []
        async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
            due = sort(arrivals, await inbox.positions(connection, keys_of(arrivals))).due
            again = {
                arrival.event_id: arrival
                for arrival in due
                if _redelivered(arrival)
                and arrival.event_id is not None
                and arrival.event_id not in self._begun
            }
            known = await inbox.attempts(connection, list(again)) if again else {}
            if fresh := [event_id for event_id in again if event_id not in known]:
                await inbox.begin(connection, fresh)
                for event_id in fresh:
                    self._remember(event_id)
        for event_id, tried in known.items():
            if tried.begun - tried.failed >= self._settings.unfinished_max:
                again[event_id].flaw = Flaw(Reason.UNFINISHED, "process-ended")
        order = sorted(known, key=lambda event_id: known[event_id].begun)
        return [again[event_id] for event_id in order if again[event_id].flaw is None]

    async def _alone(self, lane: Lane, arrival: Arrival) -> None:
        """Try a suspect by itself, noting before that it is begun (unless it is not its turn)."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                places = await inbox.positions(connection, keys_of([arrival]))
                if arrival.event_id is not None and sort([arrival], places).due:
                    await inbox.begin(connection, [arrival.event_id])
                    self._remember(arrival.event_id)
        except Exception as error:  # noqa: BLE001 - what cannot be noted is not tried
            log.warning("batch-not-begun", error=code_of(error), count=1)
            await self.database_back()
            await self.give_back([arrival], self._settings.failure_nak_seconds)
            return
        await self._one(lane, arrival)

    async def _together(
        self, lane: Lane, arrivals: list[Arrival], *, split_until: float | None = None
    ) -> None:
        """Apply a batch in one transaction; what fails as a whole is tried message by message.

        One that meets another transaction is split until only the dossiers that one holds are left, which are given
        back: a process frozen with one dossier in its hands must not hold up all others. `split_until` (loop time) is
        given to such a part, and bounds how long splitting goes on.
        """
        tries = 0
        while arrivals:
            try:
                applied = await self._apply(arrivals, hurried=split_until is not None)
            except HandlerFailed as failure:
                await self._failed(lane, failure.arrival, failure.__cause__)
                arrivals = [arrival for arrival in arrivals if arrival is not failure.arrival]
            except Exception as error:  # noqa: BLE001 - a service's SQL may raise anything; nothing was committed
                tries += 1
                log.warning("batch-failed", error=code_of(error), count=len(arrivals))
                if is_contention(error):
                    await self._split(lane, arrivals, split_until)
                    return
                if is_outage(error) and not await self.database_back():
                    await self.give_back(arrivals, self._settings.failure_nak_seconds)
                    return
                if tries == WHOLE_TRIES_MAX:
                    for arrival in sorted(arrivals, key=lambda each: each.sequence):
                        await self._one(lane, arrival)
                    return
            else:
                await self._finish(lane, applied)
                return

    async def _split(self, lane: Lane, arrivals: list[Arrival], until: float | None) -> None:
        """Apply both halves of a batch that met another transaction; give back what cannot be split."""
        now = asyncio.get_running_loop().time()
        until = now + self._settings.split_seconds_max if until is None else until
        first, second = halves(arrivals)
        if not second or now >= until:
            await self._give_back_growing(arrivals)
            return
        for half in (first, second):
            await self._together(lane, half, split_until=until)

    async def _one(self, lane: Lane, arrival: Arrival) -> None:
        try:
            applied = await self._apply([arrival])
        except HandlerFailed as failure:
            await self._failed(lane, arrival, failure.__cause__)
        except Exception as error:  # noqa: BLE001 - as above
            if is_contention(error) or (is_outage(error) and not await self.database_back()):
                await self._give_back_growing([arrival])
            else:
                await self._failed(lane, arrival, error)
        else:
            await self._finish(lane, applied)

    async def _apply(self, arrivals: Sequence[Arrival], *, hurried: bool = False) -> Applied:
        streaks = Streaks(counts=dict(self.streaks), limit=self._settings.dead_letters_in_row_max)
        began = time.perf_counter()
        # What is said keeps the trace of its cause; the batch's own span only links to them all.
        traces = [each.envelope.traceparent for each in arrivals if each.envelope] if tracing() else ()
        with span("process batch", kind="consumer", attributes=self._attributes(len(arrivals)), links=traces):
            async with (
                asyncio.timeout(self._settings.batch_seconds_max),
                self._pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection,
            ):
                applied = await batch.apply(
                    connection, self._service, arrivals, streaks=streaks, hurried=hurried
                )
        self._seconds.observe(time.perf_counter() - began)
        self._messages.observe(len(arrivals))
        return applied

    def _attributes(self, count: int) -> dict[str, str | int]:
        return {
            "messaging.system": "nats",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": self._service.name,
            "messaging.batch.message_count": count,
        }

    def _count(self, applied: Applied) -> None:
        name = self._service.name
        for outcome, arrivals in (
            ("done", applied.done),
            ("held", applied.gaps),
            ("refused", applied.refused),
        ):
            if arrivals:
                _CONSUMED.labels(name, outcome).inc(len(arrivals))
        for _, flaw in applied.buried:
            _CONSUMED.labels(name, "dead-letter").inc()
            _DEAD.labels(name, flaw.reason.value).inc()

    async def _finish(self, lane: Lane, applied: Applied) -> None:
        """After the commit: wake the relay, then settle each message."""
        self._count(applied)
        if applied.said:
            self._wake()
        self._after_commit()
        for source, streak in applied.streaks.items():
            # Added to what other lanes have found meanwhile; a stopped stream begins anew.
            before = self.streaks.get(source, 0)
            self.streaks[source] = 0 if source in applied.stopped else streak.after(before)
        for key in applied.reached:
            self.gaps.closed(key)
        by_pull: dict[Pull, list[Message]] = {}
        for arrival in applied.done:
            by_pull.setdefault(message_of(arrival).pull, []).append(message_of(arrival))
        for pull, messages in by_pull.items():
            await pull.ack_all(messages)
        for arrival, flaw in applied.buried:
            log.error(
                "dead-letter",
                service=self._service.name,
                source=arrival.source,
                event_id=arrival.event_id,
                dossier_id=arrival.dossier_id,
                reason=flaw.reason.value,
                code=flaw.code,
            )
            await message_of(arrival).pull.term(message_of(arrival))
        if applied.done or applied.buried:
            self.progress = datetime.now(UTC)
        if applied.refused:
            await self.give_back(applied.refused, self._settings.refused_nak_seconds)
        await self._wait(lane, applied.gaps)
        if applied.stopped:
            self._on_stopped(frozenset(applied.stopped))

    async def _wait(self, lane: Lane, gaps: Sequence[Arrival]) -> None:
        """Hold arrivals that are ahead of their turn for a moment, then give them back."""
        now = asyncio.get_running_loop().time()
        for arrival in gaps:
            if arrival.key is not None:
                self.gaps.seen(arrival.key, now)
            if not arrival.held_until:
                arrival.held_until = now + self._settings.hold_seconds
            if now >= arrival.held_until or not lane.hold(arrival):
                deliveries = min(arrival.message.deliveries, 16)
                await self.give_back([arrival], min(0.5 * 2**deliveries, self._settings.gap_nak_seconds_max))

    async def _failed(self, lane: Lane, arrival: Arrival, error: BaseException | None) -> None:
        """Count the failure; give the event back with a growing delay, or keep it as a dead letter at the limit."""
        code = code_of(error)
        log.warning(
            "event-failed",
            service=self._service.name,
            source=arrival.source,
            event_id=arrival.event_id,
            dossier_id=arrival.dossier_id,
            error=code,
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
            log.warning("failure-not-counted", error=code_of(unrecorded))
        await self.give_back([arrival], delay)

    async def give_back(self, arrivals: Sequence[Arrival], delay_seconds: float) -> None:
        """Let the server deliver these again after the delay."""
        for arrival in arrivals:
            await message_of(arrival).pull.nak(message_of(arrival), delay_seconds)

    async def _give_back_growing(self, arrivals: Sequence[Arrival]) -> None:
        """Let the server deliver these again, later the more often it has."""
        for arrival in arrivals:
            delay = self._settings.failure_nak_seconds * 2.0 ** min(arrival.message.deliveries, 16)
            await self.give_back([arrival], min(delay, self._settings.gap_nak_seconds_max))

    def _remember(self, event_id: UUID) -> None:
        if len(self._begun) >= BEGUN_MAX:
            del self._begun[next(iter(self._begun))]
        self._begun[event_id] = None

    async def database_back(self) -> bool:
        """Wait for the database to answer, `outage_seconds_max` at most; False when it did not."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._settings.outage_seconds_max
        while loop.time() < end and not self.ending:
            try:
                async with asyncio.timeout(OUTAGE_PROBE_SECONDS), self._pool.acquire() as connection:
                    await connection.execute("SELECT 1")
                    return True
            except Exception:  # noqa: BLE001 - any refusal means: not yet
                await asyncio.sleep(OUTAGE_RETRY_SECONDS)
        return False


def _redelivered(arrival: Arrival) -> bool:
    return arrival.message.deliveries > 1 and arrival.event is not None and arrival.flaw is None


def message_of(arrival: Arrival) -> Message:
    """The delivery of an arrival that came over a pull."""
    return cast(Message, arrival.message)
