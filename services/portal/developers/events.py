"""The catalogue of events, made from the contracts: what a page shows of each. Pure."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from libs.contracts.catalogue import FLOWS, Flow
from libs.contracts.documents import examples, schema
from services.portal.developers import event_words
from services.portal.developers.event_words import SERVICES, Words
from services.portal.developers.field_words import FIELDS

_KINDS = {
    "string": "chuỗi",
    "integer": "số nguyên",
    "number": "số",
    "boolean": "đúng/sai",
    "object": "đối tượng",
    "array": "danh sách",
}
_FORMATS = {"date-time": "ngày giờ (RFC 3339)", "date": "ngày", "uuid": "UUID"}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field: its kind in words, and what stands for it when it is absent (None: it always stands there)."""

    name: str
    kind: str
    meaning: str
    default: str | None


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A struct and its fields; the first of an event is its data, the others lie in it."""

    name: str
    fields: tuple[Field, ...]


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A golden example as CloudEvent in structured mode."""

    name: str
    text: str


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """One type of event, ready for a page."""

    type: str
    words: Words
    contract: str
    by: str
    to: tuple[str, ...]
    versions: tuple[str, ...]
    shapes: tuple[Shape, ...]
    schema: str
    examples: tuple[Example, ...]

    @property
    def by_words(self) -> str:
        """The producer in words."""
        return SERVICES.get(self.by, self.by)

    @property
    def to_words(self) -> str:
        """Who acts on it, in words."""
        return ", ".join(SERVICES.get(service, service) for service in self.to)


def catalogue() -> Mapping[str, EventType]:
    """Every type by its name, in the order of FLOWS."""
    versions: dict[str, list[str]] = {}
    for flow in FLOWS:
        versions.setdefault(_without_version(flow.event.SUBJECT), []).append(flow.event.SUBJECT)
    return {
        flow.event.SUBJECT: _event_type(flow, tuple(versions[_without_version(flow.event.SUBJECT)]))
        for flow in FLOWS
    }


def matching(found: Mapping[str, EventType], asked: str, by: str) -> list[EventType]:
    """Those a person looks for: every word of `asked` stands in the type, its words or its fields."""
    words = asked.casefold().split()
    return [
        each
        for each in found.values()
        if (not by or each.by == by) and all(word in searched(each) for word in words)
    ]


def searched(event: EventType) -> str:
    """What is looked through, also by the page's script."""
    fields = " ".join(field.name for shape in event.shapes for field in shape.fields)
    return f"{event.type} {event.words.name} {event.words.happened} {event.by_words} {fields}".casefold()


def _event_type(flow: Flow, versions: tuple[str, ...]) -> EventType:
    subject, found = flow.event.SUBJECT, schema(flow.event)
    return EventType(
        type=subject,
        words=event_words.EVENTS.get(subject, Words(subject, "")),
        contract=inspect.getdoc(flow.event) or "",
        by=flow.by,
        to=flow.to,
        versions=versions,
        shapes=tuple(_shapes(found, flow.event.__name__)),
        schema=pretty(found),
        examples=tuple(
            Example(name=name, text=pretty(content)) for name, content in examples(flow.event).items()
        ),
    )


def _shapes(found: Mapping[str, Any], first: str) -> Iterator[Shape]:
    definitions = found["$defs"]
    for name in sorted(definitions, key=lambda one: (one != first, one)):
        definition = definitions[name]
        required = set(definition.get("required", ()))
        yield Shape(
            name=name,
            fields=tuple(
                Field(
                    name=field,
                    kind=kind_of(content),
                    meaning=FIELDS.get(field, ""),
                    default=None if field in required else short(content.get("default")),
                )
                for field, content in definition.get("properties", {}).items()
            ),
        )


def kind_of(content: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if "$ref" in content:
        return str(content["$ref"]).rpartition("/")[2]
    if "anyOf" in content:
        return " hoặc ".join(kind_of(one) for one in content["anyOf"] if one.get("type") != "null")
    if "format" in content:
        return _FORMATS.get(content["format"], str(content["format"]))
    if "enum" in content:
        return " | ".join(str(one) for one in content["enum"])
    kind = str(content.get("type", ""))
    if kind == "array" and "items" in content:
        return f"danh sách {kind_of(content['items'])}"
    if (
        kind == "object"
        and "additionalProperties" in content
        and content["additionalProperties"] is not False
    ):
        return f"đối tượng: tên → {kind_of(content['additionalProperties'])}"
    return _KINDS.get(kind, kind or "bất kỳ")


def short(default: Any) -> str:
    """A value as JSON."""
    return msgspec.json.encode(default).decode()


def pretty(content: Any) -> str:
    """JSON as people read it."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _without_version(subject: str) -> str:
    return subject.rpartition(".")[0]
