"""The birth declaration: what is known of one child's birth before anybody registers it.

One declaration is one child. The same model is filled by the hospital's form, by the API and by an XML9 file;
`birth_rules` says whether it holds together. The parts follow the birth certificate issued by a health
facility (giấy chứng sinh, QĐ 4750/QĐ-BYT Bảng 9, TT 22/2025/TT-BYT) and the declaration Mẫu 01.

Texts are NFC with single blanks once `normalised`. Days are calendar days and the birth minute is wall time
in Việt Nam.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from libs.catalogue.folding import tidy
from libs.catalogue.identifiers import IdentifierError, check_phone
from libs.contracts.intake import ChosenResult

VIETNAM = "000"
"""Nationality code of Việt Nam (TT 07/2016/TT-BCA Phụ lục 2)."""

LocalMinute = Annotated[datetime, msgspec.Meta(tz=False)]
DocumentKind = Literal["", "personal-id", "old-id-card", "passport"]
Parent = Literal["mother", "father"]
Severity = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong with a declaration, fit to be shown to the person who filled it in.

    `field` is a path in the declaration (or the XML9 tag); `also` names the other fields the rule compared.
    An error stops the declaration, a warning goes with it to a human. `message_vi` never repeats the value.
    """

    field: str
    code: str
    message_vi: str
    severity: Severity = "error"
    also: tuple[str, ...] = ()


class Certificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The birth certificate the facility issued: MACSKCB, SO, QUYEN_SO, NGAY_CT, MA_LK, MA_TTDV.

    `gcs_code` is the code of TT 22/2025/TT-BYT (seq.GCS.facility.yy) and is empty on older certificates.
    """

    facility_code: str
    number: str
    book: str
    issued_on: date
    treatment_code: str = ""
    gcs_code: str = ""
    head_insurance_number: str = ""


class IdentityDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper that proves who somebody is. `kind` may stay empty: the number then tells which it is."""

    number: str
    kind: DocumentKind = ""
    issued_on: date | None = None
    issued_by: str = ""


class Residence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where somebody lives. `as_of` is the day on which the commune code was true.

    Codes were reused for larger communes on 2025-07-01 (31340, 31411), so a code without its day is
    ambiguous.
    """

    address: str
    province_code: str
    commune_code: str
    as_of: date
    district_code: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach a person; every part is optional."""

    phone: str = ""
    email: str = ""
    zalo: str = ""


class Mother(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mother, or the carer (người nuôi dưỡng) when the certificate names one in her place."""

    name: str
    birth_date: date
    ethnic_code: str
    document: IdentityDocument
    residence: Residence
    nationality_code: str = VIETNAM
    role: Literal["mother", "carer"] = "mother"
    insurance_number: str = ""
    insurance_card: str = ""
    contact: Contact = Contact()


class Father(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The father as declared. XML9 knows only his name."""

    name: str
    birth_date: date | None = None
    ethnic_code: str = ""
    nationality_code: str = ""
    document: IdentityDocument | None = None
    residence: Residence | None = None
    contact: Contact = Contact()


class Child(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The child. `intended_name` is not yet its name; only registration gives one (XML9 HO_TEN_CON).

    `sex` is 1 male, 2 female, 3 not determined. `order` counts within this delivery from 1, None when not
    known. `weight_g` is None for "không cân" (TT 22/2025). `births_of_mother` and `living_children` count
    this birth.
    """

    sex: int
    birth_time: LocalMinute
    place_of_birth: str
    count: int = 1
    order: int | None = None
    weight_g: int | None = None
    state: str = ""
    intended_name: str = ""
    births_of_mother: int | None = None
    living_children: int | None = None
    surgery: bool = False
    under_32_weeks: bool = False
    note: str = ""
    temporary_card: str = ""
    hometown: str = ""
    ethnic_code: str = ""
    nationality_code: str = ""


class Attendants(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who delivered the child and who wrote the certificate (NGUOI_DO_DE, NGUOI_GHI_PHIEU)."""

    midwife: str
    recorder: str = ""


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the parents ask for: which results and how each is received, and where the child is to be
    registered.

    `residence_to_register` is None when the child is registered where the mother lives, which needs no
    further papers (NĐ 63/2024 Đ5); `register_residence` and `issue_insurance_card` are the optional branches.
    `register_at` says whose commune registers the birth (Luật Hộ tịch 2014 Đ13: the father's or the mother's).
    """

    results: tuple[ChosenResult, ...] = ()
    register_residence: bool = True
    issue_insurance_card: bool = True
    residence_to_register: Residence | None = None
    register_at: Parent = "mother"
    first_care_facility: str = ""


class BirthDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """One child's birth as declared. `extra` keeps the tags of an XML9 record that Bảng 9 does not know."""

    certificate: Certificate
    mother: Mother
    child: Child
    attendants: Attendants
    father: Father | None = None
    choices: Choices = Choices()
    extra: dict[str, str] = {}


# Numbers whose blanks and case mean nothing; the number of a certificate is free text and keeps its blanks.
_COMPACT = {
    (IdentityDocument, "number"),
    (Mother, "insurance_number"),
    (Mother, "insurance_card"),
    (Child, "temporary_card"),
    (Certificate, "gcs_code"),
}
_PHONES = {(Contact, "phone"), (Contact, "zalo")}


# The Icelandic letters look like the Vietnamese ones and come out of old fonts and converters (Ðỗ for Đỗ).
_LOOK_ALIKES = str.maketrans({"\u00d0": "Đ", "\u00f0": "đ"})


def written(text: str) -> str:
    """A text in the one written form: NFC, single blanks, and a true Vietnamese Đ."""
    return tidy(text).translate(_LOOK_ALIKES)


def normalised(declaration: BirthDeclaration) -> BirthDeclaration:
    """The same declaration in one written form: NFC, single blanks, card numbers in capitals without blanks.

    To be done before checking and storing, whichever way the declaration came. Telephone numbers get the form
    dialled inside the country; what is no telephone number stays as it is, for the rules to find.
    """
    return _normal(declaration)  # type: ignore[no-any-return]


def _normal(value: Any, place: tuple[type, str] | None = None) -> Any:
    if isinstance(value, str):
        text = written(value)
        if place in _COMPACT:
            return "".join(text.split()).upper()
        return _dialled(text) if text and place in _PHONES else text
    if isinstance(value, msgspec.Struct):
        old = {field: getattr(value, field) for field in value.__struct_fields__}
        new = {field: _normal(item, (type(value), field)) for field, item in old.items()}
        return value if new == old else msgspec.structs.replace(value, **new)
    if isinstance(value, tuple):
        return tuple(_normal(item, place) for item in value)
    return value


def _dialled(text: str) -> str:
    try:
        return check_phone(text)
    except IdentifierError:
        return text
