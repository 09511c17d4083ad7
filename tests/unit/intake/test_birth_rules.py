"""The rules of a birth declaration, whichever way it came in."""

import unicodedata
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.units import Units
from libs.contracts.intake import ChosenResult
from services.intake.birth_rules import age_in_years, check_declaration, has_errors
from services.intake.births import (
    Attendants,
    BirthDeclaration,
    Certificate,
    Child,
    Choices,
    Contact,
    Father,
    IdentityDocument,
    Mother,
    Residence,
    normalised,
)

TODAY = date(2026, 11, 23)
UNITS = Units.load()
HOME = Residence(
    address="Khu vực 3, phường Ngã Bảy, thành phố Cần Thơ",
    province_code="92",
    commune_code="31340",
    as_of=TODAY,
)
GOOD = BirthDeclaration(
    certificate=Certificate(
        facility_code="93016", number="000123", book="01/2026", issued_on=date(2026, 11, 21)
    ),
    mother=Mother(
        name="Nguyễn Thị Hoa",
        birth_date=date(1995, 3, 8),
        ethnic_code="01",
        document=IdentityDocument(
            number="093195000123", issued_on=date(2021, 5, 4), issued_by="Cục Cảnh sát"
        ),
        residence=HOME,
        contact=Contact(phone="0912345678", email="hoa@example.vn"),
    ),
    father=Father(
        name="Trần Văn Nam",
        birth_date=date(1993, 1, 2),
        document=IdentityDocument(number="093093000456"),
    ),
    child=Child(
        sex=2,
        birth_time=datetime.fromisoformat("2026-11-20T08:15"),
        place_of_birth="Bệnh viện đa khoa khu vực Ngã Bảy",
        order=1,
        weight_g=3200,
        intended_name="Trần Bảo Ngọc",
    ),
    attendants=Attendants(midwife="Lê Thị Mai"),
    choices=Choices(
        results=(
            ChosenResult(code="birth-certificate", delivery="hospital", place="hospital-93016"),
            ChosenResult(code="health-card", delivery="electronic"),
        )
    ),
)


def changed(struct: Any, path: str, value: Any) -> Any:
    """A copy with the value at a dotted path replaced."""
    head, _, rest = path.partition(".")
    return msgspec.structs.replace(
        struct, **{head: changed(getattr(struct, head), rest, value) if rest else value}
    )


def found(declaration: BirthDeclaration) -> set[tuple[str, str, str]]:
    """The problems as (field, code, severity)."""
    problems = check_declaration(declaration, today=TODAY, units=UNITS)
    return {(problem.field, problem.code, problem.severity) for problem in problems}


def test_a_good_declaration_has_no_problem() -> None:
    """The declaration all others here are made from."""
    assert found(GOOD) == set()
    assert not has_errors([])


