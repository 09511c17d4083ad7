"""Administrative units by code and date, and where a unit of the past lies today.

A code alone does not name a unit: 31340 and 31411 were given to larger areas on 2025-07-01
(NQ 1668/NQ-UBTVQH15), so everything here is keyed by (code, valid_from).
"""

from datetime import date
from pathlib import Path
from typing import Literal

import msgspec

from libs.catalogue.folding import fold
from libs.catalogue.unit_files import UNIT_FOLDER, Province, UnitFiles, UnitRow, read_unit_files

SEARCH_LIMIT = 20
FIRST_LIST = date(2023, 1, 1)  # the first list of units known; what was written before is read by it
STEPS_MAX = 10  # successions followed in a row; a longer chain is a cycle in the data

Outcome = Literal["current", "whole", "part", "doubtful", "ambiguous", "unknown"]


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A commune (phường, xã, thị trấn, đặc khu) as it was from `valid_from` until before `valid_to` (None:
    still is).

    The first list known is counted from 2023-01-01: `valid_from` is then not the day the unit was made.
    District fields are None from 2025-07-01 on, when districts ended.
    """

    code: str
    valid_from: date
    valid_to: date | None
    name: str
    district_code: str | None
    district_name: str | None
    province_code: str
    province_name: str

    @property
    def full_name(self) -> str:
        """The name with everything above it: `Phường Hiệp Thành, Thành phố Ngã Bảy, Tỉnh Hậu Giang`."""
        return ", ".join(name for name in (self.name, self.district_name, self.province_name) if name)


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stated unit lies on the asked day.

    current: the unit itself still stands. whole: all of it went into one unit. part: it was split among
    `units`. doubtful: one unit is named but the source is not sure. ambiguous: the code has had several
    meanings and the date of the statement decides. unknown: no such code, or no successor known. Only current
    and whole have `unit`; with every other outcome a person chooses among `units`.
    """

    outcome: Outcome
    stated: Unit | None
    units: tuple[Unit, ...]

    @property
    def unit(self) -> Unit | None:
        """The one unit meant, or None when a person must choose."""
        return self.units[0] if self.outcome in ("current", "whole") else None


