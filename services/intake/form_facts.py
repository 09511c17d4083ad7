"""What a form's schema cannot say of its dates and communes: whether they can be true today. Pure.

The rules are those of a hospital's own declaration (birth_rules); forms share the parts of
catalogue/schema/definitions.yaml, so the names of the fields say what they hold.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from libs.catalogue.units import Units
from services.intake.births import Problem
from services.intake.form_births import local_minute
from services.intake.texts import hidden_signs

DEPTH_MAX = 16
_DAYS = frozenset({"birth_date", "died_on", "issued_on", "notice_issued_on", "registered_on"})
_UNITS = frozenset({"unit_code", "birth_unit_code"})


def check_facts(form: Mapping[str, Any], now: datetime, units: Units) -> Iterator[Problem]:
    """What cannot be true as seen at `now` (wall time in Việt Nam), naming the field and never its value."""
    yield from hidden_signs(form)
    yield from _parts(form, "", now, units)
    certificate, child = form.get("medical_certificate"), form.get("child")
    if isinstance(certificate, Mapping) and isinstance(child, Mapping):
        born = local_minute(str(child.get("birth_time", "")))
        issued_on = _first_day(str(certificate.get("issued_on", "")))
        if born is not None and issued_on is not None and issued_on < born.date():
            message = "Ngày cấp giấy chứng sinh không được trước ngày sinh của con."
            yield _error("medical_certificate.issued_on", "before-birth", message)


def _parts(part: Any, path: str, now: datetime, units: Units, depth: int = 0) -> Iterator[Problem]:
    if depth > DEPTH_MAX:
        return
    if isinstance(part, list):
        for index, item in enumerate(part):
            yield from _parts(item, f"{path}.{index}".lstrip("."), now, units, depth + 1)
    if not isinstance(part, Mapping):
        return
    for name, value in part.items():
        here = f"{path}.{name}".lstrip(".")
        if isinstance(value, str) and value:
            yield from _fact(name, value, here, now, units)
        yield from _parts(value, here, now, units, depth + 1)


def _fact(name: str, value: str, path: str, now: datetime, units: Units) -> Iterator[Problem]:
    if name in _DAYS:
        # A form may know only the year or the month; then the first day of it counts.
        day = _first_day(value)
        if day is None:
            yield _error(path, "unreal", "Phải là ngày có thật.")
        elif day > now.date():
            yield _error(path, "in-future", "Ngày này không được sau ngày hôm nay.")
    elif name == "birth_time":
        minute = local_minute(value)
        if minute is not None and minute > now:
            yield _error(path, "in-future", "Giờ sinh không được sau thời điểm hiện tại.")
    elif name in _UNITS and units.resolve(value, on=now.date(), stated_on=now.date()).stated is None:
        yield _error(path, "commune-unknown", "Mã xã không có trong danh mục đơn vị hành chính.")


def _first_day(text: str) -> date | None:
    """The day, or the first one of the year or month written; None for no real one."""
    try:
        return date.fromisoformat(text + "-01-01"[len(text) - len("2026") :])
    except ValueError:
        return None


def _error(field: str, code: str, message_vi: str) -> Problem:
    return Problem(field=field, code=code, message_vi=message_vi)
