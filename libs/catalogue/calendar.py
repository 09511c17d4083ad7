"""Working time of an office: which days and hours count, and arithmetic on them.

Instants are aware datetimes (any zone in, UTC out). Everything is precomputed into sorted integer arrays
(microseconds since the first local midnight of the table), so that a question costs one or two binary
searches.
"""

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

from libs.catalogue.holidays import (
    CALENDAR_FOLDER,
    HOLIDAY_FILE,
    CalendarError,
    HolidayTable,
    Interval,
    Week,
    load_holidays,
    load_opening_hours,
    parse_week,
)

# Việt Nam keeps UTC+7 all year; no daylight saving since long before the first year of any table.
VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
# Luật Hộ tịch 2014 Điều 5 khoản 3: what is received after 15:00 may count from the next working day.
CUTOFF = time(15, 0)
DEFAULT_CALENDAR = "civil-service-week"

_MICROSECOND = timedelta(microseconds=1)
_DAY = 24 * 3600 * 1_000_000
_HOUR = timedelta(hours=1)


class CalendarRangeError(CalendarError):
    """The answer would lie outside the years of the holiday table.

    The table must be extended, nothing is guessed.
    """


class WorkingCalendar:
    """The working days and hours of one kind of office over the years of a holiday table. Immutable."""

    def __init__(self, name: str, table: HolidayTable, week: Week) -> None:
        self.name = name
        self.first_day = date(table.first_year, 1, 1)
        self.last_day = date(table.last_year, 12, 31)
        rows = [(row.day, row.verified) for row in table.days_off]
        rows += [(row.day, row.verified) for row in table.swapped_working_days]
        self._forecast = tuple(day for day, verified in rows if not verified)
        self._origin = datetime.combine(self.first_day, time(), VIETNAM).astimezone(UTC)
        self._first_ordinal = self.first_day.toordinal()
        self._length = (self.last_day - self.first_day).days + 1
        self._hours = _hours_by_day(table, week, self.first_day, self._length)
        self._precompute()
        self.version = f"{name}@{table.version}-{self._digest()}"

    def _precompute(self) -> None:
        self._rank = array("i")  # by day: working days before it
        self._working = array("i")  # by rank: the day
        self._closing = array("q")  # by rank: when that day's work ends
        self._starts, self._ends, self._done = array("q"), array("q"), array("q")  # by interval
        total = 0
        for day in range(self._length):
            self._rank.append(len(self._working))
            for opens, closes in self._hours.get(day, ()):
                self._starts.append(day * _DAY + _microseconds(opens))
                self._ends.append(day * _DAY + _microseconds(closes))
                total += self._ends[-1] - self._starts[-1]
                self._done.append(total)  # working time up to the end of this interval
            if day in self._hours:
                self._working.append(day)
                self._closing.append(self._ends[-1])
        self._rank.append(len(self._working))

    def _digest(self) -> str:
        """Eight hex digits of what is computed, so that an edit without a new version still shows."""
        content = self._starts.tobytes() + self._ends.tobytes() + str(self.first_day).encode()
        return hashlib.sha256(content).hexdigest()[:8]

    # -- days ------------------------------------------------------------------------------------------------

    def is_working_day(self, day: date) -> bool:
        """Whether the office works on `day` (local date); raises CalendarRangeError outside the table."""
        return self._offset(day) in self._hours

    def working_intervals(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The opening and closing instants of `day`, in order; empty on a day off."""
        offset = self._offset(day)
        return tuple(
            (
                self._instant(offset * _DAY + _microseconds(opens)),
                self._instant(offset * _DAY + _microseconds(closes)),
            )
            for opens, closes in self._hours.get(offset, ())
        )

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`."""
        return self._day_of_rank(self._rank[self._offset(day) + 1])

    def add_working_days(self, start: date, days: int) -> date:
        """The working day `days` after `start`, which is day 0 (a day off first rolls forward).

        `days` may be negative.
        """
        return self._day_of_rank(self._rank[self._offset(start)] + days)

    def working_days_between(self, start: date, end: date) -> int:
        """How many working days after `start` the day `end` is (days off roll forward).

        Negative when before it.
        """
        return self._rank[self._offset(end)] - self._rank[self._offset(start)]

    def counting_start(self, received_at: datetime, cutoff: time = CUTOFF) -> date:
        """Day 0 of a limit in days: the day of receipt, or the next working day when received after `cutoff`
        or on a day off.

        Luật Hộ tịch 2014 Điều 5 khoản 3; NĐ 63/2024: after 15:00 counts from the next working day. 15:00:00
        itself still counts on the day.
        """
        day, moment = divmod(self._microseconds(received_at), _DAY)
        if day in self._hours and moment <= _microseconds(cutoff):
            return date.fromordinal(self._first_ordinal + day)
        return self._day_of_rank(self._rank[day + 1])

    def closing(self, day: date) -> datetime:
        """When work ends on the working day `day`; raises CalendarError on a day off."""
        offset = self._offset(day)
        if offset not in self._hours:
            raise CalendarError(f"{day.isoformat()} is not a working day of {self.name}")
        return self._instant(self._closing[self._rank[offset]])

    def local_date(self, instant: datetime) -> date:
        """The calendar date of `instant` in Việt Nam; raises CalendarRangeError outside the table."""
        return date.fromordinal(self._first_ordinal + self._microseconds(instant) // _DAY)

    def is_provisional(self, start: date, end: date) -> bool:
        """Whether a day from `start` to `end` rests on a forecast, not on a decision (see `verified` in the
        table).
        """
        return any(start <= day <= end for day in self._forecast)

    # -- hours -----------------------------------------------------------------------------------------------

    def is_working_instant(self, instant: datetime) -> bool:
        """Whether the office works at `instant`; opening and closing instants both count."""
        at = self._microseconds(instant)
        index = bisect_right(self._starts, at) - 1
        return index >= 0 and at <= self._ends[index]

    def add_working_time(self, instant: datetime, duration: timedelta) -> datetime:
        """The earliest instant with `duration` (≥ 0) of working time since `instant`.

        Zero gives the next working instant.
        """
        if duration < timedelta():
            raise CalendarError("working time cannot be added backwards")
        at = self._microseconds(instant)
        if not duration:
            return self._instant(self._forward(at))
        return self._instant(self._at_position(self._position(at) + duration // _MICROSECOND))

    def add_working_hours(self, instant: datetime, hours: float) -> datetime:
        """`add_working_time` in hours."""
        return self.add_working_time(instant, hours * _HOUR)

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; negative when `end` is earlier."""
        worked = self._position(self._microseconds(end)) - self._position(self._microseconds(start))
        return timedelta(microseconds=worked)

    # -- arrays ----------------------------------------------------------------------------------------------

    def _position(self, at: int) -> int:
        index = bisect_right(self._starts, at) - 1
        return self._done[index] - max(self._ends[index] - at, 0) if index >= 0 else 0

    def _at_position(self, position: int) -> int:
        index = bisect_left(self._done, position)
        if index == len(self._done):
            raise self._missing(self.last_day.year + 1)
        return self._ends[index] - (self._done[index] - position)

    def _forward(self, at: int) -> int:
        index = bisect_left(self._ends, at)
        if index == len(self._ends):
            raise self._missing(self.last_day.year + 1)
        return max(at, self._starts[index])

    def _day_of_rank(self, rank: int) -> date:
        if rank < 0:
            raise self._missing(self.first_day.year - 1)
        if rank >= len(self._working):
            raise self._missing(self.last_day.year + 1)
        return date.fromordinal(self._first_ordinal + self._working[rank])

    def _offset(self, day: date) -> int:
        offset = day.toordinal() - self._first_ordinal
        if not 0 <= offset < self._length:
            raise self._missing(day.year)
        return offset

    def _microseconds(self, instant: datetime) -> int:
        if instant.tzinfo is None:
            raise CalendarError("an instant without a time zone cannot be placed in the calendar")
        at = (instant - self._origin) // _MICROSECOND
        if not 0 <= at < self._length * _DAY:
            raise self._missing(instant.astimezone(VIETNAM).year)
        return at

    def _instant(self, at: int) -> datetime:
        return self._origin + timedelta(microseconds=at)

    def _missing(self, year: int) -> CalendarRangeError:
        return CalendarRangeError(
            f"no holidays known for {year}: catalogue/calendars/{HOLIDAY_FILE} covers "
            f"{self.first_day.year}-{self.last_day.year}, extend it"
        )


def load_calendars(folder: Path = CALENDAR_FOLDER) -> Mapping[str, WorkingCalendar]:
    """Every working calendar of the catalogue by name; raises CalendarError when a file is wrong."""
    table = load_holidays(folder)
    files = sorted(path for path in folder.glob("*.yaml") if path.name != HOLIDAY_FILE)
    hours = [load_opening_hours(path) for path in files]
    return {entry.name: WorkingCalendar(entry.name, table, parse_week(entry)) for entry in hours}


def _hours_by_day(
    table: HolidayTable, week: Week, first: date, length: int
) -> dict[int, tuple[Interval, ...]]:
    closed = {row.day for row in table.days_off}
    swapped = {row.day: row.replaces for row in table.swapped_working_days}
    hours: dict[int, tuple[Interval, ...]] = {}
    for offset in range(length):
        day = first + timedelta(days=offset)
        intervals = () if day in closed else week[swapped.get(day, day).weekday()]
        if intervals:
            hours[offset] = intervals
    return hours


def _microseconds(moment: time) -> int:
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return seconds * 1_000_000 + moment.microsecond
