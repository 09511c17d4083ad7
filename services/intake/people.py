"""The people of a dossier in the one shape the other services read, from a birth declaration or a form. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue.calendar import VIETNAM
from services.intake import births
from services.intake.births import BirthDeclaration, IdentityDocument, Residence
from services.intake.dossier import Dossier
from services.intake.reception import FILE_BIRTH

SEX_CODES = {"male": "1", "female": "2", "undetermined": "3"}
IDENTITY_KINDS = {"citizen_id": "personal-id", "old_identity_card": "old-id-card"}
# Where the applicant wants messages; `none` is a choice too.
CHANNELS = frozenset({"sms", "email", "zalo", "none"})


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person; empty is not known. `sex` is 1 male, 2 female, 3 not determined; days are YYYY-MM-DD (or a year)."""

    name: str
    birth_date: str = ""
    sex: str = ""
    identity_kind: str = ""
    identity_number: str = ""
    ethnic_code: str = ""
    nationality: str = ""
    residence: str = ""
    phone: str = ""
    email: str = ""


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """The child. `name` is the intended one; `birth_time` is RFC 3339 with +07:00, or a day when no more is known."""

    name: str = ""
    sex: str = ""
    birth_time: str = ""
    birth_place: str = ""
    order: int = 1
    count: int = 1
    weight_grams: int = 0


class PeopleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What another service may need of one dossier to make a document, hand a result over, or reach the applicant."""

    dossier_id: UUID
    code: str
    procedure: str
    procedure_from: date
    options: dict[str, str | bool] = {}
    tracking_token: str = ""
    facility: str = ""
    receiving_agency: str = ""
    applicant: Person
    mother: Person | None = None
    father: Person | None = None
    child: Child | None = None
    form: dict[str, Any] = {}
    preferred_channel: str = ""


class _People(msgspec.Struct, frozen=True, kw_only=True):
    applicant: Person
    mother: Person | None = None
    father: Person | None = None
    child: Child | None = None
    form: dict[str, Any] = {}
    preferred_channel: str = ""


_decode_birth = msgspec.json.Decoder(BirthDeclaration).decode


def people_record(dossier: Dossier, kind: str, content: bytes, *, contact_only: bool) -> PeopleRecord:
    """The record of a dossier and the newest version of its file.

    `contact_only` leaves out everything but how to reach the applicant.
    """
    people = (
        _of_birth(_decode_birth(content)) if kind == FILE_BIRTH else _of_form(msgspec.json.decode(content))
    )
    applicant = people.applicant
    known = {
        "dossier_id": dossier.id,
        "code": dossier.code,
        "procedure": dossier.procedure,
        "procedure_from": dossier.procedure_from,
        "tracking_token": dossier.token,
        "facility": dossier.facility,
        "receiving_agency": dossier.receiving_agency,
        "preferred_channel": people.preferred_channel,
    }
    if contact_only:
        reach = Person(name=applicant.name, phone=applicant.phone, email=applicant.email)
        return PeopleRecord(**known, applicant=reach)  # type: ignore[arg-type]
    return PeopleRecord(
        **known,  # type: ignore[arg-type]
        options=dossier.options,
        applicant=applicant,
        mother=people.mother,
        father=people.father,
        child=people.child,
        form=people.form,
    )


def _of_birth(declaration: BirthDeclaration) -> _People:
    """A birth declared by a hospital; `form` holds, under the names forms use, what the record has no field for."""
    child, father = declaration.child, declaration.father
    mother = _parent(declaration.mother, "2" if declaration.mother.role == "mother" else "")
    contact = declaration.mother.contact
    other = father.contact if father else births.Contact()
    applicant = msgspec.structs.replace(
        mother,
        phone=contact.phone or contact.zalo or other.phone or other.zalo,
        email=contact.email or other.email,
    )
    home = declaration.choices.residence_to_register
    extra = {
        "hometown": child.hometown,
        "ethnic_code": child.ethnic_code,
        "nationality_code": child.nationality_code,
    }
    form: dict[str, Any] = {"child": {name: value for name, value in extra.items() if value}}
    if home is not None:
        form["residence"] = {"unit_code": home.commune_code, "address": home.address}
    if declaration.choices.first_care_facility:
        form["insurance"] = {"first_care_facility": declaration.choices.first_care_facility}
    return _People(
        applicant=applicant,
        mother=mother,
        father=_parent(father, "1") if father else None,
        child=Child(
            name=child.intended_name,
            sex=str(child.sex),
            birth_time=child.birth_time.replace(tzinfo=VIETNAM).isoformat(),
            birth_place=child.place_of_birth,
            order=child.order or 1,
            count=child.count,
            weight_grams=child.weight_g or 0,
        ),
        form={name: value for name, value in form.items() if value},
        preferred_channel="zalo" if contact.zalo else "",
    )


def _parent(parent: births.Mother | births.Father, sex: str) -> Person:
    document: IdentityDocument | None = parent.document
    residence: Residence | None = parent.residence
    return Person(
        name=parent.name,
        birth_date=parent.birth_date.isoformat() if parent.birth_date else "",
        sex=sex,
        identity_kind=document.kind if document else "",
        identity_number=document.number if document else "",
        ethnic_code=parent.ethnic_code,
        nationality=parent.nationality_code,
        residence=residence.address if residence else "",
        phone=parent.contact.phone,
        email=parent.contact.email,
    )


def _of_form(form: Mapping[str, Any]) -> _People:
    applicant = _person(form.get("applicant")) or Person(name="")
    channel = str((form.get("applicant") or {}).get("message_channel", ""))
    return _People(
        applicant=applicant,
        mother=_person(form.get("mother"), "2"),
        father=_person(form.get("father"), "1"),
        child=_child(form.get("child")),
        form=dict(form),
        preferred_channel=channel if channel in CHANNELS else "",
    )


def _person(part: Any, sex: str = "") -> Person | None:
    if not isinstance(part, Mapping) or not part.get("name"):
        return None
    identity = part.get("identity") or {}
    kind = str(identity.get("kind", ""))
    return Person(
        name=part["name"],
        birth_date=part.get("birth_date", ""),
        sex=SEX_CODES.get(part.get("sex", ""), sex),
        identity_kind=IDENTITY_KINDS.get(kind, kind),
        identity_number=identity.get("number", ""),
        ethnic_code=part.get("ethnic_code", ""),
        nationality=part.get("nationality_code", ""),
        residence=part.get("address", ""),
        phone=part.get("phone", ""),
        email=part.get("email", ""),
    )


def _child(part: Any) -> Child | None:
    if not isinstance(part, Mapping) or not (part.get("birth_time") or part.get("birth_date")):
        return None
    return Child(
        name=part.get("name", ""),
        sex=SEX_CODES.get(part.get("sex", ""), ""),
        birth_time=_birth_time(part),
        birth_place=part.get("birth_place", ""),
        order=part.get("order_in_birth", 1),
        count=part.get("children_this_birth", 1),
        weight_grams=part.get("weight_g", 0),
    )


def _birth_time(child: Mapping[str, Any]) -> str:
    """The minute as the city's clocks showed it; only the day where the form asks for no more."""
    if not child.get("birth_time"):
        return str(child.get("birth_date", ""))
    minute = datetime.fromisoformat(child["birth_time"])
    return (minute if minute.tzinfo else minute.replace(tzinfo=VIETNAM)).isoformat()
