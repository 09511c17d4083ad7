"""What gateway says to one partner alone, in answer to an event of the partner's. It is never on the city's bus."""

from typing import Any, ClassVar

import msgspec


class EventTaken(msgspec.Struct, frozen=True, kw_only=True):
    """The event `id` of `source` was taken in, now or before.

    `said` is the answer of the service that took it, as over HTTP. What comes of it is said by the city's events.
    """

    SUBJECT: ClassVar[str] = "gateway.event-taken.v1"

    source: str
    id: str
    said: dict[str, Any] | None = None


class EventRefused(msgspec.Struct, frozen=True, kw_only=True):
    """The event `id` of `source` was not taken in, and nothing has come of it.

    `problem` says why: the document of RFC 9457 that HTTP would have answered, with a `type` and, where fields are
    wrong, their paths and codes in `errors`. Both names are empty when they could not be read.
    """

    SUBJECT: ClassVar[str] = "gateway.event-refused.v1"

    source: str
    id: str
    problem: dict[str, Any]
