"""Order across producers: an event after the one it came of, for a service that keeps one order of everything.

The sequence of a producer and dossier is kept for every service. What routing says of a dossier because of something
intake has said may still overtake it: the two travel in different streams. A service that is `causal` lets it wait, as
for a missing sequence. It waits for DELIVERIES_MAX deliveries, which is about a minute; then the cause is no longer
expected (it was broken beyond reading, or its stream is stopped), and the event is applied without it.
"""

from collections.abc import Sequence
from uuid import UUID

from libs.bus.arrivals import Arrival, Key, Sorted

DELIVERIES_MAX = 6


def outside(due: Sequence[Arrival]) -> list[UUID]:
    """The causes of `due` that are not among them."""
    inside = {arrival.event_id for arrival in due}
    return list({arrival.cause for arrival in due if arrival.cause is not None} - inside)


def in_causal_order(plan: Sorted, recorded: set[UUID]) -> Sorted:
    """The plan with every event after its cause; those whose cause is still to come wait as gaps.

    `recorded` are those of `outside(plan.due)` that were dealt with before. What follows a waiting event in its
    producer and dossier waits with it.
    """
    due, waiting = plan.due, _waiting(plan.due, recorded)
    result = Sorted()
    result.old = plan.old
    result.gaps = [*plan.gaps, *(arrival for arrival in due if id(arrival) in waiting)]
    result.due = _sorted([arrival for arrival in due if id(arrival) not in waiting])
    for arrival in result.due:
        if arrival.key is not None:
            result.positions[arrival.key] = arrival.sequence
    return result


def _waiting(due: Sequence[Arrival], recorded: set[UUID]) -> set[int]:
    """Which of `due` cannot be applied yet, by their id()."""
    waiting: set[int] = set()
    while True:
        there = {arrival.event_id for arrival in due if id(arrival) not in waiting}
        held: set[Key] = set()
        found: set[int] = set()
        for arrival in due:
            key, cause = arrival.key, arrival.cause
            missing = cause is not None and cause not in there and cause not in recorded
            if key is not None and (
                key in held or (missing and arrival.message.deliveries <= DELIVERIES_MAX)
            ):
                held.add(key)
                found.add(id(arrival))
        if found == waiting:
            return waiting
        # Each round holds at least one more, so this ends.
        waiting = found


def _sorted(due: Sequence[Arrival]) -> list[Arrival]:
    """`due` with causes first, otherwise as it was; within a producer and dossier it is in order already."""
    by_id = {arrival.event_id: arrival for arrival in due if arrival.event_id is not None}
    ordered: list[Arrival] = []
    placed: set[int] = set()
    left = list(due)
    while left:
        later: list[Arrival] = []
        behind: set[Key | None] = set()
        for arrival in left:
            cause = by_id.get(arrival.cause) if arrival.cause is not None else None
            if arrival.key in behind or (cause is not None and id(cause) not in placed):
                later.append(arrival)
                if arrival.key is not None:
                    behind.add(arrival.key)
            else:
                ordered.append(arrival)
                placed.add(id(arrival))
        if len(later) == len(left):
            # Events that each came of the other: no order is right, the sequences are still kept.
            ordered.append(later[0])
            placed.add(id(later.pop(0)))
        left = later
    return ordered
