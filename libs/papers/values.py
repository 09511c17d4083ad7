"""From what is known to what stands on a paper: the words and numbers a template shows. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, cast

import msgspec

from libs.catalogue.paper_forms import PaperForm
from libs.papers.papers import (
    Apology,
    BedCard,
    CongratulationLetter,
    ControlSlip,
    Paper,
    Person,
    Receipt,
    Refusal,
    Register,
    RegisterRow,
    StopNotice,
    SupplementRequest,
)
from libs.printing.letters import shown
from libs.printing.moments import appointment_text, moment_text, place_and_date
from libs.printing.numerals import copies_text, count_text, money_text, money_words, number_text
from libs.printing.qr import qr_svg

Values = dict[str, Any]
# What is set as it is: a picture, no text.
_PICTURES = frozenset({"qr"})
# A blank that does not break a line is kept.
_BLANKS = re.compile(r"[ \t\r\n\v\f\u2028\u2029]+")
_OUTCOMES = {"": "", "early": "Trước hạn", "on-time": "Đúng hạn", "late": "Quá hạn"}


def values_of(form: PaperForm, paper: Paper, on: date) -> Values:
    """The values for the form's template. Raises TypeError when the form is not for such a paper."""
    body = _BODIES.get(form.id)
    if body is None or not isinstance(paper, body[0]):
        raise TypeError(f"{form.id} is not printed from a {type(paper).__name__}")
    values: Values = {
        "office": _plain(paper.office),
        "title": form.name_vi,
        "form_note": f"Mẫu số {form.number}, {form.legal_basis}" if form.number else "",
        "number_line": _number_line(form, str(getattr(paper, "number", ""))),
        "place_and_date": place_and_date(paper.office.place, on),
        "code": str(getattr(paper, "code", "")),
    } | body[1](paper)
    values["document_title"] = " ".join(filter(None, (form.name_vi, values["code"])))
    url = str(getattr(paper, "tracking_url", ""))
    if url:
        values["qr"] = qr_svg(url)
    return cast(Values, _shown(values))


