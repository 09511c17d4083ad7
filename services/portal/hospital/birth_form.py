"""The form of a birth at the maternity desk: from what was typed to intake's POST /births, and its refusals back. Pure.

The same form gives the same body at any later moment, since it may be sent again with its key: what is to be dated is
dated by the form itself.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from libs.catalogue.units import Units
from libs.http.problems import FieldError
from services.portal.forms.dates_typed import NotADay, read_day
from services.portal.forms.reading import Problems
from services.portal.hospital.addresses import communes_of
from services.portal.hospital.typed import clock_of, grams_of

DAY_SHAPE = r"\d{1,2}\D+\d{1,2}\D+\d{4}|\d{6,8}"
CLOCK_SHAPE = r"\d{1,2}\D+\d{2}\D*|\d{3,4}|\d{1,2} ?(h|g|giờ)"
WEIGHT_SHAPE = r"\d{3,5}\D*|\d\.\d{3}\D*|\d{1,2}[.,]\d{1,3}\D*"
UNCHECKED = "Hãy đối chiếu giấy tờ và ảnh với người mẹ, rồi đánh dấu"
UNCLEAR_CLOCK = "Giờ sinh ghi giờ và phút, ví dụ 14:05"
UNCLEAR_WEIGHT = "Cân nặng ghi bằng gam, ví dụ 3100"
Fields = Mapping[str, str]
LENGTH_MAX = 500
# Which day is today is the service's to say: the same form must be read alike tomorrow.
_LAST = date(2199, 12, 31)
KINH = "01"
# When wards let families go, where nobody says otherwise. [judgement]
LEAVES_AT = "10:00"

# Path in the declaration → field of the form; the longest that fits counts.
_PLACES: Mapping[str, str] = {
    "certificate.facility_code": "",
    "certificate.number": "gcs-so",
    "certificate.book": "gcs-quyen",
    "certificate.issued_on": "gcs-ngay",
    "mother.name": "me-ten",
    "mother.birth_date": "me-ngay-sinh",
    "mother.ethnic_code": "me-dan-toc",
    "mother.document": "me-so",
    "mother.insurance_card": "me-bhyt",
    "mother.contact": "me-dien-thoai",
    "mother.residence.address": "cu-tru",
    "mother.residence": "cu-tru-xa",
    "child.sex": "gioi-tinh",
    "child.birth_time": "gio-sinh",
    "child.weight_g": "can-nang",
    "child.intended_name": "be-ten",
    "child.count": "so-con",
    "child.order": "thu-tu",
    "father.name": "cha-ten",
    "father.birth_date": "cha-ngay-sinh",
    "father": "cha-so",
    "attendants": "do-de",
    "choices.residence_to_register": "cu-tru-xa",
    "card": "ly-do",
    "override_reason": "ly-do",
    "stay.room": "phong",
    "stay.bed": "giuong",
    "stay.discharge_at": "ra-vien",
}
NEEDED: Mapping[str, str] = {
    "me-so": "Chưa có số định danh hoặc số giấy tờ của mẹ",
    "me-ten": "Chưa ghi họ, chữ đệm, tên của mẹ",
    "gioi-tinh": "Chưa chọn giới tính của bé",
    "cu-tru": "Chưa ghi nơi cư trú của mẹ",
    "gcs-so": "Chưa ghi số giấy chứng sinh",
    "gcs-quyen": "Chưa ghi quyển số giấy chứng sinh",
    "do-de": "Chưa ghi họ tên người đỡ đẻ",
    "doi-chieu": UNCHECKED,
}
# For the page, which says so before anything is sent: (field, pattern in JavaScript, words).
SHAPES = (
    ("me-ngay-sinh", DAY_SHAPE, "Ngày sinh của mẹ ghi ngày/tháng/năm, ví dụ 02/09/1990"),
    ("cha-ngay-sinh", DAY_SHAPE, "Ngày sinh của cha ghi ngày/tháng/năm, ví dụ 02/09/1990"),
    ("ngay-sinh", DAY_SHAPE, "Ngày sinh của bé ghi ngày/tháng/năm"),
    ("gcs-ngay", DAY_SHAPE, "Ngày cấp giấy chứng sinh ghi ngày/tháng/năm"),
    ("ra-vien", DAY_SHAPE, "Ngày ra viện ghi ngày/tháng/năm"),
    ("gio-sinh", CLOCK_SHAPE, UNCLEAR_CLOCK),
    ("can-nang", WEIGHT_SHAPE, UNCLEAR_WEIGHT),
)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The hospital the form is filled in at."""

    facility: str
    place_of_birth: str


