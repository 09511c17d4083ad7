"""What stands on each paper: from people, outcome and catalogue to the values a template prints. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from libs.catalogue import Catalogue
from libs.catalogue.code_lists import code_lists
from services.results.desk_store import Handover
from services.results.people import OutcomeRecord, PeopleRecord, Person
from services.results.words import (
    RELATIONS,
    SEXES,
    day_text,
    day_words,
    moment_text,
    place_and_date,
    printable,
)

LOCAL = ZoneInfo("Asia/Ho_Chi_Minh")
PENDING_NUMBER = "Đang chờ cấp, bổ sung sau"


class CannotIssue(Exception):
    """The document cannot be made from what is known; `reason` is a code for the event, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Code lists as words: ethnic groups, facilities, agencies (code → name)."""

    ethnic: Mapping[str, str]
    facilities: Mapping[str, str]


def names_of(catalogue: Catalogue) -> Names:
    """The code lists of the catalogue as words for the papers."""
    lists = code_lists()
    # A name of low confidence must not be printed as certain (catalogue/codes/README): the code stands instead.
    sure = {code: found.name for code, found in lists.facilities.items() if found.confidence != "low"}
    desks = {a.facility_code: a.name_vi for a in catalogue.agencies("hospital") if a.facility_code}
    return Names(ethnic=lists.ethnic_groups, facilities=sure | desks)


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """What the press knows of one result to print."""

    result_id: UUID
    template: str
    result_name: str
    procedure_name: str
    agency_name: str
    agency_place: str
    version: int
    verify_url: str
    signed_at: datetime


def paper_values(paper: Paper, people: PeopleRecord, outcome: OutcomeRecord, names: Names) -> dict[str, Any]:
    """The values for the paper's template. Raises CannotIssue when something the paper must say is not there."""
    given = outcome.outcome
    values: dict[str, Any] = {
        "dossier_code": people.code,
        "result_name": paper.result_name,
        "procedure_name": paper.procedure_name,
        "version": paper.version,
        "agency_name": paper.agency_name,
        "signer_name": given.get("signer_name", ""),
        "signer_title": given.get("signer_title", ""),
        "signed_at": moment_text(paper.signed_at),
        "place_and_date": place_and_date(paper.agency_place, paper.signed_at),
        "verify_host": paper.verify_url.split("//", 1)[-1].split("/", 1)[0],
        "applicant_name": people.applicant.name if people.applicant else "",
    }
    values.update(_BODIES.get(paper.template, _certificate)(people, given, names))
    shown: dict[str, Any] = _printable(values)
    return shown


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _printable(inner) for key, inner in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return printable(value)
    except ValueError:
        raise CannotIssue("letters-not-printable") from None


def _birth_certificate(people: PeopleRecord, given: Mapping[str, Any], names: Names) -> dict[str, Any]:
    child = people.child
    name = _first(given.get("child_name"), child.name if child else "")
    if child is None or not child.birth_time or not name:
        raise CannotIssue("child-missing")
    if not given.get("register_number") or not given.get("register_book"):
        raise CannotIssue("register-number-missing")
    born = datetime.fromisoformat(child.birth_time)
    born = born.astimezone(LOCAL) if born.tzinfo else born
    form_child: Mapping[str, Any] = people.form.get("child") or {}
    mother = _person_values(people.mother, names)
    ethnic_code = form_child.get("ethnic_code") or (people.mother.ethnic_code if people.mother else "")
    return {
        "register_number": given["register_number"],
        "register_book": given["register_book"],
        "child": {
            "name": name,
            "birth_date": day_text(born.date()),
            "birth_date_words": day_words(born.date()),
            "sex": SEXES.get(child.sex, ""),
            "ethnic": names.ethnic.get(ethnic_code, ""),
            "nationality": _nationality(str(form_child.get("nationality_code") or "000")),
            "birth_place": child.birth_place,
            "hometown": form_child.get("hometown", ""),
            "personal_id": given.get("personal_id") or PENDING_NUMBER,
        },
        "mother": mother,
        "father": _person_values(people.father, names),
        "registration_place": given.get("registration_place", ""),
        "registered_on": day_text(given.get("registered_on", "")),
        "note": given.get("note", ""),
    }


def _residence_notice(people: PeopleRecord, given: Mapping[str, Any], _: Names) -> dict[str, Any]:
    if not given.get("residence_number"):
        raise CannotIssue("residence-number-missing")
    residence: Mapping[str, Any] = people.form.get("residence") or {}
    return {
        **_subject(people, given),
        "document_number": given["residence_number"],
        "address": _first(
            given.get("address"), residence.get("address"), people.mother.residence if people.mother else ""
        ),
        "registered_on": day_text(given.get("registered_on", "")),
        "valid_until": day_text(given.get("valid_until", "")),
        "personal_id": given.get("personal_id", ""),
    }


