"""Is this birth already known, may it be, and is the mother who she says she is?

Keys are hashes, so that the text of a unique violation or an index shows nobody's number or name.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec

from libs.catalogue.folding import fold, tidy
from services.intake.births import BirthDeclaration, written

NEAR_DAYS = 2  # [judgement] the same birth written down twice is seldom further apart


class BirthTraits(msgspec.Struct, frozen=True, kw_only=True):
    """What tells one birth from another, as far as it is known: empty and None are not known.

    `minute` is wall time in Việt Nam; `order` counts within a delivery of `count` children.
    """

    facility: str = ""
    book: str = ""
    number: str = ""
    gcs_code: str = ""
    mother_name: str = ""
    mother_document: str = ""
    mother_birth_date: date | None = None
    minute: datetime | None = None
    count: int = 1
    order: int | None = None


class NaturalKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What tells one birth from another. A common key of a certificate, or equal `birth`: the same birth, answer with
    the old.

    A certificate has a key by its number and one by its GCS code. `birth` (mother's document, minute, order) is None
    when one of these is not known, as is the order in many a multiple birth. `likely` is stored with the dossier; a
    dossier whose `likely` is among another's `likely_near` is to be compared with it by `likely_duplicate` (same
    folded mother's name, births at most NEAR_DAYS apart).
    """

    certificates: tuple[str, ...] = ()
    birth: str | None = None
    likely: str = ""
    likely_near: tuple[str, ...] = ()

    @property
    def claimed(self) -> tuple[str, ...]:
        """The keys no other dossier may have."""
        return (*self.certificates, self.birth) if self.birth else self.certificates


class IdentityCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was read from the card itself. `old_number` is the nine-digit number the QR code of a CCCD still
    names.
    """

    number: str
    name: str
    birth_date: date
    old_number: str = ""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One point in which card and certificate disagree: number, name or birth_date. Never quotes either."""

    field: str
    message_vi: str


def traits_of(declaration: BirthDeclaration) -> BirthTraits:
    """What a hospital's declaration says of the birth."""
    certificate, mother, child = declaration.certificate, declaration.mother, declaration.child
    return BirthTraits(
        facility=certificate.facility_code,
        book=certificate.book,
        number=certificate.number,
        gcs_code=certificate.gcs_code,
        mother_name=mother.name,
        mother_document=mother.document.number,
        mother_birth_date=mother.birth_date,
        minute=child.birth_time,
        count=child.count,
        order=child.order,
    )


def natural_keys(birth: BirthTraits) -> NaturalKeys:
    """The keys that can be made of what is known. Case, marks and blanks do not matter in them."""
    order = 1 if birth.count == 1 else birth.order
    document, minute = compared_number(birth.mother_document), birth.minute
    known = document and minute is not None and order is not None
    name, near = _folded(birth.mother_name), _near_days(minute)
    return NaturalKeys(
        certificates=_certificate_keys(birth),
        birth=_key("birth", [document, f"{minute:%Y%m%d%H%M}", str(order)]) if known else None,
        likely=_key("likely", [name, minute.date().isoformat()]) if name and minute is not None else "",
        likely_near=tuple(_key("likely", [name, day.isoformat()]) for day in near) if name else (),
    )


def _certificate_keys(birth: BirthTraits) -> tuple[str, ...]:
    """Numbers begin anew in each book and each facility, so only all three together name a certificate; one issued
    again keeps its GCS code (TT 22/2025), but may get a new number.
    """
    book, number = compared_number(birth.book), compared_number(birth.number)
    named = [[compared_number(birth.gcs_code)]] if birth.gcs_code else []
    named += [[book, number]] if book and number else []
    return tuple(_key("certificate", [birth.facility, *parts]) for parts in named if birth.facility)


def _near_days(minute: datetime | None) -> list[date]:
    if minute is None:
        return []
    return [minute.date() + timedelta(days=days) for days in range(-NEAR_DAYS, NEAR_DAYS + 1)]


def likely_duplicate(one: BirthTraits, other: BirthTraits) -> bool:
    """Whether a human should look if two births with different keys are of the same child. Symmetric.

    Same folded mother's name and near births. Not so for two mothers whose birth dates and documents both
    differ, nor for twins: the same count and no other mother's document, and orders that differ or, where not both
    are known, other certificates of the same facility. What is not known differs from nothing.
    """
    name = _folded(one.mother_name)
    if not name or name != _folded(other.mother_name) or one.minute is None or other.minute is None:
        return False
    if abs(one.minute.date() - other.minute.date()) > timedelta(days=NEAR_DAYS):
        return False
    documents = {compared_number(birth.mother_document) for birth in (one, other)} - {""}
    birth_dates = {birth.mother_birth_date for birth in (one, other)} - {None}
    other_document = len(documents) == 2
    if other_document and len(birth_dates) == 2:
        return False
    return other_document or not _twins(one, other)


def compare_identity(card: IdentityCard, certificate: BirthDeclaration) -> list[Difference]:
    """Where the mother's card and the birth certificate disagree (false identities at hospitals, plo.vn
    2017).

    Names are compared without case and marks, for a card reader and a midwife seldom agree on those; the old
    nine-digit number of the same card is no difference.
    """
    mother = certificate.mother
    differences = []
    if compared_number(mother.document.number) not in {
        compared_number(card.number),
        compared_number(card.old_number) or None,
    }:
        differences.append(
            Difference(field="number", message_vi="Số giấy tờ trên thẻ khác số trên giấy chứng sinh.")
        )
    if _folded(card.name) != _folded(mother.name):
        differences.append(
            Difference(field="name", message_vi="Họ và tên trên thẻ khác họ và tên trên giấy chứng sinh.")
        )
    if card.birth_date != mother.birth_date:
        message = "Ngày sinh trên thẻ khác ngày sinh trên giấy chứng sinh."
        differences.append(Difference(field="birth_date", message_vi=message))
    return differences


def _twins(one: BirthTraits, other: BirthTraits) -> bool:
    if one.count != other.count or one.count < 2:
        return False
    if one.order is not None and other.order is not None:
        return one.order != other.order
    mine, theirs = set(_certificate_keys(one)), set(_certificate_keys(other))
    return one.facility == other.facility and bool(mine and theirs) and mine.isdisjoint(theirs)


def _folded(name: str) -> str:
    return fold(written(name))


def compared_number(text: str) -> str:
    """A number as compared: without case and blanks."""
    return "".join(tidy(text).upper().split())


def _key(kind: str, parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join((kind, *parts)).encode()).hexdigest()
