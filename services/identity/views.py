"""What identity is asked and what it answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from libs.http.bodies import Body
from services.identity.administration import NewAccount
from services.identity.domain import Account, signs

Token = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
# Chosen by who asks: long enough for the 256 random bits of services.portal.devices.pairing.
Secret = Annotated[str, msgspec.Meta(min_length=43, max_length=128)]
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Code = Annotated[str, msgspec.Meta(min_length=6, max_length=6, pattern="^[0-9]{6}$")]
Address = Annotated[str, msgspec.Meta(max_length=64)]
Text = Annotated[str, msgspec.Meta(max_length=100)]


class SignInMethods(msgspec.Struct, frozen=True, kw_only=True):
    """How staff may sign in; `openid` is the provider's name for the button, empty when there is none."""

    password: bool
    openid: str


class Credentials(Body, frozen=True, kw_only=True):
    """Who wants to sign in, and from which address the portal was asked."""

    login: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    password: Password
    address: Address


class OfSession(Body, frozen=True, kw_only=True):
    """A session by its token."""

    session: Token


class OfSessionInUse(Body, frozen=True, kw_only=True):
    """A session by its token; not `active` when only a page that stands open asks, and nobody has done anything."""

    session: Token
    active: bool = True


class SessionCode(Body, frozen=True, kw_only=True):
    """A session and a code of the authenticator application."""

    session: Token
    code: Code


class PasswordChange(Body, frozen=True, kw_only=True):
    """The old password and the new."""

    session: Token
    old: Password
    new: Annotated[str, msgspec.Meta(max_length=1000)]


class AccountOfToken(msgspec.Struct, frozen=True, kw_only=True):
    """Who the session is of; `signs`: makes results that bind; `partner`: whose integrator, empty for staff."""

    login: str
    name: str
    agency: str
    roles: tuple[str, ...]
    facility: str
    counter: str
    partner: str
    signs: bool


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A token for the services of the city, good for so long."""

    token: str
    expires_in_seconds: int
    account: AccountOfToken


class OpenIdStart(Body, frozen=True, kw_only=True):
    """Where in the portal the person wants to be afterwards: a local path."""

    return_to: str = "/"


class OpenIdUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes; `state` comes back with it, and the portal may bind it to the browser with a cookie."""

    url: str
    state: str


class OpenIdFinish(Body, frozen=True, kw_only=True):
    """What the provider sent the browser back with."""

    state: Token
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    address: Address = ""


class OpenIdStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A session as after a password, and where the person wanted to be."""

    session: str
    needs: str
    return_to: str


class AccountBody(Body, frozen=True, kw_only=True):
    """A new account: of staff with `roles`, or of an integrator with `partner`."""

    login: Text
    name: Annotated[str, msgspec.Meta(max_length=400)]
    roles: Annotated[tuple[Text, ...], msgspec.Meta(max_length=20)] = ()
    partner: Text = ""
    agency: Text = ""
    counter: Text = ""
    email: Annotated[str, msgspec.Meta(max_length=256)] = ""

    @property
    def new(self) -> NewAccount:
        """As the administration takes it."""
        return NewAccount(
            login=self.login,
            name=self.name,
            roles=self.roles,
            partner=self.partner,
            agency=self.agency,
            counter=self.counter,
            email=self.email,
        )


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as administrators see it."""

    login: str
    name: str
    email: str
    agency: str
    roles: tuple[str, ...]
    facility: str
    counter: str
    partner: str
    signs: bool
    disabled: bool
    second_factor: bool
    must_change_password: bool
    openid: bool
    created_at: datetime


class AccountWithPassword(msgspec.Struct, frozen=True, kw_only=True):
    """An account with its one-time password; a repeated request gets it without (null)."""

    account: AccountView
    one_time_password: str | None


class AccountPage(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts by login; `next` is what to ask for `after`, null at the end."""

    accounts: list[AccountView]
    next: str | None


class AccountEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to an account."""

    number: int
    at: datetime
    what: str
    actor: str
    address: str


class NamedOfficer(msgspec.Struct, frozen=True, kw_only=True):
    """Who a login is, as far as every colleague may know."""

    login: str
    name: str
    agency: str


class NamedOfficers(msgspec.Struct, frozen=True, kw_only=True):
    """Those asked for that there are, by login."""

    officers: tuple[NamedOfficer, ...]


class PairingStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The device shows `code`."""

    code: str
    expires_in_seconds: int


class NewPairing(Body, frozen=True, kw_only=True):
    """A pairing begins under a secret its asker has chosen: asking again under it begins no second one."""

    pairing: Secret


class DeviceClaim(Body, frozen=True, kw_only=True):
    """The code a device shows, and what the device is."""

    code: Code
    kind: Literal["kiosk", "board", "counter", "tablet"]
    place: Text = ""
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class OfPairing(Body, frozen=True, kw_only=True):
    """A pairing by its token."""

    pairing: Token


class OfDevice(Body, frozen=True, kw_only=True):
    """A device by its token."""

    device: Token


class PairingWaits(msgspec.Struct, frozen=True, kw_only=True):
    """Nobody has claimed the device yet."""

    waiting: bool = True


class PairedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """The device's token; until the pairing ends the same question has the same answer."""

    device: str


class DeviceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a device is and where it stands."""

    kind: str
    place: str
    agency: str
    name: str


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """A device as officers see it."""

    id: UUID
    kind: str
    place: str
    agency: str
    name: str
    paired_by: str
    paired_at: datetime
    revoked_at: datetime | None


class DeviceAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The device that was claimed."""

    id: UUID


def account_view(account: Account) -> AccountView:
    """The account without its secrets."""
    return AccountView(
        login=account.login,
        name=account.name,
        email=account.email,
        agency=account.agency,
        roles=account.roles,
        facility=account.facility,
        counter=account.counter,
        partner=account.partner,
        signs=signs(account.roles),
        disabled=account.disabled_at is not None,
        second_factor=account.totp_secret is not None,
        must_change_password=account.must_change_password,
        openid=account.openid,
        created_at=account.created_at,
    )


def account_of_token(account: Account) -> AccountOfToken:
    """The account as the portal shows it."""
    return AccountOfToken(
        login=account.login,
        name=account.name,
        agency=account.agency,
        roles=account.roles,
        facility=account.facility,
        counter=account.counter,
        partner=account.partner,
        signs=signs(account.roles),
    )
