"""The counter's draft: what is missing, what goes to intake, and where intake's errors belong."""

from datetime import UTC, date, datetime
from pathlib import Path

from libs.catalogue import Catalogue
from libs.http.problems import FieldError
from services.portal.counter import views
from services.portal.counter.deliveries import delivery_lines
from services.portal.counter.drafts import (
    Draft,
    application,
    given_components,
    paper_problems,
    told_problems,
)
from services.portal.counter.sheet import Sheet
from services.portal.forms.fields import Part, Rows, form_part

TODAY = date(2026, 11, 27)
CATALOGUE = Catalogue.load(Path(__file__).parents[3] / "catalogue")
COPY = CATALOGUE.procedure("2.000815", TODAY)
BIRTH = CATALOGUE.procedure("1.001193", TODAY)
COUNTER = CATALOGUE.agency("one-stop-31340-2025")
MORNING = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)


def draft(**typed: str) -> Draft:
    """A draft; `__` stands for a dot."""
    return Draft(typed={name.replace("__", "."): text for name, text in typed.items()})


def test_a_paper_nobody_looked_at_stops_the_dossier() -> None:
    """Only papers the procedure needs do."""
    assert [name for name, _ in paper_problems(draft(), COPY)] == ["giay.original"]


def test_a_paper_that_lacks_stops_it_until_a_slip_is_wanted() -> None:
    """Form 02 then lists it."""
    assert paper_problems(draft(giay__original="thieu"), COPY) != []
    assert paper_problems(Draft(typed={"giay.original": "thieu", "phieu-bo-sung": "1"}), COPY) == []


def test_a_needed_paper_is_not_dropped_by_saying_it_is_not_needed_but_may_be_looked_up() -> None:
    """The register stands for it where the catalogue names one."""
    assert given_components(draft(giay__medical_certificate="khong", giay__declaration="khong"), BIRTH) == (
        "medical_certificate",
    )
    assert tuple(
        text.replace(BIRTH.components[0].name_vi + ".", "")
        for text in paper_problems(draft(giay__declaration="khong", giay__identity_paper="co"), BIRTH)[0]
    ) == ("giay.declaration", "Giấy tờ này bắt buộc, hãy chọn Có hoặc Thiếu: ")


def test_where_values_came_from_goes_along_only_when_somebody_wrote_for_another() -> None:
    """By path, the officer's own typing where nothing is said."""
    part = form_part(COPY.form, Rows())
    typed = {
        "viet-ho": "1",
        "da-doc-lai": "1",
        "form.applicant.name": "Trần Thị Bé",
        "nguon.applicant.name": "scanned",
        "form.applicant.phone": "0912345678",
        "nguon.applicant.phone": "read-out",
        "form.documents.0.name": "Bằng",
        "nguon.documents.0.name": "made-up",
    }
    body = application(Draft(typed=typed), COPY, part, {}, None)
    assert body["provenance"] == {
        "applicant.name": "scanned",
        "applicant.phone": "read-out",
        "documents.0.name": "typed",
    }
    assert body["read_back"] is True
    plain = application(Draft(typed={**typed, "viet-ho": ""}), COPY, part, {}, None)
    assert "provenance" not in plain


def test_errors_of_intake_stand_at_their_boxes() -> None:
    """A group that is wrong as a whole is told at its first box; what belongs nowhere stands on top."""
    part = form_part(COPY.form, Rows())
    errors = [
        FieldError("form.applicant.phone", "pattern", "a"),
        FieldError("form.documents", "too_few", "b"),
        FieldError("options.many_copies", "not_allowed", "c"),
        FieldError("appointment_at", "in-past", "d"),
        FieldError("unit", "required", "e"),
    ]
    assert told_problems(errors, COPY, part) == [
        ("form.applicant.phone", "a"),
        ("form.documents.0.name", "b"),
        ("chon.many_copies", "c"),
        ("ngay-hen", "d"),
        ("", "e"),
    ]


def test_the_promise_is_told_before_anything_is_accepted() -> None:
    """The same day in the morning, and no day at all while a paper lacks."""
    whole = draft(giay__original="co")
    assert views.promise_of(CATALOGUE, COUNTER, COPY, whole, MORNING).sentence == (
        "Hẹn trả kết quả trước 17 giờ 00 phút, thứ Sáu, ngày 27/11/2026."
    )
    lacking = views.promise_of(CATALOGUE, COUNTER, COPY, draft(), MORNING)
    assert lacking.sentence == "Thời hạn giải quyết tính từ khi nhận đủ giấy tờ."


def test_what_is_wrong_is_told_in_the_order_of_the_screen() -> None:
    """Who hands it in, procedure, papers (those needed first), content, appointment, places; first what has no box."""
    sheet = Sheet(
        procedure=BIRTH,
        part=form_part(BIRTH.form, Rows()),
        papers=views.paper_lines(draft(), BIRTH),
        preview=views.preview_of(CATALOGUE, COUNTER, BIRTH, draft(), MORNING),
        deliveries=delivery_lines(draft(), BIRTH),
        lists=(),
    )
    papers = [f"giay.{line.component.code}" for line in sheet.papers]
    content = [f"form.{box.path}" for one in sheet.others if isinstance(one, Part) for box in one.boxes()]
    places = [f"noi.{line.code}" for line in sheet.deliveries]
    screen = [
        "",
        "form.applicant.name",
        "form.applicant.birth_date",
        "tim-thu-tuc",
        *papers,
        *content,
        "ngay-hen",
        *places,
    ]
    assert papers
    assert content
    assert places
    told = sheet.in_order([(name, "sai") for name in reversed(screen)])
    assert [name for name, _ in told] == screen


def test_every_procedure_of_the_counter_is_found_by_its_code() -> None:
    """And by words without accents."""
    index = views.receivable(CATALOGUE, TODAY)
    assert [one.code for one in index.find("chung thuc ban sao", 1)] == ["2.000815"]
    assert [one.code for one in index.find("1.001193", 1)] == ["1.001193"]


def test_communes_and_facilities_are_suggested_without_accents() -> None:
    """Code and words."""
    assert views.suggested(CATALOGUE, "xa-phuong", "nga bay", TODAY)[0][0] == "31340"
    assert views.suggested(CATALOGUE, "co-so", "93016", TODAY)[0][0] == "93016"
    assert views.suggested(CATALOGUE, "gi-do", "nga bay", TODAY) == []
    assert views.suggested(CATALOGUE, "co-so", "", TODAY) == []
