"""The catalogue's list of what a hospital declares is what the declaration holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from libs.catalogue import Catalogue
from services.intake.birth_reception import BIRTH_GROUP
from services.intake.births import BirthDeclaration
from services.intake.corrections import FIXED_IN_BIRTHS, FIXED_WITH_FATHER

# A district says that the commune beside it is one of before 2025-07-01, and so may make it another commune.
DISTRICTS = ("mother.residence.district_code", "father.residence.district_code")
FOLDER = Path(__file__).parents[3] / "catalogue"


def paths(info: Any, above: str = "") -> Iterator[tuple[str, bool]]:
    """Every path of the declaration, and whether it holds a value and not a group of them."""
    if isinstance(info, msgspec.inspect.UnionType):
        for inner in info.types:
            yield from paths(inner, above)
    elif isinstance(info, msgspec.inspect.StructType):
        for field in info.fields:
            path = f"{above}.{field.encode_name}".lstrip(".")
            below = list(paths(field.type, path))
            yield path, not below
            yield from below


def test_an_officer_may_ask_for_every_field_the_hospital_can_supply_and_for_no_other() -> None:
    """Each value of the declaration that may still be changed stands in the list; each of the list is a path of it."""
    known = dict(paths(msgspec.inspect.type_info(BirthDeclaration)))
    decided = (*FIXED_IN_BIRTHS, *FIXED_WITH_FATHER, *DISTRICTS)
    fixed = {path for path in known for part in decided if path == part or path.startswith(f"{part}.")}
    listed = set(Catalogue.load(FOLDER).groups[BIRTH_GROUP].declared_fields)
    assert listed <= known.keys() - fixed
    assert {path for path, is_value in known.items() if is_value} - fixed <= listed
