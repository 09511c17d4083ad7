"""Streams, outboxes and inboxes agree: nothing forged, nothing lost, each event once and in order."""

from collections.abc import Iterator
from itertools import pairwise

from libs.contracts.catalogue import FLOWS, SERVICES, sources_of
from tests.faults.record import History, Said, Stored, Violation, grouped, place_of

_HEARERS = {flow.event.SUBJECT: flow.to for flow in FLOWS}
_SPEAKERS = {flow.event.SUBJECT: flow.by for flow in FLOWS}


def check_delivery(history: History) -> Iterator[Violation]:
    """Every statement about events on their way."""
    yield from _outboxes(history)
    yield from _streams(history)
    yield from _inboxes(history)
    yield from _positions(history)
    yield from _order(history)
    yield from _causes(history)
    for letter in history.dead_letters:
        if letter.status == "open" and not letter.injected:
            detail = f"{letter.service} from {letter.source}: {letter.reason} {letter.code}"
            yield Violation(name="dead-letter", key=str(letter.event_id), detail=detail)


def _outboxes(history: History) -> Iterator[Violation]:
    """Each producer counts the events of each dossier 1, 2, 3 … and says only its own."""
    for event_id, rows in grouped(history.said, lambda s: s.event_id).items():
        if len(rows) > 1:
            yield Violation(name="event-id-twice", key=str(event_id))
    for (source, dossier_id), rows in grouped(history.said, lambda s: (s.source, s.dossier_id)).items():
        counted = sorted(row.sequence for row in rows)
        for repeated in sorted({a for a, b in pairwise(counted) if a == b}):
            yield Violation(name="sequence-twice", key=f"{source}/{dossier_id}", detail=str(repeated))
        missing = sorted(set(range(1, max(counted) + 1)) - set(counted))
        for number in missing:
            yield Violation(name="sequence-gap", key=f"{source}/{dossier_id}", detail=str(number))
    for said in history.said:
        if _SPEAKERS.get(said.subject) != said.source:
            detail = f"{said.source} said {said.subject}"
            yield Violation(name="foreign-subject", key=str(said.event_id), detail=detail)
        if not said.published:
            yield Violation(name="event-unpublished", key=str(said.event_id), detail=said.subject)


def _streams(history: History) -> Iterator[Violation]:
    """What is on a stream was said so, and what was said is on the stream, in the dossier's order."""
    said = {row.event_id: row for row in history.said}
    for stored in history.stored:
        origin = said.get(stored.event_id) if stored.event_id is not None else None
        if origin is None:
            if not stored.injected:
                yield Violation(name="event-forged", key=str(stored.event_id), detail=stored.subject)
        elif (difference := _difference(origin, stored)) and not stored.injected:
            yield Violation(name="event-changed", key=str(stored.event_id), detail=difference)
    own = [stored for stored in history.stored if not stored.injected]
    present = {stored.event_id for stored in own}
    for source, rows in grouped(history.said, lambda s: s.source).items():
        order = [row.event_id for row in rows]
        for row in rows:
            if row.event_id not in present and row.published:
                place = place_of(row.event_id, order, present)
                yield Violation(
                    name="event-lost", key=str(row.event_id), detail=f"{source} {row.subject}", place=place
                )
    for (source, dossier_id), mine in grouped(own, lambda s: (s.source, s.dossier_id)).items():
        first = dict.fromkeys(s.sequence for s in sorted(mine, key=lambda s: s.stream_sequence))
        if list(first) != sorted(first):
            yield Violation(name="stream-reordered", key=f"{source}/{dossier_id}", detail=str(list(first)))


def _difference(said: Said, stored: Stored) -> str:
    """What of a stored message is not as it was said; empty when nothing."""
    pairs = {
        "source": (said.source, stored.source),
        "subject": (said.subject, stored.subject),
        "dossier": (said.dossier_id, stored.dossier_id),
        "sequence": (said.sequence, stored.sequence),
        "payload": (said.sha256, stored.sha256),
    }
    return ", ".join(name for name, (there, here) in pairs.items() if there != here)


