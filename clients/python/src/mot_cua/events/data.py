"""What the data of all events have in common. Made by `make events` from the contracts of the city; do not edit."""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

# A moment always carries its zone.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """The data of one event: ids, codes, states and times, never a person's data.

    Fields this version does not know are ignored: see `Event.plain`.
    """

    TYPE: ClassVar[str] = ""
