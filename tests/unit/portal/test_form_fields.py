"""Forms of the catalogue on the screen: every box can be shown, filled in and read back into what its schema wants."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from libs.catalogue import Catalogue, Procedure
from services.portal.forms.fields import Box, Part, Rows, form_part, lists_of
from services.portal.forms.reading import Reader, Unreadable, read_moment
from services.portal.forms.words import CHOICES

TODAY = date(2026, 11, 27)
CATALOGUE = Catalogue.load(Path(__file__).parents[3] / "catalogue")
READER = Reader(CATALOGUE, TODAY)


def at_the_counter() -> Iterator[Procedure]:
    """Every procedure a counter receives today."""
    yield from (one for one in CATALOGUE.procedures(TODAY) if "counter" in one.channels)


def boxes_of(code: str, rows: Rows | None = None) -> dict[str, Box]:
    """The boxes of a procedure by path."""
    part = form_part(CATALOGUE.procedure(code, TODAY).form, rows or Rows())
    return {box.path: box for box in part.boxes()}


def read(code: str, **typed: str) -> tuple[dict[str, object], list[tuple[str, str]]]:
    """What is read of typed texts; `__` stands for the dots of a path."""
    part = form_part(CATALOGUE.procedure(code, TODAY).form, Rows())
    return READER.read(part, {f"form.{name.replace('__', '.')}": text for name, text in typed.items()})


def test_every_form_of_the_counter_has_boxes_with_words_of_their_own() -> None:
    """No box shows a name of the schema, and no choice a code."""
    for procedure in at_the_counter():
        for box in form_part(procedure.form, Rows()).boxes():
            name = box.path.rpartition(".")[2]
            assert box.label != name, f"{procedure.code}: {box.path}"
            if box.kind == "choice" and name != "ethnic_code":
                assert all((name, code) in CHOICES for code, _ in box.choices), (
                    f"{procedure.code}: {box.path}"
                )


def test_who_asks_comes_first_and_a_list_has_rows_with_numbers() -> None:
    """The person at the counter is scanned first."""
    part = form_part(CATALOGUE.procedure("2.000815", TODAY).form, Rows(counts={"documents": 2}))
    first, second, third = part.inner
    assert [first.path, second.path, third.path] == ["applicant", "documents.0", "documents.1"]
    assert isinstance(second, Part)
    assert (second.label, second.required) == ("Giấy tờ cần chứng thực 1", True)
    assert lists_of(CATALOGUE.procedure("2.000815", TODAY).form) == (("documents", "Giấy tờ cần chứng thực"),)


def test_a_number_of_an_identity_card_is_asked_for_openly_but_not_demanded() -> None:
    """Its group may be left out, so its box may, too."""
    applicant = form_part(CATALOGUE.procedure("2.000815", TODAY).form, Rows()).inner[0]
    assert isinstance(applicant, Part)
    shown = [(one.path, one.required) for one in applicant.shown]
    assert shown[:2] == [("applicant.name", True), ("applicant.identity.number", False)]


def test_no_list_grows_beyond_what_a_screen_shows() -> None:
    """Neither by a form that says so nor by a schema that allows it."""
    found = boxes_of("2.000815", Rows(counts={"documents": 99}))
    assert sum(path.endswith(".name") and path.startswith("documents") for path in found) == 30


def test_boxes_are_of_the_kind_their_text_is() -> None:
    """By format, pattern and name."""
    kinds = {path: box.kind for path, box in boxes_of("1.001193").items()}
    assert kinds["child.birth_time"] == "moment"
    assert kinds["mother.birth_date"] == "day-or-year"
    assert kinds["medical_certificate.issued_on"] == "day"
    assert kinds["mother.unit_code"] == "commune"
    assert kinds["mother.ethnic_code"] == "choice"
    assert kinds["child.weight_g"] == "whole"
    assert kinds["child.surgery"] == "yes-no"
    assert kinds["medical_certificate.facility_code"] == "facility"
    assert kinds["child.condition"] == "lines"


def test_what_is_typed_becomes_what_the_schema_wants() -> None:
    """Days as people write them, yes and no, numbers with dots, communes by name."""
    data, problems = read(
        "1.001193",
        child__sex="female",
        child__birth_time="8h05 23/11/2026",
        child__weight_g="3.100",
        child__surgery="no",
        mother__name="  Trần Thị Bé ",
        mother__birth_date="1995",
        mother__unit_code="phường Ngã Bảy, thành phố Cần Thơ (31340)",
        applicant__name="H'Linh 😀",
        medical_certificate__number="12",
        medical_certificate__issued_on="23112026",
    )
    assert problems == []
    assert data["child"] == {
        "sex": "female",
        "birth_time": "2026-11-23T08:05",
        "weight_g": 3100,
        "surgery": False,
    }
    assert data["mother"] == {"name": "Trần Thị Bé", "birth_date": "1995", "unit_code": "31340"}
    assert data["medical_certificate"] == {"number": "12", "issued_on": "2026-11-23"}
    assert "father" not in data


@pytest.mark.parametrize(
    ("path", "typed", "told"),
    [
        ("child__birth_time", "hôm qua", "hãy ghi giờ rồi đến ngày"),
        ("child__birth_time", "25:00 23/11/2026", "hãy ghi giờ rồi đến ngày"),
        ("mother__birth_date", "31/02/1990", "không có ngày này"),
        ("child__weight_g", "ba ký", "phải là số nguyên"),
        ("mother__unit_code", "Không Có Đâu", "hãy chọn xã, phường"),
        ("medical_certificate__facility_code", "Bệnh viện Mây", "hãy chọn cơ sở"),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_box_and_kept_out(path: str, typed: str, told: str) -> None:
    """The message never repeats what was typed."""
    data, problems = read("1.001193", **{path: typed})
    assert [name for name, _ in problems] == [f"form.{path.replace('__', '.')}"]
    assert told in problems[0][1]
    assert typed not in problems[0][1]
    assert typed not in str(data)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("mother.birth_date", "Ngày sinh (người mẹ)"),
        ("father.birth_date", "Ngày sinh (người cha)"),
        ("applicant.identity.issued_on", "Ngày cấp (người yêu cầu)"),
        ("residence.household_head.identity.issued_on", "Ngày cấp (chủ hộ)"),
    ],
)
def test_a_box_that_is_wrong_says_whose_it_is(path: str, label: str) -> None:
    """What cannot be read, and what the schema refuses, in the same words."""
    code = "3.000722"
    (problem,) = read(code, **{path.replace(".", "__"): "hôm qua"})[1]
    assert problem[1].startswith(f"{label}: ")
    data: object = 7
    for name in reversed(path.split(".")):
        data = {name: data}
    told = {one.field: one.message_vi for one in CATALOGUE.procedure(code, TODAY).check_form(data, {})}
    assert told[path].startswith(f"{label}: ")


def test_the_appointment_an_officer_states_is_on_the_clocks_of_vietnam() -> None:
    """16:30 there is 09:30 in UTC."""
    assert read_moment("16:30 27/11/2026") == datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    with pytest.raises(Unreadable):
        read_moment("")


@pytest.mark.parametrize("typed", ["1:" + " " * 4000 + "x", "08:30" + " - " * 900, "1h" * 2000])
def test_a_moment_padded_on_purpose_is_told_at_once(typed: str) -> None:
    """A padded paste must not keep the whole process from answering (it took minutes)."""
    began = time.monotonic()
    _, problems = read("1.001193", child__birth_time=typed)
    assert problems
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "typed", ["08:30 23/11/2026", "8h30 23/11/2026", "8 giờ 30 phút, ngày 23/11/2026", "08:30   -  23112026"]
)
def test_a_moment_is_read_as_people_write_it(typed: str) -> None:
    """Hours first, then the day."""
    data, _ = read("1.001193", child__birth_time=typed)
    assert data["child"] == {"birth_time": "2026-11-23T08:30"}