def _inboxes(history: History) -> Iterator[Violation]:
    """Every event is in the inbox of every service that acts on it, once; nothing else is."""
    said = {row.event_id: row for row in history.said}
    order = [row.event_id for row in history.said]
    for service, rows in grouped(history.heard, lambda h: h.service).items():
        for event_id, same in grouped(rows, lambda h: h.event_id).items():
            if len(same) > 1:
                yield Violation(name="heard-twice", key=str(event_id), detail=service)
            origin, row = said.get(event_id), same[0]
            if origin is None:
                yield Violation(name="heard-unexpected", key=str(event_id), detail=service)
            elif service not in _HEARERS.get(origin.subject, ()):
                yield Violation(name="heard-unasked", key=str(event_id), detail=f"{service} {origin.subject}")
            elif (row.source, row.dossier_id, row.sequence) != (
                origin.source,
                origin.dossier_id,
                origin.sequence,
            ):
                yield Violation(name="heard-changed", key=str(event_id), detail=service)
    for service in SERVICES:
        heard = {row.event_id for row in history.heard if row.service == service}
        due = [event_id for event_id in order if service in _HEARERS.get(said[event_id].subject, ())]
        for event_id in due:
            if event_id not in heard:
                detail = f"{service} {said[event_id].subject}"
                place = place_of(event_id, due, heard)
                yield Violation(name="not-heard", key=str(event_id), detail=detail, place=place)


def _positions(history: History) -> Iterator[Violation]:
    """Every service has followed every dossier of its producers to its last event."""
    reached = {(p.service, p.source, p.dossier_id): p.sequence for p in history.positions}
    last: dict[tuple[str, object], int] = {}
    for row in history.said:
        key = (row.source, row.dossier_id)
        last[key] = max(last.get(key, 0), row.sequence)
    for service in SERVICES:
        for (source, dossier_id), sequence in last.items():
            if source not in sources_of(service):
                continue
            position = reached.pop((service, source, dossier_id), 0)  # type: ignore[arg-type]
            if position != sequence:
                name = "position-behind" if position < sequence else "position-ahead"
                detail = f"{service} at {position} of {sequence}"
                yield Violation(name=name, key=f"{source}/{dossier_id}", detail=detail)
    for service, source, dossier_id in reached:
        yield Violation(
            name="position-ahead", key=f"{source}/{dossier_id}", detail=f"{service}: nothing was said"
        )


def _order(history: History) -> Iterator[Violation]:
    """Each service dealt with the events of a dossier and producer in their sequence."""
    streams = grouped(history.heard, lambda h: (h.service, h.source, h.dossier_id))
    for (service, source, dossier_id), rows in streams.items():
        for before, after in pairwise(sorted(rows, key=lambda h: h.sequence)):
            if before.transaction != after.transaction and before.at_us >= after.at_us:
                detail = f"{service}: {after.sequence} before {before.sequence}"
                yield Violation(name="applied-out-of-order", key=f"{source}/{dossier_id}", detail=detail)


def _causes(history: History) -> Iterator[Violation]:
    """What a service said because of events of one producer stands in the order of those events."""
    said = {row.event_id: row for row in history.said}
    for (source, dossier_id), rows in grouped(history.said, lambda s: (s.source, s.dossier_id)).items():
        reached: dict[str, int] = {}
        for row in sorted(rows, key=lambda s: s.sequence):
            if row.causation_id is None:
                continue
            cause = said.get(row.causation_id)
            if (
                cause is None
                or cause.dossier_id != dossier_id
                or source not in _HEARERS.get(cause.subject, ())
            ):
                yield Violation(name="cause-unknown", key=str(row.event_id), detail=row.subject)
            elif cause.sequence < reached.get(cause.source, 0):
                detail = f"because of {cause.source} {cause.sequence}, after {reached[cause.source]}"
                yield Violation(name="applied-out-of-order", key=f"{source}/{dossier_id}", detail=detail)
            else:
                reached[cause.source] = cause.sequence
