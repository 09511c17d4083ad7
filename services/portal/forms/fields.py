"""A procedure's form as the screen shows it: from its JSON Schema to parts and boxes. Pure.

The schemas are plain: objects, lists of objects, texts, numbers, yes or no. What a text is (a day, a commune, an ethnic
group) is told by its format, its pattern or its name, which forms share (catalogue/schema/definitions.yaml).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from libs.catalogue.code_lists import code_lists
from libs.catalogue.forms import IDENTITY, followed
from services.portal.forms.words import CHOICES, HINTS

Kind = Literal[
    "text",
    "lines",
    "day",
    "day-or-year",
    "moment",
    "whole",
    "number",
    "yes-no",
    "choice",
    "commune",
    "facility",
]
# Free texts longer than this are written in several lines.
LINE_LENGTH_MAX = 2000
ROWS_MAX = 30
YES_NO = (("yes", "Có"), ("no", "Không"))


# What nearly everybody is asked, in the order in which it is said and scanned.
ALWAYS_SHOWN = (
    "name",
    "number",
    "birth_date",
    "sex",
    "birth_time",
    "address",
    "relation",
    "phone",
    "content",
)


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be filled in; `path` is dotted, `choices` are (code, words)."""

    path: str
    label: str
    kind: Kind
    required: bool = False
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    length_max: int = 0

    @property
    def is_part(self) -> bool:
        """For templates, which meet boxes and parts alike."""
        return False

    @property
    def numeric(self) -> bool:
        """Whether a device with keys on its screen should offer digits."""
        name = self.path.rpartition(".")[2]
        return self.kind in ("day", "whole") or name in ("phone", "personal_id")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A group of boxes and groups; one row of a list when `row` is above 0."""

    path: str
    label: str
    required: bool
    inner: tuple["Box | Part", ...]
    row: int = 0

    @property
    def is_part(self) -> bool:
        """For templates, which meet boxes and parts alike."""
        return True

    @property
    def shown(self) -> tuple["Box | Part", ...]:
        """What stands open on the screen: what is required, and what people are nearly always asked."""
        open_ = [one for one in self._flat() if one.required or _name(one) in ALWAYS_SHOWN]
        return tuple(sorted(open_, key=_order))

    @property
    def more(self) -> tuple["Box | Part", ...]:
        """The rest, behind one key."""
        return tuple(one for one in self._flat() if not one.required and _name(one) not in ALWAYS_SHOWN)

    def _flat(self) -> Iterator["Box | Part"]:
        """An identity document is part of its person, not a group of its own."""
        for one in self.inner:
            if isinstance(one, Part) and _name(one) == IDENTITY:
                needed = one.required
                for box in one.inner:
                    yield box if needed else msgspec.structs.replace(box, required=False)
            else:
                yield one

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the boxes that are not shown at once."""
        found: list[str] = []
        for one in self.more:
            found += [box.path for box in one.boxes()] if isinstance(one, Part) else [one.path]
        return tuple(f"form.{path}" for path in found)

    def boxes(self) -> Iterator[Box]:
        """Every box below, in the order of the screen."""
        for each in self.inner:
            if isinstance(each, Part):
                yield from each.boxes()
            else:
                yield each


def _name(one: Box | Part) -> str:
    return one.path.rpartition(".")[2]


