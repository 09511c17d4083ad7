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
from services.portal.citizens.family_story import Standing, flag_of, glance, opening_hours, story

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
        (("fee", "household_head_confirmation"), "vì một bước chờ xác nhận từ bên ngoài cơ quan giải quyết;"),
        ((), "tạm dừng tính; khi tính tiếp"),
    ],
)
def test_a_code_is_told_why_the_clock_stands_still_and_the_receipt_for_what(
    reasons: tuple[str, ...], why: str
) -> None:
    """Everybody with the code: a fee, or somebody outside. Step, agency and wait would tell the procedure."""
    waits = tuple(
        Wait(
            step_vi="Đăng ký thường trú",
            agency_vi="Công an phường Ngã Bảy",
            reason=reason,
            reason_vi="Chủ hộ xác nhận trên VNeID",
            since=NOW,
        )
        for reason in reasons
    )
    course = Course(
        appointment_at=DUE,
        stopped=True,
        deadline=Deadline(word="stopped"),
        asked=None,
        apologies=(),
        waits=waits,
    )
    told = story(DETAILS, msgspec.structs.replace(NOTHING, course=course), NOW, CALENDAR, str)
    assert why in told.glance.sentence
    # Not that nothing is to be done, where somebody at home may have to act.
    assert told.glance.to_do.startswith("Ông/bà không phải làm gì") is not bool(reasons)
    assert "VNeID" not in told.glance.sentence
    assert len(told.waits) == len(waits)
    for words in told.waits:
        assert words == (
            "Đăng ký thường trú (Công an phường Ngã Bảy): chờ chủ hộ xác nhận trên VNeID,"
            " từ 10:00 ngày 25/11/2026."
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