def _insurance_card(people: PeopleRecord, given: Mapping[str, Any], names: Names) -> dict[str, Any]:
    if not given.get("card_number"):
        raise CannotIssue("card-number-missing")
    facility = str(given.get("first_care_facility", ""))
    valid_from, valid_to = (day_text(given.get(key, "")) for key in ("valid_from", "valid_to"))
    return {
        **_subject(people, given),
        "card_number": given["card_number"],
        "care_facility": names.facilities.get(facility, facility),
        "valid_period": f"từ {valid_from} đến {valid_to}",
    }


def _identity_card(people: PeopleRecord, given: Mapping[str, Any], _: Names) -> dict[str, Any]:
    if not given.get("card_number"):
        raise CannotIssue("card-number-missing")
    return {
        **_subject(people, given),
        "card_number": given["card_number"],
        "issued_on": day_text(given.get("issued_on", "")),
        "valid_to": day_text(given.get("valid_to", "")),
    }


def _certificate(people: PeopleRecord, given: Mapping[str, Any], _: Names) -> dict[str, Any]:
    number = _first(given.get("document_number"), given.get("register_number"))
    if not number:
        raise CannotIssue("document-number-missing")
    return {
        **_subject(people, given),
        "document_number": number,
        "issued_on": day_text(_first(given.get("issued_on"), given.get("registered_on"))),
        "content": given.get("content", ""),
        "copies": given.get("copies", ""),
    }


_BODIES: Mapping[str, Callable[[PeopleRecord, Mapping[str, Any], Names], dict[str, Any]]] = {
    "birth_certificate": _birth_certificate,
    "residence_notice": _residence_notice,
    "insurance_card": _insurance_card,
    "identity_card": _identity_card,
}


def _subject(people: PeopleRecord, given: Mapping[str, Any]) -> dict[str, str]:
    """Whom the paper is about: the child where there is one, otherwise the applicant."""
    if people.child is not None:
        born = people.child.birth_time[:10]
        name = _first(given.get("child_name"), people.child.name, "")
        if not name:
            # A child not yet named is known by its mother, as on the hospital's certificate.
            name = f"Con của {people.mother.name}" if people.mother else ""
        sex = SEXES.get(people.child.sex, "")
    elif people.applicant is not None:
        born, name = people.applicant.birth_date, people.applicant.name
        sex = SEXES.get(people.applicant.sex, "")
    else:
        raise CannotIssue("person-missing")
    return {"subject_name": name, "subject_birth_date": day_text(born), "subject_sex": sex}


def _person_values(person: Person | None, names: Names) -> dict[str, str] | None:
    if person is None or not person.name:
        return None
    return {
        "name": person.name,
        "birth_year": person.birth_date[:4],
        "ethnic": names.ethnic.get(person.ethnic_code, ""),
        "nationality": _nationality(person.nationality),
        "residence": person.residence,
    }


def _nationality(code: str) -> str:
    # Only Việt Nam's code is known (TT 07/2016/TT-BCA Phụ lục 2 was not found): another code is printed as it is.
    return "Việt Nam" if code in ("000", "VN") else code


def _first(*candidates: Any) -> str:
    return next((str(c) for c in candidates if c), "")


def receipt_values(
    handover: Handover,
    dossier_code: str,
    place_name: str,
    results: list[tuple[str, int]],
) -> dict[str, Any]:
    """The values for the receipt of a hand-over; `results` are (name, version)."""
    receiver = handover.receiver
    paper = receiver.evidence if receiver.checked == "name-and-paper" else receiver.authorisation
    return {
        "dossier_code": dossier_code,
        "result_name": "Biên nhận",
        "version": 1,
        "agency_name": place_name,
        "place_name": place_name,
        "handed_over_at": moment_text(handover.handed_over_at),
        "receiver_name": receiver.name,
        "receiver_relation": RELATIONS.get(receiver.relation, receiver.relation),
        "receiver_document": masked(receiver.identity_number),
        "checked": ": ".join(part for part in (CHECKS.get(receiver.checked, ""), paper) if part),
        "officer": handover.officer,
        "results": [{"name": name, "version": version} for name, version in results],
    }


CHECKS = {
    "identity-number": "Số giấy tờ tùy thân trùng với hồ sơ",
    "name-and-paper": "Họ tên trùng với hồ sơ; nhận diện bằng giấy tờ",
    "authorisation": "Giấy tờ tùy thân và văn bản ủy quyền",
    "guardianship": "Giấy tờ tùy thân và giấy tờ về việc giám hộ",
    "carrier-proof": "Giấy báo phát của đơn vị vận chuyển",
}


def masked(number: str) -> str:
    """An identity number of which only the last four characters can be read: enough to prove, too little to copy."""
    return "•" * max(len(number) - 4, 0) + number[-4:]
