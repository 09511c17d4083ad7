"""What an agency enters on its step: the outcome, its amendment, and findings on the way to it. Pure."""

from datetime import date
from typing import Any

from libs.catalogue import Catalogue
from libs.catalogue.forms import followed
from services.portal.case.answers import File, StepDesk
from services.portal.case.file_sections import BIRTH, as_typed, value_at
from services.portal.case.matter import Matter, Order, Wrong, choice_of, note_of
from services.portal.forms.fields import Part, Rows, form_part
from services.portal.forms.reading import PREFIX, Problems, Reader


def outcome_part(step: StepDesk) -> Part:
    """The boxes of a step's outcome."""
    form = step.outcome_form
    return form_part({**followed(form, form), "$defs": form.get("$defs", {})}, Rows())


def outcome_defaults(step: StepDesk, file: File, catalogue: Catalogue, today: date) -> dict[str, str]:
    """What the boxes of an outcome begin with, from the file: offered, to be read over and changed."""
    data, birth = file.file, file.file_kind == BIRTH
    child = value_at(data, "child.intended_name" if birth else "child.name")
    born = str(value_at(data, "child.birth_time") or "")[:10]
    residence = "choices.residence_to_register.address" if birth else "residence.address"
    home = value_at(data, residence) or value_at(
        data, "mother.residence.address" if birth else "mother.address"
    )
    care = value_at(data, "choices.first_care_facility" if birth else "insurance.first_care_facility")
    offered = {
        "child_name": child,
        "registered_on": today.isoformat(),
        "issued_on": today.isoformat(),
        "valid_from": born,
        "address": home,
        "first_care_facility": care,
        "registration_place": catalogue.agency(step.agency).name_vi if step.agency else "",
    }
    boxes = {box.path: box for box in outcome_part(step).boxes()}
    return {
        PREFIX + path: as_typed(box, offered[path], catalogue, today)
        for path, box in boxes.items()
        if offered.get(path)
    }


def complete(matter: Matter) -> Order:
    """Complete the step with its outcome."""
    data, problems = _outcome(matter)
    if problems:
        raise Wrong(problems)
    body = {"outcome": data, "version": matter.version}
    return Order(service="routing", path=matter.step_path("complete"), body=body)


def amend(matter: Matter) -> Order:
    """Correct an outcome: only what differs is sent, an emptied box as empty."""
    data, problems = _outcome(matter)
    changed = {name: value for name, value in data.items() if matter.outcome.get(name) != value}
    changed |= {name: "" for name in matter.outcome if name not in data and matter.outcome[name]}
    if not changed and not problems:
        problems = [("", "Chưa có mục nào được sửa.")]
    if problems:
        raise Wrong(problems)
    body = {"outcome": changed, "version": matter.version}
    return Order(service="routing", path=matter.step_path("amend"), body=body)


def find(matter: Matter) -> Order:
    """Record what was found out, on which the rest of the case depends."""
    choice = choice_of(matter)
    body = {
        "option": choice.code,
        "value": choice.value,
        "note": note_of(matter),
        "version": matter.version,
    }
    return Order(service="routing", path=matter.step_path("findings"), body=body)


def _outcome(matter: Matter) -> tuple[dict[str, Any], Problems]:
    texts = {name: values[0] for name, values in matter.typed.items() if values}
    part = outcome_part(matter.needed_step)
    data, problems = Reader(matter.catalogue, matter.today).read(part, texts)
    unreadable = {name for name, _ in problems}
    problems += [
        (PREFIX + box.path, f"{box.label}: chưa có thông tin.")
        for box in part.boxes()
        if box.required and box.path not in data and PREFIX + box.path not in unreadable
    ]
    return data, problems
