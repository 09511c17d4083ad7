"""Days as people type them."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.forms.dates_typed import FIRST, NotADay, read_day

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    "typed",
    [
        "2991990",
        "29091990",
        "29/9/1990",
        "29/09/1990",
        " 29 - 09 - 1990 ",
        "29.9.1990",
        "29 9 1990",
        "1990-09-29",
        "２９/０９/１９９０",
    ],
)
def test_a_day_is_read_however_it_is_typed(typed: str) -> None:
    """With or without zeros, signs and blanks; also in full-width digits."""
    assert read_day(typed, last=TODAY) == date(1990, 9, 29)


def test_zeros_tell_day_from_month() -> None:
    """The second of September in every form there is."""
    for typed in ("02091990", "02/09/1990", "291990", "0291990", "2/9/1990"):
        assert read_day(typed, last=TODAY) == date(1990, 9, 2)


@pytest.mark.parametrize("typed", ["1111990", "2121990", "2091990"])
def test_what_can_be_two_days_is_asked_again(typed: str) -> None:
    """1/11 or 11/1: the answer names both."""
    with pytest.raises(NotADay) as refused:
        read_day(typed, last=TODAY)
    assert refused.value.code == "ambiguous"
    assert refused.value.message.count("/1990") == 2


@pytest.mark.parametrize(
    "typed",
    [
        "hôm qua", "32/01/1990", "29/02/2023", "31041990", "1/1/90", "010190", "1990", "12345", "123456789",
        "2/9/1990 và 3/9/1990", "00000000", "-2/9/1990", "2/9/1990\x00", "👶", "٢/٩/١٩٩٠", "9" * 5000,
    ],
)  # fmt: skip
def test_nonsense_is_refused(typed: str) -> None:
    """Days that are not in the calendar, years of two digits, words, and rubbish."""
    with pytest.raises(NotADay) as refused:
        read_day(typed, last=TODAY)
    assert refused.value.code == "unclear"
    assert "02/09/1990" in refused.value.message


def test_days_outside_the_limits_are_refused_with_the_limit() -> None:
    """A birth is not after today, and not in the 18th century; nothing typed is told apart from nonsense."""
    for typed, code in (("28/11/2026", "too-late"), ("1/1/1799", "too-early"), ("  ", "empty")):
        with pytest.raises(NotADay) as refused:
            read_day(typed, last=TODAY)
        assert refused.value.code == code
    assert read_day("27/11/2026", last=TODAY) == TODAY


@given(st.dates(min_value=FIRST, max_value=TODAY))
def test_every_day_can_be_typed(day: date) -> None:
    """In full, with and without signs, it is always read as itself."""
    for typed in (f"{day:%d%m%Y}", f"{day:%d/%m/%Y}", f"{day.day}/{day.month}/{day.year}"):
        assert read_day(typed, last=TODAY) == day


@given(st.text(alphabet="0123456789/-. ", max_size=12) | st.text())
def test_nothing_typed_is_an_accident(typed: str) -> None:
    """Whatever is typed, it is a day within the limits or refused in words."""
    with suppress(NotADay):
        assert FIRST <= read_day(typed, last=TODAY) <= TODAY


@pytest.mark.parametrize("typed", ["31/02/1990", "31021990", "1990-02-31", "32/01/1990"])
def test_a_day_that_is_not_in_the_calendar_is_called_that(typed: str) -> None:
    """In the words of the maternity desk; the year, which is whole, is not asked for again."""
    with pytest.raises(NotADay) as refused:
        read_day(typed, last=TODAY)
    assert refused.value.message == "Không có ngày này hoặc ghi chưa rõ, ví dụ 02/09/1990."


@pytest.mark.parametrize("typed", ["1/1/90", "010190", "1990", "hôm qua"])
def test_what_lacks_a_part_is_told_what_a_day_has(typed: str) -> None:
    """Day, month, and all four digits of the year."""
    with pytest.raises(NotADay) as refused:
        read_day(typed, last=TODAY)
    assert "đủ 4 chữ số của năm" in refused.value.message
