"""One endpoint in the dispatcher's hands: what waits for it, what may be sent now, and what follows from an answer.

No I/O and no clock of its own. Events of one dossier go one after another; those of other dossiers pass them. While
the endpoint is failing only its oldest event is tried: the probe. What waits is bounded by WINDOW; the rest stays in
the feed, beyond the cursor.
"""

import heapq
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.gateway.feed.feed_store import Entry
from services.gateway.partners.partner import Partner
from services.gateway.webhooks.delivery_store import Settled, Waiting
from services.gateway.webhooks.endpoint import (
    ACTIVE,
    DISABLED,
    EXHAUSTED,
    FAILED,
    FAILING,
    GONE,
    PENDING,
    Attempt,
    Endpoint,
)
from services.gateway.webhooks.rights import Rights
from services.gateway.webhooks.schedule import Schedule
from services.gateway.webhooks.sending import GONE as GONE_STATUS
from services.gateway.webhooks.sending import Outcome

WINDOW = 500
# At once for one receiver that answers; one that has not answered well gets one at a time.
IN_FLIGHT_MAX = 8
# A receiver that keeps an event longer gets no further one beside it.
SLOW = timedelta(seconds=2)


class Item(msgspec.Struct, kw_only=True):
    """A pending delivery. `over`: a person has delivered it while it was on its way, and it is not tried again."""

    event_id: UUID
    position: int
    dossier_id: UUID
    tries: int = 0
    due: datetime
    over: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint's state is another one, since a moment."""

    endpoint: UUID
    partner: str
    state: str
    reason: str = ""
    at: datetime


class Unwritten(msgspec.Struct, frozen=True):
    """Of what the database is out of date: these events, and whether also of the endpoint's state."""

    events: frozenset[UUID] = frozenset()
    state: bool = False


WRITTEN = Unwritten()


