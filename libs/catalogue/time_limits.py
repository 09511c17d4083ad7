"""Time limits of the law on a working calendar: when a step is due, and what a stopped clock does to it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.holidays import CalendarError

LimitUnit = Literal["working_day", "working_hour", "hour", "same_day"]


class TimeLimit(msgspec.Struct, frozen=True, kw_only=True):
    """How long an agency has.

    working_day: ends when work ends on the n-th working day after day 0 (the 15:00 rule decides day 0).
    working_hour: counts opening hours from the instant of receipt, without the 15:00 rule.
    hour: wall clock, day and night (the 24-hour citizen report).
    same_day: ends when work ends on day 0, that is the next working day for what came after 15:00 (`amount`
    is 0).
    """

    amount: int
    unit: LimitUnit

    def __post_init__(self) -> None:
        if self.unit == "same_day":
            if self.amount != 0:
                raise ValueError("a same-day limit has the amount 0")
        elif self.amount < 1:
            raise ValueError("a time limit is at least 1 of its unit")


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A stopped clock, from `started_at` to `ended_at` (aware datetimes).

    `ended_at` is None while it is stopped.
    """

    started_at: datetime
    ended_at: datetime | None = None


def due_at(calendar: WorkingCalendar, start: datetime, limit: TimeLimit) -> datetime:
    """When `limit`, started by a receipt at `start`, runs out (UTC).

    Raises CalendarRangeError when that lies beyond the holiday table.
    """
    return _instant(calendar, _limit_end(calendar, start, limit))


def due_after_pauses(
    calendar: WorkingCalendar, start: datetime, limit: TimeLimit, pauses: Iterable[Pause]
) -> datetime:
    """When the limit runs out after clock stops, in order and not overlapping (touching is allowed).

    A stopped clock keeps what was left: working time for working hours, wall-clock time for hours, whole
    working days for limits in days. There the resumption is like a receipt, it counts from its own
    `counting_start` (the 15:00 rule), and the days left are counted from the `counting_start` of the stop. A
    stop after the due time changes nothing: the limit was missed before. Raises CalendarError while a clock
    is still stopped: it has no due time.
    """
    end = _limit_end(calendar, start, limit)
    for stopped, resumed in _closed_spans(pauses, start):
        if resumed is None:
            raise CalendarError("the clock is stopped, so it has no due time")
        if stopped >= _instant(calendar, end):
            break
        end = _shift(calendar, end, limit, stopped, resumed)
    return _instant(calendar, end)


def remaining(
    calendar: WorkingCalendar, start: datetime, limit: TimeLimit, pauses: Iterable[Pause], now: datetime
) -> timedelta:
    """Time left at `now`: working time, or wall-clock time for a limit in hours; negative when overdue.

    While the clock is stopped it is what was left when it stopped.
    """
    spans = [pause for pause in pauses if pause.started_at <= now]
    if spans and (spans[-1].ended_at is None or spans[-1].ended_at > now):
        now = max(spans.pop().started_at, start)
    due = due_after_pauses(calendar, start, limit, spans)
    if limit.unit == "hour":
        return due - now
    return calendar.working_time_between(now, due)


# The end of a limit: the last day for limits in days, else the instant. Days stay days until the very end so
# that several stops add up exactly.
_End = date | datetime


def _limit_end(calendar: WorkingCalendar, start: datetime, limit: TimeLimit) -> _End:
    if limit.unit == "hour":
        if start.tzinfo is None:
            raise CalendarError("an instant without a time zone cannot be placed in the calendar")
        return start.astimezone(UTC) + timedelta(hours=limit.amount)
    if limit.unit == "working_hour":
        return calendar.add_working_hours(start, limit.amount)
    return calendar.add_working_days(calendar.counting_start(start), limit.amount)


def _shift(
    calendar: WorkingCalendar, end: _End, limit: TimeLimit, stopped: datetime, resumed: datetime
) -> _End:
    if isinstance(end, datetime):
        if limit.unit == "hour":
            return end + (resumed - stopped)
        return calendar.add_working_time(end, calendar.working_time_between(stopped, resumed))
    left = max(calendar.working_days_between(calendar.counting_start(stopped), end), 0)
    return calendar.add_working_days(calendar.counting_start(resumed), left)


def _instant(calendar: WorkingCalendar, end: _End) -> datetime:
    return end if isinstance(end, datetime) else calendar.closing(end)


def _closed_spans(pauses: Iterable[Pause], start: datetime) -> Iterable[tuple[datetime, datetime | None]]:
    """The stops as spans not before `start`; raises CalendarError when they are out of order or overlap."""
    reached = None
    for pause in pauses:
        if reached is not None and pause.started_at < reached:
            raise CalendarError("clock stops overlap or are out of order")
        if pause.ended_at is None:
            yield max(pause.started_at, start), None
            reached = datetime.max.replace(tzinfo=UTC)
            continue
        if pause.ended_at < pause.started_at:
            raise CalendarError("a clock stop ends before it starts")
        reached = pause.ended_at
        if pause.ended_at > start:
            yield max(pause.started_at, start), pause.ended_at