def _shown(value: Any) -> Any:
    """The values with every text in letters that can be printed, each on one line."""
    match value:
        case Mapping():
            return {key: inner if key in _PICTURES else _shown(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_shown(inner) for inner in value]
        case str():
            return _BLANKS.sub(" ", shown(value)).strip(" ")
    return value


def _plain(struct: msgspec.Struct) -> Values:
    return msgspec.structs.asdict(struct)


def _number_line(form: PaperForm, number: str) -> str:
    if not form.symbol:
        return ""
    return f"Số: {number or '……'}/{form.symbol}"


def _receipt(paper: Receipt) -> Values:
    return {
        "applicant": _plain(paper.applicant),
        "officer": _plain(paper.officer),
        "procedure": paper.procedure,
        "components": [
            {
                "name": c.name,
                "note": c.note,
                "quantity": copies_text(originals=c.originals, copies=c.copies, electronic=c.electronic),
            }
            for c in paper.components
        ],
        "sets": f"{count_text(paper.sets)} bộ",
        "time_limit": paper.time_limit,
        "received_at": moment_text(paper.received_at),
        "due_at": appointment_text(paper.due_at) if paper.due_at else "sẽ thông báo cho ông/bà",
        "result_place": paper.result_place,
        **_fee(paper.fee_dong, paid=paper.fee_paid),
        "register_book": paper.register_book,
        "register_number": paper.register_number,
    }


def _fee(dong: int | None, *, paid: bool) -> Values:
    """The fee in numbers and words. Raises ValueError for one below nought or beyond billions."""
    if dong is None:
        return {"fee": "chưa xác định, sẽ thông báo cho ông/bà"}
    if dong == 0:
        return {"fee": "không thu"}
    return {
        "fee": f"{money_text(dong)} (bằng chữ: {money_words(dong).lower()}), {'đã thu' if paid else 'chưa thu'}",
    }


def _supplement_request(paper: SupplementRequest) -> Values:
    return {
        "applicant": _plain(paper.applicant),
        "officer": _plain(paper.officer),
        "procedure": paper.procedure,
        "missing_count": count_text(len(paper.missing)),
        "missing": [
            {
                "name": m.name,
                "what": m.what,
                "quantity": copies_text(originals=m.originals, copies=m.copies),
            }
            for m in paper.missing
        ],
        "reason": paper.reason,
        "until": appointment_text(paper.until) if paper.until else "",
        "hand_in_place": _where(paper),
    }


def _where(paper: SupplementRequest) -> str:
    return ", ".join(filter(None, (paper.office.name, paper.office.address)))


def _refusal(paper: Refusal) -> Values:
    return {
        "applicant": _plain(paper.applicant),
        "officer": _plain(paper.officer),
        "procedure": paper.procedure,
        "refused": "từ chối giải quyết" if paper.settling else "không tiếp nhận, giải quyết",
        "reason": paper.reason,
        "detail": paper.detail,
        "legal_basis": "; ".join(basis for basis in paper.legal_basis if basis.strip()),
        "next_steps": list(paper.next_steps),
        "returned": list(paper.returned),
        "signer_title": paper.signer_title,
    }


def _apology(paper: Apology) -> Values:
    return {
        "applicant": _plain(paper.applicant),
        "officer": _plain(paper.officer),
        "procedure": paper.procedure,
        "received_at": f"Lúc {moment_text(paper.received_at)}",
        "old_due_at": appointment_text(paper.old_due_at),
        "new_due_at": appointment_text(paper.new_due_at),
        "reason": paper.reason,
        "extension": paper.extension,
        "signer_title": paper.signer_title,
        "signer_name": paper.signer_name,
    }


def _stop_notice(paper: StopNotice) -> Values:
    return {
        "applicant": _plain(paper.applicant),
        "officer": _plain(paper.officer),
        "procedure": paper.procedure,
        "received_at": moment_text(paper.received_at),
        "requested_by": paper.requested_by,
        "stage": paper.stage,
        "reason": paper.reason,
        "fee_consequence": paper.fee_consequence,
        "signer_title": paper.signer_title,
        "signer_name": paper.signer_name,
    }


def _control_slip(paper: ControlSlip) -> Values:
    return {
        "procedure": paper.procedure,
        "received_at": moment_text(paper.received_at),
        "due_at": appointment_text(paper.due_at) if paper.due_at else "",
        "lines": [
            {
                "giver": line.giver,
                "taker": line.taker,
                "at": moment_text(line.at),
                "outcome": _OUTCOMES[line.outcome],
                "note": line.note,
            }
            for line in paper.lines
        ],
    }


def _register(paper: Register) -> Values:
    return {
        "period": f"Từ ngày {paper.first_day:%d/%m/%Y} đến ngày {paper.last_day:%d/%m/%Y}",
        "book": paper.book,
        "rows": [_register_row(row) for row in paper.rows],
        "row_count": number_text(len(paper.rows)),
    }


def _register_row(row: RegisterRow) -> Values:
    return {
        "code": row.code,
        "procedure": row.procedure,
        "sets": count_text(row.sets),
        "applicant": _contact(row.applicant),
        "agency": row.agency,
        "received_at": _moment_or_nothing(row.received_at),
        "due_at": _moment_or_nothing(row.due_at),
        "returned_at": _moment_or_nothing(row.returned_at),
        "delivery": row.delivery,
        "note": row.note,
    }


def _contact(person: Person) -> str:
    return ", ".join(filter(None, (person.name, person.address, person.phone)))


def _moment_or_nothing(moment: datetime | None) -> str:
    return moment_text(moment) if moment else ""


def _congratulation_letter(paper: CongratulationLetter) -> Values:
    parents = " và ".join(
        filter(None, (paper.mother and f"bà {paper.mother}", paper.father and f"ông {paper.father}"))
    )
    born = f"sinh ngày {paper.born_on:%d/%m/%Y}"
    child = f"bé {paper.child}".strip()
    born = f"{born}, con của {parents}" if parents else born
    return {
        "child": paper.child or "mới chào đời",
        "greeting": (
            f"Thay mặt {paper.office.name}, tôi vui mừng chào đón {child}, {born}. "
            "Xin chúc mừng cha mẹ và cả gia đình trong niềm vui lớn này!"
        ),
        "signer_title": paper.signer_title,
        "signer_name": paper.signer_name,
    }


def _bed_card(paper: BedCard) -> Values:
    return {"bed": paper.bed, "initials": paper.initials}


def initials_of(name: str) -> str:
    """The first letter of each word, as a bed card shows them: 'Nguyễn Thị Mai' is N.T.M."""
    letters = [word[0].upper() for word in shown(name).split() if word[0].isalpha()]
    return "".join(f"{letter}." for letter in letters[:8])


_BODIES: dict[str, tuple[type[Paper], Callable[[Any], Values]]] = {
    "receipt": (Receipt, _receipt),
    "supplement-request": (SupplementRequest, _supplement_request),
    "refusal": (Refusal, _refusal),
    "apology": (Apology, _apology),
    "stop-notice": (StopNotice, _stop_notice),
    "control-slip": (ControlSlip, _control_slip),
    "register": (Register, _register),
    "congratulation-letter": (CongratulationLetter, _congratulation_letter),
    "bed-card": (BedCard, _bed_card),
}
FORMS = frozenset(_BODIES)
