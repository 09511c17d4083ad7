"""From a message to what it means here: an event to apply, one only to count, or a broken one."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from libs.bus.handling import Handlers
from libs.contracts.catalogue import EVENTS, producer_of
from libs.contracts.cloudevents import CloudEventError, decode, decode_data, readable
from libs.contracts.event import Envelope, Event

_VERSION = re.compile(r"\.v\d{1,9}$")
_LAST_SEQUENCE = 2**63 - 1

Key = tuple[str, UUID]


class Reason(StrEnum):
    """Why a message became a dead letter."""

    REJECTED = "rejected"
    UNDECODABLE = "undecodable"
    UNKNOWN_VERSION = "unknown-version"
    EXHAUSTED = "exhausted"
    UNFINISHED = "unfinished"


class Flaw(msgspec.Struct, frozen=True):
    """Reason and detail code; codes only, never a value of the message."""

    reason: Reason
    code: str


class Message(Protocol):
    """One delivery of one message."""

    @property
    def subject(self) -> str: ...
    @property
    def headers(self) -> dict[str, str] | None: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def deliveries(self) -> int: ...


class Arrival:
    """One delivery, read. Without `dossier_id` its place among the events of a dossier is unknown."""

    __slots__ = (
        "data",
        "dossier_id",
        "envelope",
        "event",
        "event_id",
        "flaw",
        "heard",
        "held_until",
        "message",
        "sequence",
        "source",
    )

    def __init__(self, message: Message, source: str) -> None:
        self.message = message
        self.source = source
        self.envelope: Envelope | None = None
        # The event's JSON as its producer wrote it.
        self.data = b""
        self.event: Event | None = None
        self.event_id: UUID | None = None
        self.dossier_id: UUID | None = None
        self.sequence = 0
        self.flaw: Flaw | None = None
        # Whether this service acts on such an event (then it gets an inbox row).
        self.heard = False
        # Until when it waits here for the sequence before it; 0 = it has not waited yet.
        self.held_until = 0.0

    @property
    def key(self) -> Key | None:
        """Producer and dossier: the scope of `sequence`."""
        return None if self.dossier_id is None else (self.source, self.dossier_id)

    @property
    def cause(self) -> UUID | None:
        """The event this one came of."""
        return None if self.envelope is None else self.envelope.causation_id


class Sorted:
    """A batch by what is to be done: `due` now and in order, `old` already done, `gaps` must wait."""

    def __init__(self) -> None:
        self.due: list[Arrival] = []
        self.old: list[Arrival] = []
        self.gaps: list[Arrival] = []
        self.positions: dict[Key, int] = {}


class Reader:
    """Reads messages for a service with these handlers."""

    def __init__(self, handlers: Handlers) -> None:
        self._heard = frozenset(event.SUBJECT for event in handlers)
        self._names = frozenset(_VERSION.sub("", subject) for subject in self._heard)

    def acts_on(self, message: Message) -> bool:
        """Whether the service acts on such messages; the others it counts, or keeps as dead letters."""
        return message.subject in self._heard

    def read(self, message: Message, source: str) -> Arrival:
        """Decode `message` of `source`'s stream; what is wrong with it stands in `flaw`, nothing is raised."""
        arrival = Arrival(message, source)
        try:
            envelope, data = decode(message.headers, message.payload)
        except CloudEventError as error:
            arrival.flaw = Flaw(Reason.UNDECODABLE, str(error))
            self._salvage(arrival)
            return arrival
        subject = envelope.type
        known = EVENTS.get(subject)
        if (
            envelope.source != source
            or subject != message.subject
            or (known and producer_of(known) != source)
        ):
            # Not one of this producer's events, whatever it claims: it has no place in the sequence either.
            arrival.flaw = Flaw(Reason.UNDECODABLE, "foreign")
            return arrival
        arrival.envelope = envelope
        arrival.data = data
        # asyncpg's own kind of UUID is equal to the other, and hashes, compares and encodes several times faster.
        arrival.event_id = pgproto.UUID(envelope.id.bytes)
        arrival.dossier_id = pgproto.UUID(envelope.dossier_id.bytes)
        arrival.sequence = envelope.sequence
        arrival.heard = subject in self._heard
        if arrival.heard:
            try:
                arrival.event = decode_data(subject, data)
            except CloudEventError as error:
                arrival.flaw = Flaw(Reason.UNDECODABLE, str(error))
        elif known is None and _VERSION.sub("", subject) in self._names:
            arrival.flaw = Flaw(Reason.UNKNOWN_VERSION, subject)
        return arrival

    def _salvage(self, arrival: Arrival) -> None:
        """Find the place of a broken event in its dossier, so that the dossier is not held up for ever."""
        found = readable(arrival.message.headers)
        digits = found.get("sequence", "")
        if found.get("source") != arrival.source or not (
            digits.isascii() and digits.isdigit() and len(digits) < 20
        ):
            return
        try:
            dossier_id, event_id = UUID(found.get("subject", "")), UUID(found.get("id", ""))
        except ValueError:
            return
        if not 0 < int(digits) <= _LAST_SEQUENCE:
            return
        arrival.dossier_id, arrival.event_id, arrival.sequence = dossier_id, event_id, int(digits)
        arrival.heard = arrival.message.subject in self._heard


def sort(arrivals: Sequence[Arrival], positions: Mapping[Key, int]) -> Sorted:
    """Decide what to do with each of `arrivals`, given how far each dossier is.

    The next sequence of its dossier is due, also when the one before it stands later in the batch; a lower one is
    old; a higher one waits. Arrivals without a dossier are due (they are broken). `positions` of the result are
    those after everything due is done.
    """
    result = Sorted()
    waiting: dict[Key, list[Arrival]] = {}
    for arrival in arrivals:
        if arrival.key is not None:
            waiting.setdefault(arrival.key, []).append(arrival)
    for group in waiting.values():
        if len(group) > 1:
            group.sort(key=_by_sequence, reverse=True)
    reached: dict[Key, int] = {}
    for arrival in arrivals:
        key = arrival.key
        if key is None:
            result.due.append(arrival)
            continue
        # The slot goes to the dossier's lowest sequence that is left, whichever of them arrived here.
        lowest = waiting[key].pop()
        last = reached[key] if key in reached else positions.get(key, 0)
        if lowest.sequence == last + 1:
            reached[key] = result.positions[key] = lowest.sequence
            result.due.append(lowest)
        elif lowest.sequence <= last:
            result.old.append(lowest)
        else:
            result.gaps.append(lowest)
    return result


def keys_of(arrivals: Iterable[Arrival]) -> list[Key]:
    """The producers and dossiers of `arrivals`, each once, in the order in which every worker locks them."""
    keys = {arrival.key for arrival in arrivals if arrival.key is not None}
    return sorted(keys, key=lambda key: (key[0], key[1].int))


def halves(arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """The arrivals of half of the dossiers, and of the others; a single dossier is not split: the second is empty."""
    dossiers = list(dict.fromkeys(arrival.dossier_id for arrival in arrivals))
    chosen = set(dossiers[: (len(dossiers) + 1) // 2])
    first = [arrival for arrival in arrivals if arrival.dossier_id in chosen]
    return first, [arrival for arrival in arrivals if arrival.dossier_id not in chosen]


def _by_sequence(arrival: Arrival) -> int:
    return arrival.sequence
