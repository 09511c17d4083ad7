"""One batch, one transaction: hold positions, record, load many, decide each purely, save many, say (blueprint 5)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus import causes, dead_letters, inbox
from libs.bus.arrivals import Arrival, Flaw, Key, Reader, Reason, Sorted, keys_of, sort
from libs.bus.handling import Change, Received, Rejected, Service
from libs.bus.outbox import Outgoing, emit

Connection = Any


class HandlerFailed(Exception):
    """A handler raised something else than Rejected; nothing was written. `__cause__` says what."""

    def __init__(self, arrival: Arrival) -> None:
        super().__init__()
        self.arrival = arrival


class Streaks(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters in a row so far, by producer, and how many are too many."""

    counts: Mapping[str, int]
    limit: int


class Streak(msgspec.Struct, frozen=True):
    """The dead letters of one producer at the end of a batch; `broken`: an event was applied before them.

    A batch knows only its own: others are in flight beside it, and what they add must not be overwritten.
    """

    count: int = 0
    broken: bool = False

    def after(self, before: int) -> int:
        """Dead letters in a row, when there were so many before this batch."""
        return self.count if self.broken else before + self.count


_APPLIED = Streak(broken=True)


class Applied:
    """What became of each arrival once the transaction is committed."""

    def __init__(self) -> None:
        self.done: list[Arrival] = []
        self.buried: list[tuple[Arrival, Flaw]] = []
        self.gaps: list[Arrival] = []
        self.refused: list[Arrival] = []
        self.streaks: dict[str, Streak] = {}
        self.stopped: set[str] = set()
        self.said = 0
        self.reached: Mapping[Key, int] = {}


class _Enough(Exception):
    """The dead letter at this place of the due arrivals is the one too many."""

    def __init__(self, due: int) -> None:
        super().__init__()
        self.due = due


async def apply(
    connection: Connection,
    service: Service,
    arrivals: Sequence[Arrival],
    *,
    streaks: Streaks,
    hurried: bool = False,
) -> Applied:
    """Apply what is due of `arrivals` in one transaction and commit it; `hurried` waits for rows only a moment.

    The dead letter that reaches the limit of `streaks` stops its producer's stream, and what stands after it is
    refused. Raises HandlerFailed, or whatever the database or the service's load and save raise; then nothing has
    happened.
    """
    due_max = len(arrivals)
    while True:
        try:
            async with connection.transaction():
                if hurried:
                    await inbox.hurry(connection)
                return await _apply(connection, service, arrivals, streaks, due_max)
        except _Enough as enough:
            # Handlers are pure: the same batch folds the same way up to that place.
            due_max = enough.due


async def _apply(
    connection: Connection, service: Service, arrivals: Sequence[Arrival], streaks: Streaks, due_max: int
) -> Applied:
    result = Applied()
    held = await inbox.hold(connection, keys_of(arrivals))
    if held.stopped:
        result.refused = [each for each in arrivals if each.source in held.stopped]
        result.stopped |= held.stopped
        arrivals = [each for each in arrivals if each.source not in held.stopped]
    plan = sort(arrivals, held.positions)
    if service.causal:
        outside = causes.outside(plan.due)
        known = await inbox.recorded(connection, outside) if outside else set()
        plan = causes.in_causal_order(plan, known)
    if len(plan.due) > due_max:
        plan = _shortened(plan, due_max, held.positions, result.refused)
    result.gaps = plan.gaps
    result.reached = plan.positions
    fresh = await _record(connection, plan)
    fold = _Fold(service, await _load(connection, service, plan.due, fresh), held.now)
    fold.run(plan.due, fresh, streaks)
    await fold.write(connection)
    for source, streak in fold.streaks.items():
        in_row = streak.after(streaks.counts.get(source, 0))
        if in_row >= streaks.limit:
            await inbox.stop(connection, source, f"{in_row} dead letters in a row")
            result.stopped.add(source)
    buried = {id(arrival) for arrival, _ in fold.buried}
    result.done = plan.old + [arrival for arrival in plan.due if id(arrival) not in buried]
    result.buried = fold.buried
    result.streaks = fold.streaks
    result.said = len(fold.outgoing)
    return result


def _shortened(plan: Sorted, due_max: int, positions: Mapping[Key, int], refused: list[Arrival]) -> Sorted:
    """The plan with only the first `due_max` due arrivals; the others are refused."""
    short = sort(plan.due[:due_max], positions)
    refused += plan.due[due_max:]
    short.old += plan.old
    short.gaps += plan.gaps
    return short


async def _record(connection: Connection, plan: Sorted) -> set[UUID]:
    if not plan.positions:
        return set()
    rows = [
        inbox.Row(arrival.event_id, arrival.source, arrival.dossier_id, arrival.sequence)
        for arrival in plan.due
        if arrival.heard and arrival.event_id is not None and arrival.dossier_id is not None
    ]
    return await inbox.record(connection, rows, plan.positions)


