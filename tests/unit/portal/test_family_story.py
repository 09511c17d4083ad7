"""What a family's page says."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest

from libs.catalogue import Catalogue
from services.portal.citizens.family import (
    Asked,
    Change,
    Course,
    Deadline,
    Desk,
    Details,
    NotDone,
    Place,
    Promise,
    Result,
    Thing,
    Told,
    Wait,
)
from services.portal.citizens.family_story import (
    Glance,
    Standing,
    flag_of,
    glance,
    opening_hours,
    story,
    waits_for,
)

CALENDAR = Catalogue.load("catalogue").calendar()
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 27, 10, 0, tzinfo=UTC)
DETAILS = Details(
    dossier_id=uuid4(),
    code="313.40.00.H13-261123-0001",
    procedure="1.001193",
    procedure_name="Thủ tục đăng ký khai sinh",
    status=4,
    received_at=NOW - timedelta(days=2),
    appointment_at=DUE,
    ended_at=None,
    applicant="Nguyễn Thị Mai",
    mother="Nguyễn Thị Mai",
    child="",
    agency=Place(name="Trung tâm Phục vụ hành chính công phường Ngã Bảy"),
    asked=None,
    fee_text="",
    history=(Change(status=1, at=NOW - timedelta(days=2)),),
)
NOTHING = Told(course=None, steps=(), refused=(), results=(), places={}, messages=())
RESULT = Result(
    id=uuid4(),
    name_vi="Giấy khai sinh",
    state="ready",
    state_vi="Sẵn sàng trao",
    delivery="hospital",
    medium="paper",
    place="hospital-93016",
    place_vi="Bệnh viện Ngã Bảy",
    changed_at=NOW,
    handed_over_at=None,
    receiver_vi="",
)


def waiting(*reasons: str, reason_vi: str = "Chủ hộ xác nhận trên VNeID") -> Course:
    """A course whose clock stands still, for these."""
    waits = tuple(
        Wait(
            step_vi="Đăng ký thường trú",
            agency_vi="Công an phường Ngã Bảy",
            reason=reason,
            reason_vi=reason_vi,
            since=NOW,
        )
        for reason in reasons
    )
    deadline = Deadline(word="stopped")
    return Course(appointment_at=DUE, stopped=True, deadline=deadline, asked=None, apologies=(), waits=waits)


def by_code(status: int, course: Course, *, lacking: bool = False) -> Glance:
    """What a code alone is told."""
    stand = Standing(
        status=status,
        received_at=NOW,
        appointment_at=DUE,
        ended_at=None,
        lacking=lacking,
        stopped=True,
        waits_for=waits_for(course),
    )
    return glance(stand, NOW, CALENDAR, "phường Ngã Bảy")


@pytest.mark.parametrize("status", range(1, 11))
def test_every_status_says_what_to_do(status: int) -> None:
    """A word, a day and a sentence for each of the ten national codes."""
    stand = Standing(status=status, received_at=NOW, appointment_at=DUE, ended_at=NOW)
    told = glance(stand, NOW, CALENDAR, "Phường Ngã Bảy")
    assert told.tag.word
    assert told.sentence.endswith(".")
    assert told.to_do.endswith(".")
    assert "2026" in told.day


@pytest.mark.parametrize(
    ("status", "now", "ended", "flag"),
    [
        (4, NOW, None, "Còn 2 ngày"),
        (4, DUE - timedelta(hours=2), None, "Hẹn trả hôm nay"),
        (4, DUE + timedelta(hours=1), None, "Quá hạn"),
        (4, DUE + timedelta(days=1), None, "Quá hạn 1 ngày"),
        (9, NOW, DUE - timedelta(days=1), "Trả sớm 1 ngày làm việc"),
        (10, NOW, DUE, None),
        (5, DUE + timedelta(days=9), None, None),
        (8, NOW, DUE - timedelta(days=3), None),
    ],
)
def test_the_flag_says_early_near_or_late(
    status: int, now: datetime, ended: datetime | None, flag: str | None
) -> None:
    """By days of Vietnam's calendar; a dossier that waits for the family is not late."""
    found = flag_of(status, DUE, ended, now, CALENDAR)
    assert (found.word if found else None) == flag


def test_who_has_left_papers_out_is_told_what_to_bring_and_where() -> None:
    """Not that nothing is to be done, nor a day that nobody has promised; a code alone is not told which papers."""
    asked = Asked(respond_by=None, things=(Thing(label="Giấy chứng sinh"),))
    whole = story(msgspec.structs.replace(DETAILS, status=1, asked=asked), NOTHING, NOW, CALENDAR, str).glance
    assert whole.to_do == "Hãy mang đến Trung tâm Phục vụ hành chính công phường Ngã Bảy: Giấy chứng sinh."
    stand = Standing(status=1, received_at=NOW, appointment_at=DUE, ended_at=None, lacking=True)
    alone = glance(stand, NOW, CALENDAR, "phường Ngã Bảy")
    assert alone.to_do.endswith("ghi trên phiếu yêu cầu bổ sung, đến phường Ngã Bảy.")
    assert {whole.tag.word, alone.tag.word} == {"Chờ bổ sung"}
    assert {whole.day_label, alone.day_label} == {"Ngày nộp"}


