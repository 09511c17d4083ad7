"""How dossier codes are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.dossier_codes import read_code

WHOLE = "000.00.00.H30-211130-0001"


@pytest.mark.parametrize(
    "typed",
    [
        WHOLE,
        "000.00.00.h30-211130-0001",
        " 000.00.00.H30 - 211130 - 0001 ",
        "0000000H30-211130-0001",
        "0000000h302111300001",
        "000 00 00 h30 211130 0001",
        "000.00.00.H30/211130/1",
        "000.00.00.H30–211130—0001",
        "０００.００.００.H30-211130-0001",
    ],
)
def test_a_whole_code_is_read_however_it_is_written(typed: str) -> None:
    """Any case, any dash, blanks or none, full-width digits."""
    found = read_code(typed)
    assert found is not None
    assert found.whole == WHOLE


@pytest.mark.parametrize("typed", ["211130-0001", "211130 0001", "211130.1", "2111300001", "211130-001"])
def test_the_end_of_a_code_is_enough_to_know_which_it_is(typed: str) -> None:
    """The agency's part is left out as people do."""
    found = read_code(typed)
    assert found is not None
    assert (found.whole, found.tail) == ("", "211130-0001")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0001",
        "211330-0001",
        "211100-0001",
        "211130-",
        "211130-00000001",
        "21113-0001",
        "000.00.H30-211130-0001",
        "000.00.00.HH0-211130-0001",
        "'; DROP TABLE dossier; --",
        "211130-0001\n211130-0002",
        "🙂",
        "٢١١١٣٠-٠٠٠١",
        "2" * 300,
    ],
)
def test_what_is_no_code_is_none(typed: str) -> None:
    """A month 13, a day 0, too many digits, another script."""
    assert read_code(typed) is None


@given(st.integers(1, 99_999), st.dates(), st.sampled_from(["", " ", ".", "-"]), st.booleans())
def test_every_code_reads_back(number: int, day: object, between: str, lower: bool) -> None:
    """Whatever stands between its parts."""
    code = f"313.40.00.H13-{day:%y%m%d}-{number:04d}"
    typed = code.replace(".", between).replace("-", between)
    found = read_code(typed.lower() if lower else typed)
    assert found is not None
    assert found.whole == code


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Anything may be typed."""
    read_code(text)
