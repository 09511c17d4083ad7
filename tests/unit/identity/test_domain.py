"""What a session still needs, and when it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.catalogue import Catalogue
from services.identity import domain
from services.identity.domain import Account, Lifetime, Session, has_ended, needs, needs_second_factor, signs
from services.identity.openid import is_local_path
from tests.fixtures.servers import ROOT

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LIFETIME = Lifetime(idle=timedelta(minutes=30), age=timedelta(hours=10))


def session(*, roles: tuple[str, ...] = ("one_stop",), **changes: Any) -> Session:
    """A fresh session after a password; `changes` are of the account or of the session."""
    account: dict[str, Any] = {
        "id": uuid4(),
        "login": "can-bo-01",
        "name": "Nguyễn Thị Mai",
        "email": "",
        "agency": "one-stop-31340-2025",
        "roles": roles,
        "facility": "",
        "counter": "3",
        "partner": "",
        "password_hash": "$argon2id$",
        "must_change_password": False,
        "totp_secret": None,
        "totp_last_step": 0,
        "openid": False,
        "disabled_at": None,
        "created_at": NOW,
    }
    of_session: dict[str, Any] = {
        "token_hash": b"",
        "via": domain.PASSWORD,
        "second_factor": False,
        "totp_pending": None,
        "address": "203.0.113.7",
        "started_at": NOW,
        "used_at": NOW,
        "now": NOW,
    }
    for name, value in changes.items():
        (account if name in account else of_session)[name] = value
    return Session(account=Account(**account), **of_session)


def test_every_role_of_the_catalogue_signs_but_two() -> None:
    """Counters and maternity desks receive and hand over; everybody else's word is printed as a result."""
    roles = set(Catalogue.load(ROOT / "catalogue").roles)
    assert {role for role in roles if not signs((role,))} == {"one_stop", "hospital"}
    assert signs(("leader",))
    assert signs(("one_stop", "civil_status"))
    assert not signs(("operator", "account_admin", "one_stop"))


def test_who_makes_accounts_shows_a_second_factor_too() -> None:
    """Who could give themselves an account that signs must not do so with a password alone."""
    assert needs_second_factor(("operator",))
    assert needs_second_factor(("account_admin",))
    assert needs_second_factor(("one_stop", "police_residence"))
    assert not needs_second_factor(("one_stop", "hospital"))


def test_an_integrator_needs_a_second_factor_and_signs_nothing() -> None:
    """Whoever may add a key of a partner could be the partner; a password alone is not enough for that."""
    assert needs_second_factor((), "benh-vien-thu")
    assert not signs(())
    fresh = session(roles=(), agency="", counter="", partner="benh-vien-thu")
    assert needs(fresh) == domain.ENROLMENT


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, domain.NOTHING),
        ({"must_change_password": True}, domain.NEW_PASSWORD),
        ({"roles": ("leader",)}, domain.ENROLMENT),
        ({"roles": ("leader",), "must_change_password": True}, domain.NEW_PASSWORD),
        ({"roles": ("leader",), "totp_secret": b"s", "must_change_password": True}, domain.TOTP),
        ({"roles": ("leader",), "totp_secret": b"s"}, domain.TOTP),
        ({"roles": ("leader",), "totp_secret": b"s", "second_factor": True}, domain.NOTHING),
        ({"totp_secret": b"s"}, domain.TOTP),
        ({"via": domain.OPENID, "must_change_password": True}, domain.NOTHING),
        ({"via": domain.OPENID, "roles": ("leader",), "totp_secret": b"s"}, domain.TOTP),
        ({"via": domain.OPENID, "roles": ("leader",)}, domain.ENROLMENT),
    ],
)
def test_what_a_session_needs(changes: dict[str, Any], wanted: str) -> None:
    """A second factor before a new password, and both before tokens; a provider's word replaces the password only."""
    assert needs(session(**changes)) == wanted


def test_when_a_session_is_over() -> None:
    """Left alone for half an hour, ten hours old however busy, or of a disabled account."""
    assert not has_ended(session(now=NOW + timedelta(minutes=30)), LIFETIME)
    assert has_ended(session(now=NOW + timedelta(minutes=30, seconds=1)), LIFETIME)
    later = NOW + timedelta(hours=10, seconds=1)
    assert has_ended(session(used_at=later, now=later), LIFETIME)
    assert has_ended(session(disabled_at=NOW), LIFETIME)


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/", True),
        ("/ho-so/313.40?x=1#y", True),
        ("", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("https://evil.example", False),
        ("evil.example", False),
        ("/\t/evil.example", False),
        ("/\n/evil.example", False),
        ("/" + "x" * 2000, False),
    ],
)
def test_nobody_is_sent_to_another_site(path: str, local: bool) -> None:
    """Browsers read two slashes, also a slash and a backslash, as another host, and drop tabs and newlines."""
    assert is_local_path(path) is local
