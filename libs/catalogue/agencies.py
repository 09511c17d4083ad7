"""Agencies with the days they exist, the units they cover and what they follow; who is competent for a role."""

import itertools
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec

from libs.catalogue.errors import CatalogueError, UnknownAgency
from libs.catalogue.files import read_yaml

# 13 characters, TT 01/2018/TT-VPCP Đ19 with QCVN 102:2016/BTTTT.
_PREFIX = re.compile(r"^\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}$")


class Role(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an agency is competent for; steps name roles, never agencies."""

    code: str
    name_vi: str


class Agency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agency from `effective_from` to `effective_to` (both days included).

    `units` are codes of communes (5 digits), districts (3) or provinces (2) covered, as they stood on
    `effective_from`; the narrowest cover wins. With `each_commune` the entry is a pattern: one agency for every
    commune of `units`, with `{unit}` and `{name}` filled in. `code_prefix` begins the dossier codes the agency gives
    (one-stop counters); unless `code_prefix_verified` the number is a configuration value, not the official one.
    """

    code: str
    name_vi: str
    roles: tuple[str, ...]
    effective_from: date
    effective_to: date | None = None
    units: tuple[str, ...] = ()
    each_commune: bool = False
    succeeded_by: tuple[str, ...] = ()
    calendar: str = ""
    address_vi: str = ""
    phone: str = ""
    code_prefix: str = ""
    code_prefix_verified: bool = False
    facility_code: str = ""
    verified: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.code_prefix and not self.each_commune and not _PREFIX.match(self.code_prefix):
            raise ValueError(f"agency {self.code}: a dossier-code prefix is written 000.00.00.H30")
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError(f"agency {self.code}: ends before it begins")

    def in_force(self, on: date) -> bool:
        """Whether the agency exists on the day."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


class AgencyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of agencies that share a source."""

    source: str
    agencies: tuple[Agency, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A commune on some day: its code, name and the codes of the units above it (district empty since 2025)."""

    code: str
    name_vi: str
    province_code: str
    district_code: str = ""

    @property
    def covers(self) -> tuple[str, ...]:
        """The codes an agency may name to cover the commune, narrowest first."""
        return tuple(code for code in (self.code, self.district_code, self.province_code) if code)


class AgencyDirectory:
    """All agencies of the catalogue. Raises CatalogueError when two have one code or one facility and day."""

    def __init__(self, entries: Iterable[Agency]) -> None:
        entries = sorted(entries, key=lambda agency: agency.code)
        self.patterns = tuple(agency for agency in entries if agency.each_commune)
        self._by_code = {agency.code: agency for agency in entries if not agency.each_commune}
        if len(self._by_code) + len(self.patterns) < len(entries):
            raise CatalogueError("two agencies have one code")
        self._cover: dict[tuple[str, str], list[Agency]] = {}
        self._facilities: dict[str, list[Agency]] = {}
        for agency in self._by_code.values():
            for role in agency.roles:
                for unit in agency.units:
                    self._cover.setdefault((role, unit), []).append(agency)
            if agency.facility_code:
                self._facilities.setdefault(agency.facility_code, []).append(agency)
        for (role, unit), agencies in self._cover.items():
            _refuse_overlap(agencies, f"role {role} in unit {unit}")
        for facility, agencies in self._facilities.items():
            _refuse_overlap(agencies, f"facility {facility}")

    def agency(self, code: str) -> Agency | None:
        """The agency written out with this code, or None (it may still follow from a pattern)."""
        return self._by_code.get(code)

    def agencies(self, role: str | None = None) -> tuple[Agency, ...]:
        """The agencies written out, of all times, or those with the role, by code."""
        return tuple(agency for agency in self._by_code.values() if role is None or role in agency.roles)

    def predecessors(self, code: str) -> tuple[str, ...]:
        """The agencies written out whose succession leads to this one, by code."""
        found: set[str] = set()
        reached = {code}
        while reached:
            reached = {a.code for a in self._by_code.values() if reached.intersection(a.succeeded_by)} - found
            found |= reached
        return tuple(sorted(found - {code}))

    def pattern_of(self, code: str) -> tuple[Agency, str] | None:
        """The pattern the code follows and the commune code in it, or None."""
        for pattern in self.patterns:
            match = re.fullmatch(re.escape(pattern.code).replace(r"\{unit\}", r"(\d{5})"), code)
            if match:
                return pattern, match[1]
        return None

    def hospital(self, facility_code: str, on: date) -> Agency:
        """The hospital desk with the facility code on the day; raises UnknownAgency."""
        for agency in self._facilities.get(facility_code, ()):
            if agency.in_force(on):
                return agency
        raise UnknownAgency(f"no hospital with the facility code {facility_code}")

    def competent(self, role: str, place: Place, on: date) -> Agency:
        """The agency for the role at the place on the day, the narrowest cover first; raises UnknownAgency."""
        commune, *wider = place.covers
        found = self._covering(role, commune, on) or self._from_pattern(role, place, on)
        found = found or next((a for unit in wider if (a := self._covering(role, unit, on))), None)
        if found is None:
            raise UnknownAgency(f"no agency for {role} in unit {place.code} on {on.isoformat()}")
        return found

    def _covering(self, role: str, unit: str, on: date) -> Agency | None:
        return next((a for a in self._cover.get((role, unit), ()) if a.in_force(on)), None)

    def _from_pattern(self, role: str, place: Place, on: date) -> Agency | None:
        for pattern in self.patterns:
            covered = any(unit in place.covers for unit in pattern.units)
            if role in pattern.roles and covered and pattern.in_force(on):
                return instance_of(pattern, place)
        return None


def instance_of(pattern: Agency, place: Place) -> Agency:
    """The agency of one commune that follows from the pattern."""
    name = place.name_vi[:1].lower() + place.name_vi[1:]  # "Phường X" within a longer name is "phường X"
    prefix = pattern.code_prefix.format(first=place.code[:3], last=place.code[3:])
    return msgspec.structs.replace(
        pattern,
        code=pattern.code.format(unit=place.code),
        name_vi=pattern.name_vi.format(name=name),
        address_vi=pattern.address_vi.format(name=name),
        units=(place.code,),
        each_commune=False,
        code_prefix=prefix,
    )


def load_directory(folder: Path) -> AgencyDirectory:
    """The agencies of every file in the folder but roles.yaml; raises CatalogueError."""
    paths = (path for path in sorted(folder.glob("*.yaml")) if path.name != "roles.yaml")
    return AgencyDirectory(agency for path in paths for agency in read_yaml(path, AgencyFile).agencies)


def _refuse_overlap(agencies: list[Agency], what: str) -> None:
    agencies.sort(key=lambda agency: agency.effective_from)
    for earlier, later in itertools.pairwise(agencies):
        if earlier.effective_to is None or later.effective_from <= earlier.effective_to:
            raise CatalogueError(f"{earlier.code} and {later.code} both have the {what} on one day")
