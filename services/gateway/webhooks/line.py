"""One endpoint in the dispatcher's hands: what may be sent now, and what follows from an answer.

No I/O and no clock of its own. What waits, and in which order it goes, is its queue's; how the endpoint stands after an
answer is its health's. While it is failing only its oldest event is tried: the probe. What waits here is bounded by
`window`; the rest stays in the feed, beyond the cursor, or in the database.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from services.gateway.feed.feed_store import Entry
from services.gateway.partners.partner import Partner
from services.gateway.webhooks.endpoint import (
    ACTIVE,
    DELIVERED,
    DISABLED,
    FAILED,
    FAILING,
    PENDING,
    Attempt,
    Endpoint,
)
from services.gateway.webhooks.health import Change, Health
from services.gateway.webhooks.queue import Item, Queue
from services.gateway.webhooks.queue_store import Settled, Waiting
from services.gateway.webhooks.rights import Rights
from services.gateway.webhooks.schedule import Schedule
from services.gateway.webhooks.sending import Attempted

# At most, and while there are few endpoints (holding.HELD_MAX).
WINDOW = 500
# At once for one receiver that answers; one that has not answered well gets one at a time.
IN_FLIGHT_MAX = 8
# A receiver that keeps an event longer gets no further one beside it.
SLOW = timedelta(seconds=2)


class Unwritten(msgspec.Struct, frozen=True):
    """Of what the database is out of date: these events, and whether also of the endpoint's state.

    Of each event how many tries the database must have of it still, for the outcome to count; None: it counts anyway.
    """

    events: Mapping[UUID, int | None] = msgspec.field(default_factory=dict)
    state: bool = False


WRITTEN = Unwritten()


class Line:
    """What is known of one endpoint. `position` is up to where the feed was looked through for it."""

    def __init__(
        self, endpoint: Endpoint, keys: Iterable[tuple[datetime | None, bytes]], schedule: Schedule
    ) -> None:
        self.endpoint = endpoint
        self.health = Health(endpoint, schedule)
        self.position = endpoint.cursor
        self.rights = Rights()
        # More is pending in the database than is held here.
        self.more = False
        # How many events may wait here, in flight or not.
        self.window = WINDOW
        self._schedule = schedule
        self._keys = tuple(keys)
        self._queue = Queue()
        self._rests_until: datetime | None = None

    @property
    def id(self) -> UUID:
        """The endpoint's id."""
        return self.endpoint.id

    @property
    def state(self) -> str:
        """The endpoint's, as it is judged now."""
        return self.health.state

    @property
    def room(self) -> int:
        """How many more events may wait for it; none while it is failing and has one to be tried."""
        if not self.served or self.more or (self.state == FAILING and self._queue):
            return 0
        return max(0, (1 if self.state == FAILING else self.window) - len(self._queue))

    @property
    def served(self) -> bool:
        """Whether anything is looked up or sent for it."""
        return self.state in {ACTIVE, FAILING} and self.rights.active and bool(self._keys)

    @property
    def waits(self) -> int:
        """How many deliveries are held, those in flight among them."""
        return len(self._queue)

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
        self.endpoint, self._keys, self.more = endpoint, tuple(keys), more
        self.health.renew(endpoint, state_unwritten=unwritten.state)
        self._rests_until = None
        waits = [
            Item(
                event_id=each.event_id,
                position=each.position,
                dossier_id=each.dossier_id,
                tries=each.tries,
                due=each.next_attempt_at,
            )
            for each in waiting
        ]
        # Put in line again by a person since the attempt: the database is right.
        anew = {
            each.event_id for each in waits if unwritten.events.get(each.event_id) not in (None, each.tries)
        }
        self._queue.renew(waits, noted=unwritten.events.keys() - anew)

    def push(self, items: Iterable[Item]) -> None:
        """Events that wait from now on, in the feed's order."""
        self._queue.push(items)

    def take(self, now: datetime) -> Item | None:
        """The next event to send now, which is then in flight; None when there is none, or enough are in flight."""
        if not self.served or (self._rests_until is not None and now < self._rests_until):
            return None
        item = self._next(now)
        if item is not None:
            item.url = self.endpoint.url
        return item

    def _next(self, now: datetime) -> Item | None:
        in_flight = self._queue.in_flight
        if self.state == FAILING:
            return None if in_flight else self._queue.take_oldest(now)
        if in_flight:
            oldest = next(iter(in_flight.values()))
            limit = IN_FLIGHT_MAX if self.health.trusted and now - oldest < SLOW else 1
            if len(in_flight) >= limit:
                return None
        return self._queue.take(now)

    def give_back(self, item: Item) -> None:
        """It was taken and not sent: its body must be fetched first."""
        self._queue.give_back(item)

    def let_go(self, item: Item, error: str, now: datetime) -> Settled:
        """It is not sent, for good: nobody may read it here any more, or it is no longer kept."""
        self._queue.end(item)
        attempt = Attempt(at=now, status=0, milliseconds=0, error=error, response_body="")
        return self._settled(item, FAILED, item.tries, item.tries, now, attempt)

    def settle(
        self, item: Item, outcome: Attempted, now: datetime, draw: float
    ) -> tuple[Settled, Change | None]:
        """What follows from an attempt: for the event, and for the endpoint (None: it stays what it is)."""
        attempt = outcome.attempt()
        # Of where the partner no longer has its events sent, an answer says something of the event only.
        here = item.url == self.endpoint.url
        if not outcome.delivered:
            return self._failed(item, outcome, attempt, now, draw) if here else self._anew(item, attempt, now)
        self._queue.end(item)
        settled = self._settled(item, DELIVERED, item.tries, item.tries + 1, now, attempt)
        if not here:
            return settled, None
        change = self.health.answered(outcome.at, now)
        if change is not None:
            # What waited for the probe is due.
            self._queue.hurry(now)
        return settled, change

    def _anew(self, item: Item, attempt: Attempt, now: datetime) -> tuple[Settled, Change | None]:
        """Where the event goes now nobody has refused it: the retry table begins there, at once."""
        before, item.tries, item.due = item.tries, 0, now
        return self._waits(item, before, attempt), None

    def _failed(
        self, item: Item, outcome: Attempted, attempt: Attempt, now: datetime, draw: float
    ) -> tuple[Settled, Change | None]:
        before, item.tries = item.tries, item.tries + 1
        wait = self._schedule.wait_seconds(item.tries, draw)
        if outcome.retry_after_seconds:
            self._rests_until = now + timedelta(seconds=outcome.retry_after_seconds)
        change = self.health.failed(outcome, for_good=wait is None)
        if wait is None and self.state != DISABLED:
            self._queue.end(item)
            settled = self._settled(item, FAILED, before, item.tries, now, attempt)
            return msgspec.structs.replace(settled, given_up_for=self.endpoint.partner), change
        item.due = now + timedelta(seconds=max(wait or 0.0, outcome.retry_after_seconds))
        return self._waits(item, before, attempt), change

    def _waits(self, item: Item, before: int, attempt: Attempt) -> Settled:
        if item.over:
            self._queue.end(item)
        else:
            self._queue.give_back(item)
        return self._settled(item, PENDING, before, item.tries, item.due, attempt)

    def _settled(
        self, item: Item, state: str, before: int, tries: int, due: datetime, attempt: Attempt
    ) -> Settled:
        return Settled(
            endpoint=self.id,
            event_id=item.event_id,
            state=state,
            tries_before=before,
            tries=tries,
            next_attempt_at=due,
            attempt=attempt,
        )


def matches(line: Line, entry: Entry) -> bool:
    """Whether an event is for this endpoint: asked for, and one its partner may read."""
    return line.rights.cover(entry.envelope.type, entry.readers)
