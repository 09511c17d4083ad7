"""What was typed into the boxes of a form, read into the data its schema describes. Pure.

Empty boxes are left out; what cannot be read is a problem at its box, in the words of the screen. Everything else is
judged by intake, which has the rules.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from libs.catalogue import Catalogue, Units
from libs.catalogue.calendar import VIETNAM
from libs.catalogue.code_lists import code_lists
from libs.catalogue.folding import fold
from libs.catalogue.forms import IDENTITY
from services.portal.forms.dates_typed import NotADay, read_day
from services.portal.forms.fields import Box, Part

PREFIX = "form."
LAST_DAY = date(2199, 12, 31)
LENGTH_MAX = 5000
# Single blanks, and a bounded length: runs of blanks that several parts may take cost their number cubed.
_CLOCK_FIRST = re.compile(
    r"(\d{1,2}) ?(?::|h|giờ|g) ?(\d{1,2})?[ ,-]*(?:phút)?[ ,-]*(?:ngày)? ?(\d.*)", re.IGNORECASE
)
MOMENT_LENGTH_MAX = 60
_YEAR = re.compile(r"(?:19|20)\d{2}")
_CODE_AT_END = re.compile(r"\((\d{5})\)\s*$")
_FIVE = re.compile(r"\d{5}")

Problems = list[tuple[str, str]]


class Unreadable(ValueError):
    """What was typed is not of the kind the box is for; `message` is to be shown."""

    def __init__(self, message: str) -> None:
        super().__init__("unreadable")
        self.message = message


class Reader:
    """Reads what is typed on one day; communes and facilities are those of the catalogue on it."""

    def __init__(self, catalogue: Catalogue, today: date) -> None:
        self._units = catalogue.units
        self._today = today

    def read(self, part: Part, typed: Mapping[str, str]) -> tuple[dict[str, Any], Problems]:
        """The data of the form and what could not be read: (name of the box, message)."""
        problems: Problems = []
        data = self._part(part, typed, problems, whose=part.label if part.path else "")
        return data, problems

    def _part(
        self, part: Part, typed: Mapping[str, str], problems: Problems, *, whose: str
    ) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for each in part.inner:
            name = each.path.rpartition(".")[2]
            if isinstance(each, Part):
                inner = self._part(
                    each, typed, problems, whose=whose if name == IDENTITY else each.label or whose
                )
                if not inner and not each.required:
                    continue
                if each.row:
                    data.setdefault(each.path.split(".")[-2], []).append(inner)
                else:
                    data[name] = inner
                continue
            text = typed.get(PREFIX + each.path, "")[:LENGTH_MAX].strip()
            if not text:
                continue
            try:
                data[name] = self._value(each, text)
            except Unreadable as error:
                problems.append((PREFIX + each.path, f"{_label(each, whose)}: {error.message}"))
        return data

    def _value(self, box: Box, text: str) -> Any:
        match box.kind:
            case "day":
                return _day(text).isoformat()
            case "day-or-year":
                return text if _YEAR.fullmatch(text) else _day(text).isoformat()
            case "moment":
                return _moment(text)
            case "whole":
                return _whole(text)
            case "number":
                return _number(text)
            case "yes-no":
                return text == "yes"
            case "commune":
                return commune_of(self._units, text, self._today)
            case "facility":
                return _facility(text)
        return text


def _label(box: Box, whose: str) -> str:
    """A box with whose it is, as refusals by the form's schema name it: `Ngày sinh (người mẹ)`."""
    return f"{box.label} ({whose.lower()})" if whose else box.label


def commune_of(units: Units, text: str, today: date) -> str:
    """The code of a commune: at the end of a suggestion, alone, or by the whole name typed. Raises Unreadable."""
    if found := _CODE_AT_END.search(text):
        return found[1]
    if _FIVE.fullmatch(text):
        return text
    exact = [
        unit
        for unit in units.search(text, today, limit=3)
        if fold(text) in (fold(unit.full_name), fold(unit.name))
    ]
    if len(exact) != 1:
        raise Unreadable("hãy chọn xã, phường trong danh sách gợi ý.")
    return exact[0].code


def _day(text: str) -> date:
    try:
        return read_day(text, last=LAST_DAY)
    except NotADay as error:
        raise Unreadable(error.message[0].lower() + error.message[1:]) from None


def _moment(text: str) -> str:
    words = " ".join(text[: MOMENT_LENGTH_MAX + 1].split())
    found = _CLOCK_FIRST.fullmatch(words) if len(text) <= MOMENT_LENGTH_MAX else None
    try:
        if found is None:
            raise ValueError(text)
        clock = time(int(found[1]), int(found[2] or 0))
    except ValueError:
        raise Unreadable("hãy ghi giờ rồi đến ngày, ví dụ 08:30 23/11/2026.") from None
    return f"{_day(found[3]).isoformat()}T{clock:%H:%M}"


def _whole(text: str) -> int:
    digits = text.replace(".", "").replace(" ", "")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 15:
        raise Unreadable("phải là số nguyên.")
    return int(digits)


def _number(text: str) -> float:
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        raise Unreadable("phải là số, ví dụ 9,814.") from None
    if found != found or abs(found) > 1e15:  # noqa: PLR0124 - NaN is the number that differs from itself
        raise Unreadable("phải là số, ví dụ 9,814.")
    return found


def _facility(text: str) -> str:
    if found := _CODE_AT_END.search(text):
        return found[1]
    if _FIVE.fullmatch(text):
        return text
    exact = [one.code for one in code_lists().facilities.values() if fold(one.name) == fold(text)]
    if len(exact) != 1:
        raise Unreadable("hãy chọn cơ sở trong danh sách gợi ý hoặc ghi mã 5 chữ số.")
    return exact[0]


def read_moment(text: str) -> datetime:
    """A moment typed as hour and day, on the clocks of Vietnam. Raises Unreadable."""
    return datetime.fromisoformat(_moment(text.strip())).replace(tzinfo=VIETNAM)