class Units:
    """All communes, districts and provinces with their successions.

    Load once per process with `Units.load`.
    """

    def __init__(self, files: UnitFiles) -> None:
        self._rows = files.rows
        self._districts = files.districts
        self._provinces = files.provinces
        self._successions = files.successions
        self._folded: list[tuple[str, UnitRow]] | None = None

    @classmethod
    def load(cls, folder: Path = UNIT_FOLDER) -> "Units":
        """Read the unit files (about 40 ms, 7 MiB); raises CatalogueError for a missing or malformed one."""
        return cls(read_unit_files(folder))

    def unit(self, code: str, on: date) -> Unit | None:
        """The unit that has `code` on the day `on`, or None."""
        row = self._row(code, on)
        return self._unit(row) if row else None

    def last_unit(self, code: str, first_day: date, last_day: date | None) -> Unit | None:
        """The last unit that had `code` on some day of the period (None: it goes on), or None."""
        rows = (
            row
            for row in self._rows.get(code, ())
            if (last_day is None or row.valid_from <= last_day)
            and (row.valid_to is None or row.valid_to > first_day)
        )
        row = max(rows, key=lambda row: row.valid_from, default=None)
        return self._unit(row) if row else None

    def resolve(self, code: str, *, on: date, stated_on: date | None = None) -> Resolution:
        """Where the unit written as `code` on the day `stated_on` lies on the day `on` (not earlier).

        A code that had ended by `stated_on` means the unit it last named: old codes are still written for
        years. One written before the first list known is read by that list. Without `stated_on` the code must
        lead to one unit whichever of its meanings was meant: 31341 (old only) and 31340 (its old area lies
        wholly inside the new one) do, others come out as ambiguous.
        """
        if stated_on is not None:
            stated_on = max(stated_on, FIRST_LIST)
            begun = [row for row in self._rows.get(code, ()) if row.valid_from <= stated_on]
            row = begun[-1] if begun else None
            return self._follow(row, max(on, stated_on)) if row else _unknown()
        meanings = [self._follow(row, on) for row in self._rows.get(code, ()) if row.valid_from <= on]
        if len(meanings) <= 1:
            return meanings[0] if meanings else _unknown()
        if all(meaning.unit is not None and meaning.unit == meanings[0].unit for meaning in meanings):
            return msgspec.structs.replace(meanings[-1], outcome="whole", stated=None)
        candidates = {unit.code: unit for meaning in meanings for unit in meaning.units}
        return Resolution(outcome="ambiguous", stated=None, units=tuple(candidates.values()))

    def full_address_name(self, code: str, on: date) -> str | None:
        """`Unit.full_name` of the unit that has `code` on the day `on`, or None."""
        unit = self.unit(code, on)
        return unit.full_name if unit else None

    def province(self, code: str, on: date) -> Province | None:
        """The province that has the two-digit `code` on the day `on`, or None."""
        return next((province for province in self._provinces.get(code, ()) if province.valid(on)), None)

    def provinces(self, on: date) -> tuple[Province, ...]:
        """All provinces of the day `on`, by code."""
        return tuple(p for versions in self._provinces.values() for p in versions if p.valid(on))

    def resolve_province(self, code: str, *, stated_on: date, on: date) -> Province | None:
        """The province of the day `on` that the province stated earlier went into (always whole until now),
        or None.
        """
        province = self.province(code, stated_on)
        for _ in range(STEPS_MAX):
            if (
                province is None
                or province.valid(on)
                or province.successor is None
                or province.valid_to is None
            ):
                return province
            province = self.province(province.successor, province.valid_to)
        return province

    def communes(self, province_code: str, on: date) -> tuple[Unit, ...]:
        """All communes of a province on the day `on`, by code."""
        rows = (row for versions in self._rows.values() for row in versions)
        return tuple(self._unit(row) for row in rows if row.province_code == province_code and row.valid(on))

    def search(
        self, text: str, on: date, *, province_code: str | None = None, limit: int = SEARCH_LIMIT
    ) -> list[Unit]:
        """Units of the day `on` whose full name holds every word of `text`, without regard to marks or case.

        A name that begins with the whole text comes first, then one that holds it, then the rest, each by
        code.
        """
        wanted = fold(text)
        words = wanted.replace(",", " ").split()
        if not words:
            return []
        hits = [
            (_distance(wanted, folded), row.code, row)
            for folded, row in self._folded_rows()
            if row.valid(on)
            and (province_code is None or row.province_code == province_code)
            and all(word in folded for word in words)
        ]
        return [self._unit(row) for _, _, row in sorted(hits, key=lambda hit: hit[:2])[:limit]]

    def _row(self, code: str, on: date) -> UnitRow | None:
        return next((row for row in self._rows.get(code, ()) if row.valid(on)), None)

    def _unit(self, row: UnitRow) -> Unit:
        district = row.district_code or None
        province = self.province(row.province_code, row.valid_from)
        return Unit(
            code=row.code,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            name=row.name,
            district_code=district,
            district_name=self._districts[district] if district else None,
            province_code=row.province_code,
            province_name=province.name if province else "",
        )

    def _follow(self, row: UnitRow, on: date) -> Resolution:
        """Follow the successions of a unit until the units that stand on the day `on`."""
        stated = self._unit(row)
        reached, whole, sure = {row.code: row}, True, True
        for _ in range(STEPS_MAX):
            ended = [(old, old.valid_to) for old in reached.values() if old.valid_to and old.valid_to <= on]
            if not ended:
                break
            for old, _ in ended:
                del reached[old.code]
            for old, end in ended:
                for step in self._successions.get((old.code, end), ()):
                    new = self._row(step.new_code, end)
                    if new is not None:
                        reached[new.code] = new
                        whole, sure = whole and step.whole, sure and step.sure
        units = tuple(self._unit(reached[code]) for code in sorted(reached))
        return Resolution(outcome=_outcome(stated, units, whole, sure), stated=stated, units=units)

    def _folded_rows(self) -> list[tuple[str, UnitRow]]:
        if self._folded is None:
            rows = [row for versions in self._rows.values() for row in versions]
            self._folded = [(fold(self._unit(row).full_name), row) for row in rows]
        return self._folded


def _outcome(stated: Unit, units: tuple[Unit, ...], whole: bool, sure: bool) -> Outcome:
    if not units:
        return "unknown"
    if units == (stated,):
        return "current"
    if not whole or len(units) > 1:
        return "part"
    return "whole" if sure else "doubtful"


def _unknown() -> Resolution:
    return Resolution(outcome="unknown", stated=None, units=())


def _distance(wanted: str, folded: str) -> int:
    name = folded.partition(",")[0]
    if name == wanted or name.partition(" ")[2] == wanted:
        return 0
    return 1 if name.startswith(wanted) else 2 if wanted in name else 3
