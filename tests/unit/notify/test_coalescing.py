"""Which text leads when several occasions wait in one message: what is true now, not what sounds most important."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from uuid import uuid4

import pytest

from libs.contracts.event import Event
from libs.contracts.intake import DossierAccepted, DossierReceived, DossierRefused, DossierWithdrawn
from libs.contracts.results import ResultHandedOver, ResultReady, ResultRevoked
from libs.contracts.routing import AppointmentMoved, DossierSettled, StepRefused, SupplementRequested
from services.notify import domain
from services.notify.domain import Message, Outbox
from services.notify.rules import load_rules
from services.notify.texts import Words, fill

BOOK = load_rules(Path(__file__).parents[3] / "catalogue")
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
APPOINTMENT, LATER = NOW + timedelta(days=3), NOW + timedelta(days=5)
WORDS = Words(
    code="H1",
    procedure="Khai sinh",
    link="http://x/track/t",
    desk="Trung tâm Phục vụ hành chính công phường Ngã Bảy",
    results={
        "birth_certificate": "Giấy khai sinh",
        "insurance_card": "Thẻ BHYT",
        "residence_notice": "Thông báo cư trú",
    },
    components={"declaration": "Tờ khai", "certificate": "Giấy chứng sinh"},
    fields={"mother.identity.number": "Số giấy tờ (người mẹ)"},
    places={"hospital-desk": "Bệnh viện"},
)


def received(*missing: str) -> DossierReceived:
    """Handed in, perhaps without some papers."""
    return DossierReceived(
        code="H1", procedure="p", channel="counter", receiving_agency="a", received_at=NOW, missing=missing
    )


def accepted() -> DossierAccepted:
    """Taken into processing."""
    return DossierAccepted(
        code="H1",
        procedure="p",
        procedure_from=date(2024, 7, 1),
        channel="counter",
        receiving_agency="a",
        received_at=NOW,
        accepted_at=NOW,
        appointment_at=APPOINTMENT,
        unit="31340",
        unit_as_of=date(2026, 1, 1),
        results=(),
    )


def withdrawn(*, after_acceptance: bool = False) -> DossierWithdrawn:
    """Taken back by the applicant."""
    return DossierWithdrawn(reason="own-wish", withdrawn_at=NOW, after_acceptance=after_acceptance)


def settled(outcome: str = "granted", reason: str = "", *results: str) -> DossierSettled:
    """Decided by routing."""
    return DossierSettled(
        outcome=outcome, status=9, settled_at=NOW, on_time=True, results=results, reason=reason
    )


def ready(code: str = "birth_certificate", delivery: str = "hospital") -> ResultReady:
    """A result is where it can be had."""
    place = "hospital-desk" if delivery == "hospital" else ""
    return ResultReady(result_id=uuid4(), result=code, delivery=delivery, place=place, ready_at=NOW)


def handed_over(result: ResultReady) -> ResultHandedOver:
    """The result is in somebody's hands."""
    return ResultHandedOver(
        result_id=result.result_id,
        result=result.result,
        delivery=result.delivery,
        place=result.place,
        receiver="mother",
        handed_over_at=NOW,
    )


def revoked(result: ResultReady) -> ResultRevoked:
    """The result is no longer valid."""
    return ResultRevoked(result_id=result.result_id, result=result.result, reason="court", revoked_at=NOW)


def moved(at: datetime, *, apology: bool) -> AppointmentMoved:
    """The appointment is another."""
    return AppointmentMoved(was_at=NOW, appointment_at=at, reason="late", apology=apology, moved_at=NOW)


def asked(request: int, components: tuple[str, ...], fields: tuple[str, ...] = ()) -> SupplementRequested:
    """Something is missing."""
    return SupplementRequested(
        request=request,
        step="register_birth",
        components=components,
        fields=fields,
        reason="missing",
        respond_by=LATER,
        requested_at=NOW,
    )


def to_applicant(*events: Event) -> list[Message]:
    """What waits for the applicant after these events."""
    outbox = Outbox()
    for event in events:
        outbox = domain.plan(outbox, uuid4(), event, NOW, BOOK)
    return [message for message in outbox.waiting if message.audience == "applicant"]


