"""Conditions as small data: `{option: residence, equals: true}`. No expression language, so nothing to inject."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Options = Mapping[str, bool | str]


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """True when the dossier's option has the value named (`equals`) or one of several (`one_of`)."""

    option: str
    equals: bool | str | None = None
    one_of: tuple[str, ...] = ()

    def holds(self, options: Options) -> bool:
        """Whether the condition is met; an option that is not set meets nothing."""
        value = options.get(self.option)
        if value is None:
            return False
        if self.equals is not None:
            return value == self.equals
        return value in self.one_of

    def values(self) -> tuple[bool | str, ...]:
        """Every value the condition names (for the check at load)."""
        return (self.equals,) if self.equals is not None else self.one_of


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A choice of one dossier: a branch the family wants or not, or a fact an officer finds.

    `choices` maps code to Vietnamese label; without it the option is yes or no. `set_by` is applicant or officer.
    """

    code: str
    name_vi: str
    default: bool | str
    set_by: Literal["applicant", "officer"] = "applicant"
    choices: dict[str, str] = {}

    def allows(self, value: object) -> bool:
        """Whether the value is one this option can take."""
        return value in self.choices if self.choices else isinstance(value, bool)


def all_hold(conditions: Iterable[Condition], options: Options) -> bool:
    """Whether every condition holds; no conditions means always."""
    return all(condition.holds(options) for condition in conditions)
