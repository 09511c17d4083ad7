"""Identifiers inside a form's data: numbers, phones and names checked by the catalogue's rules, in one written form.

A schema can say "twelve digits"; whether the number fits the person's sex and year of birth it cannot. Forms share
the parts of catalogue/schema/definitions.yaml, so the names of the fields say what they hold.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from libs.catalogue.document_codes import check_birth_notice_code
from libs.catalogue.folding import tidy
from libs.catalogue.identifiers import (
    IdentifierError,
    Sex,
    check_ethnic_code,
    check_nationality,
    check_old_identity_card,
    check_passport,
    check_person_name,
    check_personal_number,
    check_phone,
)
from libs.catalogue.insurance_numbers import check_facility_code, check_insured_number
from services.intake.births import Problem

# The clerk sees the card; a number once given is kept when its holder's sex is recorded anew.
DOUBTS = frozenset({"personal_number.sex"})
DEPTH_MAX = 16
_COMPACT = frozenset(
    {"personal_id", "social_insurance_number", "insurance_card_number", "temporary_card_number", "gcs_code"}
)
# Documents and organisations have names too; only a person has one of these beside it.
_PERSON_SIGNS = frozenset({"sex", "identity", "birth_date", "birth_time"})
_FREE_TEXT = frozenset({"content", "condition", "note"})


def normalised_form(data: Any, name: str = "", depth: int = 0) -> Any:
    """The same data with every text in NFC and single blanks (free texts keep their lines), phones as dialled here."""
    if depth > DEPTH_MAX:
        return data
    if isinstance(data, dict):
        return {key: normalised_form(value, key, depth + 1) for key, value in data.items()}
    if isinstance(data, list):
        return [normalised_form(value, name, depth + 1) for value in data]
    if not isinstance(data, str):
        return data
    if name in _FREE_TEXT:
        return unicodedata.normalize("NFC", data).strip()
    text = tidy(data)
    if name in _COMPACT:
        return "".join(text.split()).upper()
    if name == "phone":
        try:
            return check_phone(text)
        except IdentifierError:
            return text
    return text


def check_identifiers(data: Any, today: date, path: str = "", depth: int = 0) -> Iterator[Problem]:
    """What is wrong on the day with the identifiers anywhere in the form, naming the field and never its value."""
    if depth > DEPTH_MAX:
        return
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from check_identifiers(item, today, f"{path}.{index}".lstrip("."), depth + 1)
    if not isinstance(data, dict):
        return
    for name, value in data.items():
        here = f"{path}.{name}".lstrip(".")
        if isinstance(value, str) and value and (check := _check_of(name, data, today)) is not None:
            yield from _problems(here, check, value)
        elif name == "identity" and isinstance(value, dict):
            yield from _identity(here, value, data)
        yield from check_identifiers(value, today, here, depth + 1)


def _check_moment(value: str) -> str:
    """A moment the schema's pattern lets pass may still be no real one (31 February)."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise IdentifierError("moment.unreal", "Ngày giờ phải có thật, dạng 2026-11-23T08:30.") from None
    return value


_SIMPLE: Mapping[str, Callable[[str], str]] = {
    "birth_time": _check_moment,
    "phone": check_phone,
    "ethnic_code": check_ethnic_code,
    "nationality_code": check_nationality,
    "gcs_code": check_birth_notice_code,
    "first_care_facility": check_facility_code,
    "facility_code": check_facility_code,
}


def _check_of(name: str, person: Mapping[str, Any], today: date) -> Callable[[str], str] | None:
    if name == "personal_id":
        return lambda value: check_personal_number(value, sex=_sex(person), birth_year=_year(person))
    if name == "social_insurance_number":
        return lambda value: check_insured_number(value, on=today)
    if name == "name" and _PERSON_SIGNS & person.keys() and person.get("relation") != "organisation":
        return check_person_name
    return _SIMPLE.get(name)


def _identity(path: str, identity: Mapping[str, Any], person: Mapping[str, Any]) -> Iterator[Problem]:
    number, kind = identity.get("number"), identity.get("kind", "")
    if not isinstance(number, str):
        return
    foreign = person.get("nationality_code", "000") != "000"
    if kind == "citizen_id" or (not kind and len(number) == 12 and number.isascii() and number.isdigit()):
        sex, year = _sex(person), _year(person)
        yield from _problems(
            f"{path}.number", lambda v: check_personal_number(v, sex=sex, birth_year=year), number
        )
    elif kind == "old_identity_card":
        yield from _problems(f"{path}.number", check_old_identity_card, number)
    elif kind == "passport" and not foreign:
        yield from _problems(f"{path}.number", check_passport, number)


def _problems(path: str, check: Callable[[str], str], value: str) -> Iterator[Problem]:
    try:
        check(value)
    except IdentifierError as error:
        severity = "warning" if error.code in DOUBTS else "error"
        yield Problem(field=path, code=error.code, message_vi=error.message_vi, severity=severity)  # type: ignore[arg-type]


def _sex(person: Mapping[str, Any]) -> Sex | None:
    sex = person.get("sex")
    return sex if sex in ("male", "female") else None


def _year(person: Mapping[str, Any]) -> int | None:
    born = person.get("birth_date") or person.get("birth_time") or ""
    year = born[:4] if isinstance(born, str) else ""
    return int(year) if len(year) == 4 and year.isascii() and year.isdigit() else None
