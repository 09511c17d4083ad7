"""The term of a step or dossier as the catalogue states it, and when it runs out."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.time_limits import TimeLimit, due_at

LimitUnit = Literal["same_day", "hour", "working_hour", "working_day", "calendar_day"]


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A term: `amount` of `unit`; `same_day` has no amount (Luật Hộ tịch 2014 Đ5 k3).

    The units are those of TimeLimit, and calendar_day: days on and off alike ("15 ngày").
    """

    unit: LimitUnit
    amount: int = 0

    def __post_init__(self) -> None:
        if (self.unit == "same_day") != (self.amount == 0) or self.amount < 0:
            raise ValueError("a limit needs an amount above 0, except same_day which has none")

    def due_at(self, calendar: WorkingCalendar, start: datetime) -> datetime:
        """When the term, started by a receipt at `start`, runs out (UTC).

        A term in calendar days that ends on a day off ends with the next working day (Bộ luật Dân sự 2015
        Đ148 k5). Raises CalendarRangeError when that lies beyond the holiday table.
        """
        if self.unit != "calendar_day":
            return due_at(calendar, start, TimeLimit(amount=self.amount, unit=self.unit))
        last = calendar.local_date(start) + timedelta(days=self.amount)
        return calendar.closing(calendar.add_working_days(last, 0))
