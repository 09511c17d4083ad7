"""Partners: for whom each acts, by which keys it proves itself, what it may read."""

import re
from collections.abc import Collection
from datetime import datetime

import msgspec

from libs.contracts.catalogue import EVENTS
from libs.http.problems import Problem

ACTIVE, SUSPENDED, REVOKED = "active", "suspended", "revoked"
CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
# Every dossier, instead of those that concern a facility, an agency or a unit.
ALL = "*"
READER = re.compile(r"\*|(facility|agency|unit)/[a-z0-9-]{1,64}")
# An address within what an operator has written as the contact; notify judges whether it is one.
_ADDRESS = re.compile(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]+")
_PATTERN = re.compile(r"\*|[a-z]+(\.[a-z0-9-]+)*(\.\*)?")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A public key of a partner: a JWK as JSON. It counts until `not_after`, and until it is retired."""

    kid: str
    jwk: str
    added_at: datetime
    not_after: datetime | None = None
    retired_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it proves anything now."""
        return self.retired_at is None and (self.not_after is None or now < self.not_after)


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """One other system. `agency`, `facility` and `roles` are in whose name it acts; empty when it only reads."""

    code: str
    name_vi: str
    contact: str = ""
    state: str = ACTIVE
    agency: str = ""
    facility: str = ""
    roles: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()

    def key(self, kid: str, now: datetime) -> Key | None:
        """The key with this id, if it counts now."""
        return next((key for key in self.keys if key.kid == kid and key.counts(now)), None)

    def is_last_key(self, kid: str, now: datetime) -> bool:
        """Whether this key counts now and no other one does."""
        return [key.kid for key in self.keys if key.counts(now)] == [kid]

    def has_key(self, kid: str) -> bool:
        """Whether it has, or had, a key of this id."""
        return any(key.kid == kid for key in self.keys)

    @property
    def readers(self) -> frozenset[str] | None:
        """Of whose dossiers it may read; None: everybody's."""
        return None if ALL in self.reads else frozenset(self.reads)

    def may_read(self, type_: str, readers: Collection[str]) -> bool:
        """Whether an event of this type, which concerns `readers`, is for this partner."""
        return type_ in types_of(self.types) and is_readable(self.readers, readers)


def address_in(contact: str) -> str:
    """The first e-mail address in a contact as an operator has written it; empty when there is none."""
    found = _ADDRESS.search(contact)
    return found[0].strip(".") if found else ""


def is_readable(allowed: frozenset[str] | None, readers: Collection[str]) -> bool:
    """Whether an event that concerns `readers` is one of those somebody may read (None: everybody's)."""
    return allowed is None or not allowed.isdisjoint(readers)


def types_of(patterns: Collection[str]) -> frozenset[str]:
    """The types of events that patterns mean: one by its name, or all below `results.*`, or `*`."""
    return frozenset(type_ for type_ in EVENTS if any(_matches(pattern, type_) for pattern in patterns))


def asked_types(text: str, partner: Partner) -> frozenset[str]:
    """The types a reader asks for (patterns between commas; empty: all), of those it may read. Raises Problem 400."""
    allowed = types_of(partner.types)
    if not text:
        return allowed
    patterns = [pattern.strip() for pattern in text.split(",")]
    for pattern in patterns:
        if not is_pattern(pattern):
            raise Problem(
                400,
                "type-unknown",
                "Không có loại sự kiện này",
                "Xem danh mục sự kiện: một tên đầy đủ, hoặc một phần đầu và dấu .*",
            )
    return types_of(patterns) & allowed


def is_pattern(pattern: str) -> bool:
    """Whether a pattern is written as one, and means any event at all."""
    return bool(_PATTERN.fullmatch(pattern)) and bool(types_of([pattern]))


def _matches(pattern: str, type_: str) -> bool:
    if pattern == "*":
        return True
    # `results.*` is what results says, not what a service called resultsarchive says.
    return type_.startswith(pattern[:-1]) if pattern.endswith(".*") else type_ == pattern
