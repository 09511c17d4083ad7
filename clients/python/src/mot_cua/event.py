"""One event as a partner gets it: CloudEvents 1.0, in whatever way it came."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import msgspec

from mot_cua.errors import UnexpectedAnswer
from mot_cua.events import EVENTS, EventData

_KNOWN = frozenset(
    {
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "sequence",
        "datacontenttype",
        "causationid",
        "traceparent",
        "test",
        "data",
    }
)


class Unknown(EventData, frozen=True, kw_only=True):
    """Data of a type this version of the package does not know, or cannot read: see `Event.plain`."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened to a dossier.

    `data` is typed where the type is known, else Unknown; `plain` is the same as it came, fields this version does not
    know included. `sequence` counts 1, 2, 3 … per `source` and dossier. An event may come more than once: always with
    the same `id`. `test`: it has not happened, somebody tries a webhook.
    """

    id: str
    source: str
    type: str
    subject: str = ""
    time: datetime | None = None
    sequence: int | None = None
    causation_id: str = ""
    traceparent: str = ""
    test: bool = False
    data: EventData = Unknown()
    plain: Any = None
    attributes: dict[str, Any] = {}

    @property
    def dossier_id(self) -> UUID | None:
        """The dossier; None where the event is of none."""
        try:
            return UUID(self.subject)
        except ValueError:
            return None


def read_event(content: bytes | str) -> Event:
    """The event in structured JSON. Raises UnexpectedAnswer when it is no CloudEvent."""
    return _event(_decoded(content))


def read_binary(headers: Mapping[str, str], content: bytes) -> Event:
    """The event whose attributes are headers (`ce-id` …) and whose data are the body. Raises UnexpectedAnswer."""
    named = {name.lower(): value for name, value in headers.items()}
    if named.get("content-type", "").startswith("application/cloudevents"):
        return read_event(content)
    # What is beyond visible ASCII is percent-encoded (bindings/http-protocol-binding.md 3.1.3.2).
    found: dict[str, Any] = {
        name[3:]: unquote(value) for name, value in named.items() if name.startswith("ce-")
    }
    return _event(
        found | {"test": found.get("test") == "true"} | ({"data": _decoded(content)} if content else {})
    )


def read_batch(content: bytes) -> list[Event]:
    """The events of a batch, in its order. Raises UnexpectedAnswer."""
    found = _decoded(content)
    if not isinstance(found, list):
        raise UnexpectedAnswer("the answer is no batch of events")
    return [_event(each) for each in found]


def _decoded(content: bytes | str) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise UnexpectedAnswer("this is no JSON") from error


def _event(found: Any) -> Event:
    """Strict in the four attributes every CloudEvent has, lenient in all the rest: what is new breaks nobody."""
    if not isinstance(found, dict) or not all(
        isinstance(found.get(name), str) and found[name] for name in ("specversion", "id", "source", "type")
    ):
        raise UnexpectedAnswer("this is no CloudEvent")
    if found["specversion"].partition(".")[0] != "1":
        raise UnexpectedAnswer("this is a CloudEvent of another version than 1")
    plain = found.get("data")
    return Event(
        id=found["id"],
        source=found["source"],
        type=found["type"],
        subject=_text(found.get("subject")),
        time=_moment(found.get("time")),
        sequence=_number(found.get("sequence")),
        causation_id=_text(found.get("causationid")),
        traceparent=_text(found.get("traceparent")),
        test=found.get("test") is True,
        data=_data(found["type"], plain),
        plain=plain,
        attributes={name: value for name, value in found.items() if name not in _KNOWN},
    )


def _data(type_: str, plain: Any) -> EventData:
    kind = EVENTS.get(type_)
    if kind is None:
        return Unknown()
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError:
        return Unknown()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        return None


def _number(value: Any) -> int | None:
    written = str(value)
    # Longer ones are no counts; and Python itself refuses to read thousands of digits.
    return int(written) if written.isascii() and written.isdigit() and len(written) < 20 else None
