"""The catalogue of one city: asks by code and day, reads a file only when it is asked for."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from libs.catalogue.agencies import Agency, AgencyDirectory, Place, Role, instance_of, load_directory
from libs.catalogue.calendar import DEFAULT_CALENDAR, WorkingCalendar, load_calendars
from libs.catalogue.errors import AmbiguousUnit, CatalogueError, NotEffective, UnknownAgency, UnknownProcedure
from libs.catalogue.files import (
    VersionFile,
    convert,
    read_plain,
    read_yaml,
    version_files,
    version_on,
    with_definitions,
)
from libs.catalogue.holidays import OpeningHours, load_opening_hours
from libs.catalogue.paper_forms import PaperForms, load_forms
from libs.catalogue.procedures import Procedure
from libs.catalogue.queues import Queue
from libs.catalogue.reasons import Move, Reason, Reasons
from libs.catalogue.units import STEPS_MAX, Unit, Units

COMPETENT_MAX = 10_000  # remembered answers of `agency_for`; then the memory starts anew


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field of work (lĩnh vực). `role` is who settles a procedure of it that has no steps of its own."""

    code: str
    name_vi: str
    role: str


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Procedures that follow each other in law under changing codes, oldest first.

    `declared_fields` are the fields (dotted paths) of what a hospital declares for them instead of filling in the form.
    """

    code: str
    name_vi: str
    procedures: tuple[str, ...]
    declared_fields: tuple[str, ...] = ()


class Catalogue:
    """What the city offers. Built by `Catalogue.load`; immutable but for what it has already read."""

    def __init__(self, folder: Path, versions: Mapping[str, list[VersionFile]]) -> None:
        self.folder = folder
        self._versions = versions
        self._read: dict[Path, Procedure] = {}
        self._competent: dict[tuple[str, str, date, date | None], Agency] = {}

    @classmethod
    def load(cls, folder: Path | str) -> "Catalogue":
        """The catalogue of a folder. Raises CatalogueError when the folder is none or a file name is wrong.

        Only file names are read here; `python -m libs.catalogue check` opens and checks every file.
        """
        path = Path(folder)
        if not (path / "procedures").is_dir():
            raise CatalogueError(f"no catalogue in {path}")
        return cls(path, version_files(path / "procedures"))

    # -- procedures ----

    def procedure(self, code: str, on: date) -> Procedure:
        """The version of the procedure in force on the day; raises UnknownProcedure or NotEffective."""
        if code not in self._versions:
            raise UnknownProcedure(code)
        version = version_on(self._versions[code], on)
        procedure = self._procedure(version.path) if version else None
        if procedure is None or not procedure.in_force(on):
            raise NotEffective(code, on)
        return procedure

    def procedures(self, on: date) -> tuple[Procedure, ...]:
        """Every procedure in force on the day, by code. Reads all files the first time (about a second)."""
        found = []
        for _, versions in sorted(self._versions.items()):
            version = version_on(versions, on)
            if version is not None and self._procedure(version.path).in_force(on):
                found.append(self._procedure(version.path))
        return tuple(found)

    def procedure_codes(self) -> tuple[str, ...]:
        """Every code the catalogue has a version of, in force or not."""
        return tuple(sorted(self._versions))

    def versions_of(self, code: str) -> tuple[tuple[Path, Procedure], ...]:
        """Every version of the procedure with its file, oldest first; raises CatalogueError."""
        return tuple((version.path, self._procedure(version.path)) for version in self._versions[code])

    def procedure_of_group(self, group: str, on: date) -> Procedure:
        """The member of the group in force on the day, e.g. the interlinked birth procedure of that law.

        Raises UnknownProcedure or NotEffective.
        """
        if group not in self.groups:
            raise UnknownProcedure(group)
        for code in reversed(self.groups[group].procedures):
            try:
                return self.procedure(code, on)
            except NotEffective:
                continue
        raise NotEffective(group, on)

    @cached_property
    def groups(self) -> Mapping[str, Group]:
        """Groups of procedures by code."""
        groups = read_yaml(self.folder / "procedure-groups.yaml", tuple[Group, ...])
        return {group.code: group for group in groups}

    @cached_property
    def reasons(self) -> Reasons:
        """The reasons an officer may choose from, of all times, by move."""
        return read_yaml(self.folder / "reasons.yaml", dict[Move, tuple[Reason, ...]])

    def reasons_for(self, move: Move, on: date) -> tuple[Reason, ...]:
        """The reasons for a move that may be chosen on the day."""
        return tuple(reason for reason in self.reasons[move] if reason.in_force(on))

    @cached_property
    def queues(self) -> tuple[Queue, ...]:
        """The lists staff work from, in the order they are shown."""
        return read_yaml(self.folder / "queues.yaml", tuple[Queue, ...])

    @cached_property
    def forms(self) -> PaperForms:
        """The papers of the one-stop shop, in all their versions."""
        return load_forms(self.folder)

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Fields of work by code."""
        fields = read_yaml(self.folder / "fields" / "fields.yaml", tuple[Field, ...])
        return {field.code: field for field in fields}

    @cached_property
    def _definitions(self) -> dict[str, Any]:
        return read_yaml(self.folder / "schema" / "definitions.yaml", dict[str, Any])

    def _procedure(self, path: Path) -> Procedure:
        if path not in self._read:
            self._read[path] = self._open(path)
        return self._read[path]

    def _open(self, path: Path) -> Procedure:
        plain = read_plain(path)
        procedure = convert(plain, Procedure, path)
        if path.name != f"{procedure.code}@{procedure.effective_from.isoformat()}.yaml":
            raise CatalogueError(f"{path.name}: the file name differs from the code or the first day in it")
        return msgspec.structs.replace(
            procedure,
            form=with_definitions(procedure.form, self._definitions),
            steps=tuple(
                msgspec.structs.replace(step, outcome=with_definitions(step.outcome, self._definitions))
                for step in procedure.steps
            ),
        )

    # -- agencies ----

    @cached_property
    def _directory(self) -> AgencyDirectory:
        return load_directory(self.folder / "agencies")

    def agency(self, code: str) -> Agency:
        """The agency with this code, written out or following from a pattern; raises UnknownAgency."""
        found = self._directory.agency(code)
        if found is not None:
            return found
        follows = self._directory.pattern_of(code)
        if follows is None:
            raise UnknownAgency(f"no agency {code}")
        pattern, unit_code = follows
        # An agency may be older than the first list of units, and a commune younger than its agency's pattern.
        unit = self.units.last_unit(unit_code, pattern.effective_from, pattern.effective_to)
        if unit is None or not set(pattern.units) & set(_place(unit).covers):
            raise UnknownAgency(f"no agency {code}")
        return instance_of(pattern, _place(unit))

    def agencies(self, role: str | None = None) -> tuple[Agency, ...]:
        """The agencies written out, of all times, or those with the role, by code (not those of patterns)."""
        return self._directory.agencies(role)

    def agency_entries(self) -> tuple[Agency, ...]:
        """Agencies and patterns as they are written in the files."""
        return (*self._directory.agencies(), *self._directory.patterns)

    def agency_for(self, role: str, unit_code: str, on: date, as_of: date | None = None) -> Agency:
        """The agency competent for the role in the commune on the day.

        The code is taken as it stood on `as_of` and followed through successions: 31341 on a day of 2026
        reaches the new 31340. Without `as_of` a code in force on the day means that unit. Raises AmbiguousUnit
        when the old unit was split or the source of the succession is not sure, UnknownAgency when nobody is
        competent.
        """
        key = (role, unit_code, on, as_of)
        if key not in self._competent:
            if len(self._competent) >= COMPETENT_MAX:
                self._competent.clear()
            self._competent[key] = self._directory.competent(role, self._place_on(unit_code, on, as_of), on)
        return self._competent[key]

    def predecessors(self, code: str) -> tuple[str, ...]:
        """The agencies whose succession leads to this one, by code, ended or not."""
        return self._directory.predecessors(code)

    def heir(self, code: str, unit: str, as_of: date, on: date) -> str:
        """The agency that on the day does what this one has begun: itself while it exists, then what followed it.

        Where several followed, the one competent for the commune `unit` as it stood on `as_of`; the agency itself
        when that is none of them, for then nobody has taken its work over.
        """
        for _ in range(STEPS_MAX):
            agency = self.agency(code)
            if agency.in_force(on) or not agency.succeeded_by:
                return code
            following = agency.succeeded_by
            if len(following) > 1:
                following = tuple(c for c in self._competent_now(agency, unit, as_of, on) if c in following)
            if not following:
                return code
            code = following[0]
        return code

    def _competent_now(self, agency: Agency, unit: str, as_of: date, on: date) -> Iterator[str]:
        for role in agency.roles:
            with suppress(LookupError):
                yield self.agency_for(role, unit, on, as_of).code

    def _place_on(self, code: str, on: date, as_of: date | None) -> Place:
        if as_of is None:
            as_of = on if self.units.unit(code, on) else None
        resolution = self.units.resolve(code, on=on, stated_on=as_of)
        if resolution.unit is not None:
            return _place(resolution.unit)
        if resolution.units:
            raise AmbiguousUnit(code, on, tuple(unit.code for unit in resolution.units))
        raise UnknownAgency(f"no commune {code} on {on.isoformat()}")

    def hospital(self, facility_code: str, on: date) -> Agency:
        """The hospital desk with the health-insurance facility code (mã CSKCB); raises UnknownAgency."""
        return self._directory.hospital(facility_code, on)

    @cached_property
    def roles(self) -> Mapping[str, Role]:
        """Roles of agencies by code."""
        roles = read_yaml(self.folder / "agencies" / "roles.yaml", tuple[Role, ...])
        return {role.code: role for role in roles}

    # -- time and place ----

    def calendar(self, name: str = "") -> WorkingCalendar:
        """The working calendar by name, the office week when empty; raises CatalogueError."""
        try:
            return self._calendars[name or DEFAULT_CALENDAR]
        except KeyError:
            raise CatalogueError(f"no working calendar {name}") from None

    def opening_hours(self, name: str = "") -> OpeningHours:
        """The weekly hours behind a working calendar, the office week when empty; raises CatalogueError."""
        name = name or DEFAULT_CALENDAR
        if name not in self._calendars:
            raise CatalogueError(f"no working calendar {name}")
        return load_opening_hours(self.folder / "calendars" / f"{name}.yaml")

    @cached_property
    def _calendars(self) -> Mapping[str, WorkingCalendar]:
        return load_calendars(self.folder / "calendars")

    @cached_property
    def units(self) -> Units:
        """Administrative units and their successions."""
        return Units.load(self.folder / "units")


def _place(unit: Unit) -> Place:
    return Place(
        code=unit.code,
        name_vi=unit.name,
        province_code=unit.province_code,
        district_code=unit.district_code or "",
    )
