"""What every event has in common, and the envelope it travels in."""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

# A moment always carries its zone: a naive time in an event would be read differently by two services.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about one dossier, in the past tense.

    An event carries ids, codes, states and times, never personal data: a person's data stays with its owner and is
    fetched over authorised HTTP. Unknown fields are ignored when decoding; a new field needs a default.
    """

    SUBJECT: ClassVar[str] = ""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The CloudEvents 1.0 attributes of one event (context, not content).

    `sequence` counts 1, 2, 3 … per producer (`source`) and dossier; a consumer applies it without gaps.
    """

    id: UUID
    source: str
    type: str
    dossier_id: UUID
    time: Moment
    sequence: int
    causation_id: UUID | None = None
    traceparent: str | None = None