class Line:
    """What is known of one endpoint. `position` is up to where the feed was looked through for it."""

    def __init__(
        self, endpoint: Endpoint, keys: Iterable[tuple[datetime | None, bytes]], schedule: Schedule
    ) -> None:
        self.endpoint = endpoint
        self.state = endpoint.state
        self.position = endpoint.cursor
        self.rights = Rights()
        # More is pending in the database than is held here.
        self.more = False
        self.in_flight: dict[UUID, datetime] = {}
        self.last_success_at = endpoint.last_success_at
        self.last_failure_at = endpoint.last_failure_at
        self._schedule = schedule
        self._keys = tuple(keys)
        self._failures = 0 if _answered_last(endpoint) else 1
        self._timeouts = 0
        self._items: dict[UUID, Item] = {}
        self._dossiers: dict[UUID, list[Item]] = {}
        # Heads of dossiers: those that are due by position, those that will be by time.
        self._due: list[tuple[int, UUID]] = []
        self._later: list[tuple[datetime, int, UUID]] = []
        self._rests_until: datetime | None = None
        self._oldest: Item | None = None

    @property
    def id(self) -> UUID:
        """The endpoint's id."""
        return self.endpoint.id

    @property
    def room(self) -> int:
        """How many more events may wait for it; none while it is failing and has one to be tried."""
        if not self.served or self.more or (self.state == FAILING and self._items):
            return 0
        return max(0, (1 if self.state == FAILING else WINDOW) - len(self._items))

    @property
    def served(self) -> bool:
        """Whether anything is looked up or sent for it."""
        return self.state in {ACTIVE, FAILING} and self.rights.active and bool(self._keys)

    @property
    def waits(self) -> int:
        """How many deliveries are held, those in flight among them."""
        return len(self._items)

    @property
    def trusted(self) -> bool:
        """Whether the last answer was a good one."""
        return self.state == ACTIVE and self._failures == 0 and self.last_success_at is not None

    def keys(self, now: datetime) -> tuple[bytes, ...]:
        """What signs now."""
        return tuple(key for not_after, key in self._keys if not_after is None or now < not_after)

    def allow(self, partner: Partner | None) -> None:
        """What the partner may read as it is registered now."""
        self.rights = self.rights.of(partner, self.endpoint.types)

    def renew(
        self,
        endpoint: Endpoint,
        keys: Iterable[tuple[datetime | None, bytes]],
        waiting: Sequence[Waiting],
        *,
        more: bool,
        unwritten: Unwritten = WRITTEN,
    ) -> None:
        """The endpoint and its pending deliveries as the database has them; what is in flight stays so."""
        here = self.in_flight.keys() | unwritten.events
        kept = [item for event_id, item in self._items.items() if event_id in here]
        self.endpoint, self._keys, self.more = endpoint, tuple(keys), more
        if not unwritten.state:
            self.state = endpoint.state
        self._failures = self._timeouts = 0
        self._rests_until = None
        self._oldest = None
        self._items.clear()
        self._dossiers.clear()
        self._due.clear()
        self._later.clear()
        found = [
            Item(
                event_id=each.event_id,
                position=each.position,
                dossier_id=each.dossier_id,
                tries=each.tries,
                due=each.next_attempt_at,
            )
            for each in waiting
            if each.event_id not in here
        ]
        there = {each.event_id for each in waiting}
        for item in kept:
            item.over = item.event_id not in there
        self.push(sorted([*kept, *found], key=lambda item: item.position))

    def push(self, items: Iterable[Item]) -> None:
        """Events that wait from now on, in the feed's order."""
        for item in items:
            if item.event_id in self._items:
                continue
            self._items[item.event_id] = item
            self._oldest = None
            waiting = self._dossiers.setdefault(item.dossier_id, [])
            waiting.append(item)
            if len(waiting) > 1 and item.position < waiting[-2].position:
                # An older event of the dossier, by a replay: behind what is in flight, before what is newer.
                waiting.sort(key=lambda each: (each.event_id not in self.in_flight, each.position))
            if waiting[0] is item:
                self._queue(item)

    def take(self, now: datetime) -> Item | None:
        """The next event to send now, which is then in flight; None when there is none, or enough are in flight."""
        if not self.served or (self._rests_until is not None and now < self._rests_until):
            return None
        if self.state == FAILING:
            return self._take_probe(now)
        if self.in_flight:
            oldest = next(iter(self.in_flight.values()))
            limit = IN_FLIGHT_MAX if self.trusted and now - oldest < SLOW else 1
            if len(self.in_flight) >= limit:
                return None
        while self._later and self._later[0][0] <= now:
            _, position, event_id = heapq.heappop(self._later)
            heapq.heappush(self._due, (position, event_id))
        while self._due:
            _, event_id = heapq.heappop(self._due)
            item = self._items.get(event_id)
            if item is None or event_id in self.in_flight or self._dossiers[item.dossier_id][0] is not item:
                continue
            if item.due > now:
                heapq.heappush(self._later, (item.due, item.position, event_id))
                continue
            self.in_flight[event_id] = now
            return item
        return None

    def give_back(self, item: Item) -> None:
        """It was taken and not sent: its body must be fetched first."""
        self.in_flight.pop(item.event_id, None)
        self._queue(item)

    def let_go(self, item: Item, error: str, now: datetime) -> Settled:
        """It is not sent, for good: nobody may read it here any more, or it is no longer kept."""
        self._end(item)
        attempt = Attempt(at=now, status=0, milliseconds=0, error=error, response_body="")
        return self._settled(item, FAILED, item.tries, now, attempt)

    def settle(
        self, item: Item, outcome: Outcome, now: datetime, draw: float
    ) -> tuple[Settled, Change | None]:
        """What follows from an attempt: for the event, and for the endpoint (None: it stays what it is)."""
        attempt = Attempt(
            at=outcome.at,
            status=outcome.status,
            milliseconds=outcome.milliseconds,
            error=outcome.error,
            response_body=outcome.response_body,
        )
        if outcome.delivered:
            self.last_success_at = outcome.at
            self._failures = self._timeouts = 0
            self._end(item)
            settled = self._settled(item, "delivered", item.tries + 1, now, attempt)
            return settled, self._recovered(now) if self.state == FAILING else None
        return self._failed(item, outcome, attempt, now, draw)

    def _failed(
        self, item: Item, outcome: Outcome, attempt: Attempt, now: datetime, draw: float
    ) -> tuple[Settled, Change | None]:
        self.last_failure_at = outcome.at
        self._failures += 1
        self._timeouts = self._timeouts + 1 if outcome.error == "timeout" else 0
        item.tries += 1
        wait = self._schedule.wait_seconds(item.tries, draw)
        change: Change | None
        if outcome.retry_after_seconds:
            self._rests_until = now + timedelta(seconds=outcome.retry_after_seconds)
        if self.state == DISABLED:
            change = None
        elif outcome.status == GONE_STATUS:
            change = self._become(DISABLED, GONE, now)
        elif wait is None and self.state == FAILING:
            change = self._become(DISABLED, EXHAUSTED, now)
        elif wait is None:
            self._end(item)
            settled = self._settled(item, FAILED, item.tries, now, attempt)
            return msgspec.structs.replace(settled, given_up_for=self.endpoint.partner), self._judged(now)
        else:
            change = self._judged(now)
        item.due = now + timedelta(seconds=max(wait or 0.0, outcome.retry_after_seconds))
        self.in_flight.pop(item.event_id, None)
        if item.over:
            self._end(item)
        else:
            self._queue(item)
        return self._settled(item, PENDING, item.tries, item.due, attempt), change

    def _judged(self, now: datetime) -> Change | None:
        """Whether the endpoint has begun to fail."""
        schedule = self._schedule
        many = self._failures >= schedule.failures_max or self._timeouts >= schedule.timeouts_max
        return self._become(FAILING, "", now) if self.state == ACTIVE and many else None

    def _recovered(self, now: datetime) -> Change:
        """Everything that waited for the probe is due."""
        self._due.clear()
        self._later.clear()
        for waiting in self._dossiers.values():
            for item in waiting:
                item.due = min(item.due, now)
            self._queue(waiting[0])
        return self._become(ACTIVE, "", now)

    def _become(self, state: str, reason: str, now: datetime) -> Change:
        self.state = state
        return Change(endpoint=self.id, partner=self.endpoint.partner, state=state, reason=reason, at=now)

    def _settled(self, item: Item, state: str, tries: int, due: datetime, attempt: Attempt) -> Settled:
        return Settled(
            endpoint=self.id,
            event_id=item.event_id,
            state=state,
            tries=tries,
            next_attempt_at=due,
            attempt=attempt,
        )

    def _take_probe(self, now: datetime) -> Item | None:
        if self.in_flight or not self._items:
            return None
        probe = self._probe()
        if probe.due > now:
            return None
        self.in_flight[probe.event_id] = now
        return probe

    def _probe(self) -> Item:
        if self._oldest is None:
            self._oldest = min(self._items.values(), key=lambda item: item.position)
        return self._oldest

    def _queue(self, item: Item) -> None:
        heapq.heappush(self._later, (item.due, item.position, item.event_id))

    def _end(self, item: Item) -> None:
        """It waits no more; the next event of its dossier may go."""
        self.in_flight.pop(item.event_id, None)
        if self._items.pop(item.event_id, None) is None:
            return
        self._oldest = None
        waiting = self._dossiers[item.dossier_id]
        waiting.remove(item)
        if waiting:
            self._queue(waiting[0])
        else:
            del self._dossiers[item.dossier_id]


def matches(line: Line, entry: Entry) -> bool:
    """Whether an event is for this endpoint: asked for, and one its partner may read."""
    return line.rights.cover(entry.envelope.type, entry.readers)


def _answered_last(endpoint: Endpoint) -> bool:
    """Whether nothing has failed since its last good answer, as far as it was noted."""
    success, failure = endpoint.last_success_at, endpoint.last_failure_at
    return failure is None or (success is not None and success > failure)
