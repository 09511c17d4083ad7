"""How an element becomes a value of the declaration: a function for each word after `as` in mapping.yaml. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TO_GRAMS = {"g": Decimal(1), "kg": Decimal(1000)}
_TO_DAYS = {"d": Decimal(1), "wk": Decimal(7)}
_WEEKS_32 = Decimal(7 * 32)
# Digits of a number anybody measures here; more is an attack on whoever counts.
_DIGITS_MAX = 12
Codes = Mapping[str, Mapping[str, Any]]


class Unreadable(Exception):
    """The element says nothing the declaration could take; the text is for the sender and repeats no value."""


def _text(value: Any, _codes: Codes) -> str:
    if not isinstance(value, str):
        raise Unreadable("Phải là một chuỗi ký tự.")
    return value.strip()


def _name(value: Any, _codes: Codes) -> str:
    """Family name first, as names are written here; `text` goes before the parts."""
    if not isinstance(value, dict):
        raise Unreadable("Phải là một HumanName.")
    if isinstance(value.get("text"), str) and value["text"].strip():
        return str(value["text"]).strip()
    given = value.get("given")
    parts = [value.get("family"), *(given if isinstance(given, list) else [])]
    return " ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())


def _address(value: Any, _codes: Codes) -> str:
    if not isinstance(value, dict):
        raise Unreadable("Phải là một Address.")
    if isinstance(value.get("text"), str) and value["text"].strip():
        return str(value["text"]).strip()
    lines = value.get("line")
    parts = [
        *(lines if isinstance(lines, list) else []),
        *(value.get(n) for n in ("district", "city", "state")),
    ]
    return ", ".join(part.strip() for part in parts if isinstance(part, str) and part.strip())


def _day(value: Any, codes: Codes) -> str:
    """A whole day; of a moment with an offset the day in Việt Nam."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise Unreadable("Ngày này không có trong lịch.") from None
    return _minute(value, codes)[:10]


def _minute(value: Any, _codes: Codes) -> str:
    """A moment with its offset, as the wall clock in Việt Nam says it, to the minute."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
        if moment is None or moment.tzinfo is None:
            raise Unreadable("Phải ghi đủ năm, tháng, ngày, giờ, phút và múi giờ (ví dụ +07:00).")
        local = moment.astimezone(VIETNAM)
    except (ValueError, OverflowError):
        raise Unreadable("Ngày giờ không đúng.") from None
    return local.replace(tzinfo=None, second=0, microsecond=0).isoformat()


def _sex(value: Any, codes: Codes) -> Any:
    return _coded(value, codes["sex"])


def _country(value: Any, codes: Codes) -> Any:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{3}", value) and value not in codes["country"]:
        return value
    return _coded(value, codes["country"])


def _coded(value: Any, table: Mapping[str, Any]) -> Any:
    if not isinstance(value, str) or value not in table:
        raise Unreadable("Mã này chưa có trong bảng ánh xạ.")
    return table[value]


def _integer(value: Any, _codes: Codes) -> int:
    number = value.get("value") if isinstance(value, dict) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or int(number) != number:
        raise Unreadable("Phải là một số nguyên.")
    if abs(number) > 2**31:
        raise Unreadable("Số quá lớn.")
    return int(number)


def _grams(value: Any, _codes: Codes) -> int:
    return int(_measured(value, _TO_GRAMS, "g hoặc kg").to_integral_value())


def _under_32_weeks(value: Any, _codes: Codes) -> bool:
    return _measured(value, _TO_DAYS, "wk (tuần) hoặc d (ngày)") < _WEEKS_32


def _measured(value: Any, units: Mapping[str, Decimal], names: str) -> Decimal:
    """A Quantity in the smallest of the units. `code` (UCUM) goes before `unit`; "less than" is no measurement."""
    if not isinstance(value, dict) or "comparator" in value:
        raise Unreadable("Phải là một số đo (Quantity) không có dấu so sánh.")
    factor = units.get(str(value.get("code") or value.get("unit")))
    if factor is None:
        raise Unreadable(f"Đơn vị phải là {names}.")
    number = value.get("value")
    if isinstance(number, bool) or not isinstance(number, int | float) or len(str(number)) > _DIGITS_MAX:
        raise Unreadable("Phải là một số.")
    try:
        return Decimal(str(number)) * factor
    except InvalidOperation:
        raise Unreadable("Phải là một số.") from None


def _was_done(value: Any, _codes: Codes) -> bool:
    """A procedure that was carried out, an observation that was made."""
    return value in ("completed", "final", "amended", "corrected")


READINGS: Mapping[str, Callable[[Any, Codes], Any]] = {
    "text": _text,
    "name": _name,
    "address": _address,
    "day": _day,
    "minute": _minute,
    "sex": _sex,
    "country": _country,
    "integer": _integer,
    "grams": _grams,
    "under_32_weeks": _under_32_weeks,
    "was_done": _was_done,
}
