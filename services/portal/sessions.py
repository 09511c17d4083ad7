"""Who sits before the browser: the cookie, what identity says of it, and the person's short token.

identity keeps the sessions; here the answer for a cookie is kept for KNOWN_SECONDS at most, and a token never longer
than it lives. So an officer who is disabled, or signed out elsewhere, is out within a minute.
"""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.http.client import Refused, Unavailable
from services.portal.city import Caller, City

# The prefix binds it to this host, the whole site and HTTPS (RFC 6265bis 4.1.3.2); browsers count loopback as secure.
COOKIE = "__Host-phien"
KNOWN_SECONDS = 15.0
# A token is not used in its last seconds: a request may wait in a queue.
SPARE_SECONDS = 8.0
SESSIONS_MAX = 5000
SESSION_LENGTH_MAX = 200
# Whose a page is: the city's staff, persons of other systems, or whoever is signed in.
STAFF, INTEGRATORS, ANYBODY = "staff", "integrators", "anybody"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The person as identity knows them; `agency` and `facility` are codes of the catalogue.

    An integrator has the code of a `partner` instead, and no part in the city's work.
    """

    login: str
    name: str
    agency: str = ""
    roles: frozenset[str] = frozenset()
    facility: str = ""
    counter: str = ""
    partner: str = ""
    signs: bool = False


class _Issued(msgspec.Struct, frozen=True, kw_only=True):
    token: str
    expires_in_seconds: float
    account: Account


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is signed in, with what acts in their name."""

    account: Account
    session: str
    desk: Caller

    @property
    def csrf(self) -> str:
        """What their forms carry and nobody else can know."""
        return csrf_of(self.session)

    def has(self, *roles: str) -> bool:
        """Whether they have one of these roles."""
        return not self.account.roles.isdisjoint(roles)


class SignedOut(Exception):
    """The page needs an officer and nobody is signed in (or the session has ended)."""


class Forbidden(Exception):
    """The page is not for the person who is signed in, or for none of their roles."""


def csrf_of(session: str) -> str:
    """The token of a session's forms; it tells nothing about the session."""
    return hmac.new(session.encode(), b"portal-form", hashlib.sha256).hexdigest()[:32]


class Sessions:
    """Asks identity who a cookie belongs to, and remembers the answer for a moment."""

    def __init__(self, city: City, *, now: Callable[[], float] = time.monotonic) -> None:
        self._city = city
        self._now = now
        self._known: OrderedDict[str, tuple[float, _Issued]] = OrderedDict()

    async def person(self, session: str, *, active: bool = True) -> Person:
        """The officer of a session. Raises SignedOut, or Unavailable while identity is away.

        Not `active` when only an open page looks for news: a desk left alone must be signed out, page or not.
        """
        if not session or len(session) > SESSION_LENGTH_MAX or not session.isascii():
            raise SignedOut
        digest = _key(session, active)
        now = self._now()
        until, issued = self._known.get(digest, (0.0, None))
        if issued is None or now >= until:
            self._known.pop(digest, None)
            issued = await self._ask(session, active)
            keep = min(KNOWN_SECONDS, issued.expires_in_seconds - SPARE_SECONDS)
            self._known[digest] = (now + keep, issued)
            if len(self._known) > SESSIONS_MAX:
                self._known.popitem(last=False)
        return Person(account=issued.account, session=session, desk=self._city.officer(issued.token))

    async def end(self, session: str) -> None:
        """Sign out, here and at identity."""
        for active in (True, False):
            self._known.pop(_key(session, active), None)
        await self._city.portal.read(
            "identity", "/sessions/end", {"session": session}, type(None), purpose="session"
        )

    async def _ask(self, session: str, active: bool) -> _Issued:
        body = {"session": session, "active": active}
        try:
            return await self._city.portal.read(
                "identity", "/sessions/token", body, _Issued, purpose="session"
            )
        except Refused as refused:
            if refused.status == 401:
                raise SignedOut from None
            raise


def _key(session: str, active: bool) -> str:
    return f"{hashlib.sha256(session.encode()).hexdigest()}{active:d}"


def session_of(request: Request) -> str:
    """The session the browser sent, empty without one."""
    return request.cookies.get(COOKIE, "")


async def officer_of(request: Request, *roles: str, of: str = STAFF) -> Person:
    """The person who is signed in, of those the page is for, with one of `roles` if any are given.

    Raises SignedOut, Forbidden, Unavailable.
    """
    sessions: Sessions = request.app.state.sessions
    # What browsers ask with for a stream of events.
    watching = request.headers.get("accept", "") == "text/event-stream"
    person = await sessions.person(session_of(request), active=not watching)
    integrator = bool(person.account.partner)
    if (of == STAFF and integrator) or (of == INTEGRATORS and not integrator):
        raise Forbidden
    if roles and not person.has(*roles):
        raise Forbidden
    return person


async def visitor(request: Request) -> Person | None:
    """Who reads a page that is for everybody, if anybody is signed in; while that cannot be found out, nobody is."""
    try:
        return await officer_of(request, of=ANYBODY)
    except (SignedOut, Refused, Unavailable):
        return None


def requires(*roles: str, of: str = STAFF) -> Callable[[Request], Any]:
    """A dependency of a page for who is signed in: one of those `of` whom it is, with one of `roles` if given."""

    async def dependency(request: Request) -> Person:
        return await officer_of(request, *roles, of=of)

    return dependency


def give_cookie(response: Response, session: str) -> None:
    """Let the browser keep the session until it is closed."""
    response.set_cookie(COOKIE, session, path="/", secure=True, httponly=True, samesite="lax")


def take_cookie(response: Response) -> None:
    """Let the browser forget the session."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
