"""Changing a file's data by named fields: corrections and supplied data. Pure.

Only the names of changed fields leave the service, so a name is taken only when the declaration or the form's schema
knows it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from libs.catalogue import Procedure
from services.intake.birth_rules import check_declaration, has_errors
from services.intake.births import BirthDeclaration, Problem, normalised
from services.intake.form_identifiers import normalised_form
from services.intake.form_paths import PATH, in_schema, shown_path
from services.intake.form_reception import FORM_PREFIX, form_problems
from services.intake.reception import RESIDENCE_ROLE, Desk, Refused, problem
from services.intake.residences import dated

# What was decided on these is with other agencies already: who is competent, which certificate, which results.
FIXED_IN_BIRTHS = (
    "certificate.facility_code",
    "mother.residence.commune_code",
    "mother.residence.as_of",
    "choices",
    "extra",
)
# The father's commune decides where the birth is registered only when it was chosen for that.
FIXED_WITH_FATHER = ("father.residence.commune_code", "father.residence.as_of")
# Where a residence is registered decides which police do it.
FIXED_WITH_RESIDENCE = ("residence.unit_code",)
# A form handed in by a hospital tells of that hospital's own certificate; a counter's clerk may have misread it.
FIXED_FOR_HOSPITALS = ("medical_certificate.facility_code",)
_ERROR_PATH = re.compile(r"\$\.([A-Za-z0-9_.]+)")


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field (dotted path, items of lists by number from 0) and its new value; null takes it away."""

    path: str
    value: Any


def corrected_birth(
    old: BirthDeclaration, entries: Sequence[Entry], at: datetime, desk: Desk
) -> tuple[BirthDeclaration, tuple[str, ...]]:
    """The declaration with the entries applied and the paths that really changed. Raises Refused."""
    before = msgspec.to_builtins(old)
    tree = _applied(before, entries)
    unknown = [e for e in entries if e.path.split(".")[0] not in BirthDeclaration.__struct_fields__]
    if unknown:
        raise Refused([_unknown(entry.path) for entry in unknown])
    try:
        new = dated(normalised(msgspec.convert(tree, BirthDeclaration, strict=True)), desk.catalogue.units)
    except msgspec.ValidationError as error:
        found = _ERROR_PATH.search(str(error))
        message = "Giá trị không đúng kiểu, hoặc tờ khai không có mục này."
        raise Refused([problem(shown_path(found[1] if found else ""), "invalid", message)]) from None
    after = msgspec.to_builtins(new)
    at_father = FIXED_WITH_FATHER if old.choices.register_at == "father" else ()
    _refuse_fixed(before, after, (*FIXED_IN_BIRTHS, *at_father))
    problems = check_declaration(
        new, today=desk.today(at), units=desk.catalogue.units, now=desk.wall_clock(at)
    )
    if has_errors(problems):
        raise Refused(problems)
    return new, _changed(before, after, entries)


def corrected_form(
    procedure: Procedure,
    old: Mapping[str, Any],
    options: Mapping[str, str | bool],
    entries: Sequence[Entry],
    at: datetime,
    desk: Desk,
    *,
    facility: str = "",
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The form with the entries applied and the paths that really changed. Raises Refused.

    `facility` is the hospital that handed the form in, empty for others.
    """
    unknown = [_unknown(entry.path) for entry in entries if not in_schema(procedure.form, entry.path)]
    if unknown:
        raise Refused(unknown)
    new = normalised_form(_applied(old, entries))
    residence = any(step.role == RESIDENCE_ROLE for step in procedure.steps)
    fixed = (FIXED_WITH_RESIDENCE if residence else ()) + (FIXED_FOR_HOSPITALS if facility else ())
    _refuse_fixed(old, new, fixed)
    _refuse_new_problems(
        old, new, *(form_problems(procedure, form, options, at, desk) for form in (old, new))
    )
    return new, _changed(old, new, entries)


def _refuse_new_problems(
    old: Mapping[str, Any], new: Mapping[str, Any], before: Sequence[Problem], after: Sequence[Problem]
) -> None:
    """What a form handed in under an earlier rule lacks today is not held against a correction of something else."""
    known = {(p.field, p.code) for p in before}
    errors = [
        p
        for p in after
        if p.severity == "error"
        and ((p.field, p.code) not in known or _differs(old, new, p.field.removeprefix(FORM_PREFIX)))
    ]
    if errors:
        raise Refused(errors)


def _refuse_fixed(before: Mapping[str, Any], after: Mapping[str, Any], fixed: Sequence[str]) -> None:
    """Values are compared, not paths: an entry may change a field by giving the whole object it lies in."""
    message = "Thông tin này quyết định cơ quan giải quyết hoặc kết quả đã chọn: hãy rút hồ sơ và khai lại."
    changed = [path for path in fixed if _differs(before, after, path)]
    if changed:
        raise Refused([problem(path, "not-correctable", message) for path in changed])


def _applied(old: Mapping[str, Any], entries: Sequence[Entry]) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(old))
    for entry in entries:
        if not PATH.fullmatch(entry.path):
            raise Refused([_unknown(entry.path)])
        *above, last = entry.path.split(".")
        place: Any = tree
        for name in above:
            place = _below(place, name, entry.path)
        _put(place, last, entry)
    return tree


def _below(place: Any, name: str, path: str) -> Any:
    if isinstance(place, list):
        if not name.isdigit() or int(name) >= len(place):
            raise Refused([_unknown(path)])
        return place[int(name)]
    if not isinstance(place, dict):
        raise Refused([_unknown(path)])
    if place.get(name) is None:
        place[name] = {}
    return place[name]


def _put(place: Any, name: str, entry: Entry) -> None:
    if isinstance(place, list) and name.isdigit() and int(name) < len(place):
        place[int(name)] = entry.value
    elif isinstance(place, dict) and entry.value is None:
        place.pop(name, None)
    elif isinstance(place, dict):
        place[name] = entry.value
    else:
        raise Refused([_unknown(entry.path)])


def _changed(old: Mapping[str, Any], new: Mapping[str, Any], entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.path for entry in entries if _differs(old, new, entry.path)))


def _differs(one: Any, other: Any, path: str) -> bool:
    return bool(_value(one, path) != _value(other, path))


def _value(tree: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(tree, list):
            tree = tree[int(name)] if name.isdigit() and int(name) < len(tree) else None
        elif isinstance(tree, Mapping):
            tree = tree.get(name)
        else:
            return None
    return tree


def _unknown(path: str) -> Any:
    return problem(shown_path(path), "unknown", "Hồ sơ không có mục này.")
