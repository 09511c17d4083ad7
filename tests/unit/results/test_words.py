"""Vietnamese words on papers."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.results.words import day_text, day_words, moment_text, number_words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "một"),
        (4, "bốn"),
        (10, "mười"),
        (15, "mười lăm"),
        (21, "hai mươi mốt"),
        (25, "hai mươi lăm"),
        (31, "ba mươi mốt"),
        (105, "một trăm lẻ năm"),
        (2000, "hai nghìn"),
        (2005, "hai nghìn không trăm lẻ năm"),
        (2026, "hai nghìn không trăm hai mươi sáu"),
        (1999, "một nghìn chín trăm chín mươi chín"),
    ],
)
def test_numbers_are_written_as_people_say_them(number: int, words: str) -> None:
    """Mốt, lăm, lẻ and không trăm stand where Vietnamese puts them."""
    assert number_words(number) == words


def test_the_fourth_month_is_called_tu() -> None:
    """Tháng tư, not tháng bốn."""
    assert day_words(date(2026, 4, 1)) == "Ngày một tháng tư năm hai nghìn không trăm hai mươi sáu"


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_different_numbers_have_different_words(a: int, b: int) -> None:
    """No two numbers read the same."""
    assert (number_words(a) == number_words(b)) == (a == b)


def test_days_and_moments_are_local() -> None:
    """A moment late in the UTC day is the next day in Việt Nam."""
    late = datetime(2026, 11, 22, 20, 5, tzinfo=UTC)
    assert day_text(late) == "23/11/2026"
    assert moment_text(late) == "03 giờ 05 phút, ngày 23/11/2026"
    assert day_text("1996") == "1996"
