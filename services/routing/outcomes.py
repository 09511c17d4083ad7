"""What an agency enters on completing a step: checked against the catalogue, with the numbers that may occur once."""

import re
import unicodedata
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from libs.catalogue.forms import Problem
from libs.catalogue.procedures import Step as StepRule
from libs.catalogue.procedures import UniqueKey
from services.routing.case import Case
from services.routing.rules import Rules

Data = Mapping[str, Any]
_DIGEST_BYTES = 16
# Raised when a number is compared in another way, so that those recorded before are compared anew (renumbering.py).
COMPARISON = 2
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_YEAR = re.compile(r"(19|20)\d\d")


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
        values = {field: _canonical(key, field, data) for field in key.fields}
        # Where an office keeps no books the number alone has to be unique.
        if all(value for field, value in values.items() if field != key.book):
            scope = agency if key.within == "agency" else ""
            text = "\x1f".join((key.name, scope, *values.values()))
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


def _canonical(key: UniqueKey, field: str, data: Data) -> str:
    """One value as it is compared: without the blanks, letter case and leading zeros that officers write or not."""
    text = unicodedata.normalize("NFC", str(data.get(field) or "")).strip().casefold()
    yearly = key.yearly if key.yearly is not None and key.yearly.number == field else None
    if not text or (yearly is None and field != key.book):
        return text
    text = _LEADING_ZEROS.sub("", "".join(text.split()))
    return text if yearly is None else _with_year(text, str(data.get(yearly.day) or ""))


def _with_year(number: str, day: str) -> str:
    """A number that begins anew each year (sổ hộ tịch, TT 04/2020/TT-BTP), with the year it may be written without."""
    first, *others = number.split("/")
    years = [part for part in others if _YEAR.fullmatch(part)]
    rest = [part for part in others if part not in years]
    return "/".join((first, *rest, years[-1] if years else day[:4]))
