"""The file of a dossier for people: its parts with Vietnamese labels, and its papers with their scans. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from libs.catalogue import Catalogue, Procedure
from libs.catalogue.calendar import VIETNAM
from libs.catalogue.code_lists import code_lists
from services.portal.case.answers import Attachment, File
from services.portal.case.birth_file import birth_part
from services.portal.forms.fields import Box, Part, Rows, form_part, lists_of
from services.portal.wording import ORIGINS

BIRTH = "birth"
# TT 07/2016/TT-BCA, Phụ lục 2.
VIETNAMESE = "000"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says under a label; `origin` in words where somebody wrote it for the applicant."""

    label: str
    value: str
    origin: str = ""


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the file; empty rows are left out."""

    title: str
    rows: tuple[Row, ...]


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """One paper (thành phần hồ sơ) with its scans; `state` is a word, `lacking` when it is still needed."""

    code: str
    name: str
    state: str
    lacking: bool
    scans: tuple[Attachment, ...]


def part_of(file: File, procedure: Procedure) -> Part:
    """The file's parts and boxes: of a hospital's declaration, or of the procedure's form with the rows it has."""
    if file.file_kind == BIRTH:
        return birth_part()
    counts = {name: len(file.file.get(name) or ()) for name, _ in lists_of(procedure.form)}
    return form_part(procedure.form, Rows(counts=counts))


def sections_of(file: File, procedure: Procedure, catalogue: Catalogue) -> tuple[Section, ...]:
    """What the file says."""
    whole = part_of(file, procedure)
    day = file.dossier.received_at.astimezone(VIETNAM).date()
    loose = [one for one in whole.inner if isinstance(one, Box)]
    groups = [one for one in whole.inner if isinstance(one, Part)]
    if loose:
        groups.append(Part(path="", label="Nội dung", required=False, inner=tuple(loose)))
    found = []
    for group in groups:
        rows = tuple(_rows(group, file, catalogue, day))
        if rows:
            found.append(Section(title=group.label, rows=rows))
    return (*found, *_options(file, procedure))


def value_at(data: Any, path: str) -> Any:
    """What stands at a dotted path; items of lists by number; None where nothing does."""
    for name in path.split("."):
        if isinstance(data, list):
            data = data[int(name)] if name.isdigit() and int(name) < len(data) else None
        else:
            data = data.get(name) if isinstance(data, Mapping) else None
    return data


def shown(box: Box, value: Any, catalogue: Catalogue, day: date) -> str:
    """A value as people write it; as it is typed into its box."""
    if value is None or value == "":
        return ""
    if box.kind == "yes-no":
        return "Có" if value else "Không"
    if box.choices:
        return dict(box.choices).get(str(value), str(value))
    match box.kind:
        case "day" | "day-or-year":
            return _day(str(value))
        case "moment":
            return _moment(str(value))
        case "commune":
            name = catalogue.units.full_address_name(str(value), day)
            return f"{name} ({value})" if name else str(value)
        case "facility":
            facility = code_lists().facilities.get(str(value))
            return f"{facility.name} ({value})" if facility else str(value)
    return str(value)


def told(box: Box, value: Any, catalogue: Catalogue, day: date) -> str:
    """A value for who only reads it: places and countries by their names, without the codes boxes need."""
    name: str | None = None
    if box.kind == "commune" and value:
        name = catalogue.units.full_address_name(str(value), day)
    elif box.kind == "facility" and (facility := code_lists().facilities.get(str(value))):
        name = facility.name
    elif box.path.endswith("nationality_code") and value == VIETNAMESE:
        name = "Việt Nam"
    return name or shown(box, value, catalogue, day)


def as_typed(box: Box, value: Any, catalogue: Catalogue, day: date) -> str:
    """A value as its box holds it: codes where there are choices, else as it is shown."""
    if value is None or value == "":
        return ""
    if box.kind == "yes-no":
        return "yes" if value else "no"
    return str(value) if box.choices else shown(box, value, catalogue, day)


def as_of(box: Box, data: Mapping[str, Any], day: date) -> date:
    """The day on which a commune's code was true: codes were reused on 2025-07-01, so declarations keep it."""
    stated = value_at(data, box.path.rpartition(".")[0] + ".as_of") if box.kind == "commune" else None
    try:
        return date.fromisoformat(stated) if isinstance(stated, str) else day
    except ValueError:
        return day


def papers_of(file: File, procedure: Procedure) -> tuple[Paper, ...]:
    """The papers of the procedure, and whatever else was handed in."""
    given = {*file.dossier.components, *(one.component for one in file.attachments)}
    names = {component.code: component.name_vi for component in procedure.components}
    codes = [*names, *sorted(code for code in given | set(file.dossier.missing) if code not in names)]
    needed = {c.code for c in procedure.components if c.needed(file.dossier.options)}
    return tuple(
        Paper(
            code=code,
            name=names.get(code, code),
            state=_state(code, file, given, needed),
            lacking=code in file.dossier.missing,
            scans=tuple(a for a in file.attachments if code in (a.component, *a.also_for)),
        )
        for code in codes
    )


def _state(code: str, file: File, given: set[str], needed: set[str]) -> str:
    if code in file.dossier.missing:
        return "Thiếu"
    if code in given:
        return "Có"
    return "Dùng dữ liệu điện tử" if code in needed else "Không áp dụng"


def _rows(part: Part, file: File, catalogue: Catalogue, day: date) -> Iterator[Row]:
    for box in part.boxes():
        value = told(box, value_at(file.file, box.path), catalogue, as_of(box, file.file, day))
        if value:
            yield Row(label=box.label, value=value, origin=ORIGINS.get(file.provenance.get(box.path, ""), ""))


def _options(file: File, procedure: Procedure) -> Iterator[Section]:
    rows = []
    for option in procedure.options:
        value = file.dossier.options.get(option.code)
        if isinstance(value, bool):
            rows.append(Row(label=option.name_vi, value="Có" if value else "Không"))
        elif value:
            rows.append(Row(label=option.name_vi, value=option.choices.get(value, value)))
    if rows:
        yield Section(title="Lựa chọn của hồ sơ", rows=tuple(rows))


def _day(text: str) -> str:
    try:
        return f"{date.fromisoformat(text[:10]):%d/%m/%Y}"
    except ValueError:
        return text


def _moment(text: str) -> str:
    try:
        there = datetime.fromisoformat(text)
    except ValueError:
        return text
    if there.tzinfo is not None:
        there = there.astimezone(VIETNAM)
    return f"{there:%H:%M} {there:%d/%m/%Y}"
