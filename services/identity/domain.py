"""Accounts and sessions: what a person must still show before a session counts."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

LEADER, OPERATOR, ACCOUNT_ADMIN = "leader", "operator", "account_admin"
# Roles of persons, beside those of agencies (catalogue/agencies/roles.yaml).
PERSONAL_ROLES = (LEADER, OPERATOR, ACCOUNT_ADMIN)
# Who only receives, declares and hands over. Everybody else settles steps, and what a step's outcome says is printed
# and sealed as the agency's result (register entry, residence, card, permit): it binds. So a role that is new in the
# catalogue asks for a second factor without being named here. Operators sign nothing, but make those who do.
WITHOUT_SIGNATURE = frozenset({"one_stop", "hospital"})
ADMINISTERING = frozenset({OPERATOR, ACCOUNT_ADMIN})

NOTHING, TOTP, ENROLMENT, NEW_PASSWORD = "", "totp", "totp-enrolment", "new-password"
PASSWORD, OPENID = "password", "openid"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One member of staff, or a person of another system (`partner`); `totp_secret` is sealed."""

    id: UUID
    login: str
    name: str
    email: str
    agency: str
    roles: tuple[str, ...]
    facility: str
    counter: str
    # The code of the other system an integrator is of: then no agency and no roles.
    partner: str
    password_hash: str
    must_change_password: bool
    totp_secret: bytes | None
    totp_last_step: int
    # Whether a person of an OpenID provider is known as this account.
    openid: bool
    disabled_at: datetime | None
    created_at: datetime


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in of an account, as it is `now` (the database's clock)."""

    token_hash: bytes
    account: Account
    via: str
    second_factor: bool
    totp_pending: bytes | None
    address: str
    started_at: datetime
    used_at: datetime
    now: datetime


class Lifetime(msgspec.Struct, frozen=True, kw_only=True):
    """How long a session lives unused, and at all."""

    idle: timedelta
    age: timedelta


def signs(roles: tuple[str, ...]) -> bool:
    """Whether somebody with these roles makes results that bind."""
    return not WITHOUT_SIGNATURE.union(ADMINISTERING).issuperset(roles)


def needs_second_factor(roles: tuple[str, ...], partner: str = "") -> bool:
    """Whether these roles, or a partner's account, are given only to who has shown a second factor.

    An integrator adds keys: whoever holds one acts in the partner's name and reads what it may read. That is what
    administrators of accounts have a second factor for.
    """
    return bool(partner) or not WITHOUT_SIGNATURE.issuperset(roles)


def needs(session: Session) -> str:
    """What the person must do next before the session gives tokens; NOTHING when it does.

    A second factor comes before a new password: a one-time password that was overheard must not be enough to set one.
    """
    account = session.account
    if account.totp_secret is not None and not session.second_factor:
        return TOTP
    if session.via == PASSWORD and account.must_change_password:
        return NEW_PASSWORD
    if needs_second_factor(account.roles, account.partner) and not session.second_factor:
        return ENROLMENT
    return NOTHING


def has_ended(session: Session, lifetime: Lifetime) -> bool:
    """Whether the session is too old, was left alone too long, or its account is disabled."""
    return (
        session.account.disabled_at is not None
        or session.now - session.used_at > lifetime.idle
        or session.now - session.started_at > lifetime.age
    )
