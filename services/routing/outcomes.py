"""What an agency enters on completing a step: checked against the catalogue, with the numbers that may occur once."""

import unicodedata
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from libs.catalogue.forms import Problem
from libs.catalogue.procedures import Step as StepRule
from services.routing.case import Case
from services.routing.rules import Rules

Data = Mapping[str, Any]
_DIGEST_BYTES = 16
# Register numbers begin anew each year (sổ hộ tịch, TT 04/2020/TT-BTP), so the year belongs to them.
_NUMBER, _DAY = "register_number", "registered_on"


class UniqueNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number of an outcome that may occur once; `fields` are the outcome fields it consists of."""

    digest: bytes
    name: str
    fields: tuple[str, ...]


def check(case: Case, step: str, data: object, rules: Rules) -> list[Problem]:
    """What is wrong with the outcome, in Vietnamese and without values; empty when nothing is."""
    return rules.procedure(case.procedure, case.procedure_from).check_outcome(step, data)


def pending(rule: StepRule, data: Data) -> tuple[str, ...]:
    """The fields that may come later and are not there yet (CV 3160/BTP-CNTT: the child's personal number)."""
    return tuple(field for field in rule.pending_fields if not data.get(field))


def unique_numbers(rule: StepRule, agency: str, data: Data) -> list[UniqueNumber]:
    """The numbers of the outcome that nobody else may have, within the agency or the city as the catalogue says."""
    numbers = []
    for key in rule.unique:
        values = [_canonical(field, data) for field in key.fields]
        if all(values):
            scope = agency if key.within == "agency" else ""
            text = "\x1f".join((key.name, scope, *values))
            digest = blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
            numbers.append(UniqueNumber(digest=digest, name=key.name, fields=key.fields))
    return numbers


def changed_fields(before: Data, after: Data) -> tuple[str, ...]:
    """The names of the fields whose values differ."""
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))


def taken(number: UniqueNumber) -> Problem:
    """What is said when somebody else has the number."""
    text = "Số này đã được ghi cho một hồ sơ khác."
    return Problem(f"outcome.{number.fields[-1]}", "number-taken", text)


def _canonical(field: str, data: Data) -> str:
    """One value as it is compared: without the spaces, letter case and leading zeros that officers write or not."""
    value = data.get(field)
    if value is None:
        return ""
    text = unicodedata.normalize("NFC", str(value)).strip().casefold()
    if field == _NUMBER:
        number, _, year = text.partition("/")
        return f"{number.lstrip('0')}/{year or str(data.get(_DAY, ''))[:4]}"
    return text