async def _load(
    connection: Connection, service: Service, due: Iterable[Arrival], fresh: set[UUID]
) -> dict[UUID, Any]:
    wanted = {
        each.dossier_id
        for each in due
        if each.event is not None
        and each.flaw is None
        and each.event_id in fresh
        and each.dossier_id is not None
    }
    if not wanted:
        return {}
    return await service.load(connection, sorted(wanted, key=lambda dossier: dossier.int))


class _Fold:
    """The pure part of a batch: states in, states and events out."""

    def __init__(self, service: Service, states: dict[UUID, Any], now: datetime) -> None:
        self.service = service
        self.before = states
        self.now = now
        self.after: dict[UUID, Any] = {}
        self.outgoing: list[Outgoing] = []
        self.buried: list[tuple[Arrival, Flaw]] = []
        self.streaks: dict[str, Streak] = {}
        self.tried_before: list[UUID] = []

    def run(self, due: Sequence[Arrival], fresh: set[UUID], streaks: Streaks) -> None:
        """Decide on each of `due` in order; those not `fresh` were dealt with by another worker."""
        for place, arrival in enumerate(due):
            if arrival.heard and arrival.event_id is not None and arrival.event_id not in fresh:
                continue
            flaw = arrival.flaw or self.decide(arrival)
            if arrival.message.deliveries > 1 and arrival.event_id is not None and arrival.heard:
                self.tried_before.append(arrival.event_id)
            if flaw is not None:
                self.buried.append((arrival, flaw))
                before = self.streaks.get(arrival.source, Streak())
                streak = self.streaks[arrival.source] = Streak(before.count + 1, before.broken)
                enough = streak.after(streaks.counts.get(arrival.source, 0)) >= streaks.limit
                if enough and place + 1 < len(due):
                    raise _Enough(place + 1)
            elif arrival.event is not None:
                self.streaks[arrival.source] = _APPLIED

    def decide(self, arrival: Arrival) -> Flaw | None:
        """Let the handler decide on one event; the flaw when it rejects it. Raises HandlerFailed."""
        event, envelope = arrival.event, arrival.envelope
        if event is None or envelope is None:
            return None
        dossier_id = arrival.dossier_id or envelope.dossier_id
        before = self.after[dossier_id] if dossier_id in self.after else self.before.get(dossier_id)
        received = Received(event=event, envelope=envelope, now=self.now, data=arrival.data)
        try:
            decision = self.service.handlers[type(event)](before, received, self.service.context)
        except Rejected as rejected:
            return Flaw(Reason.REJECTED, rejected.reason)
        except Exception as error:
            raise HandlerFailed(arrival) from error
        if decision.state is not None and decision.state is not before:
            self.after[dossier_id] = decision.state
        self.outgoing += [
            Outgoing(
                dossier_id=dossier_id,
                event=said,
                causation_id=arrival.event_id,
                traceparent=envelope.traceparent,
            )
            for said in decision.events
        ]
        return None

    async def write(self, connection: Connection) -> None:
        """Save every change, say every event, keep every dead letter."""
        if self.after:
            changes = [
                Change(dossier_id=dossier_id, before=self.before.get(dossier_id), after=after)
                for dossier_id, after in self.after.items()
            ]
            await self.service.save(connection, changes)
        if self.outgoing:
            await emit(connection, self.service.name, self.outgoing)
        if self.buried:
            await dead_letters.insert(connection, self.buried)
        if self.tried_before:
            await inbox.forget(connection, self.tried_before)


class Retried(msgspec.Struct, frozen=True, kw_only=True):
    """What a retry came to: `flaw` is None when the event was applied."""

    letter_id: int
    flaw: Flaw | None = None


async def retry(connection: Connection, service: Service, letter_id: int, *, who: str) -> Retried:
    """Apply the event of an open dead letter past the sequence check, once; the domain's own rules judge it.

    The letter's row is locked, so two retries apply it once. An event that is still broken, rejected or not handled
    here leaves the letter open, with the code of this try. Raises dead_letters.NotOpen, or what the handler, load or
    save raise (then nothing has happened).
    """
    async with connection.transaction():
        stored = await dead_letters.lock(connection, letter_id)
        arrival = Reader(service.handlers).read(stored, stored.letter.source)
        flaw = arrival.flaw
        if flaw is None and (arrival.event is None or arrival.event_id is None or arrival.dossier_id is None):
            flaw = Flaw(Reason.REJECTED, "not-handled-here")
        if flaw is None:
            fold = await _again(connection, service, arrival)
            flaw = fold.decide(arrival)
        if flaw is not None:
            await dead_letters.tried(connection, letter_id, flaw.code)
            return Retried(letter_id=letter_id, flaw=flaw)
        await fold.write(connection)
        await dead_letters.resolve(connection, letter_id, status="retried", who=who, why="")
        return Retried(letter_id=letter_id)


async def _again(connection: Connection, service: Service, arrival: Arrival) -> _Fold:
    held = await inbox.hold(connection, keys_of([arrival]))
    row = inbox.Row(arrival.event_id, arrival.source, arrival.dossier_id, arrival.sequence)  # type: ignore[arg-type]
    await inbox.record_one(connection, row)
    return _Fold(service, await service.load(connection, [row.dossier_id]), held.now)