def text_of(*events: Event) -> str:
    """The one text these events make for the applicant."""
    (message,) = to_applicant(*events)
    return fill(BOOK.by_code()[message.rule].text, message.occasions, WORDS)


GRANTED, PARTIAL = (
    settled("granted", "", "birth_certificate"),
    settled("granted", "partial", "birth_certificate"),
)
REFUSED = DossierRefused(code="H1", procedure="p", reason="not-competent", refused_at=NOW)
ELECTRONIC = ready(delivery="electronic")
BRANCH_REFUSED = StepRefused(
    step="register_residence",
    agency="a",
    outcome="refused",
    reason="no-consent",
    refused_at=NOW,
    results=("residence_notice",),
    ends_dossier=False,
)
# The events in the order in which they happen, and the rule whose text leads.
TOGETHER: list[tuple[Sequence[Event], str]] = [
    ([received("declaration")], "received-incomplete"),
    ([received(), accepted()], "accepted"),
    ([received("declaration"), accepted()], "accepted"),
    ([received(), REFUSED], "refused"),
    ([received("declaration"), REFUSED], "refused"),
    ([received(), withdrawn()], "withdrawn"),
    ([received("declaration"), withdrawn()], "withdrawn"),
    ([moved(APPOINTMENT, apology=False), moved(LATER, apology=True)], "apology"),
    ([moved(APPOINTMENT, apology=True), moved(LATER, apology=False)], "apology"),
    # Settlements come in the order of routing; a case is opened again when a result could not be made.
    ([PARTIAL], "settled-in-part"),
    ([GRANTED, PARTIAL], "settled-in-part"),
    ([BRANCH_REFUSED, PARTIAL], "settled-in-part"),
    ([BRANCH_REFUSED, settled("refused")], "case-refused"),
    ([BRANCH_REFUSED, settled("stopped")], "stopped"),
    ([BRANCH_REFUSED, settled("withdrawn")], "case-withdrawn"),
    ([GRANTED, settled("refused")], "case-refused"),
    ([GRANTED, settled("stopped")], "stopped"),
    ([GRANTED, settled("withdrawn")], "case-withdrawn"),
    ([PARTIAL, settled("refused")], "case-refused"),
    ([PARTIAL, settled("stopped")], "stopped"),
    ([PARTIAL, settled("withdrawn")], "case-withdrawn"),
]
# The results' words reach us before or after routing's.
EITHER_WAY: list[tuple[Sequence[Event], str]] = [
    ([GRANTED, ELECTRONIC], "ready-electronic"),
    ([GRANTED, ready()], "ready"),
    ([ELECTRONIC, ready("insurance_card")], "ready"),
    ([BRANCH_REFUSED, ELECTRONIC], "step-refused"),
    ([BRANCH_REFUSED, ready()], "step-refused"),
    ([PARTIAL, ELECTRONIC], "settled-in-part"),
    ([PARTIAL, ready()], "settled-in-part"),
    ([settled("refused"), ELECTRONIC], "case-refused"),
    ([settled("refused"), ready()], "case-refused"),
    ([settled("stopped"), ELECTRONIC], "stopped"),
    ([settled("stopped"), ready()], "stopped"),
    ([settled("withdrawn"), ELECTRONIC], "case-withdrawn"),
    ([settled("withdrawn"), ready()], "case-withdrawn"),
]
# A refused, an accepted and a withdrawn reception exclude each other, and so do the ends of a case that stay.
NEVER_TOGETHER = {
    frozenset(pair)
    for ends in (("accepted", "refused", "withdrawn"), ("case-refused", "stopped", "case-withdrawn"))
    for pair in combinations(ends, 2)
}


@pytest.mark.parametrize(
    ("events", "leads"), TOGETHER + EITHER_WAY + [(events[::-1], leads) for events, leads in EITHER_WAY]
)
def test_what_is_true_now_leads(events: Sequence[Event], leads: str) -> None:
    """Occasions of one group are one message, and its text is that of the present state."""
    (message,) = to_applicant(*events)
    assert message.rule == leads