def cleaned(given: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a form that was sent, without what no field holds (files, endless texts)."""
    return {name: value.strip()[:LENGTH_MAX] for name, value in given.items() if isinstance(value, str)}


def declaration_of(fields: Fields, desk: Desk, units: Units) -> tuple[dict[str, Any], Problems]:
    """The body for POST /births, and what is missing or cannot be read; with problems the body is not to be sent."""
    problems = _missing(fields)
    born_on = _day(fields, "ngay-sinh", problems, "ngày sinh của bé")
    born_at = clock_of(fields.get("gio-sinh", ""))
    if born_at is None:
        problems.append(("gio-sinh", UNCLEAR_CLOCK))
    issued_on = _day(fields, "gcs-ngay", problems, "ngày cấp giấy chứng sinh")
    mother_born = _day(fields, "me-ngay-sinh", problems, "ngày sinh của mẹ")
    child = _child(fields, problems) | {"place_of_birth": desk.place_of_birth}
    if born_on and born_at:
        child["birth_time"] = datetime.combine(born_on, born_at)
    body: dict[str, Any] = {
        "certificate": {
            "facility_code": desk.facility,
            "number": fields.get("gcs-so", ""),
            "book": fields.get("gcs-quyen", ""),
            "issued_on": issued_on,
        },
        "mother": {
            "name": fields.get("me-ten", ""),
            "birth_date": mother_born,
            "ethnic_code": fields.get("me-dan-toc", "") or KINH,
            "document": {"number": fields.get("me-so", "")},
            "residence": _residence(fields, units, issued_on, problems),
            "insurance_card": fields.get("me-bhyt", ""),
            "contact": {"phone": fields.get("me-dien-thoai", "")},
        },
        "child": child,
        "attendants": {"midwife": fields.get("do-de", "")},
        "identity_typed": not _scanned(fields),
        "override_reason": fields.get("ly-do", ""),
    }
    if father := _father(fields, problems):
        body["father"] = father
    if card := _card(fields):
        body["card"] = card
    if stay := stay_of(fields, problems):
        body["stay"] = stay
    return body, in_order(problems)


def stay_of(fields: Fields, problems: Problems) -> dict[str, Any]:
    """Where they lie and until when; empty when nothing was said of it."""
    day, clock = fields.get("ra-vien", ""), fields.get("ra-vien-gio", "")
    leaves: datetime | None = None
    if day or clock:
        leaves_on, leaves_at = _day(fields, "ra-vien", problems, "ngày ra viện"), clock_of(clock or LEAVES_AT)
        if leaves_at is None:
            problems.append(("ra-vien-gio", "Giờ ra viện ghi giờ và phút, ví dụ 10:00"))
        elif leaves_on:
            leaves = datetime.combine(leaves_on, leaves_at)
    room, bed = fields.get("phong", ""), fields.get("giuong", "")
    if not (room or bed or leaves):
        return {}
    return {"room": room, "bed": bed, "discharge_at": leaves}


def problems_of(errors: Sequence[FieldError]) -> Problems:
    """A service's refusals at the fields of the form; what belongs to none stands above the form only."""
    found = []
    for error in errors:
        paths = (path for path in _PLACES if error.field == path or error.field.startswith(f"{path}."))
        path = max(paths, key=len, default="")
        found.append((_PLACES.get(path, ""), error.message.rstrip(".")))
    return in_order(found)


def in_order(problems: Problems) -> Problems:
    """Each once, in the order of the fields on the screen."""
    order = {name: place for place, name in enumerate(ORDER)}
    return sorted(dict.fromkeys(problems), key=lambda problem: order.get(problem[0], -1))


# The fields as they stand on the screen.
ORDER = (
    "me-so",
    "me-ten",
    "me-ngay-sinh",
    "ly-do",
    "me-dan-toc",
    "me-dien-thoai",
    "me-bhyt",
    "phong",
    "giuong",
    "ra-vien",
    "ra-vien-gio",
    "ngay-sinh",
    "gio-sinh",
    "gioi-tinh",
    "can-nang",
    "be-ten",
    "so-con",
    "thu-tu",
    "cha-so",
    "cha-ten",
    "cha-ngay-sinh",
    "cu-tru",
    "cu-tru-xa",
    "gcs-so",
    "gcs-quyen",
    "gcs-ngay",
    "do-de",
    "doi-chieu",
)


def _missing(fields: Fields) -> Problems:
    return [(name, words) for name, words in NEEDED.items() if not fields.get(name)]


def _day(fields: Fields, name: str, problems: Problems, what: str, *, needed: bool = True) -> date | None:
    text = fields.get(name, "")
    if not text and not needed:
        return None
    try:
        return read_day(text, last=_LAST)
    except NotADay as error:
        words = (
            f"Chưa ghi {what}" if error.code == "empty" else f"{what[0].upper()}{what[1:]}: {error.message}"
        )
        problems.append((name, words.rstrip(".")))
        return None


def _child(fields: Fields, problems: Problems) -> dict[str, Any]:
    weight = fields.get("can-nang", "")
    grams = grams_of(weight)
    if weight and grams is None:
        problems.append(("can-nang", UNCLEAR_WEIGHT))
    sex = fields.get("gioi-tinh", "")
    child: dict[str, Any] = {
        "sex": int(sex) if re.fullmatch("[123]", sex) else 0,
        "intended_name": fields.get("be-ten", ""),
        "weight_g": grams,
    }
    count, order = fields.get("so-con", "") or "1", fields.get("thu-tu", "") or "1"
    if re.fullmatch("[1-9]", count) and re.fullmatch("[1-9]", order):
        return child | {"count": int(count), "order": int(order)}
    problems.append(("so-con", "Số con trong lần sinh và thứ tự của bé là số từ 1 đến 9"))
    return child


def _residence(fields: Fields, units: Units, on: date | None, problems: Problems) -> dict[str, Any]:
    """Where the mother lives, as of the day of the certificate; its commune is found by the address if nobody chose."""
    code, address = fields.get("cu-tru-xa", ""), fields.get("cu-tru", "")
    if on is None or not address:
        return {}
    if not code:
        communes = communes_of(units, address, on) or units.search(fields.get("cu-tru-xa-ten", ""), on)
        code = communes[0].code if len(communes) == 1 else ""
    unit = units.unit(code, on) if code else None
    if unit is None:
        problems.append(("cu-tru-xa", "Hãy chọn xã, phường nơi mẹ cư trú"))
        return {}
    return {"address": address, "province_code": unit.province_code, "commune_code": unit.code, "as_of": on}


def _father(fields: Fields, problems: Problems) -> dict[str, Any]:
    name, number = fields.get("cha-ten", ""), fields.get("cha-so", "")
    born = _day(fields, "cha-ngay-sinh", problems, "ngày sinh của cha", needed=False)
    if not (name or number or born):
        return {}
    if not name:
        problems.append(("cha-ten", "Chưa ghi họ, chữ đệm, tên của cha"))
    return {
        "name": name,
        "birth_date": born,
        "document": {"number": number} if number else None,
    }


def _scanned(fields: Fields) -> bool:
    return bool(fields.get("the-so")) and fields.get("the-so") == fields.get("me-so")


def _card(fields: Fields) -> dict[str, Any]:
    """The mother's card as the scanner read it; without its name, which scanners lose, there is nothing to compare."""
    number, name = fields.get("the-so", ""), fields.get("the-ten", "")
    born = _day(fields, "the-ngay-sinh", [], "ngày sinh trên thẻ", needed=False)
    if not (number and name and born):
        return {}
    return {"number": number, "name": name, "birth_date": born, "old_number": fields.get("the-so-cu", "")}
