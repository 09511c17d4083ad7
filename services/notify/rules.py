"""Message rules as data: which event makes which message for whom (catalogue/messages/rules.yaml)."""

from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any

import msgspec
import yaml

from libs.contracts.catalogue import EVENTS, heard_by
from libs.contracts.event import Event
from services.notify.texts import PLACEHOLDERS, placeholders_of

APPLICANT, DESK = "applicant", "desk"
PRESENT = "present"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule. `when` compares event fields: a value, a list of values, or "present" (not empty).

    `overtakes` are the rules whose waiting occasions with the same key are no longer true once this one speaks.
    """

    code: str
    event: str
    audience: str
    subject: str
    text: str
    when: dict[str, Any] = {}
    key: str | tuple[str, ...] = ""
    group: str = ""
    rank: int = 1
    wait_minutes: float = 0
    overtakes: tuple[str, ...] = ()

    def speaks(self, event: Event) -> bool:
        """Whether all conditions hold for the event."""
        for name, wanted in self.when.items():
            value = getattr(event, name)
            if wanted == PRESENT:
                if not value:
                    return False
            elif isinstance(wanted, list):
                if value not in wanted:
                    return False
            elif value != wanted:
                return False
        return True

    def key_of(self, event: Event) -> str:
        """What tells this occasion from another of the same rule."""
        return ".".join(str(getattr(event, name)) for name in self.key_fields)

    @property
    def key_fields(self) -> tuple[str, ...]:
        """The event fields that make the key."""
        if isinstance(self.key, str):
            return (self.key,) if self.key else ()
        return self.key


class QuietHours(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "end": "to"},
):
    """The hours (local time) in which nobody's phone shall ring; they may span midnight."""

    start: str
    end: str

    @property
    def bounds(self) -> tuple[time, time]:
        """First quiet and first loud moment of day."""
        return time.fromisoformat(self.start), time.fromisoformat(self.end)


class RuleBook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All rules, checked."""

    quiet_hours: QuietHours | None
    rules: tuple[Rule, ...]

    def adjusted(self, *, wait_scale: float = 1.0, quiet: bool = True) -> "RuleBook":
        """The same rules with all waiting times multiplied, and without quiet hours when `quiet` is off."""
        rules = tuple(
            msgspec.structs.replace(rule, wait_minutes=rule.wait_minutes * wait_scale) for rule in self.rules
        )
        return RuleBook(quiet_hours=self.quiet_hours if quiet else None, rules=rules)

    def by_code(self) -> Mapping[str, Rule]:
        """The rules by their code."""
        return {rule.code: rule for rule in self.rules}

    def for_event(self, event: Event) -> list[Rule]:
        """The rules that speak on this event."""
        return [rule for rule in self.rules if rule.event == event.SUBJECT and rule.speaks(event)]


def load_rules(folder: Path) -> RuleBook:
    """The rules of a catalogue folder. Raises ValueError when one names an unknown event, field or placeholder."""
    content = yaml.safe_load((folder / "messages" / "rules.yaml").read_text(encoding="utf-8"))
    book = msgspec.convert(content, RuleBook)
    seen: set[str] = set()
    for rule in book.rules:
        _check(rule, seen)
        seen.add(rule.code)
    rules = book.by_code()
    for rule in book.rules:
        for code in rule.overtakes:
            if code not in rules or rules[code].key_fields != rule.key_fields:
                raise ValueError(f"message rule {rule.code}: overtakes {code}, which is no rule with its key")
    return book


def _check(rule: Rule, seen: set[str]) -> None:
    if rule.code in seen:
        raise ValueError(f"message rule {rule.code}: the code occurs twice")
    event = EVENTS.get(rule.event)
    if event is None or event not in heard_by("notify"):
        raise ValueError(f"message rule {rule.code}: notify does not hear {rule.event}")
    if rule.audience not in (APPLICANT, DESK):
        raise ValueError(f"message rule {rule.code}: unknown audience {rule.audience}")
    fields = set(event.__struct_fields__)
    unknown = [name for name in (*rule.when, *rule.key_fields) if name not in fields]
    if unknown:
        raise ValueError(f"message rule {rule.code}: {rule.event} has no field {', '.join(unknown)}")
    strange = (placeholders_of(rule.text) | placeholders_of(rule.subject)) - PLACEHOLDERS
    if strange:
        raise ValueError(f"message rule {rule.code}: unknown placeholder {', '.join(sorted(strange))}")
