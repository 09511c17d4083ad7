"""Births and forms of people who do not exist. Names and numbers are canaries: they may appear in files only."""

from datetime import date, timedelta
from itertools import count
from typing import Any

CANARY_MOTHER, CANARY_PHONE, CANARY_ADDRESS = "Huỳnh Thị Kim Canary", "0912345678", "Khu vực 3 Canary"
_serial = count(1)


def birth(serial: int | None = None, **changes: Any) -> dict[str, Any]:
    """A hospital birth, unlike every other one; `changes` by dotted path with `__` for the dot."""
    number = next(_serial) if serial is None else serial
    declaration: dict[str, Any] = {
        "certificate": {
            "facility_code": "93016",
            "number": f"{number:06d}",
            "book": "01/2026",
            "issued_on": "2026-11-21",
            "treatment_code": f"LK{number:08d}",
        },
        "mother": {
            "name": CANARY_MOTHER + " " + _letters(number),
            "birth_date": "1995-03-08",
            "ethnic_code": "01",
            "document": {
                "number": f"093195{number:06d}",
                "issued_on": "2021-05-04",
                "issued_by": "Cục Cảnh sát",
            },
            "residence": {
                "address": CANARY_ADDRESS,
                "province_code": "92",
                "commune_code": "31340",
                "as_of": "2026-11-20",
            },
            "contact": {"phone": CANARY_PHONE, "email": "canary@example.vn"},
        },
        "father": {
            "name": "Trần Văn Canary",
            "document": {"number": "093093000456"},
            "birth_date": "1993-01-02",
        },
        "child": {
            "sex": 2,
            "birth_time": "2026-11-20T08:15:00",
            "place_of_birth": "Bệnh viện đa khoa khu vực Ngã Bảy",
            "order": 1,
            "weight_g": 3200,
            "intended_name": "Trần Canary Bảo Ngọc",
            "hometown": "Ngã Bảy, Cần Thơ",
        },
        "attendants": {"midwife": "Lê Thị Mai"},
    }
    for path, value in changes.items():
        place = declaration
        *above, last = path.split("__")
        for name in above:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return declaration


def certified_copy(**changes: Any) -> dict[str, Any]:
    """Copies to be certified at the counter."""
    return {
        "procedure": "2.000815",
        "form": {
            "applicant": {"name": "Phạm Thị Canary", "phone": "+84 913 456 789".replace(" ", "")},
            "documents": [{"name": "Bằng tốt nghiệp", "copies": 3, "pages": 2}],
        },
        "components": ["original"],
        **changes,
    }


def insurance_card(**changes: Any) -> dict[str, Any]:
    """A health-insurance card by itself."""
    return {
        "procedure": "1.014137",
        "unit": "31340",
        "form": {
            "child": {"name": "Trần Canary Bảo Ngọc", "sex": "female", "birth_date": "2026-10-01"},
            "applicant": {
                "name": "Phạm Thị Canary",
                "relation": "mother",
                "phone": CANARY_PHONE,
                "message_channel": "zalo",
                "identity": {"kind": "citizen_id", "number": "093195000777"},
            },
            "residence": {"unit_code": "31340", "address": CANARY_ADDRESS},
        },
        "components": ["declaration", "birth_certificate"],
        **changes,
    }


def _letters(number: int) -> str:
    """A number as letters, for a name has no digits; far apart, so that two births are not likely duplicates."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number * 7919:08d}")


def days_ago(days: int, today: date = date(2026, 11, 23)) -> str:
    """A day before today."""
    return (today - timedelta(days=days)).isoformat()
