"""The form of a birth at the maternity desk: from what was typed to intake's POST /births, and its refusals back. Pure.

The same form gives the same body at any later moment, since it may be sent again with its key: what is to be dated is
dated by the form itself.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from libs.catalogue.identifiers import (
    IdentifierError,
    check_identity_document,
    check_person_name,
    check_phone,
)
from libs.catalogue.units import Units
from libs.http.problems import FieldError
from services.portal.forms.dates_typed import NotADay, read_day
from services.portal.forms.reading import Problems
from services.portal.hospital.addresses import communes_of
from services.portal.hospital.birth_fields import (
    NEEDED,
    ORDER,
    PLACES,
    UNCLEAR_CLOCK,
    UNCLEAR_LEAVING,
    UNCLEAR_WEIGHT,
)
from services.portal.hospital.typed import WEIGHT_GRAMS, clock_of, grams_of

Fields = Mapping[str, str]
LENGTH_MAX = 500
# Which day is today is the service's to say: the same form must be read alike tomorrow.
_LAST = date(2199, 12, 31)
KINH = "01"
# When wards let families go, where nobody says otherwise. [judgement]
LEAVES_AT = "10:00"

_OF_PEOPLE: Mapping[str, Callable[[str], str]] = {
    "me-so": check_identity_document,
    "me-ten": check_person_name,
    "me-dien-thoai": check_phone,
    "be-ten": check_person_name,
    "cha-so": check_identity_document,
    "cha-ten": check_person_name,
}


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The hospital the form is filled in at."""

    facility: str
    place_of_birth: str


def cleaned(given: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a form that was sent, without what no field holds (files, endless texts)."""
    return {name: value.strip()[:LENGTH_MAX] for name, value in given.items() if isinstance(value, str)}


def declaration_of(fields: Fields, desk: Desk, units: Units) -> tuple[dict[str, Any], Problems]:
    """The body for POST /births, and what is missing or cannot be read; with problems the body is not to be sent."""
    problems = _missing(fields) + _of_people(fields)
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
            "residence": _residence(fields, units, issued_on or born_on, problems),
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


def is_dated(body: Mapping[str, Any]) -> bool:
    """Whether the days that rules compare are all known: without them intake cannot judge the rest."""
    days = (body["certificate"]["issued_on"], body["mother"]["birth_date"], body["child"].get("birth_time"))
    return all(days)


def stay_of(fields: Fields, problems: Problems) -> dict[str, Any]:
    """Where they lie and until when; empty when nothing was said of it."""
    day, clock = fields.get("ra-vien", ""), fields.get("ra-vien-gio", "")
    leaves: datetime | None = None
    if day or clock:
        leaves_on, leaves_at = _day(fields, "ra-vien", problems, "ngày ra viện"), clock_of(clock or LEAVES_AT)
        if leaves_at is None:
            problems.append(("ra-vien-gio", UNCLEAR_LEAVING))
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
        paths = (path for path in PLACES if error.field == path or error.field.startswith(f"{path}."))
        path = max(paths, key=len, default="")
        found.append((PLACES.get(path, ""), error.message.rstrip(".")))
    return in_order(found)


def in_order(problems: Problems) -> Problems:
    """Each once, in the order of the fields on the screen."""
    order = {name: place for place, name in enumerate(ORDER)}
    return sorted(dict.fromkeys(problems), key=lambda problem: order.get(problem[0], -1))


def _missing(fields: Fields) -> Problems:
    return [(name, words) for name, words in NEEDED.items() if not fields.get(name)]


def _of_people(fields: Fields) -> Problems:
    """What intake would say of names and numbers, said together with what cannot be read at all."""
    found: Problems = []
    for name, check in _OF_PEOPLE.items():
        try:
            if text := fields.get(name, ""):
                check(text)
        except IdentifierError as error:
            found.append((name, error.message_vi.rstrip(".")))
    return found


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
    if weight and grams not in WEIGHT_GRAMS:
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
    unknown = {"address": address, "province_code": "", "commune_code": "", "as_of": on}
    if on is None or not address:
        return unknown
    if not code:
        communes = communes_of(units, address, on) or units.search(fields.get("cu-tru-xa-ten", ""), on)
        code = communes[0].code if len(communes) == 1 else ""
    unit = units.unit(code, on) if code else None
    if unit is None:
        problems.append(("cu-tru-xa-ten", "Hãy chọn xã, phường nơi mẹ cư trú"))
        return unknown
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
