"""Codes of communes as people write them, years after the communes were merged: one rule for every entrance."""

from datetime import date
from typing import Any

import msgspec
import pytest

from libs.catalogue.units import Units
from services.intake.births import BirthDeclaration
from services.intake.residences import commune_problems, dated
from tests.unit.intake.test_birth_rules import GOOD, HOME

TODAY = date(2026, 11, 23)
UNITS = Units.load()


def living(**changes: Any) -> BirthDeclaration:
    """The good declaration of a mother who lives there, dated as intake does."""
    home = msgspec.structs.replace(HOME, **changes)
    mother = msgspec.structs.replace(GOOD.mother, residence=home)
    return dated(msgspec.structs.replace(GOOD, mother=mother), UNITS)


def codes(declaration: BirthDeclaration) -> list[str]:
    """What is found wrong with the codes of its residences."""
    return [problem.code for problem in commune_problems(declaration, UNITS, TODAY)]


@pytest.mark.parametrize(
    ("commune", "province", "district", "as_of", "meant_on"),
    [
        # As it stands today.
        ("31340", "92", "", date(2026, 11, 20), date(2026, 11, 20)),
        # An old code with everything that was above it, on a day after the merger.
        ("31341", "93", "931", date(2026, 11, 20), date(2025, 6, 30)),
        # The province alone says that the code is an old one, also where the code was given away anew.
        ("31341", "93", "", date(2026, 11, 20), date(2025, 6, 30)),
        ("31340", "93", "", date(2026, 11, 20), date(2025, 6, 30)),
        # An old commune under its new province.
        ("31341", "92", "", date(2026, 11, 20), date(2026, 11, 20)),
        # A day before the first list of units that is known.
        ("31341", "93", "931", date(2021, 5, 4), date(2021, 5, 4)),
    ],
)
def test_a_code_of_any_time_is_taken(
    commune: str, province: str, district: str, as_of: date, meant_on: date
) -> None:
    """What was true some day is followed to what it is today."""
    declaration = living(commune_code=commune, province_code=province, district_code=district, as_of=as_of)
    assert codes(declaration) == []
    assert declaration.mother.residence.as_of == meant_on


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"commune_code": "99999"}, "commune-unknown"),
        ({"province_code": "01"}, "commune-province"),
        ({"province_code": "93", "district_code": "930", "commune_code": "31341"}, "commune-district"),
    ],
)
def test_a_code_that_was_never_true_is_refused(changes: dict[str, str], expected: str) -> None:
    """An unknown commune, or one of another province or district."""
    assert codes(living(**changes)) == [expected]
