"""The birth a form tells of, known by the same traits as one a hospital declares. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from libs.catalogue import Procedure
from libs.catalogue.calendar import VIETNAM
from services.intake.birth_duplicates import BirthTraits, traits_of
from services.intake.births import BirthDeclaration
from services.intake.reception import FILE_BIRTH

_decode_birth = msgspec.json.Decoder(BirthDeclaration).decode


def registers_birth(procedure: Procedure) -> bool:
    """Whether the procedure registers a birth: its form asks for the child and for the certificate of its birth.

    A card or a residence for a child that is registered already is no second birth.
    """
    return {"child", "medical_certificate"} <= set(procedure.form.get("properties", {}))


def form_traits(form: Mapping[str, Any], facility: str = "") -> BirthTraits:
    """What a form says of the birth; `facility` is the hospital that hands it in."""
    certificate, mother, child = (form.get(part) or {} for part in ("medical_certificate", "mother", "child"))
    return BirthTraits(
        facility=certificate.get("facility_code") or facility,
        book=certificate.get("book", ""),
        number=certificate.get("number", ""),
        gcs_code=certificate.get("gcs_code", ""),
        mother_name=mother.get("name", ""),
        mother_document=(mother.get("identity") or {}).get("number", ""),
        mother_birth_date=_day(mother.get("birth_date", "")),
        minute=local_minute(child.get("birth_time", "")),
        count=child.get("children_this_birth", 1),
        order=child.get("order_in_birth"),
    )


def filed_traits(kind: str, content: bytes, facility: str) -> BirthTraits:
    """What a stored file says of the birth; `facility` is the hospital that handed it in, empty for others."""
    if kind == FILE_BIRTH:
        return traits_of(_decode_birth(content))
    return form_traits(msgspec.json.decode(content), facility)


def local_minute(text: str) -> datetime | None:
    """A moment of a form as the wall clock in Việt Nam showed it, to the minute; None for none or no real one."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(VIETNAM).replace(tzinfo=None)
    except (ValueError, OverflowError):  # the wall clock of the last moment of the calendar is none
        return None
    return moment.replace(second=0, microsecond=0)


def _day(text: str) -> date | None:
    """A whole day; None for less, as a form may know only the year."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a calendar day
    except ValueError:
        return None
