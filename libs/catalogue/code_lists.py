"""Closed code lists of `catalogue/codes/`: ethnic groups, identity-number provinces, health facilities."""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, cast

import msgspec

from libs.catalogue.errors import CatalogueError

CODE_FOLDER = Path(__file__).parents[2] / "catalogue" / "codes"
Confidence = Literal["high", "medium", "low"]


class HealthFacility(msgspec.Struct, frozen=True, kw_only=True):
    """A health facility (cơ sở khám bệnh, chữa bệnh); with low confidence its name must not be relied on."""

    code: str
    name: str
    older_name: str | None
    confidence: Confidence


class CodeLists(msgspec.Struct, frozen=True, kw_only=True):
    """The lists by code.

    ethnic_groups: QĐ 121-TCTK/PPCĐ 1979, the list XML9 names. ethnic_1979_of_2008: from the 2008 list, 01-20
    only. identity_provinces: the first three digits of a personal number (TT 07/2016/TT-BCA Phụ lục 1) → unit
    code of the 63 provinces before 2025-07-01. personal_number_insures_from: the first day on which a personal
    number stands in the place of a social insurance number.
    """

    ethnic_groups: Mapping[str, str]
    ethnic_1979_of_2008: Mapping[str, str]
    identity_provinces: Mapping[str, str]
    province_codes: frozenset[str]
    facilities: Mapping[str, HealthFacility]
    personal_number_insures_from: date


def load_code_lists(folder: Path = CODE_FOLDER) -> CodeLists:
    """Read the lists; raises CatalogueError when a file is missing or malformed."""
    try:
        provinces = {row["prefix"]: row["unit_code"] for row in _rows(folder / "identity_provinces.csv")}
        return CodeLists(
            ethnic_groups={row["code"]: row["name"] for row in _rows(folder / "ethnic_qd121_1979.csv")},
            ethnic_1979_of_2008={
                row["code_2008"]: row["code_1979"] for row in _rows(folder / "ethnic_2008_to_1979.csv")
            },
            identity_provinces=provinces,
            province_codes=frozenset(provinces.values()),
            personal_number_insures_from=_first_day(folder / "insurance_numbers.csv", "personal-number"),
            facilities={row["code"]: _facility(row) for row in _rows(folder / "health_facilities.csv")},
        )
    except (OSError, KeyError, ValueError, StopIteration) as error:
        raise CatalogueError(f"the code lists cannot be read: {error}") from error


@cache
def code_lists() -> CodeLists:
    """The catalogue's own lists, read once per process."""
    return load_code_lists()


def _facility(row: dict[str, str]) -> HealthFacility:
    return HealthFacility(
        code=row["code"],
        name=row["name"],
        older_name=row["older_name"] or None,
        confidence=cast(Confidence, row["confidence"]),
    )


def _first_day(path: Path, kind: str) -> date:
    return next(date.fromisoformat(row["effective_from"]) for row in _rows(path) if row["kind"] == kind)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
