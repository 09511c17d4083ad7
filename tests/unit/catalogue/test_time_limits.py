"""Due times: worked examples of the law, and that stopped clocks neither lose nor give away time."""

from datetime import UTC, date, datetime, timedelta
from time import process_time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from libs.catalogue.calendar import DEFAULT_CALENDAR, VIETNAM, CalendarRangeError, load_calendars
from libs.catalogue.holidays import CalendarError
from libs.catalogue.time_limits import Pause, TimeLimit, due_after_pauses, due_at, remaining

OFFICE = load_calendars()[DEFAULT_CALENDAR]
THREE_DAYS = TimeLimit(amount=3, unit="working_day")
FOUR_HOURS = TimeLimit(amount=4, unit="working_hour")
SAME_DAY = TimeLimit(amount=0, unit="same_day")
CITIZEN_REPORT = TimeLimit(amount=24, unit="hour")

limits = st.sampled_from(
    [THREE_DAYS, FOUR_HOURS, SAME_DAY, CITIZEN_REPORT, TimeLimit(amount=20, unit="working_day")]
)
instants = st.datetimes(datetime(2023, 1, 2), datetime(2027, 3, 31), timezones=st.just(UTC))  # noqa: DTZ001
spans = st.timedeltas(timedelta(0), timedelta(days=20))


def local(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=VIETNAM)  # type: ignore[arg-type,misc]


def pause(start: datetime, end: datetime | None) -> Pause:
    return Pause(started_at=start, ended_at=end)


@pytest.mark.parametrize(
    ("received", "limit", "due"),
    [
        # The real dossier of domain facts 1.5: submitted Monday 21/09/2026 late, appointment 25/09/2026.
        (local(2026, 9, 21, 15, 30), THREE_DAYS, local(2026, 9, 25, 17)),
        (local(2026, 9, 21, 9, 0), THREE_DAYS, local(2026, 9, 24, 17)),
        # 24/11/2026 is a holiday.
        (local(2026, 11, 23, 9, 0), THREE_DAYS, local(2026, 11, 27, 17)),
        (local(2026, 11, 23, 16, 0), FOUR_HOURS, local(2026, 11, 25, 10)),
        (local(2026, 11, 23, 16, 0), SAME_DAY, local(2026, 11, 25, 17)),
        (local(2026, 11, 23, 14, 59), SAME_DAY, local(2026, 11, 23, 17)),
        # Tết 2026: closed from Saturday 14/02 to Sunday 22/02.
        (local(2026, 2, 12, 10, 0), THREE_DAYS, local(2026, 2, 24, 17)),
        # A worked Saturday counts: 22/08/2026 makes up for 31/08/2026.
        (local(2026, 8, 21, 9, 0), TimeLimit(amount=1, unit="working_day"), local(2026, 8, 22, 17)),
        (local(2026, 8, 28, 9, 0), TimeLimit(amount=1, unit="working_day"), local(2026, 9, 3, 17)),
        # The 24-hour report runs through the night, the weekend and the holiday.
        (local(2026, 11, 23, 20, 0), CITIZEN_REPORT, local(2026, 11, 24, 20)),
    ],
)
def test_due_times_of_the_law(received: datetime, limit: TimeLimit, due: datetime) -> None:
    """The due time is the one counted by hand with the 15:00 rule and the holidays."""
    assert due_at(OFFICE, received, limit) == due
    assert due_at(OFFICE, received, limit).tzinfo is UTC


@pytest.mark.parametrize(
    ("limit", "stops", "due"),
    [
        # Due Thu 24/09. Stopped Tue 10:00 with two days left, resumed Thu 9:00: two days on.
        (THREE_DAYS, [(local(2026, 9, 22, 10), local(2026, 9, 24, 9))], local(2026, 9, 28, 17)),
        # Resumed after 15:00: counts from the next day.
        (THREE_DAYS, [(local(2026, 9, 22, 10), local(2026, 9, 24, 16))], local(2026, 9, 29, 17)),
        # Stopped and resumed within a morning: no day is lost.
        (THREE_DAYS, [(local(2026, 9, 22, 9), local(2026, 9, 22, 10))], local(2026, 9, 24, 17)),
        # One of four hours used, then stopped over a day.
        (FOUR_HOURS, [(local(2026, 9, 21, 10), local(2026, 9, 22, 10))], local(2026, 9, 22, 15)),
        (CITIZEN_REPORT, [(local(2026, 9, 21, 10), local(2026, 9, 21, 22))], local(2026, 9, 22, 21)),
        # A stop after the limit has run out changes nothing.
        (FOUR_HOURS, [(local(2026, 9, 22, 10), local(2026, 9, 24, 10))], local(2026, 9, 21, 15)),
    ],
)
def test_a_stopped_clock_keeps_what_was_left(
    limit: TimeLimit, stops: list[tuple[datetime, datetime]], due: datetime
) -> None:
    """After a stop exactly the remaining days or hours are still to run."""
    received = local(2026, 9, 21, 9)
    assert due_after_pauses(OFFICE, received, limit, [pause(*stop) for stop in stops]) == due


