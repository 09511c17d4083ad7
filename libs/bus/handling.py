"""What a service gives the bus to handle events with: pure handlers, a load and a save."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from libs.contracts.event import Envelope, Event

E = TypeVar("E", bound=Event)
S = TypeVar("S")

_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
UNNAMED = "unnamed"


class Received(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """An event as a handler gets it; `now` is the database's clock, the same for the whole batch.

    `data` is the event's JSON as its producer wrote it, with whatever a newer producer says and we do not know yet.
    """

    event: E
    envelope: Envelope
    now: datetime
    data: bytes = b""


class Decision(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """What a handler decided: the new state (None = unchanged) and the events to say about it, in order."""

    state: S | None = None
    events: tuple[Event, ...] = ()


class Change(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """One dossier's state before the batch (None = there was none) and after it."""

    dossier_id: UUID
    before: S | None
    after: S


class Rejected(Exception):
    """The event can never be applied; `reason` is a code such as `no-such-case`, never a value."""

    def __init__(self, reason: str) -> None:
        # A dead letter's text must not carry data: what does not look like a code is not kept.
        super().__init__(reason if _CODE.fullmatch(reason) else UNNAMED)
        self.reason = self.args[0]


Handler = Callable[[Any, Received[Any], Any], Decision[Any]]
Handlers = Mapping[type[Event], Handler]
Load = Callable[[Any, Sequence[UUID]], Awaitable[dict[UUID, Any]]]
Save = Callable[[Any, Sequence[Change[Any]]], Awaitable[None]]


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """How one service handles events: pure `handlers` in its `context`, around them one load and one save.

    `load` locks the rows it returns (FOR UPDATE, sorted by id); `save` writes every change with one statement a table.
    `causal`: an event waits for the one it came of, also another producer's (libs/bus/causes.py).
    """

    name: str
    handlers: Handlers
    load: Load
    save: Save
    context: Any = None
    causal: bool = False
