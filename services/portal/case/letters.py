"""What reaches the applicant on an official paper: what is missing, a refusal, an apology with a new date. Pure."""

from datetime import datetime
from typing import Any

import msgspec

from libs.catalogue import Catalogue, Procedure
from libs.catalogue.calendar import VIETNAM
from services.portal.case.answers import File
from services.portal.case.file_sections import BIRTH, part_of
from services.portal.case.matter import EXPLANATION_LENGTH_MAX, Matter, Order, Wrong, note_of, reason_of
from services.portal.forms.fields import Part
from services.portal.forms.reading import Problems, Unreadable, read_moment

EXPLAIN = "Hãy viết cho người nộp biết vì sao và có thể làm gì tiếp."


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


def ask_for_supplement(matter: Matter) -> Order:
    """Ask once for everything that is missing (form 02)."""
    problems: Problems = []
    if not matter.all("giay-to") and not matter.all("muc"):
        problems.append(("giay-to", "Hãy chọn tất cả giấy tờ và thông tin còn thiếu, trong một lần yêu cầu."))
    try:
        reason = reason_of(matter, "supplement-request")
    except Wrong as wrong:
        problems += wrong.problems
    if problems:
        raise Wrong(problems)
    body = {
        "step": matter.needed_step.step,
        "reason": reason,
        "components": matter.all("giay-to"),
        "fields": matter.all("muc"),
        "note": note_of(matter),
        "version": matter.version,
    }
    return Order(service="routing", path=f"{matter.case_path}/supplement-requests", body=body)


def refuse(matter: Matter) -> Order:
    """Refuse the dossier from a step, with reason and explanation (form 03)."""
    problems: Problems = []
    try:
        reason_of(matter, "refuse")
    except Wrong as wrong:
        problems += wrong.problems
    try:
        note_of(matter, needed=EXPLAIN)
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


def not_accept(matter: Matter) -> Order:
    """Not take the dossier in at all, with reason and explanation (form 03)."""
    note = note_of(matter, needed=EXPLAIN)
    reasons = {one.code for one in matter.catalogue.reasons_for("refuse", matter.today)}
    if matter.text("ly-do") not in reasons:
        raise Wrong([("ly-do", "Hãy chọn một lý do.")])
    if len(note) > EXPLANATION_LENGTH_MAX:
        raise Wrong([("ghi-chu", f"Nội dung dài quá {EXPLANATION_LENGTH_MAX} ký tự.")])
    body = {"reason": matter.text("ly-do"), "explanation": note}
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/refuse", body=body)


def sign_apology(matter: Matter) -> Order:
    """Sign the apology, as proposed or with a later appointment (form 04)."""
    if matter.apology is None:
        raise Wrong([("", "Văn bản xin lỗi này đã được ký hoặc không còn cần nữa.")])
    body: dict[str, Any] = {"note": note_of(matter)}
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
