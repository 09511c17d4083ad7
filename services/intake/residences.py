"""Residences as they are written and as they are meant. Pure.

Codes of before 2025-07-01 are still written for years, and two of them (31340, 31411) were given to larger communes on
that day. A code alone is then ambiguous; the province or district written beside it says which time it is of.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec

from libs.catalogue.units import Units
from services.intake.births import BirthDeclaration, Problem, Residence

DISTRICTS_ABOLISHED = date(2025, 7, 1)  # NQ 203/2025/QH15; unit codes of before end the day before
LAST_OLD_DAY = DISTRICTS_ABOLISHED - timedelta(days=1)


def residences(declaration: BirthDeclaration) -> dict[str, Residence]:
    """The residences of a declaration by their path."""
    father = declaration.father.residence if declaration.father else None
    wanted = declaration.choices.residence_to_register
    places = {"mother.residence": declaration.mother.residence}
    if father is not None:
        places["father.residence"] = father
    if wanted is not None:
        places["choices.residence_to_register"] = wanted
    return places


def dated(declaration: BirthDeclaration, units: Units | None = None) -> BirthDeclaration:
    """The declaration with the codes of each residence dated by what is written beside them.

    A district, or (with `units`) a province that has ended by the stated day, says that the commune code is one of
    before 2025-07-01, whatever day was stated.
    """
    mother, father, choices = declaration.mother, declaration.father, declaration.choices
    replace = msgspec.structs.replace
    if father is not None and father.residence is not None:
        father = replace(father, residence=_dated(father.residence, units))
    if choices.residence_to_register is not None:
        choices = replace(choices, residence_to_register=_dated(choices.residence_to_register, units))
    mother = replace(mother, residence=_dated(mother.residence, units))
    return replace(declaration, mother=mother, father=father, choices=choices)


def _dated(residence: Residence, units: Units | None) -> Residence:
    old = bool(residence.district_code) or (units is not None and _ended(residence, units))
    if not old or residence.as_of <= LAST_OLD_DAY:
        return residence
    return msgspec.structs.replace(residence, as_of=LAST_OLD_DAY)


def _ended(residence: Residence, units: Units) -> bool:
    code = residence.province_code
    return units.province(code, residence.as_of) is None and units.province(code, LAST_OLD_DAY) is not None


def commune_problems(declaration: BirthDeclaration, units: Units, today: date) -> Iterator[Problem]:
    """What is wrong with the codes of the residences. A unit of the past is good when it is known where it lies now;
    the province beside it may be that of then or of today.
    """
    for path, residence in residences(declaration).items():
        if not residence.commune_code:
            continue
        field, day, district = f"{path}.commune_code", f"{path}.as_of", f"{path}.district_code"
        meant = units.resolve(residence.commune_code, on=today, stated_on=residence.as_of)
        if meant.stated is None:
            message = "Mã xã không có trong danh mục đơn vị hành chính tại thời điểm kê khai."
            yield _error(field, "commune-unknown", message, day, district)
            continue
        provinces = {meant.stated.province_code, *(unit.province_code for unit in meant.units)}
        if residence.province_code and residence.province_code not in provinces:
            message = "Mã xã không thuộc tỉnh đã ghi."
            yield _error(field, "commune-province", message, f"{path}.province_code", day, district)
        elif residence.district_code and meant.stated.district_code != residence.district_code:
            yield _error(field, "commune-district", "Mã xã không thuộc huyện đã ghi.", district, day)


def _error(field: str, code: str, message_vi: str, *also: str) -> Problem:
    return Problem(field=field, code=code, message_vi=message_vi, also=also)
