"""What a history is made of: what the tester was told, and what every service, stream and ledger held at the end."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import msgspec

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"
# What a request was for: to hand in a dossier, or to act on one.
HAND_IN, ACT = "hand-in", "act"


class Proof(msgspec.Struct, frozen=True):
    """What an acknowledged act must have left: an event of `subject` whose `field` has this value."""

    source: str
    subject: str
    field: str
    value: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of one request as the tester saw it; times are monotonic nanoseconds of the tester.

    `identity` names the real-world thing handed in (a birth), however often and under whichever key it is sent.
    `dossier_id` is what the answer named (also a 409 that links to the existing dossier); `answer` a digest of it.
    """

    key: str
    purpose: str
    outcome: str
    invoked_ns: int
    ended_ns: int
    status: int = 0
    identity: str = ""
    dossier_id: UUID | None = None
    answer: str = ""
    proof: Proof | None = None


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier as intake has it: `state` of reception, `outcome` of the case as heard, whether closed."""

    id: UUID
    code: str
    identity: str
    state: str
    outcome: str = ""
    closed: bool = False


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case as routing has it; `results` are those its settlement calls for."""

    dossier_id: UUID
    outcome: str = ""
    results: tuple[str, ...] = ()
    closed: bool = False


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """The results of a dossier as results has them."""

    dossier_id: UUID
    outcome: str = ""
    closed: bool = False


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One outbox row of `source`; `facts` is its decoded payload."""

    source: str
    event_id: UUID
    dossier_id: UUID
    sequence: int
    subject: str
    sha256: str
    published: bool = True
    causation_id: UUID | None = None
    facts: dict[str, Any] = {}


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """One message on the stream of `source`; `injected` when the tester put it there (a copy or poison)."""

    source: str
    stream_sequence: int
    event_id: UUID | None
    dossier_id: UUID | None
    sequence: int
    subject: str
    sha256: str
    injected: bool = False


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One inbox row of `service`: its transaction and the moment of the row on the database's clock."""

    service: str
    source: str
    event_id: UUID
    dossier_id: UUID
    sequence: int
    transaction: int
    at_us: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """How far `service` says it has followed a dossier of `source`."""

    service: str
    source: str
    dossier_id: UUID
    sequence: int


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter; `injected` when the tester sent the message."""

    service: str
    source: str
    event_id: UUID | None
    reason: str
    code: str
    status: str = "open"
    injected: bool = False


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may exist once in the world: (`kind`, `key`) is unique; `owner` is whose it is."""

    kind: str
    key: str
    owner: str


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Work a service had not finished when the drain was over."""

    service: str
    what: str
    key: str


class History(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of one round. All of it is codes, ids, digests and times."""

    attempts: tuple[Attempt, ...] = ()
    dossiers: tuple[Dossier, ...] = ()
    cases: tuple[Case, ...] = ()
    custodies: tuple[Custody, ...] = ()
    said: tuple[Said, ...] = ()
    stored: tuple[Stored, ...] = ()
    heard: tuple[Heard, ...] = ()
    positions: tuple[Position, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()
    effects: tuple[Effect, ...] = ()
    waiting: tuple[Waiting, ...] = ()


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One statement that does not hold. `place` of something lost: prefix, middle or postfix of what was there."""

    name: str
    key: str
    detail: str = ""
    place: str = ""


def grouped(items: Iterable[T], key: Any) -> dict[Any, list[T]]:
    """The items by key, each group in the order given."""
    groups: dict[Any, list[T]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def place_of(lost: Hashable, order: Sequence[Hashable], present: Iterable[Hashable]) -> str:
    """Where in `order` something is lost, seen from what is `present`: before all of it, after all of it, between.

    A lost postfix points to a rollback or a truncation, a lost prefix to a purge or a consumer begun too late.
    """
    there = set(present)
    indices = [index for index, item in enumerate(order) if item in there]
    if not indices:
        return "prefix"
    index = order.index(lost)
    return "prefix" if index < indices[0] else "postfix" if index > indices[-1] else "middle"