def _order(one: Box | Part) -> tuple[bool, int]:
    name = _name(one)
    return isinstance(one, Part), ALWAYS_SHOWN.index(name) if name in ALWAYS_SHOWN else len(ALWAYS_SHOWN)


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows of each list are shown (path → number)."""

    counts: Mapping[str, int] = {}

    def of(self, path: str, least: int, most: int) -> int:
        """The number for this list, between what the schema allows and what a screen can show."""
        return min(max(self.counts.get(path, 0), least, 1), most, ROWS_MAX)


# Who stands at the counter, before a procedure is chosen; every form of the catalogue has these boxes.
APPLICANT = Part(
    path="applicant",
    label="Người nộp hồ sơ",
    required=True,
    inner=(
        Box(path="applicant.name", label="Họ, chữ đệm, tên", kind="text", required=True, length_max=255),
        Box(path="applicant.identity.number", label="Số giấy tờ", kind="text"),
        Box(path="applicant.birth_date", label="Ngày sinh", kind="day", hint=HINTS["day"]),
        Box(path="applicant.address", label="Địa chỉ", kind="text", length_max=1024),
        Box(path="applicant.phone", label="Số điện thoại", kind="text"),
    ),
)


def form_part(schema: Mapping[str, Any], rows: Rows) -> Part:
    """The whole form. The required boxes of each group come first, the person who asks before everybody else."""
    return _part("", schema, schema, required=True, rows=rows)


def lists_of(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The lists at the top of the form, to which rows can be added: path and label."""
    properties = schema.get("properties", {})
    return tuple(
        (name, part.get("title", name))
        for name, part in properties.items()
        if followed(part, schema).get("type") == "array"
    )


def _part(
    path: str, part: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool, rows: Rows, row: int = 0
) -> Part:
    needed = frozenset(part.get("required", ()))
    found: list[Box | Part] = []
    for name, given in part.get("properties", {}).items():
        inner = {**followed(given, schema), **given}
        found.extend(_each(f"{path}.{name}".lstrip("."), inner, schema, required=name in needed, rows=rows))
    # A screen is read from the top: what must be there first, groups after single boxes of the same kind.
    found.sort(key=lambda one: (one.path != "applicant", not one.required))
    return Part(path=path, label=part.get("title", ""), required=required, inner=tuple(found), row=row)


def _each(
    path: str, part: Mapping[str, Any], schema: Mapping[str, Any], *, required: bool, rows: Rows
) -> Iterator[Box | Part]:
    match part.get("type"):
        case "object":
            yield _part(path, part, schema, required=required, rows=rows)
        case "array":
            item = {**followed(part["items"], schema), **part["items"]}
            least, most = (part.get("minItems", 0) if required else 0), part.get("maxItems", ROWS_MAX)
            for number in range(rows.of(path, least, most)):
                label = f"{part.get('title') or item.get('title', '')} {number + 1}"
                row = _part(
                    f"{path}.{number}",
                    {**item, "title": label},
                    schema,
                    required=required and number < least,
                    rows=rows,
                    row=number + 1,
                )
                yield row
        case _:
            yield _box(path, part, required=required)


def _box(path: str, part: Mapping[str, Any], *, required: bool) -> Box:
    name = path.rpartition(".")[2]
    kind, choices = _kind(name, part), _choices(name, part)
    return Box(
        path=path,
        label=part.get("title") or name,
        kind="choice" if choices and kind != "yes-no" else kind,
        required=required,
        hint=HINTS.get(name, "") or HINTS.get(kind, ""),
        choices=choices,
        length_max=part.get("maxLength", 0),
    )


def _kind(name: str, part: Mapping[str, Any]) -> Kind:
    match part.get("type"):
        case "boolean":
            return "yes-no"
        case "integer":
            return "whole"
        case "number":
            return "number"
    pattern = part.get("pattern", "")
    if part.get("format") == "date":
        return "day"
    if "T([01]" in pattern:
        return "moment"
    if pattern.startswith("^[0-9]{4}(-"):
        return "day-or-year"
    if name.endswith("unit_code"):
        return "commune"
    if name in ("facility_code", "first_care_facility"):
        return "facility"
    return "lines" if part.get("maxLength", 0) > LINE_LENGTH_MAX else "text"


def _choices(name: str, part: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if part.get("type") == "boolean":
        return YES_NO
    if name == "ethnic_code":
        return tuple(code_lists().ethnic_groups.items())
    return tuple((value, CHOICES.get((name, value), value)) for value in part.get("enum", ()))
