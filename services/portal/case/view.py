"""What a dossier's page shows, made from what the services answered. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue
from services.portal.case.answering import asked_papers, asked_part
from services.portal.case.answers import Apology, CaseDesk, File, LegalAct, Reason, StepDesk
from services.portal.case.correction import correction_texts, seen_texts
from services.portal.case.door import door_lines, door_tag
from services.portal.case.file_sections import Paper, as_typed, papers_of, part_of
from services.portal.case.letters import minute_of, supplement_part
from services.portal.case.matter import Matter
from services.portal.case.outcomes import outcome_defaults, outcome_part
from services.portal.case.reading import Story
from services.portal.case.words import deadline_flag, early_flag, papers_to_print, timeline
from services.portal.forms.fields import Part
from services.portal.forms.reading import PREFIX, Problems
from services.portal.officers import Names
from services.portal.wording import Tag, status_tag

# In the order in which they stand on the page; what is done at once needs no panel.
ORDER = (
    "start", "complete", "resume", "amend", "assign", "supplement-request", "finding", "pause", "return",
    "refuse", "undo-start", "undo-return", "undo-pause", "undo-supplement-request",
)  # fmt: skip
AT_ONCE = frozenset({"start", "accept", "undo-start", "undo-return", "undo-pause", "undo-supplement-request"})
GRAVE = frozenset({"refuse", "return", "not-accept", "withdraw"})
# Asked once more: they reach the family or another agency, and cannot be undone for ever.
CONFIRMED = frozenset({"refuse", "return", "not-accept"})
UNDOES = {"start": "undo-start", "return": "undo-return", "pause": "undo-pause"} | {
    "supplement-request": "undo-supplement-request"
}
REASONED = {
    "refuse": "refuse",
    "not-accept": "refuse",
    "return": "return",
    "supplement-request": "supplement-request",
}
# What an officer of the counter or the hospital does with the file itself, while the dossier is under way.
WITH_FILE = {"correct": "Sửa thông tin", "withdraw": "Rút hồ sơ"}
WANTED = {"supply": "Nhận bổ sung"}
AT_DOOR = {"accept": "Tiếp nhận", "not-accept": "Từ chối tiếp nhận"}
ENDED = frozenset({3, 7, 8, 9, 10})
NEW = 1
NOTHING_DUE = frozenset({3, 7, 8})


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """One act that may be done now; `at_once` without a panel."""

    act: str
    name: str
    step: str = ""
    version: int | None = None
    at_once: bool = False
    grave: bool = False


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One step on the officer's desk, with what may be done with it and why not the rest."""

    desk: StepDesk
    flag: Tag | None
    buttons: tuple[Button, ...]
    impossible: tuple[LegalAct, ...]


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """The form of one act. Not `possible`, with `why`: it may no longer be done; what was typed still stands.

    `seen` is what the boxes of a correction held when it was opened.
    """

    act: str
    name: str
    dossier_id: UUID
    step: str = ""
    step_name: str = ""
    version: int | None = None
    possible: bool = True
    why: str = ""
    respond_by: datetime | None = None
    confirming: bool = False
    reasons: tuple[Reason, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    agencies: tuple[tuple[str, str], ...] = ()
    part: Part | None = None
    papers: tuple[Paper, ...] = ()
    apology: Apology | None = None
    typed: Mapping[str, tuple[str, ...]] = {}
    offered: Mapping[str, str] = {}
    seen: Mapping[str, str] = {}

    def text(self, name: str) -> str:
        """What a field holds: what was typed, or what is offered."""
        if self.typed:
            return next(iter(self.typed.get(name, ())), "")
        return self.offered.get(name, "")

    def ticked(self, name: str, value: str) -> bool:
        """Whether a box is ticked."""
        return value in self.typed.get(name, ())

    @property
    def reason(self) -> Reason | None:
        """The reason that was chosen."""
        return next((one for one in self.reasons if one.code == self.text("ly-do")), None)


def state_of(
    file: File, story: Story, catalogue: Catalogue, names: Names, *, handling: bool
) -> dict[str, Any]:
    """The part of the page that changes: status, deadline, what may be done, results, timeline.

    `names` are those of the officers the story knows by login.
    """
    case, desk = story.case, story.desk
    status = case.status if case else file.status
    flag = deadline_flag(desk.deadline) if desk else None
    if flag is None and case is not None:
        flag = early_flag(case, catalogue)
    # The file is read when the page opens; what is asked for later the case tells.
    wanted = any(one.ended_at is None for one in case.supplements) if case else bool(file.dossier.missing)
    return {
        "standing": status_tag(status) if case else door_tag(status, file.dossier),
        # No day is promised before a dossier is accepted, none is due after it was refused or taken back.
        "promised": case is not None and status not in NOTHING_DUE,
        "lacking": bool(file.dossier.missing),
        "flag": flag,
        "appointment_at": case.appointment_at if case else file.dossier.appointment_at,
        "ended": status in ENDED,
        "works": tuple(work_of(step) for step in (desk.steps if desk else ())),
        "others": tuple(
            step for step in (case.steps if case else ()) if desk is None or desk.step(step.step) is None
        ),
        "apologies": story.apologies,
        "file_buttons": file_buttons(status, accepted=case is not None, wanted=wanted) if handling else (),
        "results": story.results,
        "prints": papers_to_print(case, handling=handling),
        "lines": timeline(case, story.custody, story.results or (), catalogue, names)
        if case
        else door_lines(
            file.dossier,
            catalogue.procedure(file.dossier.procedure, file.dossier.procedure_from),
            catalogue,
        ),
        "names": names,
    }


def work_of(step: StepDesk) -> Work:
    """A step with its buttons in the order of the page."""
    known = {act.act: act for act in step.acts}
    if step.mine:
        # To begin what one has in hand changes nothing.
        known.pop("start", None)
    return Work(
        desk=step,
        flag=deadline_flag(step.deadline),
        buttons=tuple(
            Button(
                act=act,
                name=known[act].name_vi,
                step=step.step,
                version=step.version,
                at_once=act in AT_ONCE,
                grave=act in GRAVE,
            )
            for act in ORDER
            if act in known and known[act].allowed
        ),
        impossible=tuple(
            known[act]
            for act in ORDER
            if act in known and not known[act].allowed and not act.startswith("undo")
        ),
    )


def file_buttons(status: int, *, accepted: bool, wanted: bool) -> tuple[Button, ...]:
    """What may be done with the file by who speaks for the applicant; `wanted` says that something is still to come."""
    if status in ENDED:
        return ()
    acts = WANTED if wanted else {}
    if not accepted and status == NEW:
        # A dossier is not taken in while something lacks.
        acts = acts | {act: name for act, name in AT_DOOR.items() if act != "accept" or not wanted}
    acts = acts | WITH_FILE
    return tuple(
        Button(act=act, name=name, at_once=act in AT_ONCE, grave=act in GRAVE) for act, name in acts.items()
    )


def undo_of(done: str, step: str, desk: CaseDesk | None) -> Button | None:
    """What takes back the act that was just done, while that is possible."""
    found = desk.step(step) if desk else None
    legal = found.act(UNDOES.get(done, "")) if found else None
    if found is None or legal is None or not legal.allowed:
        return None
    return Button(act=legal.act, name="Hoàn tác", step=step, version=found.version, at_once=True)


def panel_of(act: str, matter: Matter, *, problems: Problems, confirming: bool = False) -> Panel:
    """The form of an act with what was typed, or with what is offered to begin with."""
    step = matter.step
    name = {**WITH_FILE, **WANTED, **AT_DOOR, "sign-apology": "Ký văn bản xin lỗi và hẹn lại"}.get(act, "")
    possible, why = _possible(act, matter)
    reasons = tuple(matter.desk.reasons.get(REASONED.get(act, ""), ())) if matter.desk else ()
    if act == "not-accept":
        known = matter.catalogue.reasons_for("refuse", matter.today)
        reasons = tuple(
            Reason(code=one.code, name_vi=one.name_vi, legal_basis=one.legal_basis) for one in known
        )
    choices = matter.legal.choices if matter.legal else ()
    return Panel(
        act=act,
        name=matter.legal.name_vi if matter.legal else name,
        dossier_id=matter.file.dossier.id,
        step=step.step if step else "",
        step_name=step.name_vi if step else "",
        version=step.version if step else matter.version,
        possible=possible,
        why=why,
        confirming=confirming and possible and not problems,
        reasons=reasons,
        choices=tuple((str(number), one.name_vi) for number, one in enumerate(choices)),
        agencies=_agencies(matter) if act == "return" else (),
        part=_part(act, matter),
        papers=_papers(act, matter),
        respond_by=_respond_by(matter) if act == "supply" else None,
        apology=matter.apology,
        typed=matter.typed,
        offered={} if matter.typed else _offered(act, matter),
        seen=seen_texts(matter.typed, correction_texts(matter)) if act == "correct" else {},
    )


def _possible(act: str, matter: Matter) -> tuple[bool, str]:
    if act == "sign-apology":
        return matter.apology is not None, "Không còn văn bản xin lỗi nào chờ ký."
    if act in WANTED:
        return bool(matter.file.dossier.wanted), "Hồ sơ không còn chờ bổ sung gì."
    if act in WITH_FILE or act in AT_DOOR:
        return True, ""
    if matter.legal is None:
        return False, "Bước này không còn ở cơ quan của ông/bà."
    return matter.legal.allowed, matter.legal.why_vi


def _part(act: str, matter: Matter) -> Part | None:
    if act in ("complete", "amend") and matter.step is not None and matter.step.outcome_form:
        return outcome_part(matter.step)
    if act == "supplement-request":
        return supplement_part(matter.file, matter.procedure, matter.catalogue)
    if act == "supply":
        return asked_part(matter.file, matter.procedure)
    return part_of(matter.file, matter.procedure) if act == "correct" else None


def _papers(act: str, matter: Matter) -> tuple[Paper, ...]:
    if act == "supply":
        return asked_papers(matter.file, matter.procedure)
    return papers_of(matter.file, matter.procedure) if act == "supplement-request" else ()


def _respond_by(matter: Matter) -> datetime | None:
    asked = matter.file.dossier.open_request
    return asked.respond_by if asked else None


def _offered(act: str, matter: Matter) -> dict[str, str]:
    if act == "complete" and matter.step is not None:
        return outcome_defaults(matter.step, matter.file, matter.catalogue, matter.today)
    if act == "amend" and matter.step is not None:
        return {
            PREFIX + box.path: as_typed(box, matter.outcome.get(box.path), matter.catalogue, matter.today)
            for box in outcome_part(matter.step).boxes()
        }
    if act in ("correct", "supply"):
        return correction_texts(matter)
    if act == "sign-apology" and matter.apology is not None:
        return {"ngay-hen": _moment(matter.apology.proposed_at)}
    return {}


def _moment(at: datetime) -> str:
    return f"{minute_of(at):%H:%M %d/%m/%Y}"


def _agencies(matter: Matter) -> tuple[tuple[str, str], ...]:
    """To whom a step may be given back: agencies of the same role."""
    role = matter.step.role if matter.step else ""
    own = matter.step.agency if matter.step else ""
    return tuple(
        (agency.code, agency.name_vi)
        for agency in matter.catalogue.agencies(role)
        if agency.in_force(matter.today) and agency.code != own
    )