CASES = [
    ("certificate.facility_code", "", "required", "error"),
    ("certificate.facility_code", "9301", "facility_code.shape", "error"),
    ("certificate.number", " ", "required", "error"),
    ("certificate.book", "", "required", "error"),
    ("certificate.issued_on", date(2026, 11, 24), "in-future", "error"),
    ("certificate.issued_on", date(2026, 11, 19), "before-birth", "error"),
    ("certificate.gcs_code", "1.GCS.93016.26", "birth_notice_code.shape", "error"),
    ("certificate.gcs_code", "00001.GCS.93001.26", "birth_notice_code.facility", "error"),
    ("certificate.head_insurance_number", "12", "insurance_number.shape", "error"),
    ("mother.name", "", "required", "error"),
    ("mother.name", "Hoa 1", "name.digit", "error"),
    ("mother.birth_date", date(2026, 12, 1), "in-future", "error"),
    ("mother.ethnic_code", "77", "ethnic_code.unknown", "error"),
    ("mother.ethnic_code", "", "required", "error"),
    ("mother.nationality_code", "VN", "nationality.shape", "error"),
    ("mother.document.number", "", "required", "error"),
    ("mother.document.number", "12", "identity_document.shape", "error"),
    ("mother.document.number", "093095000123", "personal_number.sex", "warning"),
    ("mother.document.issued_on", date(1990, 1, 1), "before-birth-of-holder", "error"),
    ("mother.insurance_number", "0000000000", "insurance_number.zeros", "error"),
    ("mother.insurance_card", "GD49312345", "insurance_number.shape", "error"),
    ("mother.residence.address", "", "required", "error"),
    ("mother.residence.commune_code", "00000", "commune-unknown", "error"),
    ("mother.residence.commune_code", "00004", "commune-province", "error"),
    ("mother.contact.phone", "12345", "phone.shape", "error"),
    ("mother.contact.zalo", "abc", "phone.shape", "error"),
    ("mother.contact.email", "hoa@", "email", "error"),
    ("father.name", "", "required", "error"),
    ("father.birth_date", date(2030, 1, 1), "in-future", "error"),
    ("father.document.number", "093093", "identity_document.shape", "error"),
    ("father.ethnic_code", "xx", "ethnic_code.unknown", "error"),
    ("child.sex", 0, "sex-code", "error"),
    ("child.birth_time", datetime.fromisoformat("2026-11-24T00:01"), "in-future", "error"),
    ("child.count", 0, "count-bounds", "error"),
    ("child.order", 2, "order-bounds", "error"),
    ("child.order", 0, "order-bounds", "error"),
    ("child.weight_g", 199, "weight-bounds", "error"),
    ("child.weight_g", 8001, "weight-bounds", "error"),
    ("child.weight_g", 499, "weight-unusual", "warning"),
    ("child.weight_g", 6001, "weight-unusual", "warning"),
    ("child.births_of_mother", 0, "births-bounds", "error"),
    ("child.living_children", 0, "living-below-count", "warning"),
    ("child.place_of_birth", "", "required", "error"),
    ("child.intended_name", "Bé 2", "name.digit", "error"),
    ("child.temporary_card", "TE1", "temporary_card.shape", "error"),
    ("child.temporary_card", "TE1931234567890", "temporary_card.mother_province", "warning"),
    ("child.ethnic_code", "0", "ethnic_code.unknown", "error"),
    ("attendants.midwife", "", "required", "error"),
]


@pytest.mark.parametrize(("path", "value", "code", "severity"), CASES)
def test_one_wrong_field_is_named(path: str, value: object, code: str, severity: str) -> None:
    """The problem is on the field, with its code; other fields are blamed only for what follows from it."""
    assert (path, code, severity) in found(changed(GOOD, path, value))


def test_the_cases_blame_nothing_but_what_follows() -> None:
    """Where more than the field is named, the rest says which field it was compared with."""
    for path, value, _, _ in CASES:
        for problem in check_declaration(changed(GOOD, path, value), today=TODAY, units=UNITS):
            assert path == problem.field or path in problem.also, (path, problem)


def test_all_problems_are_listed_at_once() -> None:
    """Nobody is sent away twice for what could be said the first time."""
    bad = GOOD
    for path, value, _, severity in CASES:
        if severity == "error" and path.startswith(
            ("mother.name", "child.sex", "certificate.book", "father.name")
        ):
            bad = changed(bad, path, value)
    fields = {field for field, _, _ in found(bad)}
    assert {"mother.name", "child.sex", "certificate.book", "father.name"} <= fields


def test_problems_never_repeat_what_was_declared() -> None:
    """Reasons may be logged, so no value stands in them."""
    for path, value, _, _ in CASES:
        if isinstance(value, str) and len(value.strip()) > 3:
            problems = check_declaration(changed(GOOD, path, value), today=TODAY, units=UNITS)
            assert all(value not in problem.message_vi for problem in problems)


