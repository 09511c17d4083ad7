"""Reads a day as people type it into one box: `2991990`, `02/09/1990`, `02091990`, `2-9-1990`. Pure.

Never a guess: what can be read as two days, and a year of two digits, is refused with words that say how to write it.
"""

import re
import unicodedata
from datetime import date

# Nobody alive, and no register of civil status, is older.
FIRST = date(1900, 1, 1)
LENGTH_MAX = 30
_PARTED = re.compile(r"(\d{1,2})\s*[/.\- ]\s*(\d{1,2})\s*[/.\- ]\s*(\d{4})", re.ASCII)
_YEAR_FIRST = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_ALL_EIGHT = re.compile(r"\d{8}", re.ASCII)
_TOGETHER = re.compile(r"\d{6,8}", re.ASCII)
EXAMPLE = "02/09/1990"
# The year is whole, so it is the day or the month that is wrong.
NO_DAY = f"không có ngày này hoặc ghi chưa rõ, ví dụ {EXAMPLE}"


class NotADay(ValueError):
    """What was typed is no day.

    `code` is empty, unclear, ambiguous, too-early or too-late; `message` is to be shown.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def read_day(typed: str, *, last: date, first: date = FIRST) -> date:
    """The day that was typed, from `first` to `last` (both allowed). Raises NotADay."""
    text = unicodedata.normalize("NFKC", typed[: LENGTH_MAX + 1]).strip()
    if not text:
        raise NotADay("empty", f"Hãy nhập ngày, ví dụ {EXAMPLE}.")
    readings = sorted(_readings(text)) if len(text) <= LENGTH_MAX else []
    if not readings and _is_whole(text):
        raise NotADay("unclear", f"{NO_DAY[0].upper()}{NO_DAY[1:]}.")
    if not readings:
        raise NotADay("unclear", f"Hãy nhập ngày, tháng và đủ 4 chữ số của năm, ví dụ {EXAMPLE}.")
    within = [day for day in readings if first <= day <= last]
    if not within:
        if readings[0] < first:
            raise NotADay("too-early", f"Ngày phải từ {_written(first)} trở đi.")
        raise NotADay("too-late", f"Ngày không được sau {_written(last)}.")
    if len(within) > 1:
        raise NotADay(
            "ambiguous", f"Có thể là {_written(within[0])} hoặc {_written(within[1])}; hãy viết rõ."
        )
    return within[0]


def _written(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _is_whole(text: str) -> bool:
    """Whether day, month and all four digits of the year are there."""
    return any(shape.fullmatch(text) for shape in (_PARTED, _YEAR_FIRST, _ALL_EIGHT))


def _readings(text: str) -> set[date]:
    """Every day the text can stand for."""
    if found := _PARTED.fullmatch(text):
        day, month, year = (int(part) for part in found.groups())
        return _days((day, month, year))
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
        return _days((day, month, year))
    if not _TOGETHER.fullmatch(text):
        return set()
    front, year = text[:-4], int(text[-4:])
    # 2|9, 29|9 or 2|99, 02|09: the day and the month without zeros in front leave their border open.
    return _days(
        *((int(front[:cut]), int(front[cut:]), year) for cut in (1, 2) if 1 <= len(front) - cut <= 2)
    )


def _days(*parts: tuple[int, int, int]) -> set[date]:
    found = set()
    for day, month, year in parts:
        try:
            found.add(date(year, month, day))
        except ValueError:
            continue
    return found
