"""The sourced table of days off and swapped working days, and the opening hours that stand beside it."""

from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import msgspec

CALENDAR_FOLDER = Path(__file__).parents[2] / "catalogue" / "calendars"
HOLIDAY_FILE = "holidays.yaml"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

T = TypeVar("T")
Interval = tuple[time, time]
Week = tuple[tuple[Interval, ...], ...]


class CalendarError(ValueError):
    """The calendar data is wrong, or a question was put that it cannot answer."""


class DayOff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One day on which offices are closed although its weekday may be a working one."""

    day: date = msgspec.field(name="date")
    name: str
    source: str
    verified: bool


class SwappedDay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rest day worked instead of the day off `replaces`, with that day's hours."""

    day: date = msgspec.field(name="date")
    replaces: date
    source: str
    verified: bool


class HolidayTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days off and swapped days of whole years, first to last.

    Other years are unknown, not free of holidays.
    """

    version: str
    first_year: int
    last_year: int
    days_off: tuple[DayOff, ...]
    swapped_working_days: tuple[SwappedDay, ...]


class OpeningHours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The weekly hours of one kind of office, as written: `{"mon": ["07:00-11:00", ...]}`."""

    name: str
    title: str
    source: str
    verified: bool
    week: dict[str, tuple[str, ...]]


def load_holidays(folder: Path = CALENDAR_FOLDER) -> HolidayTable:
    """Read and check the holiday table; raises CalendarError for a row outside its years or twice there."""
    table = _read(folder / HOLIDAY_FILE, HolidayTable)
    closed = [row.day for row in table.days_off]
    swapped = [row.day for row in table.swapped_working_days]
    rows = closed + swapped
    if len(set(rows)) != len(rows):
        raise CalendarError("a date stands twice in the holiday table")
    if any(not table.first_year <= day.year <= table.last_year for day in rows):
        raise CalendarError("the holiday table has a date outside its years")
    if any(row.replaces not in closed for row in table.swapped_working_days):
        raise CalendarError("a swapped working day replaces a day that is not off")
    return table


def load_opening_hours(path: Path) -> OpeningHours:
    """Read one office's hours; the file must be named after the calendar it holds."""
    hours = _read(path, OpeningHours)
    if hours.name != path.stem:
        raise CalendarError(f"{path.name} holds the calendar {hours.name}")
    return hours


def parse_week(hours: OpeningHours) -> Week:
    """Hours by weekday, Monday first; raises CalendarError for malformed or overlapping intervals."""
    unknown = set(hours.week) - set(WEEKDAYS)
    if unknown:
        raise CalendarError(f"{hours.name}: unknown weekdays {sorted(unknown)}")
    week = tuple(tuple(_interval(text) for text in hours.week.get(day, ())) for day in WEEKDAYS)
    if not any(week):
        raise CalendarError(f"{hours.name}: the office never opens")
    for intervals in week:
        edges = [edge for interval in intervals for edge in interval]
        if any(later <= earlier for earlier, later in pairwise(edges)):
            raise CalendarError(f"{hours.name}: intervals of a day must be in order and apart")
    return week


def _interval(text: str) -> Interval:
    try:
        opens, closes = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError as error:
        raise CalendarError(f"not an interval HH:MM-HH:MM: {text}") from error
    return opens, closes


def _read(path: Path, kind: type[T]) -> T:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError) as error:
        raise CalendarError(f"{path.name} cannot be read: {error}") from error
