"""What the counter's screen shows besides boxes: procedures, the promise, the fee, the papers. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache

import msgspec

from libs.catalogue import Agency, Catalogue, Component, Fee, Procedure
from libs.catalogue.code_lists import code_lists
from libs.catalogue.folding import fold
from libs.catalogue.holidays import CalendarError
from services.portal import wording
from services.portal.counter.drafts import Draft, given_components, missing_components
from services.portal.procedures.everyday import speech_of
from services.portal.procedures.search import Entry, ProcedureIndex
from services.portal.procedures.words import FEE_UNITS, LOOKED_UP, money

COUNTER = "counter"
FOUND_MAX = 12


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """When the result is to be there, as a sentence; `stated` when the officer has to say it (no term is known)."""

    sentence: str
    stated: bool = False
    due_at: datetime | None = None


class PaperLine(msgspec.Struct, frozen=True, kw_only=True):
    """One paper of the procedure in the list of the officer."""

    component: Component
    needed: bool
    mark: str

    @property
    def quantity(self) -> str:
        """How many the procedure wants: 1 bản chính, 2 bản sao."""
        parts = []
        if self.component.originals:
            parts.append(f"{self.component.originals} bản chính")
        if self.component.copies:
            parts.append(f"{self.component.copies} bản sao")
        return ", ".join(parts)

    @property
    def instead(self) -> str:
        """Where the officer may look the data up in its place."""
        return LOOKED_UP.get(self.component.replaced_by_data, "")


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What will stand on the receipt."""

    office: Agency
    applicant: str
    procedure: Procedure
    given: tuple[str, ...]
    missing: tuple[str, ...]
    fee: str
    promise: Promise


@lru_cache(maxsize=4)
def receivable(catalogue: Catalogue, today: date) -> ProcedureIndex:
    """The procedures that may be handed in at a counter on the day, to be looked for."""
    entries = (
        Entry(code=one.code, short_name=one.short_name_vi, name=one.name_vi)
        for one in catalogue.procedures(today)
        if one.refusal(COUNTER) is None
    )
    return ProcedureIndex(entries, speech_of(catalogue.folder))


def paper_lines(draft: Draft, procedure: Procedure) -> tuple[PaperLine, ...]:
    """The papers, those needed first."""
    options = draft.options(procedure)
    lines = [
        PaperLine(component=one, needed=one.needed(options), mark=draft.mark(one.code))
        for one in procedure.components
    ]
    return tuple(sorted(lines, key=lambda line: not line.needed))


def promise_of(
    catalogue: Catalogue, agency: Agency, procedure: Procedure, draft: Draft, at: datetime
) -> Promise:
    """The appointment of a dossier accepted now; intake computes it by the same rule and has the last word."""
    limit = procedure.limit_for(draft.options(procedure))
    if limit is None:
        return Promise(sentence="Thủ tục chưa có thời hạn được xác nhận: cán bộ ghi ngày hẹn.", stated=True)
    try:
        due_at = limit.due_at(catalogue.calendar(agency.calendar), at)
    except CalendarError:
        return Promise(sentence="Lịch làm việc chưa có cho thời gian giải quyết này.")
    if missing_components(draft, procedure):
        return Promise(sentence="Thời hạn giải quyết tính từ khi nhận đủ giấy tờ.")
    return Promise(sentence=f"Hẹn trả kết quả trước {wording.appointment(due_at)}.", due_at=due_at)


def fee_sentence(fees: Sequence[Fee] | None) -> str:
    """The fee in words; it may depend on pages and copies."""
    if fees is None:
        return "Phí, lệ phí do cơ quan giải quyết thông báo."
    if not any(fee.vnd for fee in fees):
        return "Không thu phí, lệ phí."
    lines = [f"{money(fee.vnd)}/{FEE_UNITS[fee.per]}" for fee in fees]
    return ". ".join(["; ".join(lines), *(fee.note_vi for fee in fees if fee.note_vi)]) + "."


def preview_of(
    catalogue: Catalogue, agency: Agency, procedure: Procedure, draft: Draft, at: datetime
) -> Preview:
    """The receipt as it would be printed now."""
    given = frozenset(given_components(draft, procedure))
    return Preview(
        office=agency,
        applicant=draft.text("form.applicant.name"),
        procedure=procedure,
        given=tuple(one.name_vi for one in procedure.components if one.code in given),
        missing=tuple(one.name_vi for one in missing_components(draft, procedure)),
        fee=fee_sentence(procedure.fees_for(draft.options(procedure))),
        promise=promise_of(catalogue, agency, procedure, draft, at),
    )


def suggested(catalogue: Catalogue, kind: str, typed: str, today: date) -> list[tuple[str, str]]:
    """Communes (`xa-phuong`) or health facilities (`co-so`) that fit: (code, words)."""
    if kind == "xa-phuong":
        return [(one.code, one.full_name) for one in catalogue.units.search(typed, today, limit=FOUND_MAX)]
    wanted = fold(typed).split()
    if kind != "co-so" or not wanted:
        return []
    every = ((one.code, one.name) for one in code_lists().facilities.values())
    fits = [(code, name) for code, name in every if all(w in f"{code} {fold(name)}" for w in wanted)]
    return fits[:FOUND_MAX]
