"""Checks data against a JSON Schema (draft 2020-12); says what is wrong in Vietnamese, never echoing values.

A property's `title` is its Vietnamese label; `x-message` replaces the text for a wrong pattern or format.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from libs.catalogue.identifiers import IdentifierError, check_personal_number

# Places 0 to 99: a longer number in a path could be anybody's.
ITEM_DIGITS_MAX = 2
# The group of boxes that is part of its person: whose it is, not that it is one, tells two of them apart.
IDENTITY = "identity"
_PLAIN_KEY = re.compile(r"^[a-z][a-z0-9_]{0,40}$")

_TYPE_NAMES = {
    "string": "chữ",
    "integer": "số nguyên",
    "number": "số",
    "boolean": "có hoặc không",
    "object": "nhóm thông tin",
    "array": "danh sách",
}


class Problem(msgspec.Struct, frozen=True, kw_only=False):
    """One thing wrong: `field` is a dotted path, `code` for programs, `message_vi` for people."""

    field: str
    code: str
    message_vi: str


def followed(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of the schema itself, or the definition it refers to (`#/$defs/name`)."""
    reference = part.get("$ref", "")
    if not reference.startswith("#/$defs/"):
        return part
    definitions: Mapping[str, Mapping[str, Any]] = schema.get("$defs", {})
    return definitions.get(reference.removeprefix("#/$defs/"), part)


def leads_somewhere(schema: Mapping[str, Any], path: str) -> bool:
    """Whether the dotted path is one of the schema; items of a list by number, of which no list has more than 100."""
    part: Any = schema
    for name in path.split("."):
        part = followed(part, schema)
        is_item = name.isascii() and name.isdigit() and len(name) <= ITEM_DIGITS_MAX
        part = part.get("items") if is_item else part.get("properties", {}).get(name)
        if not isinstance(part, Mapping):
            return False
    return True


def inlined(part: Any, definitions: Mapping[str, Any], *, inside: tuple[str, ...] = ()) -> Any:
    """The schema with every `#/$defs/name` replaced by what it names; what stands beside a reference goes first.

    Following references takes two thirds of a check's time (measured), and a birth is checked several times on its
    way. Raises ValueError when a definition contains itself.
    """
    if isinstance(part, list):
        return [inlined(each, definitions, inside=inside) for each in part]
    if not isinstance(part, Mapping):
        return part
    own = {k: inlined(v, definitions, inside=inside) for k, v in part.items() if k not in ("$ref", "$defs")}
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    if not name:
        return own
    if name in inside:
        raise ValueError(f"the definition {name} contains itself")
    return {**inlined(definitions[name], definitions, inside=(*inside, name)), **own}


def _pattern(validator: Any, pattern: str, instance: object, _schema: Any) -> Iterator[ValidationError]:
    """JSON Schema's patterns are those of ECMA-262, where `$` is the very end; Python's lets a line end follow."""
    if validator.is_type(instance, "string"):
        found = re.search(pattern, str(instance))
        if found is None or (pattern.endswith("$") and str(instance).endswith("\n")):
            yield ValidationError("does not match the pattern")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
_FORMATS = FormatChecker(formats=("date", "email"))


@_FORMATS.checks("personal-number", raises=IdentifierError)
def _is_personal_number(value: object) -> bool:
    """A personal identity number by its own rule. Other shapes are the pattern's to refuse."""
    if isinstance(value, str) and re.fullmatch("[0-9]{12}", value):
        check_personal_number(value)
    return True


class FormChecker:
    """A compiled schema. Raises jsonschema.SchemaError or ValueError when the schema itself is wrong."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        Draft202012Validator.check_schema(schema)
        self._schema = schema
        self._validator = _Validator(inlined(schema, schema.get("$defs", {})), format_checker=_FORMATS)

    def check(self, data: object) -> list[Problem]:
        """Every problem of the data, ordered by field; empty when there is none."""
        found = {
            (problem.field, problem.code): problem
            for error in self._validator.iter_errors(data)
            for problem in self._problems_of(error)
        }
        return [found[key] for key in sorted(found)]

    def missing(self, data: Mapping[str, Any], paths: Iterable[str]) -> Iterator[Problem]:
        """A problem for each dotted path that has no value in the data."""
        for path in paths:
            value: Any = data
            for name in path.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
            if value is None or value == "":
                yield Problem(path, "required", f"{self.label(path)}: chưa có thông tin.")

    def label(self, path: str) -> str:
        """The Vietnamese label of a dotted path with whose it is, the path itself when the schema has none."""
        schema = self._schema
        titles = []
        names = [part for part in path.split(".") if part]
        for at, name in enumerate(names, start=1):
            schema = followed(schema, self._schema)
            schema = schema.get("items", {}) if name.isdigit() else schema.get("properties", {}).get(name, {})
            title = schema.get("title") or followed(schema, self._schema).get("title")
            if title and (name != IDENTITY or at == len(names)):
                titles.append(title)
        if not titles:
            return path or "Dữ liệu"
        return titles[-1] if len(titles) == 1 else f"{titles[-1]} ({titles[-2].lower()})"

    def _problems_of(self, error: ValidationError) -> Iterator[Problem]:
        path = ".".join(map(str, error.absolute_path))
        rule: Any = error.validator_value
        part: Any = error.schema
        given: Any = error.instance
        if error.validator == "required":
            for name in rule:
                if name not in given:
                    full = f"{path}.{name}".lstrip(".")
                    yield Problem(full, "required", f"{self.label(full)}: chưa có thông tin.")
        elif error.validator == "additionalProperties":
            for name in sorted(set(given) - set(part.get("properties", {}))):
                shown = name if _PLAIN_KEY.match(name) else "?"
                text = "Biểu mẫu không có mục này."
                yield Problem(f"{path}.{shown}".lstrip("."), "unknown", text)
        else:
            label = self.label(path)
            yield Problem(path, _CODES.get(str(error.validator), "invalid"), f"{label}: {_reason(error)}")


_CODES = {
    "type": "type",
    "enum": "not_allowed",
    "const": "not_allowed",
    "pattern": "pattern",
    "format": "format",
    "minLength": "too_short",
    "maxLength": "too_long",
    "minimum": "too_small",
    "maximum": "too_large",
    "minItems": "too_few",
    "maxItems": "too_many",
}


def _reason(error: ValidationError) -> str:
    """Why the value was refused, as the second half of a Vietnamese sentence."""
    limit: Any = error.validator_value
    if isinstance(error.cause, IdentifierError):
        return error.cause.message_vi
    own_text = error.schema.get("x-message") if isinstance(error.schema, Mapping) else None
    match error.validator:
        case "type":
            names = [limit] if isinstance(limit, str) else limit
            return f"phải là {' hoặc '.join(_TYPE_NAMES.get(name, name) for name in names)}."
        case "enum" | "const":
            return "giá trị không nằm trong danh sách cho phép."
        case "minLength":
            return "chưa có thông tin." if limit == 1 else f"cần ít nhất {limit} ký tự."
        case "maxLength":
            return f"dài quá {limit} ký tự."
        case "minimum":
            return f"không được nhỏ hơn {limit}."
        case "maximum":
            return f"không được lớn hơn {limit}."
        case "minItems":
            return f"cần ít nhất {limit} mục."
        case "maxItems":
            return f"không quá {limit} mục."
        case "pattern" | "format" if own_text:
            return str(own_text)
        case "format" if limit == "date":
            return "phải là ngày có thật, viết theo dạng năm-tháng-ngày."
        case _:
            return str(own_text or "không đúng định dạng.")