@given(instants, limits, st.lists(st.tuples(spans, spans), max_size=4))
def test_pauses_never_shorten(
    start: datetime, limit: TimeLimit, gaps: list[tuple[timedelta, timedelta]]
) -> None:
    """Every further stop leaves the due time or moves it later, and never before the resumption."""
    due, now, pauses = due_at(OFFICE, start, limit), start, []
    for before, length in gaps:
        stopped, now = now + before, now + before + length
        pauses.append(pause(stopped, now))
        later = due_after_pauses(OFFICE, start, limit, pauses)
        assert later >= due
        assert later >= now or stopped >= due
        due = later


@given(instants, limits, spans, spans, spans)
def test_a_stop_in_two_touching_parts_is_one_stop(
    start: datetime, limit: TimeLimit, before: timedelta, first: timedelta, second: timedelta
) -> None:
    """Splitting a stop in two that touch does not change the due time."""
    stopped = start + before
    middle, resumed = stopped + first, stopped + first + second
    once = due_after_pauses(OFFICE, start, limit, [pause(stopped, resumed)])
    assert due_after_pauses(OFFICE, start, limit, [pause(stopped, middle), pause(middle, resumed)]) == once


@given(instants, st.integers(1, 200), spans, spans)
def test_working_hours_left_are_kept_exactly(
    start: datetime, hours: int, before: timedelta, length: timedelta
) -> None:
    """For a limit in working hours, time worked outside the stop adds up to the limit."""
    limit = TimeLimit(amount=hours, unit="working_hour")
    stopped, resumed = start + before, start + before + length
    assume(stopped < due_at(OFFICE, start, limit))
    due = due_after_pauses(OFFICE, start, limit, [pause(stopped, resumed)])
    worked = OFFICE.working_time_between(start, stopped) + OFFICE.working_time_between(resumed, due)
    assert worked == timedelta(hours=hours)


@given(instants, instants, limits)
def test_a_later_receipt_is_never_due_earlier(one: datetime, other: datetime, limit: TimeLimit) -> None:
    """Due times keep the order of receipt."""
    early, late = sorted((one, other))
    assert due_at(OFFICE, early, limit) <= due_at(OFFICE, late, limit)


def test_what_remains_stands_still_while_the_clock_is_stopped() -> None:
    """During an open stop the remaining time is that of its beginning; before and after it runs."""
    received, stops = local(2026, 9, 21, 9), [pause(local(2026, 9, 21, 10), None)]
    assert remaining(OFFICE, received, FOUR_HOURS, [], local(2026, 9, 21, 10)) == timedelta(hours=3)
    assert remaining(OFFICE, received, FOUR_HOURS, stops, local(2026, 9, 22, 16)) == timedelta(hours=3)
    closed = [pause(local(2026, 9, 21, 10), local(2026, 9, 22, 13))]
    assert remaining(OFFICE, received, FOUR_HOURS, closed, local(2026, 9, 22, 16)) == timedelta(0)
    assert remaining(OFFICE, received, FOUR_HOURS, closed, local(2026, 9, 22, 17)) == timedelta(hours=-1)
    assert remaining(OFFICE, received, CITIZEN_REPORT, [], local(2026, 9, 22, 10)) == timedelta(hours=-1)


def test_a_stopped_clock_has_no_due_time() -> None:
    """Asking when a limit runs out while its clock stands still is an error."""
    with pytest.raises(CalendarError, match="stopped"):
        due_after_pauses(OFFICE, local(2026, 9, 21, 9), THREE_DAYS, [pause(local(2026, 9, 22, 9), None)])


@pytest.mark.parametrize(
    "stops",
    [
        [(local(2026, 9, 22, 9), local(2026, 9, 22, 8))],
        [(local(2026, 9, 22, 9), local(2026, 9, 22, 12)), (local(2026, 9, 22, 11), local(2026, 9, 22, 13))],
    ],
)
def test_impossible_stops_are_refused(stops: list[tuple[datetime, datetime]]) -> None:
    """Stops that end before they start, or overlap, are an error."""
    with pytest.raises(CalendarError):
        due_after_pauses(OFFICE, local(2026, 9, 21, 9), THREE_DAYS, [pause(*stop) for stop in stops])


def test_a_due_time_beyond_the_table_is_refused() -> None:
    """A limit that runs past the last known year asks for the table instead of guessing."""
    with pytest.raises(CalendarRangeError, match="2028"):
        due_at(OFFICE, local(2027, 12, 30, 9), THREE_DAYS)


@pytest.mark.parametrize(("amount", "unit"), [(0, "working_day"), (-1, "hour"), (1, "same_day")])
def test_impossible_limits_are_refused(amount: int, unit: str) -> None:
    """A limit needs a positive amount, except the same day, which has none."""
    with pytest.raises(ValueError, match=r"limit"):
        TimeLimit(amount=amount, unit=unit)  # type: ignore[arg-type]


def test_a_due_time_is_computed_fast() -> None:
    """A due time costs less than 20 µs (median of rounds), so the pipeline can ask for each event."""
    start, rounds = local(2026, 9, 21, 15, 30), []
    for _ in range(5):
        began = process_time()
        for _ in range(2000):
            due_at(OFFICE, start, THREE_DAYS)
        rounds.append((process_time() - began) / 2000)
    assert sorted(rounds)[2] < 20e-6


def test_an_apology_falls_on_the_working_day_before() -> None:
    """Days count back too: the working day before Wednesday 25/11/2026 is Monday, Tuesday being off."""
    assert OFFICE.add_working_days(date(2026, 11, 25), -1) == date(2026, 11, 23)
