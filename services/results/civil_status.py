"""What stands on the papers of civil status: birth and marriage certificates, the extract of a death. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from libs.catalogue.calendar import VIETNAM
from services.results.people import PeopleRecord, Person
from services.results.subjects import CHILD, CannotIssue, Names, Subject, nationality_word
from services.results.words import SEXES, birth_words, day_text

PENDING_NUMBER = "Đang chờ cấp, bổ sung sau"


def birth_certificate(
    people: PeopleRecord, given: Mapping[str, Any], names: Names, subjects: Sequence[Subject]
) -> dict[str, Any]:
    """A birth (Luật Hộ tịch Đ14), also one registered again (NĐ 123/2015 Đ24-26). Raises CannotIssue."""
    if not given.get("register_number") or not given.get("register_book"):
        raise CannotIssue("register-number-missing")
    person = (
        _registered_child(people, given, names)
        if subjects[0].part == CHILD
        else _registered_again(people, given, subjects[0])
    )
    number = given.get("personal_id") or subjects[0].personal_id
    return {
        "register_number": given["register_number"],
        "register_book": given["register_book"],
        "child": {**person, "personal_id": number or PENDING_NUMBER},
        "mother": _parent(people.mother, names),
        "father": _parent(people.father, names),
        "registration_place": given.get("registration_place", ""),
        "registered_on": day_text(given.get("registered_on", "")),
        "note": given.get("note", ""),
    }


def _registered_child(people: PeopleRecord, given: Mapping[str, Any], names: Names) -> dict[str, Any]:
    child = people.child
    name = given.get("child_name") or (child.name if child else "")
    if child is None or not child.birth_time or not name:
        raise CannotIssue("child-missing")
    born = datetime.fromisoformat(child.birth_time)
    born = born.astimezone(VIETNAM) if born.tzinfo else born
    form: Mapping[str, Any] = people.form.get("child") or {}
    ethnic_code = form.get("ethnic_code") or (people.mother.ethnic_code if people.mother else "")
    return {
        "name": name,
        "birth_date": day_text(born.date()),
        "birth_date_words": birth_words(born.date().isoformat()),
        "sex": SEXES.get(child.sex, ""),
        "ethnic": names.ethnic.get(ethnic_code, ""),
        "nationality": nationality_word(str(form.get("nationality_code") or "000")),
        "birth_place": child.birth_place,
        "hometown": form.get("hometown", ""),
    }


def _registered_again(people: PeopleRecord, given: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """A person of any age; the name is the one entered in the register now."""
    if not subject.birth_date:
        raise CannotIssue("birth-date-missing")
    return {
        "name": given.get("child_name") or subject.name,
        "birth_date": day_text(subject.birth_date),
        "birth_date_words": _in_words(subject.birth_date),
        "sex": subject.sex,
        "ethnic": subject.ethnic,
        "nationality": subject.nationality or nationality_word("000"),
        "birth_place": people.form.get("birth_place", ""),
        "hometown": people.form.get("hometown", ""),
    }


def marriage_certificate(
    _people: PeopleRecord, given: Mapping[str, Any], _: Names, subjects: Sequence[Subject]
) -> dict[str, Any]:
    """A marriage: both, and the day of registration (Luật Hộ tịch Đ17 k2). Raises CannotIssue."""
    if len(subjects) != 2:
        raise CannotIssue("person-missing")
    return {
        **_entry(given),
        "couple": [subject.values for subject in subjects],
        "registration_place": given.get("registration_place", ""),
        "note": given.get("content", ""),
    }


def death_extract(
    people: PeopleRecord, given: Mapping[str, Any], _: Names, subjects: Sequence[Subject]
) -> dict[str, Any]:
    """A death as it was registered (Luật Hộ tịch Đ34; contents NĐ 123/2015 Đ4). Raises CannotIssue."""
    death: Mapping[str, Any] = people.form.get("death") or {}
    died_on = str(death.get("died_on", ""))
    if not died_on:
        raise CannotIssue("day-of-death-missing")
    hour, _colon, minute = str(death.get("died_at", "")).partition(":")
    notice = [str(death.get("notice_number", ""))]
    if death.get("notice_issued_on"):
        notice.append(f"ngày {day_text(death['notice_issued_on'])}")
    return {
        **_entry(given),
        "deceased": subjects[0].values,
        "died_at": f"{hour} giờ {minute} phút" if minute else "",
        "died_on": day_text(died_on),
        "died_on_words": _in_words(died_on),
        "place": death.get("place", ""),
        "cause": death.get("cause", ""),
        "notice": " ".join(piece for piece in notice if piece),
        "note": given.get("content", ""),
    }


def _in_words(given: str) -> str:
    """The date in letters. Raises CannotIssue for one that cannot be: no press would ever print it."""
    try:
        return birth_words(given)
    except ValueError:
        raise CannotIssue("date-impossible") from None


def _entry(given: Mapping[str, Any]) -> dict[str, Any]:
    """Where it stands in the register."""
    if not given.get("document_number") or not given.get("register_book"):
        raise CannotIssue("register-number-missing")
    return {
        "register_number": given["document_number"],
        "register_book": given["register_book"],
        "registered_on": day_text(given.get("issued_on", "")),
    }


def _parent(person: Person | None, names: Names) -> dict[str, str] | None:
    if person is None or not person.name:
        return None
    return {
        "name": person.name,
        "birth_year": person.birth_date[:4],
        "ethnic": names.ethnic.get(person.ethnic_code, ""),
        "nationality": nationality_word(person.nationality),
        "residence": person.residence,
    }
