"""What the feed records of an event, and whom a dossier concerns."""

from collections.abc import Iterator

import msgspec

from libs.contracts.event import Envelope, Event

# Fields of events that name somebody, and what they name. They mean the same in every contract.
_NAMED = {
    "agency": "agency",
    "receiving_agency": "agency",
    "place": "agency",
    "facility": "facility",
    "unit": "unit",
}
# Lists in events whose members have such fields: results with their places, the communes of roles.
_LISTED = ("results", "produces", "replaces", "role_units")


class Said(msgspec.Struct, frozen=True):
    """One event as it is recorded; `data` is its JSON as its producer wrote it."""

    envelope: Envelope
    data: bytes
    readers: frozenset[str]


class Dossier(msgspec.Struct, frozen=True):
    """Whom a dossier concerns so far, and what was said of it in this batch, in order."""

    readers: frozenset[str] = frozenset()
    said: tuple[Said, ...] = ()


def record(before: Dossier, envelope: Envelope, event: Event, data: bytes) -> Dossier:
    """The dossier after one more event. Whoever it has ever concerned goes on to hear of it."""
    readers = before.readers | set(concerned(event))
    if len(readers) == len(before.readers):
        readers = before.readers
    return Dossier(readers, (*before.said, Said(envelope, data, readers)))


def concerned(event: Event) -> Iterator[str]:
    """Whom the event names: `facility/93016`, `agency/police-31340-2025`, `unit/31340`."""
    yield from _named(event)
    for name in _LISTED:
        members = getattr(event, name, ())
        # Some events list codes under these names, or only count them.
        if isinstance(members, tuple):
            for member in members:
                yield from _named(member)


def _named(thing: object) -> Iterator[str]:
    for field, kind in _NAMED.items():
        code = getattr(thing, field, "")
        if code:
            yield f"{kind}/{code}"
