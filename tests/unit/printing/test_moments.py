"""Days and moments on papers."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.printing.moments import (
    appointment_text,
    local_day,
    moment_text,
    place_and_date,
    weekday_text,
)


def test_moments_are_local() -> None:
    """A moment late in the UTC day is the next day in Việt Nam."""
    late = datetime(2026, 11, 22, 20, 5, tzinfo=UTC)
    assert moment_text(late) == "03 giờ 05 phút, ngày 23/11/2026"
    assert local_day(late) == date(2026, 11, 23)
    assert place_and_date("Ngã Bảy", late) == "Ngã Bảy, ngày 23 tháng 11 năm 2026"


def test_an_appointment_says_the_day_of_the_week() -> None:
    """Families remember the day of the week."""
    due = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
    assert appointment_text(due) == "16 giờ 30 phút, ngày 26/11/2026 (thứ Năm)"


def test_small_days_and_months_have_a_nought_in_front() -> None:
    """So that nobody can write a digit before them."""
    assert place_and_date("Đại Thành", date(2026, 2, 5)) == "Đại Thành, ngày 05 tháng 02 năm 2026"


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (23, "thứ Hai"),
        (24, "thứ Ba"),
        (25, "thứ Tư"),
        (26, "thứ Năm"),
        (27, "thứ Sáu"),
        (28, "thứ Bảy"),
        (29, "Chủ nhật"),
    ],
)
def test_days_have_their_names(day: int, name: str) -> None:
    """The week of 23 November 2026."""
    assert weekday_text(date(2026, 11, day)) == name


def test_a_moment_without_a_zone_is_refused() -> None:
    """Nobody knows which hour it is."""
    with pytest.raises(ValueError, match="without a zone"):
        moment_text(datetime(2026, 11, 26, 16, 30))  # noqa: DTZ001 - what is refused


@given(
    st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2099, 1, 1)),  # noqa: DTZ001 - given a zone below
    st.integers(-12, 14),
)
def test_the_zone_it_is_given_in_does_not_matter(moment: datetime, hours: int) -> None:
    """One moment has one text."""
    utc = moment.replace(tzinfo=UTC)
    assert moment_text(utc.astimezone(timezone(timedelta(hours=hours)))) == moment_text(utc)
