"""What people write in the tests of the whole city: a birth, an agency's outcome, who receives the papers."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec

from deploy.local.sample_xml9 import Births, envelope
from libs.catalogue.insurance_numbers import child_card_end
from services.intake.xml9 import parse_upload

WARD = "31340"
SIGNED = {"signer_name": "Lê Văn Bình", "signer_title": "Chủ tịch"}


def birth_body(record: Mapping[str, str], today: date) -> dict[str, Any]:
    """The hospital's form of one sample birth; the mother can be reached by e-mail."""
    (told,) = parse_upload(envelope([[record]], made_on=today), today=today).records
    if told.declaration is None:
        raise ValueError("the sample birth was refused by its own rules")
    body: dict[str, Any] = msgspec.to_builtins(told.declaration)
    body.pop("extra", None)
    body["mother"]["contact"] = {"email": f"me-{record['SO']}@vidu.example"}
    return body


def of_the_ward(births: Births, kind: str) -> list[dict[str, str]]:
    """The records of a delivery whose mother lives in the ward the tests' officers work for."""
    while True:
        records = births.of(kind)
        if records[0]["MAXA_CU_TRU"] == WARD:
            return records


def identity_of(record: Mapping[str, str]) -> str:
    """What makes the birth the same birth: the certificate of the facility."""
    return f"{record['QUYEN_SO']}-{record['SO']}"


def receiver_of(file: Mapping[str, Any]) -> dict[str, str]:
    """The mother at the hospital bed, or who handed the dossier in."""
    if "document" in file.get("mother", {}):
        mother = file["mother"]
        return {"name": mother["name"], "relation": "mother", "identity_number": mother["document"]["number"]}
    applicant = file["applicant"]
    number = applicant.get("identity", {}).get("number", "")
    return {"name": applicant["name"], "relation": "applicant", "identity_number": number}


def outcome_of(step: str, number: int, today: date) -> dict[str, Any]:
    """What an agency enters on completing a step, with a number of its own."""
    if step == "register_birth":
        return {
            "register_number": f"{number}/{today.year}",
            "register_book": f"01/{today.year}",
            "registered_on": today.isoformat(),
            "child_name": "Nguyễn An Nhiên",
            "personal_id": f"0923{today.year % 100:02d}{number:06d}",
            "registration_place": "Ủy ban nhân dân phường",
            **SIGNED,
        }
    if step == "register_residence":
        return {"residence_number": f"{number}/TB", "registered_on": today.isoformat(), **SIGNED}
    if step == "issue_insurance_card":
        born = today - timedelta(days=3)
        return {
            "card_number": f"TE192{number:010d}",
            "valid_from": born.isoformat(),
            "valid_to": child_card_end(born).isoformat(),
            "first_care_facility": "93016",
            **SIGNED,
        }
    return {
        "document_number": f"{number}/CT",
        "register_book": f"01/{today.year}",
        "issued_on": today.isoformat(),
        **SIGNED,
    }