@pytest.mark.parametrize(
    ("age", "role", "expected"),
    [
        (9, "mother", {("age-impossible", "error")}),
        (10, "mother", {("age-unusual", "warning")}),
        (15, "mother", {("age-unusual", "warning")}),
        (16, "mother", set()),
        (55, "mother", set()),
        (56, "mother", {("age-unusual", "warning")}),
        (65, "mother", {("age-unusual", "warning")}),
        (66, "mother", {("age-impossible", "error")}),
        (66, "carer", set()),
        (9, "carer", {("age-impossible", "error")}),
    ],
)
def test_the_age_of_the_mother_is_plausible(age: int, role: str, expected: set[tuple[str, str]]) -> None:
    """Impossible ages stop the declaration, unusual ones are looked at, a carer may be old."""
    born = date(2026 - age, 11, 20)
    mother = msgspec.structs.replace(
        GOOD.mother, birth_date=born, role=role, document=IdentityDocument(number="123456789")
    )
    problems = found(changed(GOOD, "mother", mother))
    assert {
        (code, severity) for field, code, severity in problems if field == "mother.birth_date"
    } == expected


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 120))
def test_ages_count_birthdays(born: date, years: int) -> None:
    """On the birthday a year is complete, the day before it is not; 29 February counts on 1 March."""
    try:
        birthday = born.replace(year=born.year + years)
    except ValueError:
        birthday = date(born.year + years, 3, 1)
    assert age_in_years(born, birthday) == years
    assert age_in_years(born, birthday - timedelta(days=1)) == years - 1


def test_a_certificate_may_be_issued_on_the_day_of_birth() -> None:
    """It is due before the child leaves; the day itself is not too early, nor is today too late."""
    assert found(changed(GOOD, "certificate.issued_on", GOOD.child.birth_time.date())) == set()
    assert found(changed(GOOD, "certificate.issued_on", TODAY)) == set()


def test_a_new_certificate_code_stands_for_number_and_book() -> None:
    """TT 22/2025/TT-BYT: the code alone names the certificate."""
    certificate = Certificate(
        facility_code="93016",
        number="",
        book="",
        issued_on=date(2026, 11, 21),
        gcs_code="00001.GCS.93016.26",
    )
    assert found(changed(GOOD, "certificate", certificate)) == set()


def test_a_child_that_was_not_weighed_and_has_no_father_is_accepted() -> None:
    """TT 22/2025 allows "không cân"; the father may be unknown."""
    declaration = changed(changed(GOOD, "child.weight_g", None), "father", None)
    assert found(declaration) == set()


@pytest.mark.parametrize(
    ("result", "field", "code"),
    [
        (ChosenResult(code="birth-certificate", delivery="post"), "choices.results[1].code", "result-twice"),
        (ChosenResult(code="residence", delivery="dove"), "choices.results[1].delivery", "delivery"),
        (ChosenResult(code="residence", delivery="counter"), "choices.results[1].place", "required"),
        (
            ChosenResult(code="residence", delivery="post", copies=-1),
            "choices.results[1].copies",
            "copies-bounds",
        ),
    ],
)
def test_each_choice_of_a_result_is_checked(result: ChosenResult, field: str, code: str) -> None:
    """A result is chosen once, comes one of four ways, and needs a place where it is handed over."""
    first = GOOD.choices.results[0]
    assert found(changed(GOOD, "choices.results", (first, result))) == {(field, code, "error")}


def test_the_residence_to_register_must_exist() -> None:
    """The child may be registered elsewhere, in a commune there is or was."""
    elsewhere = msgspec.structs.replace(HOME, commune_code="99999")
    declaration = changed(GOOD, "choices.residence_to_register", elsewhere)
    assert found(declaration) == {("choices.residence_to_register.commune_code", "commune-unknown", "error")}


TEXTS = st.text(max_size=20)


