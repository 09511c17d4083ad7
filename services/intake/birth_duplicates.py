"""Is this birth already known, may it be, and is the mother who she says she is?

Keys are hashes, so that the text of a unique violation or an index shows nobody's number or name.
"""

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from libs.catalogue.folding import fold, tidy
from services.intake.births import BirthDeclaration, written

NEAR_DAYS = 2  # [judgement] the same birth written down twice is seldom further apart


class NaturalKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What tells one birth from another. Equal `certificate` or equal `birth`: the same birth, answer with
    the old.

    `birth` (mother's document, minute, order) is None when the order in a multiple birth is not known.
    `likely` is stored with the dossier; a dossier whose `likely` is among another's `likely_near` is to be
    compared with it by `likely_duplicate` (same folded mother's name, births at most NEAR_DAYS apart).
    """

    certificate: str
    birth: str | None
    likely: str
    likely_near: tuple[str, ...]


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


def natural_keys(declaration: BirthDeclaration) -> NaturalKeys:
    """The keys of a declaration that has passed `check_declaration`. Case, marks and blanks do not matter in
    them.
    """
    certificate, mother, child = declaration.certificate, declaration.mother, declaration.child
    # A certificate issued again keeps its GCS code (TT 22/2025), but may get a new number.
    numbered = [certificate.gcs_code] if certificate.gcs_code else [certificate.book, certificate.number]
    order = 1 if child.count == 1 else child.order
    born_on = child.birth_time.date()
    name = _folded(mother.name)
    near = [born_on + timedelta(days=days) for days in range(-NEAR_DAYS, NEAR_DAYS + 1)]
    birth = [compared_number(mother.document.number), child.birth_time.strftime("%Y%m%d%H%M"), str(order)]
    return NaturalKeys(
        certificate=_key("certificate", [certificate.facility_code, *map(compared_number, numbered)]),
        birth=None if order is None else _key("birth", birth),
        likely=_key("likely", [name, born_on.isoformat()]),
        likely_near=tuple(_key("likely", [name, day.isoformat()]) for day in near),
    )


def likely_duplicate(one: BirthDeclaration, other: BirthDeclaration) -> bool:
    """Whether a human should look if two declarations with different keys tell of the same child. Symmetric.

    Same folded mother's name and near births. Not so for two mothers whose birth dates and documents both
    differ, nor for twins: the same mother's document and count, and orders that differ or, where not both are
    known, other certificates of the same facility.
    """
    if _folded(one.mother.name) != _folded(other.mother.name):
        return False
    if abs(one.child.birth_time.date() - other.child.birth_time.date()) > timedelta(days=NEAR_DAYS):
        return False
    same_document = compared_number(one.mother.document.number) == compared_number(
        other.mother.document.number
    )
    if not same_document and one.mother.birth_date != other.mother.birth_date:
        return False
    return not (same_document and _twins(one, other))


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


def _twins(one: BirthDeclaration, other: BirthDeclaration) -> bool:
    if one.child.count != other.child.count or one.child.count < 2:
        return False
    if one.child.order is not None and other.child.order is not None:
        return one.child.order != other.child.order
    same_facility = one.certificate.facility_code == other.certificate.facility_code
    return same_facility and natural_keys(one).certificate != natural_keys(other).certificate


def _folded(name: str) -> str:
    return fold(written(name))


def compared_number(text: str) -> str:
    """A number as compared: without case and blanks."""
    return "".join(tidy(text).upper().split())


def _key(kind: str, parts: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join((kind, *parts)).encode()).hexdigest()
