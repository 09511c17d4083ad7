"""How deadlines stand and what happened, in words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from libs.catalogue import Catalogue
from services.portal.case.answers import CaseView, CustodyAct, Deadline, Entry, Result, Settled, StepView
from services.portal.case.words import (
    CHECKS,
    MISMATCHES,
    RECEIVERS,
    custody_note,
    deadline_flag,
    early_flag,
    flags_of,
    papers_to_print,
    timeline,
)
from services.portal.wording import Tag
from services.results import documents
from services.results.words import RELATIONS

CATALOGUE = Catalogue.load(Path("catalogue"))
MONDAY = datetime(2026, 11, 23, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("deadline", "flag"),
    [
        (Deadline(word="none"), None),
        (Deadline(word="stopped"), Tag("đang dừng tính hạn", "calm")),
        (Deadline(word="running", left_minutes=1200, left_days=2), Tag("còn 2 ngày", "calm")),
        (Deadline(word="running", left_minutes=300, left_days=1), Tag("còn 5 giờ làm việc", "calm")),
        (
            Deadline(word="near", left_minutes=185, left_days=0),
            Tag("sắp đến hạn, còn 3 giờ làm việc", "near"),
        ),
        (
            Deadline(word="near", left_minutes=25, left_days=0),
            Tag("sắp đến hạn, còn 25 phút làm việc", "near"),
        ),
        (Deadline(word="near"), Tag("sắp đến hạn", "near")),
        (Deadline(word="missed", left_minutes=-500, left_days=-1), Tag("quá hạn 1 ngày", "late")),
        (Deadline(word="missed", left_minutes=-90, left_days=0), Tag("quá hạn 1 giờ làm việc", "late")),
        (Deadline(word="missed"), Tag("quá hạn", "late")),
        (Deadline(word="running", unit="hour", left_minutes=1274, left_days=1), Tag("còn 21 giờ", "calm")),
        (Deadline(word="running"), None),
    ],
)
def test_a_deadline_has_its_word_and_its_colour(deadline: Deadline, flag: Tag | None) -> None:
    """Days while there is a working day left, else hours of work; hours of the clock where the term counts those."""
    assert deadline_flag(deadline) == flag


def test_a_dossier_settled_days_before_its_appointment_is_early() -> None:
    """Working days count: Tuesday the 24th was a day off; on the day itself, or late, nothing is said."""
    case = CaseView(status=9, appointment_at=MONDAY + timedelta(days=2))
    assert early_flag(case, CATALOGUE) is None
    settled = CaseView(
        status=9,
        appointment_at=MONDAY + timedelta(days=2),
        settled=Settled(outcome="granted", at=MONDAY, on_time=True),
    )
    assert early_flag(settled, CATALOGUE) == Tag("trả sớm 1 ngày làm việc", "early")
    late = CaseView(
        status=9,
        appointment_at=MONDAY,
        settled=Settled(outcome="granted", at=MONDAY + timedelta(days=2), on_time=False),
    )
    assert early_flag(late, CATALOGUE) is None
    refused = msgspec.structs.replace(settled, status=8)
    assert early_flag(refused, CATALOGUE) is None


def test_an_agency_prints_what_it_told_the_applicant_itself() -> None:
    """Who handles the dossier prints every paper there is, and the slip that goes along with it."""
    acts = {"supplement-request": "ca-01", "refuse": "", "complete": "ca-01"}
    case = CaseView(
        status=8,
        appointment_at=MONDAY,
        timeline=tuple(Entry(at=MONDAY, what=what, by=by) for what, by in acts.items()),
    )
    assert [form for form, _ in papers_to_print(case, handling=False)] == ["02"]
    assert [form for form, _ in papers_to_print(case, handling=True)] == ["02", "03", "05"]
    assert papers_to_print(None, handling=True) == ()


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("applicant: identity-number", "Người nộp hồ sơ: số giấy tờ tùy thân trùng với hồ sơ"),
        (
            "mother: officer-responsibility (document-renewed)",
            (
                "Mẹ: khác với hồ sơ, người trao xác nhận và chịu trách nhiệm"
                " (giấy tờ tùy thân đã được cấp lại, đổi số)"
            ),
        ),
        ("In nhầm tên.", "In nhầm tên."),
    ],
)
def test_who_took_a_result_is_said_in_words(note: str, words: str) -> None:
    """The chain of custody keeps codes; what an officer wrote stays."""
    assert custody_note(note) == words


def test_every_code_of_the_chain_of_custody_has_its_words() -> None:
    """As results' receipts print them."""
    assert set(RECEIVERS) == set(RELATIONS)
    assert set(CHECKS) == set(documents.CHECKS)
    assert set(MISMATCHES) == set(documents.MISMATCHES)


def test_what_a_person_should_look_at_is_said() -> None:
    """That a card was not seen, or says something else; what a dossier is flagged with for machines is not."""
    assert [tag.word for tag in flags_of(("identity-typed", "nghi-ngo"))] == [
        "Giấy tờ của mẹ nhập tay, chưa đối chiếu thẻ"
    ]
    assert flags_of(()) == ()


def test_the_timeline_joins_the_case_and_its_results_newest_first() -> None:
    """Steps by name, agencies by name, reasons in words, and what happened to the papers."""
    result = Result(
        id=uuid4(),
        code="birth_certificate",
        name_vi="Giấy khai sinh",
        version=1,
        state="ready",
        state_vi="",
        delivery="hospital",
        place="",
        place_vi="",
        changed_at=MONDAY,
    )
    case = CaseView(
        status=9,
        appointment_at=MONDAY,
        steps=(StepView(step="s", name="Đăng ký khai sinh", state="returned", agency="", version=1),),
        timeline=(
            Entry(at=MONDAY, what="return", step="s", agency="police-31340-2025", by="ca-01", reason="wrong-ward",
                  note="x", words="Chuyển trả"),
            Entry(at=MONDAY, what="settled", reason="granted", words="Giải quyết xong hồ sơ"),
        ),
    )  # fmt: skip
    arrived = CustodyAct(
        at=MONDAY + timedelta(hours=1), result_id=result.id, act="arrive", actor="x-1", agency="?", note=""
    )
    first, second, third = timeline(case, (arrived,), (result,), CATALOGUE, {"ca-01": "Lê Văn Tám"})
    assert (first.words, first.where) == ("Nhận kết quả về nơi trả: Giấy khai sinh", "?")
    # Whose name nobody told is called by the login.
    assert [line.who for line in (first, second, third)] == ["x-1", "", "Lê Văn Tám"]
    assert (second.words, second.more) == ("Giải quyết xong hồ sơ", "")
    assert (third.words, third.more) == ("Chuyển trả: Đăng ký khai sinh", "Thuộc xã, phường khác. x")
