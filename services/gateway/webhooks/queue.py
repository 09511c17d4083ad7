"""What waits for one endpoint, and which of it is next. No I/O and no clock of its own.

Events of one dossier go one after another, in the order of the feed; those of other dossiers pass them. An event stays
here while it is on its way (in flight) until it is ended.
"""

import heapq
from collections.abc import Iterable, Set
from datetime import datetime
from uuid import UUID

import msgspec


class Item(msgspec.Struct, kw_only=True):
    """A pending delivery.

    `over`: it went on its way and is not among what the database gave since (delivered by a person, or
    beyond the window), so it is kept here no longer than its attempt. `url`: where it was sent last.
    """

    event_id: UUID
    position: int
    dossier_id: UUID
    tries: int = 0
    due: datetime
    over: bool = False
    url: str = ""


class Queue:
    """The pending deliveries of one endpoint; `in_flight` says since when each of those on their way is."""

    def __init__(self) -> None:
        self.in_flight: dict[UUID, datetime] = {}
        self._items: dict[UUID, Item] = {}
        self._dossiers: dict[UUID, list[Item]] = {}
        # Heads of dossiers: those that are due by position, those that will be by time.
        self._due: list[tuple[int, UUID]] = []
        self._later: list[tuple[datetime, int, UUID]] = []
        self._oldest: Item | None = None

    def __len__(self) -> int:
        return len(self._items)

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
                self._schedule(item)

    def renew(self, items: Iterable[Item], noted: Set[UUID]) -> None:
        """These events, and those that were here and are in flight, or `noted`: of which more is known here.

        Where they are not among these they are over; where they are and nothing was noted, the tries of these count.
        """
        there = {item.event_id: item for item in items}
        keep = self.in_flight.keys() | noted
        kept = [item for event_id, item in self._items.items() if event_id in keep]
        for item in kept:
            found = there.get(item.event_id)
            item.over = found is None
            if found is not None and item.event_id not in noted:
                item.tries = found.tries
        self._oldest = None
        self._items.clear()
        self._dossiers.clear()
        self._due.clear()
        self._later.clear()
        new = [item for event_id, item in there.items() if event_id not in keep]
        self.push(sorted([*kept, *new], key=lambda item: item.position))

    def take(self, now: datetime) -> Item | None:
        """The next event that is due, which is then in flight; None when there is none."""
        while self._later and self._later[0][0] <= now:
            _, position, event_id = heapq.heappop(self._later)
            heapq.heappush(self._due, (position, event_id))
        while self._due:
            _, event_id = heapq.heappop(self._due)
            item = self._items.get(event_id)
            if item is None or event_id in self.in_flight or self._dossiers[item.dossier_id][0] is not item:
                continue
            if item.due > now:
                self._schedule(item)
                continue
            self.in_flight[event_id] = now
            return item
        return None

    def take_oldest(self, now: datetime) -> Item | None:
        """The oldest event of all, if it is due; it is then in flight."""
        if not self._items:
            return None
        if self._oldest is None:
            self._oldest = min(self._items.values(), key=lambda item: item.position)
        if self._oldest.due > now:
            return None
        self.in_flight[self._oldest.event_id] = now
        return self._oldest

    def give_back(self, item: Item) -> None:
        """It is in flight no more, and waits until it is due."""
        self.in_flight.pop(item.event_id, None)
        self._schedule(item)

    def end(self, item: Item) -> None:
        """It waits no more; the next event of its dossier may go."""
        self.in_flight.pop(item.event_id, None)
        if self._items.pop(item.event_id, None) is None:
            return
        self._oldest = None
        waiting = self._dossiers[item.dossier_id]
        waiting[:] = [each for each in waiting if each.event_id != item.event_id]
        if waiting:
            self._schedule(waiting[0])
        else:
            del self._dossiers[item.dossier_id]

    def hurry(self, now: datetime) -> None:
        """Everything that waits is due now."""
        self._due.clear()
        self._later.clear()
        for waiting in self._dossiers.values():
            for item in waiting:
                item.due = min(item.due, now)
            self._schedule(waiting[0])

    def _schedule(self, item: Item) -> None:
        heapq.heappush(self._later, (item.due, item.position, item.event_id))
