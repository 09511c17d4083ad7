"""How a deadline stands is said in words and in working time, by the calendar of whoever has the step."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
import pytest

from services.routing import pauses, undo, words
from services.routing.case import FEE, Clock
from services.routing.deadlines import deadline_of, deadline_of_case, moments, near_from
from services.routing.rules import DEFAULT_NUMBERS
from tests.unit.routing.samples import BIRTH, CIVIL, MONDAY, accepted, completed, opened, rules

CALENDAR = rules().calendar("")
# 09:00 in Việt Nam; offices work from 07:00 to 11:00 and from 13:00 to 17:00, and the day before is a holiday.
WEDNESDAY = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def running(due: datetime, unit: str = "day") -> Clock:
    """A term from Wednesday 09:00 local time."""
    return Clock(started_at=WEDNESDAY, due_at=due, unit=unit)


@pytest.mark.parametrize(
    ("due", "near"),
    [
        # Six working hours: the last four of them.
        (WEDNESDAY + timedelta(hours=8), WEDNESDAY + timedelta(hours=2)),
        # Three working hours: all of it.
        (WEDNESDAY + timedelta(hours=5), WEDNESDAY),
        # 38 working hours to Tuesday 17:00: the last fifth, 7.6 of them.
        (datetime(2026, 12, 1, 10, 0, tzinfo=UTC), datetime(2026, 12, 1, 0, 24, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_term_is_near_for_four_hours_or_a_fifth(due: datetime, near: datetime) -> None:
    """In working time: nights, midday and days off do not count."""
    assert near_from(CALENDAR, running(due), (), DEFAULT_NUMBERS) == near


def test_a_term_in_hours_of_the_clock_is_near_by_the_clock() -> None:
    """Of 24 hours the last 4.8, by night as by day."""
    due = WEDNESDAY + timedelta(hours=24)
    assert near_from(CALENDAR, running(due, "hour"), (), DEFAULT_NUMBERS) == due - timedelta(hours=4.8)


def test_stops_do_not_make_a_term_longer() -> None:
    """After a week's stop the same last hours are near."""
    case = opened(accepted(options={"residence": False}))
    case, _ = pauses.pause(case, BIRTH, FEE, MONDAY + timedelta(hours=1), rules())
    case, _ = pauses.resume(case, BIRTH, FEE, MONDAY + timedelta(days=8), rules())
    due, near = moments(case, case.steps[0], rules())
    assert due is not None
    assert near is not None
    assert CALENDAR.working_time_between(near, due) == timedelta(hours=4)


def test_a_deadline_is_told_in_words_with_the_time_left() -> None:
    """Running, near, missed, standing still, and none once it is done."""
    case = opened(accepted())
    step = case.steps[0]
    due, near = moments(case, step, rules())
    assert due is not None
    assert near is not None
    told = deadline_of(case, step, near, rules())
    assert (told.word, told.left_minutes, told.left_days, told.due_at) == ("near", 240, 0, due)
    assert deadline_of(case, step, due, rules()).word == "near"
    late = deadline_of(case, step, due + timedelta(days=2), rules())
    assert late.word == "missed"
    assert late.left_minutes is not None
    assert late.left_minutes < 0
    assert deadline_of_case(case, MONDAY, rules()).word == "running"
    stopped, _ = pauses.pause(case, BIRTH, FEE, MONDAY, rules())
    assert deadline_of(stopped, stopped.steps[0], MONDAY, rules()).word == "stopped"
    done = completed(case, BIRTH, CIVIL)
    assert deadline_of(done, done.steps[0], MONDAY, rules()).word == "none"


def test_beyond_the_holiday_table_only_the_words_are_left() -> None:
    """Years nobody has the holidays of: the word is right, the time left is not guessed."""
    case = opened(accepted())
    clock = Clock(
        started_at=MONDAY, due_at=datetime(CALENDAR.last_day.year + 2, 1, 5, tzinfo=UTC), unit="day"
    )
    case = msgspec.structs.replace(case, clock=clock)
    told = deadline_of_case(case, MONDAY, rules())
    assert (told.word, told.left_minutes, told.left_days) == ("running", None, None)


def test_every_move_has_a_word_for_the_timeline() -> None:
    """What the log may hold is in the table, and what can be taken back is an act it knows."""
    assert set(get_args(undo.Undo)) <= set(words.DONE)
    assert set(undo.UNDOES.values()) <= set(words.DONE)
    assert not set(words.HAPPENED) & set(words.DONE)
