"""Codes of dossiers, agencies and birth notices."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.document_codes import (
    check_agency_code,
    check_birth_notice_code,
    check_dossier_code,
    dossier_code_kind,
    format_dossier_code,
)
from libs.catalogue.identifiers import IdentifierError

agencies = st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}", fullmatch=True)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("000.17.22.H56-210531-0001", "national"),
        ("000.00.14.H56-200203-0118", "national"),
        ("000.00.28.H30-260921-0001", "national"),
        ("G22.99.08-260921-896048", "interlinked"),
        ("G22.99.09-240114-0001", "interlinked"),
        ("G09.20-20260609-0092637", "ministry"),
    ],
)
def test_real_dossier_codes_pass(code: str, kind: str) -> None:
    """Codes seen on real screens are recognised by kind."""
    assert check_dossier_code(f" {code.lower()} ") == code
    assert dossier_code_kind(code) == kind


@given(agencies, st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 9999))
def test_codes_we_make_are_national_codes(agency: str, day: date, number: int) -> None:
    """A code made for an agency, day and number is a valid national code of that agency."""
    code = format_dossier_code(agency, day, number)
    assert check_dossier_code(code) == code
    assert dossier_code_kind(code) == "national"
    assert code.startswith(agency)


@given(agencies, st.integers(0, 24), st.sampled_from(["", "_", "00", "é"]))
def test_a_broken_place_breaks_a_dossier_code(agency: str, place: int, instead: str) -> None:
    """Losing a sign, or having others in its place, is noticed."""
    code = format_dossier_code(agency, date(2026, 9, 21), 7)
    with pytest.raises(IdentifierError):
        check_dossier_code(code[:place] + instead + code[place + 1 :])


@pytest.mark.parametrize(
    "code", ["000.00.28.H30-261321-0001", "G22.99.08-260230-0001", "G09.20-20261301-0092637"]
)
def test_the_date_in_a_dossier_code_exists(code: str) -> None:
    """A thirteenth month or a thirtieth of February is refused."""
    with pytest.raises(IdentifierError) as caught:
        check_dossier_code(code)
    assert caught.value.code == "dossier_code.date"


@pytest.mark.parametrize("number", [0, -1, 10000])
def test_an_agency_has_four_digits_of_dossiers_a_day(number: int) -> None:
    """Numbers outside 1-9999 cannot be written in a code."""
    with pytest.raises(IdentifierError, match="9999"):
        format_dossier_code("000.00.28.H30", date(2026, 9, 21), number)


@pytest.mark.parametrize("code", ["", "000.00.28", "00.00.28.H30", "000.00.28.30", "000-00-28-H30"])
def test_other_agency_codes_are_refused(code: str) -> None:
    """An agency code is three, two and two digits, a letter and two digits, with dots."""
    assert check_agency_code("000.00.28.h30") == "000.00.28.H30"
    with pytest.raises(IdentifierError):
        check_agency_code(code)


def test_birth_notice_codes_name_facility_and_year() -> None:
    """The code passes when it fits the facility and the year, else the difference is named."""
    code = "00123.GCS.93001.26"
    assert len(code) == 18
    assert check_birth_notice_code(" 00123.gcs.93001.26", facility_code="93001", year=2026) == code
    with pytest.raises(IdentifierError) as caught:
        check_birth_notice_code(code, facility_code="93002")
    assert caught.value.code == "birth_notice_code.facility"
    with pytest.raises(IdentifierError) as caught:
        check_birth_notice_code(code, year=2025)
    assert caught.value.code == "birth_notice_code.year"


@pytest.mark.parametrize(
    "code", ["", "123.GCS.93001.26", "00123.GCS.93001.2026", "00123GCS9300126", "00123.CGS.93001.26"]
)
def test_other_birth_notice_codes_are_refused(code: str) -> None:
    """Any other shape is refused."""
    with pytest.raises(IdentifierError) as caught:
        check_birth_notice_code(code)
    assert caught.value.code == "birth_notice_code.shape"
