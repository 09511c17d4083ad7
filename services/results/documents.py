"""What stands on each paper: from people, outcome and catalogue to the values a template prints. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue
from libs.catalogue.code_lists import code_lists
from libs.printing.letters import printable
from libs.printing.moments import moment_text, place_and_date
from services.results.civil_status import birth_certificate, death_extract, marriage_certificate
from services.results.desk_store import Handover
from services.results.people import OutcomeRecord, PeopleRecord
from services.results.subjects import APPLICANT, CannotIssue, Names, Part, Subject, subjects_of
from services.results.words import (
    DECISIONS,
    RELATIONS,
    day_text,
)


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
    about: tuple[Part, ...] | None = None


def paper_values(paper: Paper, people: PeopleRecord, outcome: OutcomeRecord, names: Names) -> dict[str, Any]:
    """The values for the paper's template. Raises CannotIssue when something the paper must say is not there."""
    given = outcome.outcome
    subjects = subjects_of(paper.about, people, str(given.get("child_name", "")), names)
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
    if subjects:
        first = subjects[0].values
        values |= {f"subject_{key}": first[key] for key in ("name", "birth_date", "sex")}
    values |= _BODIES.get(paper.template, _certificate)(people, given, names, subjects)
    shown: dict[str, Any] = _printable(values)
    return shown


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _printable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_printable(inner) for inner in value]
    if not isinstance(value, str):
        return value
    try:
        return printable(value)
    except ValueError:
        raise CannotIssue("letters-not-printable") from None


def _residence_notice(
    people: PeopleRecord, given: Mapping[str, Any], _: Names, subjects: Sequence[Subject]
) -> dict[str, Any]:
    if not given.get("residence_number"):
        raise CannotIssue("residence-number-missing")
    residence: Mapping[str, Any] = people.form.get("residence") or {}
    return {
        "document_number": given["residence_number"],
        "address": _first(
            given.get("address"), residence.get("address"), people.mother.residence if people.mother else ""
        ),
        "registered_on": day_text(given.get("registered_on", "")),
        "valid_until": day_text(given.get("valid_until", "")),
        "personal_id": _first(given.get("personal_id"), subjects[0].personal_id),
        "members": [subject.values for subject in subjects[1:]],
    }


def _insurance_card(
    _people: PeopleRecord, given: Mapping[str, Any], names: Names, _: Sequence[Subject]
) -> dict[str, Any]:
    if not given.get("card_number"):
        raise CannotIssue("card-number-missing")
    facility = str(given.get("first_care_facility", ""))
    valid_from, valid_to = (day_text(given.get(key, "")) for key in ("valid_from", "valid_to"))
    return {
        "card_number": given["card_number"],
        "care_facility": names.facilities.get(facility, facility),
        "valid_period": f"từ {valid_from} đến {valid_to}",
    }


def _identity_card(
    _people: PeopleRecord, given: Mapping[str, Any], _names: Names, _: Sequence[Subject]
) -> dict[str, Any]:
    if not given.get("card_number"):
        raise CannotIssue("card-number-missing")
    return {
        "card_number": given["card_number"],
        "issued_on": day_text(given.get("issued_on", "")),
        "valid_to": day_text(given.get("valid_to", "")),
    }


def _certificate(
    people: PeopleRecord, given: Mapping[str, Any], _: Names, subjects: Sequence[Subject]
) -> dict[str, Any]:
    number = _first(given.get("document_number"), given.get("register_number"))
    if not number:
        raise CannotIssue("document-number-missing")
    purpose = people.form.get("purpose")
    return {
        "document_number": number,
        "register_book": given.get("register_book", ""),
        "subjects": [subject.values for subject in subjects if subject.part != APPLICANT],
        "issued_on": day_text(_first(given.get("issued_on"), given.get("registered_on"))),
        "purpose": purpose if isinstance(purpose, str) else "",
        "content": given.get("content", ""),
        "copies": given.get("copies", ""),
    }


def _report_answer(
    people: PeopleRecord, given: Mapping[str, Any], _: Names, _subjects: Sequence[Subject]
) -> dict[str, Any]:
    """The answer to a citizen's report is public: what was reported and answered, and nobody's name."""
    if not given.get("document_number"):
        raise CannotIssue("document-number-missing")
    return {
        "applicant_name": "",
        "document_number": given["document_number"],
        "issued_on": day_text(given.get("issued_on", "")),
        "title": str(people.form.get("subject", "")),
        "decision": DECISIONS.get(str(given.get("decision", "")), ""),
        "content": given.get("content", ""),
    }


_Body = Callable[[PeopleRecord, Mapping[str, Any], Names, Sequence[Subject]], dict[str, Any]]
_BODIES: Mapping[str, _Body] = {
    "birth_certificate": birth_certificate,
    "marriage_certificate": marriage_certificate,
    "death_extract": death_extract,
    "residence_notice": _residence_notice,
    "insurance_card": _insurance_card,
    "identity_card": _identity_card,
    "report_answer": _report_answer,
}


def _first(*candidates: Any) -> str:
    return next((str(c) for c in candidates if c), "")


def receipt_values(
    handover: Handover,
    dossier_code: str,
    place_name: str,
    results: list[tuple[str, int]],
    signature: str = "",
) -> dict[str, Any]:
    """The values for the receipt of a hand-over; `results` are (name, version), `signature` is a picture as SVG."""
    receiver = handover.receiver
    by_evidence = receiver.checked in ("name-and-paper", "officer-responsibility")
    paper = receiver.evidence if by_evidence else receiver.authorisation
    differs = MISMATCHES.get(receiver.mismatch, "")
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
        "checked": ": ".join(part for part in (CHECKS.get(receiver.checked, ""), differs, paper) if part),
        # A system's code means nothing to a family: the desk it spoke for stands for it.
        "officer": place_name if handover.officer_kind == "system" else handover.officer,
        "results": [{"name": name, "version": version} for name, version in results],
        "signature": signature,
        "signed": "Đã ký trên giấy" if receiver.signed_on_paper else "",
    }


CHECKS = {
    "identity-number": "Số giấy tờ tùy thân trùng với hồ sơ",
    "name-and-paper": "Họ tên trùng với hồ sơ; nhận diện bằng giấy tờ",
    "authorisation": "Giấy tờ tùy thân và văn bản ủy quyền",
    "guardianship": "Giấy tờ tùy thân và giấy tờ về việc giám hộ",
    "carrier-proof": "Giấy báo phát của đơn vị vận chuyển",
    "officer-responsibility": "Khác với hồ sơ, người trao xác nhận và chịu trách nhiệm",
}
# Why what the receiver showed differs from the dossier.
MISMATCHES = {
    "document-renewed": "giấy tờ tùy thân đã được cấp lại, đổi số",
    "dossier-misspelt": "hồ sơ ghi chưa đúng",
    "other": "lý do khác",
}


def masked(number: str) -> str:
    """An identity number of which only the last four characters can be read: enough to prove, too little to copy."""
    return "•" * max(len(number) - 4, 0) + number[-4:]
