"""What the gateway says of a partner itself, as these pages need it."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.portal.sessions import Person

AUDIT_LIMIT = 100


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A public key; it counts until `not_after` and until it is retired."""

    kid: str
    algorithm: str
    added_at: datetime
    not_after: datetime | None = None
    retired_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it proves anything now."""
        return self.retired_at is None and (self.not_after is None or now < self.not_after)


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """The partner as it is registered; `webhooks_to_loopback`: webhooks may go to 127.0.0.1 as well."""

    code: str
    name_vi: str
    contact: str = ""
    agency: str = ""
    facility: str = ""
    roles: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    webhooks_to_loopback: bool = False

    @property
    def declares_births(self) -> bool:
        """Whether it may hand in births."""
        return bool(self.facility) and "hospital" in self.roles


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, by whom and from where."""

    at: datetime
    what: str
    detail: str
    who: str
    came_from: str


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Events read in one moment from one address."""

    began_at: datetime
    came_from: str
    way: str
    calls: int
    events: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The newest of both, newest first."""

    deeds: tuple[Deed, ...] = ()
    readings: tuple[Reading, ...] = ()


class SyntheticBirth(msgspec.Struct, frozen=True, kw_only=True):
    """The dossier of a made-up birth, and from where its events are read."""

    dossier_id: UUID
    code: str
    after: str


async def partner_of(person: Person) -> Partner:
    """The person's partner. Raises Refused or Unavailable."""
    return await person.desk.get("gateway", "/partner", Partner)


async def audit_of(person: Person) -> Audit:
    """What was done and read, newest first. Raises as `partner_of`."""
    return await person.desk.get("gateway", "/partner/audit", Audit, query={"limit": AUDIT_LIMIT})