@given(TEXTS, TEXTS, TEXTS, st.integers(-5, 10**6), st.datetimes())
def test_no_content_makes_the_rules_raise(
    name: str, number: str, code: str, count: int, moment: datetime
) -> None:
    """Whatever a client sends, the answer is a list of problems."""
    declaration = changed(GOOD, "mother.name", name)
    declaration = changed(declaration, "mother.document.number", number)
    declaration = changed(declaration, "mother.residence.commune_code", code)
    declaration = changed(declaration, "certificate.gcs_code", code)
    declaration = changed(declaration, "child.count", count)
    declaration = changed(declaration, "child.birth_time", moment)
    assert all(problem.message_vi for problem in check_declaration(declaration, today=TODAY, units=UNITS))


def test_a_declaration_is_brought_into_one_written_form() -> None:
    """NFC, single blanks, card numbers without blanks, telephone numbers as dialled here, a true Đ."""
    raw = changed(GOOD, "mother.name", unicodedata.normalize("NFD", "  Nguyễn   Thị Hoa "))
    raw = changed(raw, "mother.document.number", "093 195 000 123")
    raw = changed(raw, "mother.contact.phone", "+84 912 345 678")
    assert normalised(raw) == GOOD
    assert normalised(changed(GOOD, "mother.name", "\u00d0ỗ Thị Hoa")).mother.name == "Đỗ Thị Hoa"
    assert normalised(changed(GOOD, "certificate.number", "12 A")).certificate.number == "12 A"
    assert normalised(GOOD) is GOOD


@given(TEXTS, TEXTS)
def test_the_written_form_is_stable(name: str, phone: str) -> None:
    """Normalising twice changes nothing."""
    once = normalised(changed(changed(GOOD, "mother.name", name), "mother.contact.phone", phone))
    assert normalised(once) == once


def test_the_declaration_travels_as_json() -> None:
    """What the API receives decodes to the same declaration, and a birth minute with a zone is refused."""
    body = msgspec.json.encode(GOOD)
    assert msgspec.json.decode(body, type=BirthDeclaration) == GOOD
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body.replace(b"T08:15:00", b"T08:15:00Z"), type=BirthDeclaration)


def test_a_birth_later_today_is_refused_to_the_minute() -> None:
    """The wall clock decides, where it is known."""
    declaration = changed(GOOD, "child.birth_time", datetime.fromisoformat("2026-11-23T09:01"))
    declaration = changed(declaration, "certificate.issued_on", TODAY)
    for minute, expected in (("09:00", [("child.birth_time", "in-future")]), ("09:01", [])):
        now = datetime.fromisoformat(f"2026-11-23T{minute}")
        problems = check_declaration(declaration, today=TODAY, units=UNITS, now=now)
        assert [(problem.field, problem.code) for problem in problems] == expected


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("mother.name", "A" * 256, "too-long"),
        ("father.name", "A" * 256, "too-long"),
        ("certificate.number", "1" * 201, "too-long"),
        ("child.place_of_birth", "B" * 1025, "too-long"),
        ("child.hometown", "B" * 1025, "too-long"),
        ("attendants.midwife", "Lê Thị \u202eiaM", "hidden-sign"),
        ("mother.residence.address", "Khu vực\x1b[31m 3", "hidden-sign"),
    ],
)
def test_a_text_too_long_or_with_hidden_signs_is_refused(path: str, value: str, code: str) -> None:
    """The maxima are those of Bảng 9; a sign nobody sees has no place in a register."""
    assert (path, code, "error") in found(changed(GOOD, path, value))


def test_free_text_is_as_long_as_it_is() -> None:
    """Bảng 9 gives no maximum for the child's state and the note."""
    assert found(changed(GOOD, "child.state", "khỏe mạnh " * 500)) == set()


def test_a_personal_number_stands_for_the_insurance_number_since_august_2025() -> None:
    """Ten digits stay good; twelve are a personal number with its own rule."""
    for number, expected in (
        ("9312345678", set()),
        ("093195000123", set()),
        ("999195000123", {("mother.insurance_number", "personal_number.province", "error")}),
    ):
        assert found(changed(GOOD, "mother.insurance_number", number)) == expected