def test_every_pair_of_occasions_that_can_meet_was_thought_of() -> None:
    """A new rule of a group must say in the table above who leads where it meets the others."""
    tried = {
        frozenset(pair)
        for events, _ in TOGETHER + EITHER_WAY
        for message in to_applicant(*events)
        for pair in combinations({o.rule for o in message.occasions}, 2)
    }
    groups: dict[str, list[str]] = {}
    for rule in BOOK.rules:
        if rule.audience == "applicant" and rule.group:
            groups.setdefault(rule.group, []).append(rule.code)
    pairs = {frozenset(pair) for codes in groups.values() for pair in combinations(codes, 2)}
    assert pairs - NEVER_TOGETHER <= tried


def test_an_acceptance_in_the_night_is_what_the_morning_tells() -> None:
    """Handed in without a paper at 22:00 and accepted at 23:00: the text names the appointment, not the paper."""
    text = text_of(received("declaration"), accepted())
    assert "đã được tiếp nhận. Hẹn trả kết quả: 22:00 ngày 26/11/2026" in text
    assert "thiếu" not in text
    assert "Tờ khai" not in text


def test_the_latest_appointment_and_the_latest_request_are_told() -> None:
    """Of two moves the last date stands, with the apology; of two requests the last list."""
    text = text_of(moved(APPOINTMENT, apology=True), moved(LATER, apology=False))
    assert text.startswith("Chúng tôi xin lỗi")
    assert "Lịch hẹn mới: 22:00 ngày 28/11/2026" in text
    text = text_of(asked(1, ("declaration",)), asked(2, ("certificate",)))
    assert "cần bổ sung: Giấy chứng sinh. Hạn bổ sung: 22:00 ngày 28/11/2026" in text


def test_a_withdrawal_after_acceptance_is_told_as_routing_decides_it() -> None:
    """Only routing knows whether it came in time: intake's word alone tells nothing, the decision tells once."""
    assert to_applicant(withdrawn(after_acceptance=True)) == []
    (message,) = to_applicant(withdrawn(after_acceptance=True), settled("withdrawn"))
    assert message.rule == "case-withdrawn"
    (message,) = to_applicant(withdrawn(after_acceptance=True), GRANTED)
    assert message.rule == "settled"


def test_the_text_lists_every_result_and_names_no_person() -> None:
    """Both results stand in the one text, with the place."""
    text = text_of(ready("birth_certificate"), ready("insurance_card"))
    assert "đã có kết quả: Giấy khai sinh (nhận tại Bệnh viện); Thẻ BHYT (nhận tại Bệnh viện)." in text


def test_a_grant_names_what_is_granted() -> None:
    """A settlement alone says which results will come; one of a procedure without results says no more."""
    both = text_of(settled("granted", "", "birth_certificate", "insurance_card"))
    assert "đã giải quyết xong. Kết quả được cấp: Giấy khai sinh; Thẻ BHYT. Theo dõi" in both
    assert "đã giải quyết xong. Theo dõi" in text_of(settled())


@pytest.mark.parametrize("events", [[PARTIAL], [PARTIAL, ready("birth_certificate")], [GRANTED, PARTIAL]])
def test_a_grant_in_part_says_what_comes_and_where_to_ask_about_the_rest(events: Sequence[Event]) -> None:
    """It never reads as a full grant, also when a result is ready at the same moment."""
    text = text_of(*events)
    assert "được giải quyết một phần. Kết quả được cấp: Giấy khai sinh" in text
    assert "Phần còn lại không được giải quyết. Vui lòng đến Trung tâm Phục vụ hành chính công" in text
    assert "đã giải quyết xong" not in text
    assert ("(nhận tại Bệnh viện)" in text) == any(isinstance(event, ResultReady) for event in events)


@pytest.mark.parametrize("outcome", ["refused", "stopped", "withdrawn"])
@pytest.mark.parametrize("before", [BRANCH_REFUSED, GRANTED])
def test_what_is_not_issued_is_never_told_as_granted(before: Event, outcome: str) -> None:
    """A refused step names results that will not come, an earlier settlement those of a case opened again."""
    text = text_of(before, settled(outcome))
    assert "Kết quả được cấp" not in text
    assert "Thông báo cư trú" not in text


def test_a_settlement_that_grants_is_told_beside_a_refused_step() -> None:
    """In whichever order they come, only what the settlement names is granted."""
    for events in ([BRANCH_REFUSED, PARTIAL], [PARTIAL, BRANCH_REFUSED]):
        (message,) = to_applicant(*events)
        text = fill("{granted}", message.occasions, WORDS)
        assert text == "Kết quả được cấp: Giấy khai sinh."


