"""Is a new schema of an event an additive change of the old one? (blueprint 4: anything else needs a new version)

Old events are stored and replayed, old consumers keep running while a new producer rolls out: both must still fit.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

# Limits by whether a larger value allows more.
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_EXACT = ("type", "format", "const", "pattern", "multipleOf", "uniqueItems", "prefixItems", "contentEncoding")


def breaking(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What in `new` is not an additive change of `old`, one line each; empty when it may be published as it is.

    Breaking: a field removed, a field retyped, a field newly required, an enumeration changed, a limit narrowed.
    """
    return list(_compare(_Node(old, old), _Node(new, new), "$"))


class _Node:
    """A schema and the document its references point into."""

    def __init__(self, schema: dict[str, Any], document: dict[str, Any]) -> None:
        while "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            schema = {
                **document["$defs"][name],
                **{key: value for key, value in schema.items() if key != "$ref"},
            }
        self.schema = schema
        self.document = document

    def child(self, schema: Any) -> "_Node":
        return _Node(schema if isinstance(schema, dict) else {}, self.document)

    def canonical(self) -> bytes:
        """The shape without words, with references followed: for comparing alternatives."""
        return msgspec.json.encode(self._shape(self.schema), order="deterministic")

    def _shape(self, value: Any) -> Any:
        if isinstance(value, dict):
            found = _Node(value, self.document).schema if "$ref" in value else value
            return {
                key: self._shape(inner)
                for key, inner in found.items()
                if key not in ("title", "description", "default", "$defs", "$schema", "$id")
            }
        return [self._shape(inner) for inner in value] if isinstance(value, list) else value


def _compare(old: _Node, new: _Node, path: str) -> Iterator[str]:
    for key in _EXACT:
        if old.schema.get(key) != new.schema.get(key):
            yield f"{path}: {key} was {old.schema.get(key)!r}, is {new.schema.get(key)!r}"
    yield from _enumerations(old.schema, new.schema, path)
    yield from _limits(old.schema, new.schema, path)
    yield from _fields(old, new, path)
    for key in ("items", "additionalProperties"):
        inner_old, inner_new = old.schema.get(key), new.schema.get(key)
        if isinstance(inner_old, dict) and isinstance(inner_new, dict):
            yield from _compare(old.child(inner_old), new.child(inner_new), f"{path}[]")
        elif inner_old != inner_new:
            yield f"{path}: {key} changed"
    shapes = [
        sorted(node.child(each).canonical() for each in node.schema.get("anyOf", [])) for node in (old, new)
    ]
    if shapes[0] != shapes[1]:
        yield f"{path}: the alternatives changed"


def _enumerations(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    was, now = (sorted(map(str, each["enum"])) if "enum" in each else None for each in (old, new))
    if was != now:
        yield f"{path}: the enumeration changed; what may grow is a string"


def _limits(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    for key in (*_UPPER, *_LOWER):
        if key in new:
            sign = 1 if key in _UPPER else -1
            if key not in old or sign * new[key] < sign * old[key]:
                yield f"{path}: {key} is narrower"


def _fields(old: _Node, new: _Node, path: str) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    for name in before:
        if name not in after:
            yield f"{path}.{name}: removed"
        else:
            yield from _compare(old.child(before[name]), new.child(after[name]), f"{path}.{name}")
    for name in new.schema.get("required", []):
        if name not in old.schema.get("required", []):
            yield f"{path}.{name}: newly required"