def test_a_clock_that_stands_still_is_said_at_the_day() -> None:
    """The day promised before is called so; nobody counts days to it."""
    course = Course(
        appointment_at=DUE, stopped=True, deadline=Deadline(word="stopped"), asked=None, apologies=()
    )
    told = story(DETAILS, msgspec.structs.replace(NOTHING, course=course), NOW, CALENDAR, str).glance
    assert told.day_label == "Ngày hẹn trước khi tạm dừng"
    assert told.flag is not None
    assert told.flag.word == "Đang dừng tính hạn"
    assert "tạm dừng tính" in told.sentence


@pytest.mark.parametrize(
    ("reasons", "why"),
    [
        (("fee",), "vì chờ thực hiện nghĩa vụ tài chính; khi tính tiếp"),
        (
            ("household_head_confirmation",),
            "vì chờ ông/bà hoặc người có liên quan thực hiện một việc; khi tính tiếp",
        ),
        (
            ("fee", "household_head_confirmation"),
            "vì chờ thực hiện nghĩa vụ tài chính và chờ ông/bà hoặc người có liên quan thực hiện một việc;",
        ),
        ((), "tạm dừng tính; khi tính tiếp"),
    ],
)
def test_a_code_is_told_why_the_clock_stands_still_and_the_receipt_for_what(
    reasons: tuple[str, ...], why: str
) -> None:
    """Everybody with the code: a fee, or something outside. Step, agency and wait would tell the procedure."""
    course = waiting(*reasons)
    told = story(DETAILS, msgspec.structs.replace(NOTHING, course=course), NOW, CALENDAR, str)
    alone = by_code(4, course)
    assert why in alone.sentence
    assert why in told.glance.sentence
    # Not that nothing is to be done, where somebody at home may have to act.
    for to_do in (alone.to_do, told.glance.to_do):
        assert to_do.startswith("Ông/bà không phải làm gì") is not bool(reasons)
        assert ("nghĩa vụ tài chính" in to_do) is ("fee" in reasons)
    assert ("Việc đang chờ: chủ hộ xác nhận" in told.glance.to_do) is (
        "household_head_confirmation" in reasons
    )
    assert ("mã QR" in alone.to_do) is ("household_head_confirmation" in reasons)
    assert "VNeID" not in f"{alone}{told.glance.sentence}"
    assert len(told.waits) == len(reasons)
    for words in told.waits:
        assert words == (
            "Đăng ký thường trú (Công an phường Ngã Bảy): chờ chủ hộ xác nhận trên VNeID,"
            " từ 10:00 ngày 25/11/2026."
        )


@pytest.mark.parametrize(("status", "lacking"), [(5, True), (5, False), (4, True)])
def test_papers_that_are_owed_are_told_whatever_else_is_waited_for(status: int, lacking: bool) -> None:
    """The police wait for the head of a household while another step asked for papers: both are to be done."""
    course = waiting("household_head_confirmation")
    alone = by_code(status, course, lacking=lacking)
    assert alone.to_do.startswith("Hãy nộp giấy tờ còn thiếu tại nơi nộp hồ sơ. ")
    assert "người có liên quan" in alone.to_do
    assert "vì chờ" not in alone.sentence
    asked = Asked(respond_by=None, things=(Thing(label="Giấy chứng sinh"),)) if lacking else None
    details = msgspec.structs.replace(DETAILS, status=status, asked=asked)
    told = story(details, msgspec.structs.replace(NOTHING, course=course), NOW, CALENDAR, str).glance
    papers = ": Giấy chứng sinh. " if lacking else "Hãy nộp giấy tờ còn thiếu tại nơi nộp hồ sơ. "
    assert papers in told.to_do
    assert "Việc đang chờ: chủ hộ xác nhận trên VNeID. " in told.to_do


def test_who_must_come_is_not_told_to_remind_somebody_else() -> None:
    """A couple comes to sign: by code nothing of it is said, the receipt says what it is."""
    course = waiting("both_parties_present", reason_vi="Hai bên có mặt ký Sổ và Giấy chứng nhận")
    told = story(DETAILS, msgspec.structs.replace(NOTHING, course=course), NOW, CALENDAR, str).glance
    assert told.to_do == (
        "Việc đang chờ: hai bên có mặt ký Sổ và Giấy chứng nhận."
        " Ông/bà hoặc người có liên quan hãy thực hiện; chưa rõ thì hỏi nơi nộp hồ sơ."
    )
    alone = by_code(4, course)
    assert "hai bên" not in f"{alone.sentence}{alone.to_do}"
    assert "nhắc" not in f"{alone.to_do}{told.to_do}"


