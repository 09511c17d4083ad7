"""What administrators do to accounts, over HTTP and at the operator's shell."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from libs.catalogue import Catalogue
from libs.catalogue.errors import UnknownAgency
from libs.http.problems import FieldError, Problem
from services.identity import attempt_store, session_store, store
from services.identity.domain import ADMINISTERING, LEADER, PERSONAL_ROLES, Account
from services.identity.lockout import SECOND_FACTOR
from services.identity.signing_in import account_key

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_PARTNER = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
HOSPITAL = "hospital"


class NewAccount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who gets an account: `agency` and `roles` are codes of the catalogue (or leader, operator, account_admin).

    An integrator has a `partner` (the gateway's code of it) instead: neither agency nor roles.
    """

    login: str
    name: str
    roles: tuple[str, ...] = ()
    partner: str = ""
    agency: str = ""
    counter: str = ""
    email: str = ""


class Directory:
    """Which agencies there are and what each is competent for."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def account(self, new: NewAccount, password_hash: str, *, must_change: bool = True) -> Account:
        """The account asked for. Raises Problem 422 naming every field that is wrong."""
        login, name, email = new.login.strip().casefold(), new.name.strip(), new.email.strip().casefold()
        checks = (
            ("login", _LOGIN.fullmatch(login), "Tên đăng nhập gồm 2 đến 63 chữ thường không dấu, số, . _ -"),
            ("name", 1 <= len(name) <= 200 and name.isprintable(), "Họ tên dài từ 1 đến 200 ký tự"),
            ("email", not email or _EMAIL.fullmatch(email), "Thư điện tử không đúng dạng"),
            ("counter", len(new.counter) <= 20 and new.counter.isprintable(), "Số quầy dài nhất 20 ký tự"),
            ("roles", new.roles or new.partner, "Phải có ít nhất một vai trò"),
            ("partner", not new.partner or _PARTNER.fullmatch(new.partner), "Mã đối tác không đúng dạng"),
            ("partner", not new.partner or _is_nothing_else(new), "Tài khoản đối tác không thuộc đơn vị nào"),
        )
        wrong = [FieldError(field, "invalid", words) for field, right, words in checks if not right]
        facility, refused = self._place(new.agency, new.roles)
        if wrong or refused:
            raise Problem(422, errors=[*wrong, *refused])
        return Account(
            id=uuid4(),
            login=login,
            name=name,
            email=email,
            agency=new.agency,
            roles=tuple(sorted(set(new.roles))),
            facility=facility,
            counter=new.counter.strip(),
            partner=new.partner,
            password_hash=password_hash,
            must_change_password=must_change,
            totp_secret=None,
            totp_last_step=0,
            openid=False,
            disabled_at=None,
            created_at=datetime.now(UTC),
        )

    def _place(self, agency: str, roles: Sequence[str]) -> tuple[str, list[FieldError]]:
        """The facility the agency is, and what is wrong with it and the roles."""
        competent: set[str] = set()
        facility = ""
        if agency:
            try:
                found = self._catalogue.agency(agency)
            except UnknownAgency:
                return "", [FieldError("agency", "unknown", "Không có đơn vị này")]
            competent, facility = {*found.roles, LEADER}, found.facility_code
        unknown = [role for role in roles if role not in competent | set(ADMINISTERING)]
        if unknown:
            known = set(unknown) <= {*self._catalogue.roles, *PERSONAL_ROLES}
            words = "Đơn vị không có thẩm quyền của vai trò này" if known else "Không có vai trò này"
            return facility, [FieldError("roles", "not-of-agency" if known else "unknown", words)]
        return (facility if HOSPITAL in roles else ""), []


def _is_nothing_else(new: NewAccount) -> bool:
    """Whether an integrator's account asks for nothing that is staff's."""
    return not (new.agency or new.roles or new.counter)


async def add(conn: Any, account: Account, *, actor: str, address: str = "") -> None:
    """Keep a new account. Raises Problem 409 when its login or e-mail address is somebody's."""
    if not await store.insert(conn, account):
        raise Problem(409, "account-exists", "Tên đăng nhập hoặc thư điện tử đã có người dùng")
    await store.record(conn, "account-added", account_id=account.id, actor=actor, address=address)


async def disable(conn: Any, account: Account, *, actor: str) -> None:
    """No sign-in and no token from now on; tokens given before end within a minute."""
    await store.set_disabled(conn, account.id, True)
    await session_store.end_all(conn, account.id)
    await store.record(conn, "account-disabled", account_id=account.id, actor=actor)


async def enable(conn: Any, account: Account, *, actor: str) -> None:
    """May sign in again, without waiting for a lock."""
    await store.set_disabled(conn, account.id, False)
    await _unlock(conn, account.id, account.login)
    await store.record(conn, "account-enabled", account_id=account.id, actor=actor)


async def reset_password(conn: Any, account: Account, password_hash: str, *, actor: str) -> None:
    """A one-time password, to be changed at the next sign-in; every session ends."""
    await store.set_password(conn, account.id, password_hash, must_change=True)
    await session_store.end_all(conn, account.id)
    await _unlock(conn, account.id, account.login)
    await store.record(conn, "password-reset", account_id=account.id, actor=actor)


async def reset_second_factor(conn: Any, account: Account, *, actor: str) -> None:
    """The person has another telephone: enrols again at the next sign-in; every session ends."""
    await store.set_totp(conn, account.id, None)
    await session_store.end_all(conn, account.id)
    await _unlock(conn, account.id, account.login)
    await store.record(conn, "second-factor-reset", account_id=account.id, actor=actor)


async def _unlock(conn: Any, account_id: UUID, login: str) -> None:
    await attempt_store.clear(conn, account_key(login))
    await attempt_store.clear(conn, (SECOND_FACTOR, str(account_id)))
