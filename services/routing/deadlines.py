"""How a deadline stands, for people: none, running, near or missed, with the working time left. Pure.

Near is the last fifth of a term, and at least its last four working hours (the city may set both).
"""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.holidays import CalendarError
from services.routing.case import Case, Clock, Pause, Step
from services.routing.clocks import HOURS
from services.routing.rules import Numbers, Rules

Word = Literal["none", "stopped", "running", "near", "missed"]


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline now. `left_minutes` counts the time of work until it, below zero since it was missed.

    For a term in hours of the clock (`unit` hour) it counts those. `left_days` are whole working days from today to the
    day it falls on. Both are None while nothing runs, and beyond the holiday table.
    """

    word: Word
    due_at: datetime | None = None
    unit: str = ""
    left_minutes: int | None = None
    left_days: int | None = None


def deadline_of(case: Case, step: Step, at: datetime, rules: Rules) -> Deadline:
    """The deadline of an open step: its own, or the dossier's where no text gives the step one."""
    if case.settled is not None or not step.open:
        return Deadline(word="none")
    clock, calendar, held = _clock_of(case, step, rules)
    return _deadline(clock, calendar, held, at, rules.numbers)


def deadline_of_case(case: Case, at: datetime, rules: Rules) -> Deadline:
    """The deadline of the whole dossier."""
    if case.settled is not None:
        return Deadline(word="none")
    calendar = rules.calendar(case.receiving_agency)
    return _deadline(case.clock, calendar, case.pauses, at, rules.numbers)


def moments(case: Case, step: Step, rules: Rules) -> tuple[datetime | None, datetime | None]:
    """When the step is due and from when on that is near; none while the clock stands still."""
    clock, calendar, held = _clock_of(case, step, rules)
    if clock.due is None:
        return None, None
    return clock.due_at, near_from(calendar, clock, held, rules.numbers)


def near_from(
    calendar: WorkingCalendar, clock: Clock, pauses: tuple[Pause, ...], numbers: Numbers
) -> datetime:
    """From when on the end of the term is near; the stops it has had do not make the term longer.

    The moment itself where it lies beyond the holiday table: who sees it too late still sees it.
    """
    margin = timedelta(hours=numbers.near_working_hours)
    try:
        whole = _time(calendar, clock, clock.started_at, clock.due_at)
        for pause in pauses:
            begin, end = max(pause.started_at, clock.started_at), pause.ended_at
            if end is not None and begin < end:
                whole -= _time(calendar, clock, begin, min(end, clock.due_at))
        before = max(margin, whole * numbers.near_share)
        if clock.unit == HOURS:
            return clock.due_at - before
        whole = calendar.working_time_between(clock.started_at, clock.due_at)
        if whole <= before:
            return clock.started_at
        return calendar.add_working_time(clock.started_at, whole - before)
    except CalendarError:
        return clock.due_at


def _clock_of(case: Case, step: Step, rules: Rules) -> tuple[Clock, WorkingCalendar, tuple[Pause, ...]]:
    if step.clock is None:
        return case.clock, rules.calendar(case.receiving_agency), case.pauses
    held = tuple(pause for pause in case.pauses if pause.covers(step.code))
    return step.clock, rules.calendar(step.agency), held


def _deadline(
    clock: Clock, calendar: WorkingCalendar, pauses: tuple[Pause, ...], at: datetime, numbers: Numbers
) -> Deadline:
    if clock.due is None:
        return Deadline(word="stopped", unit=clock.unit)
    word: Word = "running"
    if at > clock.due_at:
        word = "missed"
    elif at >= near_from(calendar, clock, pauses, numbers):
        word = "near"
    minutes, days = None, None
    try:
        minutes = round(_time(calendar, clock, at, clock.due_at) / timedelta(minutes=1))
        days = calendar.working_days_between(calendar.local_date(at), calendar.local_date(clock.due_at))
    except CalendarError:
        pass
    return Deadline(word=word, due_at=clock.due_at, unit=clock.unit, left_minutes=minutes, left_days=days)


def _time(calendar: WorkingCalendar, clock: Clock, start: datetime, end: datetime) -> timedelta:
    """Time as the term counts it: of work, or of the clock."""
    return end - start if clock.unit == HOURS else calendar.working_time_between(start, end)