def test_a_wait_without_words_is_told_without_them() -> None:
    """The catalogue no longer has it: since when the clock stands still, and whom to ask."""
    course = waiting("household_head_confirmation", reason_vi="")
    told = story(DETAILS, msgspec.structs.replace(NOTHING, course=course), NOW, CALENDAR, str)
    assert told.waits == ("Đăng ký thường trú (Công an phường Ngã Bảy): từ 10:00 ngày 25/11/2026.",)
    assert told.glance.to_do == ("Hãy hỏi nơi nộp hồ sơ xem ông/bà hoặc người có liên quan cần làm gì.")


def test_a_fee_that_is_due_is_told_beside_a_wait() -> None:
    """By the status alone, where the course tells of the other wait only."""
    assert by_code(6, waiting("both_parties_present")).to_do.startswith(
        "Hãy nộp phí, lệ phí tại nơi nộp hồ sơ. "
    )


def test_an_apology_is_there_before_anybody_asks() -> None:
    """Who, why, and the new appointment, which is also the day above."""
    again = DUE + timedelta(days=3)
    promise = Promise(
        was_at=DUE,
        appointment_at=again,
        signed_at=NOW,
        reason_vi="Hồ sơ phải xác minh.",
        agency_vi="Công an phường",
    )
    course = Course(
        appointment_at=again,
        stopped=False,
        deadline=Deadline(word="running"),
        asked=None,
        apologies=(promise,),
    )
    told = story(DETAILS, msgspec.structs.replace(NOTHING, course=course), NOW, CALENDAR, str)
    (apology,) = told.apologies
    assert apology == (
        "Công an phường xin lỗi ông/bà vì chưa giải quyết xong hồ sơ vào ngày 27/11/2026 như đã hẹn."
        " Lý do: hồ sơ phải xác minh. Hẹn lại: 17 giờ 00 phút, thứ Hai, ngày 30/11/2026."
    )
    assert told.glance.day == "17 giờ 00 phút, thứ Hai, ngày 30/11/2026"


def test_what_is_wanted_is_listed_whole_with_its_day() -> None:
    """All papers at once, and until when."""
    asked = Asked(respond_by=DUE, things=(Thing(label="Giấy chứng sinh"), Thing(label="Văn bản ủy quyền")))
    told = story(msgspec.structs.replace(DETAILS, status=5, asked=asked), NOTHING, NOW, CALENDAR, str)
    assert told.wanted == ("Giấy chứng sinh", "Văn bản ủy quyền")
    assert told.wanted_until == "17:00 ngày 27/11/2026"


def test_a_result_says_where_and_when_it_is_fetched() -> None:
    """The desk with its hours; on its way it is not to be fetched; electronic ones are here."""
    desk = Desk(
        name_vi="Bệnh viện Ngã Bảy", address_vi="Đường 1/5", phone="", hours={"mon": ("07:00-11:00",)}
    )
    electronic = msgspec.structs.replace(
        RESULT, name_vi="Thông báo", medium="electronic", place="", place_vi=""
    )
    coming = msgspec.structs.replace(RESULT, name_vi="Thẻ BHYT", state="issued", state_vi="Đã phát hành")
    results = (RESULT, electronic, coming)
    told = story(
        msgspec.structs.replace(DETAILS, status=9),
        msgspec.structs.replace(NOTHING, results=results, places={"hospital-93016": desk}),
        NOW,
        CALENDAR,
        str,
    )
    assert told.glance.to_do == (
        "Hãy mang giấy tờ tùy thân đến nhận: Giấy khai sinh. Bản điện tử tải ngay ở dưới."
    )
    paper, fetched, on_its_way = told.results
    assert (paper.words, paper.desk, paper.hours) == (
        "Sẵn sàng để nhận tại Bệnh viện Ngã Bảy", desk, ("Thứ Hai: 07:00-11:00",)
    )  # fmt: skip
    assert fetched.electronic
    assert on_its_way.words == "Đã phát hành, sẽ nhận tại Bệnh viện Ngã Bảy"


def test_a_refusal_says_why_in_the_officers_words() -> None:
    """The reason of the catalogue and the note to the family."""
    refused = NotDone(
        name="Đăng ký thường trú", reason_text="Không đủ điều kiện.", note="Nhà chưa có số.", refused_at=NOW
    )
    told = story(DETAILS, msgspec.structs.replace(NOTHING, refused=(refused,)), NOW, CALENDAR, str)
    assert told.refusals == (("Đăng ký thường trú", "Không đủ điều kiện. Nhà chưa có số."),)


def test_days_with_the_same_hours_stand_together() -> None:
    """Closed days are left out."""
    week: dict[str, tuple[str, ...]] = dict.fromkeys(
        ("mon", "tue", "wed", "thu", "fri"), ("07:00-11:00", "13:00-17:00")
    ) | {"sat": ("07:00-11:00",)}
    desk = Desk(name_vi="", address_vi="", phone="", hours=week)
    assert opening_hours(desk) == (
        "Thứ Hai – Thứ Sáu: 07:00-11:00, 13:00-17:00",
        "Thứ Bảy: 07:00-11:00",
    )
