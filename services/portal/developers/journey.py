"""The course of a birth as events: which service says what, after what, and what of a partner's leads to it. Pure.

That it is so is held by tests/pipeline/test_partners.py, which reads a birth's events from first to last.
"""

import msgspec

from libs.contracts.partner import SAYINGS
from services.portal.developers.event_words import EVENTS, SERVICES

# Each type with the one it comes after: the first of a birth that goes well, with nothing missing.
COURSE: tuple[tuple[str, str], ...] = (
    ("intake.dossier-received.v1", ""),
    ("intake.dossier-accepted.v1", "intake.dossier-received.v1"),
    ("routing.case-opened.v1", "intake.dossier-accepted.v1"),
    ("routing.step-assigned.v1", "routing.case-opened.v1"),
    ("routing.step-started.v1", "routing.step-assigned.v1"),
    ("routing.step-completed.v1", "routing.step-started.v1"),
    ("results.result-issued.v1", "routing.step-completed.v1"),
    ("results.result-ready.v1", "results.result-issued.v1"),
    ("results.result-handed-over.v1", "results.result-ready.v1"),
    ("routing.dossier-settled.v1", "routing.step-completed.v1"),
    ("results.dossier-closed.v1", "results.result-handed-over.v1"),
)


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the course: what it is called, and who says it."""

    type: str
    name: str
    by: str


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a type stands: what comes before and after it in the course, and what partners say that leads to it."""

    before: tuple[Stop, ...]
    after: tuple[Stop, ...]
    said_by_partners: tuple[str, ...]

    @property
    def in_course(self) -> bool:
        """Whether every birth comes by here."""
        return bool(self.before or self.after)


def course() -> tuple[Stop, ...]:
    """The whole, in order."""
    return tuple(_stop(type_) for type_, _ in COURSE)


def place_of(type_: str) -> Place:
    """Where a type of event stands."""
    return Place(
        before=tuple(_stop(earlier) for one, earlier in COURSE if one == type_ and earlier),
        after=tuple(_stop(one) for one, earlier in COURSE if earlier == type_),
        said_by_partners=tuple(
            saying.type for saying in SAYINGS if any(type_ == each.SUBJECT for each in saying.then)
        ),
    )


def is_read(type_: str, patterns: tuple[str, ...]) -> bool:
    """Whether a partner with these patterns is given events of this type: by name, all below `results.*`, or `*`."""
    return any(
        pattern in ("*", type_) or (pattern.endswith(".*") and type_.startswith(pattern[:-1]))
        for pattern in patterns
    )


def _stop(type_: str) -> Stop:
    by = type_.partition(".")[0]
    return Stop(type=type_, name=EVENTS[type_].name, by=SERVICES[by])
