"""Whom a paper is about: the parts of the form the catalogue names, as persons with the words a paper prints. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from libs.catalogue.procedures import Procedure, Result
from services.results.people import PeopleRecord, Person
from services.results.words import IDENTITY_KINDS, SEXES, day_text

CHILD, APPLICANT = "child", "applicant"
# The part of a general form that names somebody else than the applicant.
SUBJECT = "subject"


class CannotIssue(Exception):
    """The document cannot be made from what is known; `reason` is a code for the event, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Code lists as words: ethnic groups, facilities, agencies (code → name)."""

    ethnic: Mapping[str, str]
    facilities: Mapping[str, str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the form that holds whom a paper is about, and what people call it there."""

    name: str
    label: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One whom a paper is about. Words are ready to print, empty when not known; `birth_date` is as it was given."""

    part: str
    label: str
    name: str
    birth_date: str = ""
    sex: str = ""
    ethnic: str = ""
    nationality: str = ""
    residence: str = ""
    identity: str = ""
    personal_id: str = ""

    @property
    def values(self) -> dict[str, str]:
        """What a template prints of the person."""
        return {
            "label": self.label,
            "name": self.name,
            "birth_date": day_text(self.birth_date),
            "sex": self.sex,
            "ethnic": self.ethnic,
            "nationality": self.nationality,
            "residence": self.residence,
            "identity": self.identity,
        }


def parts_of(procedure: Procedure, result: Result) -> tuple[Part, ...] | None:
    """The parts the result's paper is about; None when the catalogue does not say (an imported procedure)."""
    if result.about is None:
        return None
    return tuple(Part(name=name, label=procedure.field_label(name)) for name in result.about)


def subjects_of(
    parts: tuple[Part, ...] | None, people: PeopleRecord, child_name: str, names: Names
) -> list[Subject]:
    """Whom the paper is about, in the catalogue's order; `child_name` is the one civil status has registered.

    Raises CannotIssue when the first part holds nobody: a paper about somebody else would be a false one.
    """
    if parts is None:
        named = people.form.get(SUBJECT)
        holds = isinstance(named, Mapping) and bool(named.get("name"))
        parts = (Part(name=SUBJECT if holds else APPLICANT, label="Người được cấp"),)
    found = [subject for part in parts for subject in _of_part(part, people, child_name, names)]
    if parts and (not found or found[0].part != parts[0].name):
        raise CannotIssue("person-missing")
    return found


def _of_part(part: Part, people: PeopleRecord, child_name: str, names: Names) -> list[Subject]:
    if part.name == CHILD:
        return _of_child(part, people, child_name)
    given = people.form.get(part.name)
    if part.name == APPLICANT and not isinstance(given, Mapping):
        # A birth declared by a hospital has no form: the people are in the record alone.
        return [_of_person(part, people.applicant, names)] if people.applicant else []
    persons = given if isinstance(given, list) else [given]
    return [_of_form(part, each, names) for each in persons if isinstance(each, Mapping) and each.get("name")]


def _of_child(part: Part, people: PeopleRecord, child_name: str) -> list[Subject]:
    if people.child is None:
        return []
    name = child_name or people.child.name
    if not name and people.mother is not None:
        # A child not yet named is known by its mother, as on the hospital's certificate.
        name = f"Con của {people.mother.name}"
    born = people.child.birth_time[:10]
    sex = SEXES.get(people.child.sex, "")
    return [Subject(part=part.name, label=part.label, name=name, birth_date=born, sex=sex)] if name else []


def _of_form(part: Part, given: Mapping[str, Any], names: Names) -> Subject:
    document: Mapping[str, Any] = given.get("identity") or {}
    number = str(document.get("number", ""))
    pieces = [f"{IDENTITY_KINDS.get(document.get('kind', ''), 'Giấy tờ')} số {number}" if number else ""]
    if number and document.get("issued_on"):
        pieces.append(f"cấp ngày {day_text(document['issued_on'])}")
    if number and document.get("issued_by"):
        pieces.append(str(document["issued_by"]))
    return Subject(
        part=part.name,
        label=part.label,
        name=given["name"],
        birth_date=given.get("birth_date", ""),
        sex=SEXES.get(given.get("sex", ""), ""),
        ethnic=names.ethnic.get(given.get("ethnic_code", ""), ""),
        nationality=nationality_word(given.get("nationality_code", "")),
        residence=given.get("address", ""),
        identity=", ".join(piece for piece in pieces if piece),
        personal_id=number if len(number) == 12 and number.isdigit() else "",
    )


def _of_person(part: Part, person: Person, names: Names) -> Subject:
    return Subject(
        part=part.name,
        label=part.label,
        name=person.name,
        birth_date=person.birth_date,
        sex=SEXES.get(person.sex, ""),
        ethnic=names.ethnic.get(person.ethnic_code, ""),
        nationality=nationality_word(person.nationality),
        residence=person.residence,
        identity=f"Giấy tờ số {person.identity_number}" if person.identity_number else "",
    )


def nationality_word(code: str) -> str:
    """The name of a nationality."""
    # Only Việt Nam's code is known (TT 07/2016/TT-BCA Phụ lục 2 was not found): another code is printed as it is.
    return "Việt Nam" if code in ("000", "VN") else code
