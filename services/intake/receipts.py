"""The receipt of a dossier: Giấy tiếp nhận hồ sơ và hẹn trả kết quả (TT 03/2025/TT-VPCP Phụ lục I, mẫu 01). Pure.

It names no person: whoever holds it has handed the dossier in.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue, Fee, Procedure
from libs.catalogue.calendar import VIETNAM, WorkingCalendar
from libs.contracts.intake import ChosenResult
from services.intake.births import Problem
from services.intake.dossier import ACCEPTED, STATUS_NAMES, Dossier

WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
FEE_UNITS = {"dossier": "hồ sơ", "copy": "bản", "page": "trang", "case": "trường hợp", "person": "người"}


class PaperLine(msgspec.Struct, frozen=True, kw_only=True):
    """One paper of the procedure and whether it was handed in."""

    code: str
    name: str
    given: bool


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever hands a dossier in takes home. `fee_vnd` is None when the amount depends or is not known.

    `appointment_text` and `fee_text` are sentences for people; `tracking_token` opens `link` without a login.
    """

    dossier_id: UUID
    code: str
    tracking_token: str
    link: str
    procedure: str
    procedure_name: str
    receiving_agency: str
    receiving_agency_name: str
    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    appointment_text: str
    components: tuple[PaperLine, ...]
    missing: tuple[str, ...]
    results: tuple[ChosenResult, ...]
    fee_vnd: int | None
    fee_text: str
    likely_duplicate: bool = False
    warnings: tuple[Problem, ...] = ()


def receipt(
    dossier: Dossier, catalogue: Catalogue, public_url: str, warnings: Sequence[Problem] = ()
) -> Receipt:
    """The receipt of a stored dossier; `public_url` is where citizens follow it."""
    procedure = catalogue.procedure(dossier.procedure, dossier.procedure_from)
    agency = catalogue.agency(dossier.receiving_agency)
    fees = procedure.fees_for(dossier.options)
    return Receipt(
        dossier_id=dossier.id,
        code=dossier.code,
        tracking_token=dossier.token,
        link=f"{public_url.rstrip('/')}/h/{dossier.token}",
        procedure=procedure.code,
        procedure_name=procedure.name_vi,
        receiving_agency=agency.code,
        receiving_agency_name=agency.name_vi,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        received_at=dossier.received_at,
        appointment_at=dossier.appointment_at,
        appointment_text=_appointment_text(dossier, agency.name_vi, _paper_names(procedure, dossier))
        + _provisional_text(dossier, catalogue.calendar(agency.calendar)),
        components=_papers(procedure, dossier),
        missing=dossier.missing,
        results=dossier.results,
        fee_vnd=fixed_amount(fees),
        fee_text=fees_text(fees),
        likely_duplicate=dossier.likely_duplicate,
        warnings=tuple(warnings),
    )


def moment_text(moment: datetime) -> str:
    """A moment as it is said in Việt Nam: 17 giờ 00, thứ Năm ngày 26/11/2026."""
    local = moment.astimezone(VIETNAM)
    return f"{local:%H} giờ {local:%M}, {WEEKDAYS[local.weekday()]} ngày {local:%d/%m/%Y}"


def _paper_names(procedure: Procedure, dossier: Dossier) -> str:
    names = {component.code: component.name_vi for component in procedure.components}
    return "; ".join(names.get(code, code) for code in dossier.missing)


def _appointment_text(dossier: Dossier, agency: str, missing: str) -> str:
    if missing:
        return f"Hồ sơ còn thiếu: {missing}. Thời hạn giải quyết tính từ khi nhận đủ giấy tờ."
    when = moment_text(dossier.appointment_at)
    if dossier.state == ACCEPTED:
        return f"Hẹn trả kết quả trước {when}; nơi tiếp nhận: {agency}."
    return f"Hồ sơ chờ {agency} tiếp nhận. Nếu được tiếp nhận ngay, kết quả có trước {when}."


def _provisional_text(dossier: Dossier, calendar: WorkingCalendar) -> str:
    """A warning when the appointment rests on days off that are not decided yet (next year's Tết)."""
    first, last = (
        moment.astimezone(VIETNAM).date() for moment in (dossier.received_at, dossier.appointment_at)
    )
    if dossier.missing or not calendar.is_provisional(first, last):
        return ""
    return " Lịch nghỉ lễ trong thời gian này chưa được công bố chính thức nên ngày hẹn có thể thay đổi."


def _papers(procedure: Procedure, dossier: Dossier) -> tuple[PaperLine, ...]:
    """The papers given and those needed; papers on choice that were not given are left out."""
    shown = frozenset(dossier.components) | frozenset(dossier.missing)
    return tuple(
        PaperLine(code=c.code, name=c.name_vi, given=c.code in dossier.components)
        for c in procedure.components
        if c.code in shown
    )


def fixed_amount(fees: Sequence[Fee] | None) -> int | None:
    """The whole amount in đồng, None when it depends or is not known."""
    if fees is None or any(fee.per not in ("dossier", "case") for fee in fees):
        return None
    return sum(fee.vnd for fee in fees)


def fees_text(fees: Sequence[Fee] | None) -> str:
    """The fees as a sentence for people."""
    if fees is None:
        return "Phí, lệ phí do cơ quan giải quyết thông báo."
    if not any(fee.vnd for fee in fees):
        return "Không thu phí, lệ phí."
    lines = [f"{fee.vnd:,} đồng/{FEE_UNITS[fee.per]}".replace(",", ".") for fee in fees]
    notes = [fee.note_vi for fee in fees if fee.note_vi]
    return f"Phí, lệ phí: {'; '.join(lines)}.{' ' if notes else ''}{'; '.join(notes)}"
