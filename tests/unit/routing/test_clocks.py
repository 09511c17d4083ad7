"""Clocks: worked examples of the law, and that no stop ever costs anybody time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.limits import Limit
from libs.catalogue.time_limits import Pause as Stop
from libs.catalogue.time_limits import TimeLimit, due_after_pauses
from services.routing import clocks
from services.routing.case import Pause
from tests.unit.routing.samples import rules

CALENDAR = rules().calendar("")
START = datetime(2025, 1, 2, 1, 0, tzinfo=UTC)
LIMITS = [
    Limit(unit="same_day"),
    Limit(unit="working_day", amount=3),
    Limit(unit="working_day", amount=5),
    Limit(unit="working_hour", amount=4),
    Limit(unit="hour", amount=24),
]


def at(day: str, hour: int, minute: int = 0) -> datetime:
    """A moment of local time."""
    local = datetime.combine(date.fromisoformat(day), datetime.min.time()).replace(hour=hour, minute=minute)
    return (local - timedelta(hours=7)).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("accepted", "limit", "due"),
    [
        # The real appointment of reference/domain.md 1.5: Monday after 15:00, 3 days from the 22nd.
        (at("2026-09-21", 15, 30), Limit(unit="working_day", amount=3), at("2026-09-25", 17)),
        (at("2026-09-21", 14, 59), Limit(unit="working_day", amount=3), at("2026-09-24", 17)),
        (at("2026-09-21", 10), Limit(unit="same_day"), at("2026-09-21", 17)),
        (at("2026-09-21", 15, 1), Limit(unit="same_day"), at("2026-09-22", 17)),
        (at("2026-09-18", 16), Limit(unit="working_hour", amount=4), at("2026-09-21", 10)),
        (at("2026-09-19", 22), Limit(unit="hour", amount=24), at("2026-09-20", 22)),
        # Fifteen calendar days end on Sunday, so with Monday (Bộ luật Dân sự 2015 Đ148 k5).
        (at("2026-09-12", 9), Limit(unit="calendar_day", amount=15), at("2026-09-28", 17)),
    ],
)
def test_a_term_runs_out_as_the_law_counts(accepted: datetime, limit: Limit, due: datetime) -> None:
    """Terms run out when the law says, with the 15:00 rule, weekends and days off."""
    assert clocks.started(CALENDAR, accepted, limit, 1).due_at == due


def test_the_warning_comes_one_working_day_before() -> None:
    """A term of 3 days due on Friday warns at the end of Thursday; one of a few hours has no warning."""
    clock = clocks.started(CALENDAR, at("2026-09-21", 15, 30), Limit(unit="working_day", amount=3), 1)
    assert clock.near_at == at("2026-09-24", 17)
    assert clocks.started(CALENDAR, at("2026-09-21", 10), Limit(unit="same_day"), 1).near_at is None


def test_days_left_at_a_stop_are_left_after_it() -> None:
    """Stopped on Tuesday with two days left and resumed the Monday after, it is due on Wednesday."""
    clock = clocks.started(CALENDAR, at("2026-09-21", 9), Limit(unit="working_day", amount=3), 1)
    stopped = clocks.stopped(clock, at("2026-09-22", 10))
    assert stopped.due is None
    resumed = clocks.resumed(CALENDAR, stopped, at("2026-09-28", 10), 1)
    assert (resumed.due, resumed.near_at) == (at("2026-09-30", 17), at("2026-09-29", 17))


def test_a_term_that_has_run_out_is_not_stopped() -> None:
    """What was missed stays missed: a stop after the due time changes nothing."""
    clock = clocks.started(CALENDAR, at("2026-09-21", 9), Limit(unit="same_day"), 1)
    assert clocks.stopped(clock, at("2026-09-22", 9)) == clock


instants = st.integers(0, 600 * 24 * 4).map(lambda quarters: START + timedelta(minutes=15 * quarters))


@given(start=instants, limit=st.sampled_from(LIMITS), waits=st.lists(st.integers(1, 400), max_size=6))
def test_stops_one_by_one_give_what_the_calendar_gives_for_all(
    start: datetime, limit: Limit, waits: list[int]
) -> None:
    """A clock stopped and resumed step by step ends when libs.catalogue computes it from all stops at once."""
    moments = [start + timedelta(hours=sum(waits[: n + 1])) for n in range(len(waits) // 2 * 2)]
    clock = clocks.started(CALENDAR, start, limit, 1)
    pauses = []
    for stop, resume in zip(moments[::2], moments[1::2], strict=True):
        if clock.due_at <= stop:
            break
        clock = clocks.resumed(CALENDAR, clocks.stopped(clock, stop), resume, 1)
        pauses.append(Pause(reason="x", started_at=stop, ended_at=resume))
    term = TimeLimit(amount=limit.amount, unit=limit.unit)  # type: ignore[arg-type]
    stops = [Stop(started_at=p.started_at, ended_at=p.ended_at) for p in pauses]
    assert clock.due_at == due_after_pauses(CALENDAR, start, term, stops)
    assert clocks.restarted(CALENDAR, clock, limit, pauses, 1) == clock


@given(start=instants, limit=st.sampled_from(LIMITS), hours=st.integers(0, 300), length=st.integers(0, 900))
def test_no_stop_costs_time(start: datetime, limit: Limit, hours: int, length: int) -> None:
    """After a stop the due time is no earlier, and at least the working hours, or whole days, of before are left."""
    clock = clocks.started(CALENDAR, start, limit, 1)
    stop = start + timedelta(hours=hours)
    resume = stop + timedelta(hours=length)
    resumed = clocks.resumed(CALENDAR, clocks.stopped(clock, stop), resume, 1)
    assert resumed.due_at >= clock.due_at
    if clock.due_at <= stop:
        assert resumed == clock
    elif limit.unit == "hour":
        assert resumed.due_at - resume == clock.due_at - stop
    elif limit.unit == "working_hour":
        left = CALENDAR.working_time_between(stop, clock.due_at)
        assert CALENDAR.working_time_between(resume, resumed.due_at) == left
    else:
        days = CALENDAR.working_days_between(CALENDAR.counting_start(stop), CALENDAR.local_date(clock.due_at))
        left_after = CALENDAR.working_days_between(
            CALENDAR.counting_start(resume), CALENDAR.local_date(resumed.due_at)
        )
        assert left_after >= max(days, 0)
