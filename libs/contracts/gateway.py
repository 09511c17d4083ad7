"""What gateway says to one partner alone, in answer to an event of the partner's. It is never on the city's bus."""

from typing import Any, ClassVar

import msgspec


class EventTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The event `id` of `source` was taken in, now or (`replayed`) before.

    `result` has the ids, codes, states and times of what its owner answered; the rest is fetched at `location`, where
    the gateway shows what came of it. What is decided later is said by the city's events.
    """

    SUBJECT: ClassVar[str] = "gateway.event-taken.v1"

    source: str
    id: str
    replayed: bool = False
    location: str = ""
    result: Any = None


class EventRefused(msgspec.Struct, frozen=True, kw_only=True):
    """The event `id` of `source` was not taken in, and nothing has come of it.

    `problem` says why: the document of RFC 9457 that HTTP would have answered, with a `type` and, where fields are
    wrong, their paths and codes in `errors`. Both names are empty when they could not be read.
    """

    SUBJECT: ClassVar[str] = "gateway.event-refused.v1"

    source: str
    id: str
    problem: dict[str, Any]


# Everything said so. It is not in FLOWS: no service hears it, and no stream of the city's holds it.
ANSWERS: tuple[type[EventTaken] | type[EventRefused], ...] = (EventTaken, EventRefused)
