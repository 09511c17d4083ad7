"""Reads the files of `catalogue/units/` into compact rows: four services hold them in memory."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

from libs.catalogue.errors import CatalogueError

UNIT_FOLDER = Path(__file__).parents[2] / "catalogue" / "units"


class Province(msgspec.Struct, frozen=True, kw_only=True):
    """A province or centrally run city by its two-digit code; `successor` is the code it went into."""

    code: str
    valid_from: date
    valid_to: date | None
    name: str
    successor: str | None

    def valid(self, on: date) -> bool:
        """Whether the province stands on the day `on`."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


class UnitRow(NamedTuple):
    """One meaning of a commune code; the district code is empty since districts ended."""

    code: str
    valid_from: date
    valid_to: date | None
    name: str
    district_code: str
    province_code: str

    def valid(self, on: date) -> bool:
        """Whether the row holds on the day `on`."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


class Succession(NamedTuple):
    """What one unit became: all of it (`whole`) or a part; `sure` when the source is."""

    new_code: str
    whole: bool
    sure: bool


class UnitFiles(NamedTuple):
    """Everything the folder says, each by its code; successions by code and the day the unit ended."""

    rows: dict[str, tuple[UnitRow, ...]]
    districts: dict[str, str]
    provinces: dict[str, tuple[Province, ...]]
    successions: dict[tuple[str, date], tuple[Succession, ...]]


def read_unit_files(folder: Path = UNIT_FOLDER) -> UnitFiles:
    """The unit files; raises CatalogueError when one is missing or malformed."""
    try:
        return UnitFiles(
            _load_rows(folder / "communes.csv"),
            {code: name for code, _, _, name, _ in _read(folder / "districts.csv")},
            _load_provinces(folder / "provinces.csv"),
            _load_successions(folder / "successions.csv"),
        )
    except (OSError, ValueError) as error:
        raise CatalogueError(f"the administrative units cannot be read: {error}") from error


def _read(path: Path) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


def _load_rows(path: Path) -> dict[str, tuple[UnitRow, ...]]:
    days = _Days()
    kept: dict[str, str] = {}  # each district and province code once in memory
    found: dict[str, tuple[UnitRow, ...]] = {}
    for code, first, end, name, district, province in _read(path):
        above = (kept.setdefault(district, district), kept.setdefault(province, province))
        row = UnitRow(code, days[first], days[end] if end else None, name, *above)
        found[code] = (*found.get(code, ()), row)
    return found


def _load_provinces(path: Path) -> dict[str, tuple[Province, ...]]:
    found: dict[str, tuple[Province, ...]] = {}
    for code, first, end, name, successor in _read(path):
        province = Province(
            code=code,
            valid_from=date.fromisoformat(first),
            valid_to=date.fromisoformat(end) if end else None,
            name=name,
            successor=successor or None,
        )
        found[code] = (*found.get(code, ()), province)
    return dict(sorted(found.items()))


def _load_successions(path: Path) -> dict[tuple[str, date], tuple[Succession, ...]]:
    days = _Days()
    steps: dict[Succession, Succession] = {}
    found: dict[tuple[str, date], tuple[Succession, ...]] = {}
    for code, on, new_code, extent, confidence in _read(path):
        step = Succession(new_code, extent == "whole", confidence == "high")
        key = (code, days[on])
        found[key] = (*found.get(key, ()), steps.setdefault(step, step))
    return found


class _Days(dict[str, date]):
    """Each written day parsed once: the files hold few different ones."""

    def __missing__(self, text: str) -> date:
        day = self[text] = date.fromisoformat(text)
        return day
