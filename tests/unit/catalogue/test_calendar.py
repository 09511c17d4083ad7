"""Working days and hours: the table as decided, and the laws of the arithmetic."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.calendar import (
    CUTOFF,
    DEFAULT_CALENDAR,
    VIETNAM,
    CalendarRangeError,
    WorkingCalendar,
    load_calendars,
)
from libs.catalogue.holidays import CalendarError, OpeningHours, load_holidays, parse_week

CALENDARS = load_calendars()
OFFICE = CALENDARS[DEFAULT_CALENDAR]
CENTRE = CALENDARS["can-tho-ward-centre"]

calendars = st.sampled_from([OFFICE, CENTRE])
days = st.dates(date(2023, 1, 2), date(2027, 6, 30))
instants = st.datetimes(
    datetime(2023, 1, 2),  # noqa: DTZ001 - hypothesis wants bounds without a zone
    datetime(2027, 6, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, VIETNAM]),
)
durations = st.timedeltas(timedelta(0), timedelta(hours=400))


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=VIETNAM)  # type: ignore[arg-type,misc]


def opening_hours(calendar: WorkingCalendar, day: date) -> list[tuple[int, int]]:
    intervals = calendar.working_intervals(day)
    return [(opens.astimezone(VIETNAM).hour, closes.astimezone(VIETNAM).hour) for opens, closes in intervals]


@pytest.mark.parametrize(
    "day",
    [
        date(2023, 1, 20),
        date(2024, 2, 14),
        date(2024, 4, 29),
        date(2025, 1, 27),
        date(2025, 5, 2),
        date(2026, 1, 2),
        date(2026, 2, 16),
        date(2026, 4, 27),
        date(2026, 8, 31),
        date(2026, 11, 24),
    ],
)
def test_offices_are_closed_on_decided_days_off(day: date) -> None:
    """Tết, made-up holidays, swapped days and 24 November are days off although they fall on weekdays."""
    assert day.weekday() < 5
    assert not OFFICE.is_working_day(day)
    assert OFFICE.working_intervals(day) == ()


@pytest.mark.parametrize("day", [date(2024, 5, 4), date(2025, 4, 26), date(2026, 1, 10), date(2026, 8, 22)])
def test_swapped_saturdays_are_worked_with_the_hours_of_the_replaced_day(day: date) -> None:
    """The four make-up Saturdays are working days, open as on the weekday they replace."""
    assert day.weekday() == 5
    assert opening_hours(OFFICE, day) == [(7, 11), (13, 17)]


def test_ward_centres_keep_longer_hours() -> None:
    """The Cần Thơ ward centre calendar is open 07-12 and 13-18."""
    assert opening_hours(CENTRE, date(2026, 9, 21)) == [(7, 12), (13, 18)]


def test_tet_is_skipped_whole() -> None:
    """The working day after Friday 13/02/2026 is Monday 23/02/2026."""
    assert OFFICE.next_working_day(date(2026, 2, 13)) == date(2026, 2, 23)
    assert OFFICE.add_working_days(date(2026, 2, 13), 1) == date(2026, 2, 23)


@pytest.mark.parametrize(
    ("received", "day_zero"),
    [
        (local(2026, 9, 21, 15, 0), date(2026, 9, 21)),
        (local(2026, 9, 21, 15, 0, 1), date(2026, 9, 22)),
        (local(2026, 9, 21, 5, 0), date(2026, 9, 21)),
        (local(2026, 11, 23, 16, 0), date(2026, 11, 25)),
        (local(2026, 11, 24, 9, 0), date(2026, 11, 25)),
        (local(2026, 9, 19, 9, 0), date(2026, 9, 21)),
        (local(2026, 8, 22, 9, 0), date(2026, 8, 22)),
    ],
)
def test_counting_starts_on_the_day_of_receipt_until_fifteen_hours(
    received: datetime, day_zero: date
) -> None:
    """What comes by 15:00 of a working day counts from it, everything else from the next working day."""
    assert OFFICE.counting_start(received) == day_zero


def test_twenty_two_hours_utc_is_the_next_day_in_vietnam() -> None:
    """Days are days in Việt Nam: 17:30 UTC on Sunday is Monday 00:30 and counts from Monday."""
    assert OFFICE.counting_start(datetime(2026, 9, 20, 17, 30, tzinfo=UTC)) == date(2026, 9, 21)


@given(calendars, days, st.integers(0, 100))
def test_adding_days_and_counting_them_are_inverse(
    calendar: WorkingCalendar, start: date, count: int
) -> None:
    """n working days after a day are n working days away from it, on a working day not before it."""
    end = calendar.add_working_days(start, count)
    assert calendar.working_days_between(start, end) == count
    assert calendar.is_working_day(end)
    assert end >= start


@given(calendars, days, st.integers(0, 50), st.integers(0, 50))
def test_adding_days_splits(calendar: WorkingCalendar, start: date, first: int, second: int) -> None:
    """Adding days in two parts gives the same day as adding them at once."""
    once = calendar.add_working_days(start, first + second)
    assert calendar.add_working_days(calendar.add_working_days(start, first), second) == once


@given(days, st.integers(0, 60))
def test_days_agree_with_a_plain_walk(start: date, count: int) -> None:
    """The precomputed answer is what a day-by-day walk over the calendar finds."""
    day = start
    while not OFFICE.is_working_day(day):
        day += timedelta(days=1)
    for _ in range(count):
        day += timedelta(days=1)
        while not OFFICE.is_working_day(day):
            day += timedelta(days=1)
    assert OFFICE.add_working_days(start, count) == day


@given(calendars, instants, durations)
def test_adding_time_and_measuring_it_are_inverse(
    calendar: WorkingCalendar, start: datetime, duration: timedelta
) -> None:
    """Working time added is the working time found between, and the result is a working instant in UTC."""
    end = calendar.add_working_time(start, duration)
    assert calendar.working_time_between(start, end) == duration
    assert calendar.is_working_instant(end)
    assert end >= start
    assert end.tzinfo is UTC


@given(calendars, instants, durations, durations)
def test_adding_time_splits(
    calendar: WorkingCalendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    """Adding working time in two parts gives the same instant as adding it at once."""
    once = calendar.add_working_time(start, first + second)
    assert calendar.add_working_time(calendar.add_working_time(start, first), second) == once


@given(calendars, instants, instants, durations)
def test_adding_time_is_monotone(
    calendar: WorkingCalendar, one: datetime, other: datetime, duration: timedelta
) -> None:
    """A later start never gives an earlier end."""
    early, late = sorted((one, other))
    assert calendar.add_working_time(early, duration) <= calendar.add_working_time(late, duration)


@given(instants, instants)
def test_time_between_agrees_with_the_sum_of_intervals(one: datetime, other: datetime) -> None:
    """Working time between two instants is the overlap with each day's opening hours."""
    start, end = sorted((one, other))
    end = min(end, start + timedelta(days=40))
    day, total = start.astimezone(VIETNAM).date(), timedelta(0)
    while day <= end.astimezone(VIETNAM).date():
        for opens, closes in OFFICE.working_intervals(day):
            total += max(min(closes, end) - max(opens, start), timedelta(0))
        day += timedelta(days=1)
    assert OFFICE.working_time_between(start, end) == total


