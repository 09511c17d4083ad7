"""The words of the screens: status, dates, deadlines. Eight status words, never more (docs/glossary.md)."""

import re
from collections.abc import Mapping
from datetime import date, datetime

import msgspec
from markupsafe import Markup, escape

from libs.catalogue.calendar import VIETNAM

WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


class Tag(msgspec.Struct, frozen=True):
    """A status as a word and the name of its colours in portal.css."""

    word: str
    look: str


# National status code → the word on the screen.
STATUS: Mapping[int, Tag] = {
    1: Tag("Chờ tiếp nhận", "waiting"),
    2: Tag("Đang xử lý", "working"),
    3: Tag("Từ chối", "ended"),
    4: Tag("Đang xử lý", "working"),
    5: Tag("Chờ bổ sung", "asked"),
    6: Tag("Chờ nộp phí", "asked"),
    7: Tag("Rút hồ sơ", "ended"),
    8: Tag("Từ chối", "ended"),
    9: Tag("Có kết quả", "ready"),
    10: Tag("Đã trả kết quả", "done"),
}


# Where what stands in a form came from, as intake keeps it → words at the value.
ORIGINS: Mapping[str, str] = {
    "typed": "Cán bộ nhập",
    "read-out": "Người dân đọc",
    "scanned": "Quét thẻ",
}


def with_code(text: str) -> Markup:
    """English text of a contract, with what stands between backticks as code."""
    return Markup(re.sub(r"`+([^`]+)`+", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def status_tag(code: int) -> Tag:
    """The word for a national status code. Raises KeyError for one there is not."""
    return STATUS[code]


def local(moment: datetime) -> datetime:
    """The moment on the clocks of Vietnam."""
    return moment.astimezone(VIETNAM)


def day(moment: datetime | date) -> str:
    """27/11/2026."""
    there = local(moment) if isinstance(moment, datetime) else moment
    return f"{there:%d/%m/%Y}"


def day_in_words(moment: datetime | date) -> str:
    """thứ Sáu, 27/11/2026."""
    there = local(moment).date() if isinstance(moment, datetime) else moment
    return f"{WEEKDAYS[there.weekday()]}, {there:%d/%m/%Y}"


def clock(moment: datetime) -> str:
    """14:03."""
    return f"{local(moment):%H:%M}"


def clock_seconds(moment: datetime) -> str:
    """14:03:12."""
    return f"{local(moment):%H:%M:%S}"


def day_and_clock(moment: datetime) -> str:
    """14:03 ngày 27/11/2026."""
    return f"{clock(moment)} ngày {day(moment)}"


def day_and_clock_seconds(moment: datetime) -> str:
    """14:03:12 ngày 27/11/2026."""
    return f"{clock_seconds(moment)} ngày {day(moment)}"


def appointment(moment: datetime) -> str:
    """16 giờ 30 phút, thứ Sáu, ngày 27/11/2026."""
    there = local(moment)
    return f"{there.hour} giờ {there.minute:02d} phút, {WEEKDAYS[there.weekday()]}, ngày {there:%d/%m/%Y}"