def test_a_refused_step_tells_in_a_sentence_what_is_there() -> None:
    """Results that came with it have a lead-in; without any there is none."""
    text = text_of(BRANCH_REFUSED, ready())
    assert "vẫn được giải quyết. Kết quả đã có: Giấy khai sinh (nhận tại Bệnh viện). Vui lòng" in text
    assert "vẫn được giải quyết. Vui lòng" in text_of(BRANCH_REFUSED)


@pytest.mark.parametrize(
    ("delivery", "where"),
    [("hospital", "tại Bệnh viện"), ("post", "qua bưu chính"), ("electronic", "bản điện tử")],
)
def test_what_was_handed_over_is_not_told_as_still_to_be_fetched(delivery: str, where: str) -> None:
    """The text says where it was given, and asks nobody to fetch it."""
    text = text_of(handed_over(ready(delivery=delivery)))
    assert f"đã được trao: Giấy khai sinh ({where})." in text


@pytest.mark.parametrize(
    ("event", "paper"),
    [
        (REFUSED, "phiếu từ chối ghi rõ lý do"),
        (settled("refused"), "phiếu từ chối ghi rõ lý do"),
        (settled("stopped"), "thông báo dừng giải quyết ghi rõ lý do"),
    ],
)
def test_a_refusal_says_at_which_desk_the_reason_is_given_in_writing(event: Event, paper: str) -> None:
    """The public page shows no reasons; the desk gives them on paper."""
    text = text_of(event)
    assert f"vui lòng đến {WORDS.desk} để nhận {paper}".lower() in text.lower()
    assert WORDS.link in text


def test_missing_form_fields_are_named_as_the_form_names_them() -> None:
    """A request for fields only says which; a path the form does not know is not shown to a citizen."""
    text = text_of(asked(1, (), ("mother.identity.number",)))
    assert "cần bổ sung: thông tin “Số giấy tờ (người mẹ)”. Hạn" in text
    text = text_of(asked(1, ("declaration",), ("mother.identity.number", "x.y", "x.z")))
    assert "cần bổ sung: Tờ khai; thông tin “Số giấy tờ (người mẹ)”; thông tin trong tờ khai. Hạn" in text


@pytest.mark.parametrize("over", ["handed-over", "revoked"])
def test_a_result_that_is_handed_over_or_revoked_is_not_ready_any_more(over: str) -> None:
    """What waits speaks only of the results still to be fetched; with none left only the news is told."""
    first, second = ready("birth_certificate"), ready("insurance_card")
    news = handed_over(first) if over == "handed-over" else revoked(first)
    assert [message.rule for message in to_applicant(first, news)] == [over]
    waits, told = to_applicant(first, second, news)
    assert (waits.rule, told.rule) == ("ready", over)
    text = fill(BOOK.by_code()["ready"].text, waits.occasions, WORDS)
    assert "Thẻ BHYT" in text
    assert "Giấy khai sinh" not in text
    waits, _ = to_applicant(GRANTED, first, news)
    assert waits.rule == "settled"


def test_no_text_leaves_a_brace_or_a_gap() -> None:
    """Every rule that speaks on these events gives a whole sentence: no brace, no empty list, no double blank."""
    events: list[Event] = [
        *(event for events, _ in TOGETHER + EITHER_WAY for event in events),
        asked(1, ("declaration",)),
        handed_over(ready()),
        revoked(ready()),
    ]
    for event in events:
        for message in domain.plan(Outbox(), uuid4(), event, NOW, BOOK).waiting:
            rule = BOOK.by_code()[message.rule]
            for text in (rule.subject, rule.text):
                filled = fill(text, message.occasions, WORDS)
                assert not any(gap in filled for gap in ("{", "}", ": .", ": ;", "()", "  ", " ,", " .")), (
                    filled
                )


def test_unknown_facts_leave_no_placeholder_behind() -> None:
    """A text is readable even when an event lacked a fact."""
    (message,) = to_applicant(withdrawn())
    bare = Words(
        code="H1", procedure="P", link="L", desk="D", results={}, components={}, fields={}, places={}
    )
    assert fill("Hẹn {appointment} {components} {results} {granted} {day}", message.occasions, bare) == "Hẹn"