@given(calendars, instants)
def test_counting_start_is_the_rule(calendar: WorkingCalendar, received: datetime) -> None:
    """Day 0 is the day of receipt exactly when it is a working day and not past the cut-off."""
    day = received.astimezone(VIETNAM).date()
    in_time = calendar.is_working_day(day) and received.astimezone(VIETNAM).time() <= CUTOFF
    assert calendar.counting_start(received) == (day if in_time else calendar.next_working_day(day))


def test_years_without_a_table_are_refused() -> None:
    """Before and after the table's years every question fails and names the file to extend."""
    for ask in (
        lambda: OFFICE.is_working_day(date(2028, 1, 3)),
        lambda: OFFICE.add_working_days(date(2027, 12, 30), 5),
        lambda: OFFICE.add_working_days(date(2023, 1, 3), -5),
        lambda: OFFICE.add_working_hours(local(2027, 12, 31, 16), 8),
        lambda: OFFICE.counting_start(local(2027, 12, 31, 16)),
        lambda: OFFICE.working_time_between(local(2022, 12, 30), local(2023, 1, 5)),
    ):
        with pytest.raises(CalendarRangeError, match=r"holidays\.yaml covers 2023-2027"):
            ask()


def test_instants_without_a_zone_are_refused() -> None:
    """A naive datetime is an error, not taken as some zone."""
    with pytest.raises(CalendarError, match="time zone"):
        OFFICE.counting_start(datetime(2026, 9, 21, 9))  # noqa: DTZ001


def test_days_resting_on_a_forecast_are_known() -> None:
    """Tết 2027 is a forecast, 2026 is decided."""
    assert OFFICE.is_provisional(date(2027, 2, 1), date(2027, 2, 28))
    assert not OFFICE.is_provisional(date(2026, 1, 1), date(2026, 12, 31))


def test_the_version_changes_with_the_days_and_hours() -> None:
    """The version names the calendar and differs as soon as a day off or an hour differs."""
    table = load_holidays()
    hours: dict[str, tuple[str, ...]] = {"mon": ("07:00-11:00",), "wed": ("07:00-11:00",)}
    week = parse_week(OpeningHours(name="x", title="", source="", verified=True, week=hours))
    other = msgspec.structs.replace(table, days_off=table.days_off[:-1])
    versions = {WorkingCalendar("x", table, week).version, WorkingCalendar("x", other, week).version}
    assert len(versions) == 2
    assert OFFICE.version.startswith(f"{DEFAULT_CALENDAR}@{table.version}-")
    assert OFFICE.version == load_calendars()[DEFAULT_CALENDAR].version


@pytest.mark.parametrize(
    "intervals", [("11:00-07:00",), ("07:00-11:00", "10:00-12:00"), ("7-11",), ("07:00",)]
)
def test_malformed_hours_are_refused(intervals: tuple[str, ...]) -> None:
    """Hours that run backwards, overlap or are not hours stop the load."""
    hours = OpeningHours(name="x", title="", source="", verified=True, week={"mon": intervals})
    with pytest.raises(CalendarError):
        parse_week(hours)


def test_a_date_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """A holiday table with the same date in two rows does not load."""
    row = "{date: 2026-01-01, name: a, source: b, verified: true}"
    head = 'version: "1"\nfirst_year: 2026\nlast_year: 2026\nswapped_working_days: []\n'
    (tmp_path / "holidays.yaml").write_text(f"{head}days_off: [{row}, {row}]\n", "utf-8")
    with pytest.raises(CalendarError, match="twice"):
        load_holidays(tmp_path)
