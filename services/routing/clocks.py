"""Clocks: when a term runs out, and how it stands still without losing time. Pure arithmetic on a calendar.

Limits in days stay whole days (as in libs.catalogue.time_limits): a resumption counts like a receipt, with
the 15:00 rule (Luật Hộ tịch 2014 Đ5 k3), and the days that were left are left still.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.limits import Limit
from services.routing.case import Clock, Pause

DAYS, HOURS, WORKING_HOURS = "day", "hour", "working_hour"
_UNITS = {"hour": HOURS, "working_hour": WORKING_HOURS}


def started(calendar: WorkingCalendar, at: datetime, limit: Limit, near_days: int) -> Clock:
    """A clock started by a receipt at this moment."""
    return _running(calendar, at, limit.due_at(calendar, at), unit_of(limit), near_days)


def promised(calendar: WorkingCalendar, at: datetime, due: datetime, unit: str, near_days: int) -> Clock:
    """A clock whose end was promised, such as an appointment given at reception."""
    return _running(calendar, at, due, unit, near_days)


def unit_of(limit: Limit | None) -> str:
    """How time is counted under the limit; in days when there is none."""
    return _UNITS.get(limit.unit, DAYS) if limit else DAYS


def stopped(clock: Clock, at: datetime) -> Clock:
    """The clock standing still. One already stopped, or already run out, stays as it is."""
    if clock.stopped_at is not None or clock.due_at <= at:
        return clock
    return msgspec.structs.replace(clock, stopped_at=max(at, clock.started_at))


def resumed(calendar: WorkingCalendar, clock: Clock, at: datetime, near_days: int) -> Clock:
    """The clock running again with what was left of it. One that runs stays as it is."""
    if clock.stopped_at is None:
        return clock
    due = shifted(calendar, clock.due_at, clock.unit, clock.stopped_at, max(at, clock.stopped_at))
    return _moved(clock, _running(calendar, clock.started_at, due, clock.unit, near_days))


def shifted(
    calendar: WorkingCalendar, due: datetime, unit: str, stop: datetime, resume: datetime
) -> datetime:
    """Where the due time moves when the clock stood still from `stop` to `resume`; never back."""
    if unit == HOURS:
        return due + (resume - stop)
    if unit == WORKING_HOURS:
        return max(due, calendar.add_working_time(due, calendar.working_time_between(stop, resume)))
    left = max(calendar.working_days_between(calendar.counting_start(stop), calendar.local_date(due)), 0)
    day = calendar.add_working_days(calendar.counting_start(resume), left)
    return max(due, calendar.closing(day))


def restarted(
    calendar: WorkingCalendar, clock: Clock, limit: Limit, pauses: Iterable[Pause], near_days: int
) -> Clock:
    """The clock under another limit from the same start, with the stops it has had."""
    due = limit.due_at(calendar, clock.started_at)
    unit = unit_of(limit)
    for stop, resume in _spans(pauses, clock.started_at):
        if stop >= due:
            break
        if resume is None:
            return _moved(clock, msgspec.structs.replace(clock, due_at=due, unit=unit, stopped_at=stop))
        due = shifted(calendar, due, unit, stop, resume)
    return _moved(clock, _running(calendar, clock.started_at, due, unit, near_days))


def working_days_after(calendar: WorkingCalendar, at: datetime, days: int) -> datetime:
    """The end of work on the working day `days` after the day of the moment (which may be negative)."""
    return calendar.closing(calendar.add_working_days(calendar.local_date(at), days))


def _running(calendar: WorkingCalendar, at: datetime, due: datetime, unit: str, near_days: int) -> Clock:
    near = working_days_after(calendar, due, -near_days)
    return Clock(started_at=at, due_at=due, unit=unit, near_at=near if at < near < due else None)


def _moved(old: Clock, new: Clock) -> Clock:
    return msgspec.structs.replace(new, moves=old.moves + (new.due_at != old.due_at))


def _spans(pauses: Iterable[Pause], start: datetime) -> list[tuple[datetime, datetime | None]]:
    """The stops as spans in order that do not overlap, from `start` on."""
    spans: list[tuple[datetime, datetime | None]] = []
    for pause in sorted(pauses, key=lambda p: p.started_at):
        begin = max(pause.started_at, start)
        if pause.ended_at is not None and pause.ended_at <= begin:
            continue
        if spans and (spans[-1][1] is None or begin <= spans[-1][1]):
            first, last = spans[-1]
            ends = None if last is None or pause.ended_at is None else max(last, pause.ended_at)
            spans[-1] = (first, ends)
        else:
            spans.append((begin, pause.ended_at))
    return spans
