"""An OpenAPI document as a page reads it: operations in groups, and the shapes they speak of. Pure.

Rendered here and not by a script in the browser: the usual ones write styles into the page as they go, which our
policy forbids (guard.POLICY; decision 18).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from services.portal.developers.events import kind_of, short

METHODS = ("get", "post", "put", "patch", "delete")
# Tags of endpoints that are for the city's operators.
HIDDEN_TAGS = frozenset({"bus"})
GROUPS: Mapping[str, str] = {
    "events": "Đọc và gửi sự kiện",
    "oauth": "Lấy token",
    ".well-known": "Nơi lấy token",
    "city": "Xem việc của đơn vị mình",
    "partner": "Đối tác: khóa, phạm vi, nhật ký",
    "webhooks": "Webhook",
    "births": "Khai báo sinh",
    "sandbox": "Ca sinh thử",
    "fhir": "HL7 FHIR",
}
_LIMITS = (
    ("default", "mặc định"),
    ("minimum", "từ"),
    ("maximum", "đến"),
    ("minLength", "số ký tự từ"),
    ("maxLength", "số ký tự đến"),
)
_REF = "#/components/schemas/"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a call."""

    name: str
    place: str
    kind: str
    required: bool
    limits: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A body or an answer: what it is, and the shape it has (empty without one); `status` empty for a body."""

    status: str
    what: str
    media_types: str
    shape: str


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    id: str
    method: str
    path: str
    about: str
    parameters: tuple[Parameter, ...]
    body: Said | None
    answers: tuple[Said, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that begin alike."""

    name: str
    words: str
    operations: tuple[Operation, ...]


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """One member of a shape."""

    name: str
    kind: str
    required: bool


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A schema with members; `about` is the docstring of what it was made from."""

    name: str
    about: str
    properties: tuple[Property, ...]


def groups(document: Mapping[str, Any]) -> list[Group]:
    """The calls for partners, by the first part of their path."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document.get("paths", {}).items():
        for method in METHODS:
            content = methods.get(method)
            if content is not None and HIDDEN_TAGS.isdisjoint(content.get("tags", ())):
                found.setdefault(path.split("/")[1], []).append(_operation(method, path, content))
    order = list(GROUPS)
    return [
        Group(name=name, words=GROUPS.get(name, name), operations=tuple(operations))
        for name, operations in sorted(
            found.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)
        )
    ]


def shapes(document: Mapping[str, Any], shown: list[Group]) -> list[Shape]:
    """The shapes the calls that are shown speak of, and those they lead to."""
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    wanted = [
        said.shape
        for group in shown
        for operation in group.operations
        for said in (*operation.answers, *((operation.body,) if operation.body else ()))
        if said.shape
    ]
    seen: dict[str, None] = {}
    while wanted:
        name = wanted.pop(0)
        if name in schemas and name not in seen:
            seen[name] = None
            wanted += _named(schemas[name])
    return [_shape(name, schemas[name]) for name in sorted(seen)]


def public(document: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The document for programs: without what is for operators, and with the address partners use."""
    paths: dict[str, Any] = {}
    for path, methods in document.get("paths", {}).items():
        kept = {
            method: content
            for method, content in methods.items()
            if not isinstance(content, Mapping) or HIDDEN_TAGS.isdisjoint(content.get("tags", ()))
        }
        if kept:
            paths[path] = kept
    return {**document, "servers": [{"url": url}], "paths": paths}


def _operation(method: str, path: str, content: Mapping[str, Any]) -> Operation:
    body = content.get("requestBody")
    return Operation(
        id=f"{method}{path.replace('/', '-').replace('{', '').replace('}', '')}",
        method=method.upper(),
        path=path,
        about=str(content.get("description") or content.get("summary") or ""),
        parameters=tuple(
            Parameter(
                name=one["name"],
                place=one["in"],
                kind=kind_of(one.get("schema", {})),
                required=bool(one.get("required")),
                limits=_limits(one.get("schema", {})),
            )
            for one in content.get("parameters", ())
        ),
        body=None if body is None else _said("", body),
        answers=tuple(_said(status, answer) for status, answer in content.get("responses", {}).items()),
    )


def _limits(schema: Mapping[str, Any]) -> str:
    """What a value is when none is given, and what it may be, as far as the document says; null is no choice."""
    stated = [schema, *(one for one in schema.get("anyOf", ()) if one.get("type") != "null")]
    found = {
        words: value
        for one in stated
        for name, words in _LIMITS
        if (value := one.get(name)) is not None and value != ""
    }
    return ", ".join(f"{words} {short(value)}" for words, value in found.items())


def _said(status: str, content: Mapping[str, Any]) -> Said:
    media = content.get("content", {})
    schemas = [one.get("schema", {}) for one in media.values()]
    return Said(
        status=status,
        what=str(content.get("description", "")),
        media_types=", ".join(media),
        shape=next((name for schema in schemas for name in _named(schema)), ""),
    )


def _named(schema: Any) -> Iterator[str]:
    """Names of the shapes a schema speaks of."""
    if isinstance(schema, Mapping):
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REF):
            yield reference.removeprefix(_REF)
        for content in schema.values():
            yield from _named(content)
    elif isinstance(schema, list):
        for content in schema:
            yield from _named(content)


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    required = set(schema.get("required", ()))
    return Shape(
        name=name,
        about=str(schema.get("description", "")),
        properties=tuple(
            Property(name=member, kind=kind_of(content), required=member in required)
            for member, content in schema.get("properties", {}).items()
        ),
    )
