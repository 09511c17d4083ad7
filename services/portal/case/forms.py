"""What officers type into the panels of a dossier's page, read into what the services are asked to do. Pure."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from libs.catalogue import Catalogue, Procedure
from libs.catalogue.calendar import VIETNAM
from libs.catalogue.forms import followed
from services.portal.case.answers import Apology, CaseDesk, File, LegalAct, StepDesk
from services.portal.case.correction import changed_boxes
from services.portal.case.file_sections import BIRTH, as_of, part_of, typed, value_at
from services.portal.forms.fields import Box, Part, Rows, form_part
from services.portal.forms.reading import PREFIX, Problems, Reader, Unreadable, read_moment

NOTE_LENGTH_MAX = 2000
# Words an applicant reads when a dossier is not taken, and why a file was corrected.
EXPLANATION_LENGTH_MAX = 1000
Typed = Mapping[str, tuple[str, ...]]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What one service is asked to do."""

    service: str
    path: str
    body: dict[str, Any]


class Wrong(Exception):
    """What was typed cannot be sent: (field, message) of each place."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("wrong")
        self.problems = problems


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What a panel is about: the dossier, the step and how it may be worked on, what was typed, and today.

    `version` is that of what the panel changes as the officer saw it: the step's, or the file's for a correction.
    """

    file: File
    procedure: Procedure
    catalogue: Catalogue
    today: date
    desk: CaseDesk | None = None
    step: StepDesk | None = None
    legal: LegalAct | None = None
    apology: Apology | None = None
    outcome: dict[str, Any] = {}
    version: int | None = None
    typed: Typed = {}

    @property
    def case_path(self) -> str:
        """The case at routing."""
        return f"/cases/{self.file.dossier.id}"

    def text(self, name: str) -> str:
        """What was typed into a field, without blanks around it."""
        return next(iter(self.typed.get(name, ())), "").strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every box ticked under a name."""
        return self.typed.get(name, ())

    def step_path(self, verb: str) -> str:
        """The step at routing. Raises Wrong without one."""
        return f"{self.case_path}/steps/{self.needed_step.step}/{verb}"

    @property
    def needed_step(self) -> StepDesk:
        """The step. Raises Wrong without one."""
        if self.step is None:
            raise Wrong([("", "Bước này không còn ở cơ quan của ông/bà.")])
        return self.step


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
        PREFIX + path: typed(box, offered[path], catalogue, today)
        for path, box in boxes.items()
        if offered.get(path)
    }


def supplement_part(file: File, procedure: Procedure, catalogue: Catalogue) -> Part:
    """The fields that may be asked for: of a declaration those its group names, of a form every box."""
    whole = part_of(file, procedure)
    if file.file_kind != BIRTH:
        return whole
    group = catalogue.groups.get(procedure.group)
    names = frozenset(group.declared_fields if group else ())
    inner = []
    for part in whole.inner:
        boxes = tuple(box for box in part.boxes() if box.path in names) if isinstance(part, Part) else ()
        if boxes and isinstance(part, Part):
            inner.append(msgspec.structs.replace(part, inner=boxes))
    return msgspec.structs.replace(whole, inner=tuple(inner))


def correction_texts(matter: Matter) -> dict[str, str]:
    """What the file says, as its boxes hold it."""
    file, catalogue = matter.file, matter.catalogue
    return {
        PREFIX + box.path: typed(
            box, value_at(file.file, box.path), catalogue, as_of(box, file.file, matter.today)
        )
        for box in part_of(file, matter.procedure).boxes()
    }


def order_of(act: str, matter: Matter) -> Order:
    """What to ask which service for. Raises Wrong, or KeyError for an act there is not."""
    return _ORDERS[act](matter)


def is_act(act: str) -> bool:
    """Whether there is such an act."""
    return act in _ORDERS


def _only_version(verb: str) -> Callable[[Matter], Order]:
    def read(matter: Matter) -> Order:
        return Order(service="routing", path=matter.step_path(verb), body={"version": matter.version})

    return read


def _complete(matter: Matter) -> Order:
    data, problems = _outcome(matter)
    if problems:
        raise Wrong(problems)
    body = {"outcome": data, "version": matter.version}
    return Order(service="routing", path=matter.step_path("complete"), body=body)


def _amend(matter: Matter) -> Order:
    data, problems = _outcome(matter)
    changed = {name: value for name, value in data.items() if matter.outcome.get(name) != value}
    changed |= {name: "" for name in matter.outcome if name not in data and matter.outcome[name]}
    if not changed and not problems:
        problems = [("", "Chưa có mục nào được sửa.")]
    if problems:
        raise Wrong(problems)
    body = {"outcome": changed, "version": matter.version}
    return Order(service="routing", path=matter.step_path("amend"), body=body)


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


def _reason(matter: Matter, move: str) -> str:
    known = {one.code for one in (matter.desk.reasons.get(move, ()) if matter.desk else ())}
    if (reason := matter.text("ly-do")) in known:
        return reason
    raise Wrong([("ly-do", "Hãy chọn một lý do.")])


def _note(matter: Matter, *, needed: str = "") -> str:
    note = matter.text("ghi-chu")
    if needed and not note:
        raise Wrong([("ghi-chu", needed)])
    if len(note) > NOTE_LENGTH_MAX:
        raise Wrong([("ghi-chu", f"Nội dung dài quá {NOTE_LENGTH_MAX} ký tự.")])
    return note


def _return(matter: Matter) -> Order:
    body = {
        "reason": _reason(matter, "return"),
        "to": matter.text("co-quan"),
        "note": _note(matter),
        "version": matter.version,
    }
    return Order(service="routing", path=matter.step_path("return"), body=body)


def _supplement(matter: Matter) -> Order:
    problems: Problems = []
    if not matter.all("giay-to") and not matter.all("muc"):
        problems.append(("giay-to", "Hãy chọn tất cả giấy tờ và thông tin còn thiếu, trong một lần yêu cầu."))
    try:
        reason = _reason(matter, "supplement-request")
    except Wrong as wrong:
        problems += wrong.problems
    if problems:
        raise Wrong(problems)
    body = {
        "step": matter.needed_step.step,
        "reason": reason,
        "components": matter.all("giay-to"),
        "fields": matter.all("muc"),
        "note": _note(matter),
        "version": matter.version,
    }
    return Order(service="routing", path=f"{matter.case_path}/supplement-requests", body=body)


def _refuse(matter: Matter) -> Order:
    problems: Problems = []
    try:
        _reason(matter, "refuse")
    except Wrong as wrong:
        problems += wrong.problems
    try:
        _note(matter, needed=EXPLAIN)
    except Wrong as wrong:
        problems += wrong.problems
    if problems:
        raise Wrong(problems)
    body = {
        "step": matter.needed_step.step,
        "reason": matter.text("ly-do"),
        "note": matter.text("ghi-chu"),
        "version": matter.version,
    }
    return Order(service="routing", path=f"{matter.case_path}/refusal", body=body)


EXPLAIN = "Hãy viết cho người nộp biết vì sao và có thể làm gì tiếp."


def _chosen(matter: Matter) -> int:
    choices = matter.legal.choices if matter.legal else ()
    number = matter.text("lua-chon")
    if number.isascii() and number.isdigit() and len(number) <= 2 and int(number) < len(choices):
        return int(number)
    raise Wrong([("lua-chon", "Hãy chọn một mục.")])


def _clock(end: str) -> Callable[[Matter], Order]:
    def read(matter: Matter) -> Order:
        number = _chosen(matter)
        choice = matter.legal.choices[number] if matter.legal else None
        body = {
            "reason": choice.code if choice else "",
            "step": matter.needed_step.step,
            "version": matter.version,
        }
        return Order(service="routing", path=f"{matter.case_path}/pauses{end}", body=body)

    return read


def _finding(matter: Matter) -> Order:
    number = _chosen(matter)
    choice = matter.legal.choices[number] if matter.legal else None
    body = {
        "option": choice.code if choice else "",
        "value": choice.value if choice else None,
        "note": _note(matter),
        "version": matter.version,
    }
    return Order(service="routing", path=matter.step_path("findings"), body=body)


def _assign(matter: Matter) -> Order:
    number = _chosen(matter)
    agency = matter.legal.choices[number].code if matter.legal else ""
    body = {"agency": agency, "note": _note(matter)}
    return Order(service="routing", path=matter.step_path("assign"), body=body)


def _sign(matter: Matter) -> Order:
    if matter.apology is None:
        raise Wrong([("", "Văn bản xin lỗi này đã được ký hoặc không còn cần nữa.")])
    body: dict[str, Any] = {"note": _note(matter)}
    try:
        moment = read_moment(matter.text("ngay-hen"))
    except Unreadable as error:
        raise Wrong([("ngay-hen", f"Ngày hẹn mới: {error.message}")]) from None
    if moment != minute_of(matter.apology.proposed_at):
        body["appointment_at"] = moment
    return Order(service="routing", path=f"/apologies/{matter.apology.id}/sign", body=body)


def minute_of(moment: datetime) -> datetime:
    """A moment as it is typed: to the minute."""
    return moment.astimezone(VIETNAM).replace(second=0, microsecond=0)


def _accept(matter: Matter) -> Order:
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/accept", body={})


def _not_accept(matter: Matter) -> Order:
    note = _note(matter, needed=EXPLAIN)
    reasons = {one.code for one in matter.catalogue.reasons_for("refuse", matter.today)}
    if matter.text("ly-do") not in reasons:
        raise Wrong([("ly-do", "Hãy chọn một lý do.")])
    if len(note) > EXPLANATION_LENGTH_MAX:
        raise Wrong([("ghi-chu", f"Nội dung dài quá {EXPLANATION_LENGTH_MAX} ký tự.")])
    body = {"reason": matter.text("ly-do"), "explanation": note}
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/refuse", body=body)


def _withdraw(matter: Matter) -> Order:
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/withdrawal", body={})


def _correct(matter: Matter) -> Order:
    part, before = part_of(matter.file, matter.procedure), correction_texts(matter)
    boxes = {PREFIX + box.path: box for box in part.boxes()}
    changed = changed_boxes(matter.typed, before)
    problems: Problems = []
    entries = []
    for name in changed:
        value, wrong = _one_value(boxes[name], matter)
        problems += wrong
        entries.append({"path": boxes[name].path, "value": value})
    if not changed:
        problems.append(("", "Chưa có mục nào được sửa."))
    if not matter.text("ghi-chu"):
        problems.append(("ghi-chu", "Hãy ghi vì sao phải sửa."))
    if problems:
        raise Wrong(problems)
    explanation = matter.text("ghi-chu")[:EXPLANATION_LENGTH_MAX]
    body: dict[str, Any] = {"changes": entries, "reason": "declared-wrong", "explanation": explanation}
    if matter.version is not None:
        body["file_version"] = matter.version
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/corrections", body=body)


def _one_value(box: Box, matter: Matter) -> tuple[Any, Problems]:
    """The value of one box by itself; None where it was emptied."""
    part = Part(path="", label="", required=True, inner=(box,))
    texts = {PREFIX + box.path: matter.text(PREFIX + box.path)}
    data, problems = Reader(matter.catalogue, matter.today).read(part, texts)
    return data.get(box.path.rpartition(".")[2]), problems


_ORDERS: Mapping[str, Callable[[Matter], Order]] = {
    "start": _only_version("start"),
    "complete": _complete,
    "amend": _amend,
    "return": _return,
    "supplement-request": _supplement,
    "refuse": _refuse,
    "pause": _clock(""),
    "resume": _clock("/end"),
    "finding": _finding,
    "assign": _assign,
    "sign-apology": _sign,
    "accept": _accept,
    "not-accept": _not_accept,
    "withdraw": _withdraw,
    "correct": _correct,
    "undo-start": _only_version("undo-start"),
    "undo-return": _only_version("undo-return"),
    "undo-pause": _only_version("undo-pause"),
    "undo-supplement-request": _only_version("undo-supplement-request"),
}
