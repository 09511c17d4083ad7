"""Days and moments as Vietnamese papers write them, always in the time of Việt Nam. Pure."""

from datetime import date, datetime

from libs.catalogue.calendar import VIETNAM

WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


def local_day(moment: date | datetime) -> date:
    """The day in Việt Nam of a moment; a day comes back unchanged. Raises ValueError for a moment without a zone."""
    return _local(moment).date() if isinstance(moment, datetime) else moment


def moment_text(moment: datetime) -> str:
    """A moment in local time: 14 giờ 05 phút, ngày 05/09/2026. Raises ValueError for one without a zone."""
    local = _local(moment)
    return f"{local:%H} giờ {local:%M} phút, ngày {local:%d/%m/%Y}"


def appointment_text(moment: datetime) -> str:
    """A moment somebody should come at: 16 giờ 30 phút, ngày 26/11/2026 (thứ Năm). Raises ValueError as above."""
    return f"{moment_text(moment)} ({weekday_text(local_day(moment))})"


def weekday_text(day: date) -> str:
    """The name of the day of the week: thứ Năm."""
    return WEEKDAYS[day.weekday()]


def long_day(day: date) -> str:
    """A day in the order of the heading of a paper: ngày 05 tháng 09 năm 2026."""
    return f"ngày {day:%d} tháng {day:%m} năm {day.year}"


def place_and_date(place: str, moment: date | datetime) -> str:
    """The line above a signature: Ngã Bảy, ngày 27 tháng 11 năm 2026. Raises ValueError for a moment without a zone."""
    return f"{place}, {long_day(local_day(moment))}"


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment.astimezone(VIETNAM)
