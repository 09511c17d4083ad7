"""The pages of signing in, what identity says of it, and where one goes from there."""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
import segno
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from libs.http.limits import client_address
from libs.http.problems import Problem
from services.portal.city import City
from services.portal.forms.sent import text_of
from services.portal.rendering import page
from services.portal.sessions import Person, Sessions, csrf_of, give_cookie
from services.portal.whose_form import is_anothers, remember

HOMES = (("hospital", "/bv"), ("one_stop", "/quay"))
STEPS = "/viec/cua-toi"
DEVELOPERS = "/dev"
KEPT_PREFIX = "giu."
# Whose the kept fields are, as far as that is known.
OWNER = "cua-ai"
NEEDS = ("", "totp", "totp-enrolment", "new-password")


class Methods(msgspec.Struct, frozen=True, kw_only=True):
    """How one may sign in; `openid` is the name of the city's own sign-in service, empty without one."""

    password: bool = True
    openid: str = ""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session, and what identity still needs before it is good for anything."""

    session: str
    needs: str = ""
    return_to: str = ""


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret for the officer's authenticator program, as text and as the address its QR code holds."""

    secret: str
    uri: str

    @property
    def grouped(self) -> str:
        """The secret in groups of four, as one can type it; programs leave the spaces out."""
        return " ".join(self.secret[at : at + 4] for at in range(0, len(self.secret), 4))

    @property
    def qr(self) -> str:
        """The address as a picture to be scanned by a phone, as a data URI."""
        return segno.make(self.uri, error="m").svg_data_uri(scale=4, border=4, light="white")


def local_path(text: str) -> str:
    """The path if it leads to a page of ours, else empty: a link must not send an officer elsewhere afterwards."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    good = (
        text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    )
    return text if good and text.isprintable() and len(text) <= 500 else ""


def code_of(text: str) -> str:
    """The six digits of an authenticator program, as they are typed, in groups or not; empty for anything else."""
    code = "".join(text.split())
    return code if re.fullmatch("[0-9]{6}", code) else ""


def home_of(person: Person) -> str:
    """Where a person's work begins."""
    if person.account.partner:
        return DEVELOPERS
    return next((path for role, path in HOMES if person.has(role)), STEPS)


async def ask_identity(request: Request, path: str, body: Any, type_: type[Any]) -> Any:
    """What identity answers in the portal's own name, for the person at the browser: told at once when to come back.

    Raises Refused and Unavailable.
    """
    city: City = request.app.state.city
    return await city.citizen(address_of(request)).read("identity", path, body, type_, purpose="session")


def address_of(request: Request) -> str:
    """The browser's address, for identity's count of tries; one that is not known counts as ours."""
    found = client_address(request.scope, request.app.state.trusted_proxies)
    return str(found) if found else "127.0.0.1"


async def show(request: Request, *, status: int = 200, **more: Any) -> HTMLResponse:
    """The sign-in page; `kept` is what another form had brought, `wrong` what an error in `message` is about."""
    city: City = request.app.state.city
    methods = await city.portal.get("identity", "/sign-in-methods", Methods)
    context = {
        "methods": methods,
        "target": "",
        "login": "",
        "kept": (),
        "owner": "",
        "message": "",
        "wrong": "",
        **more,
    }
    return page(request, "sign_in.html", status=status, **context)


async def go_further(request: Request, signed: SignedIn, form: FormData) -> Response:
    """On to what identity still needs, to the form that was interrupted, or to the officer's work."""
    response: Response
    if signed.needs:
        response = await ask_for(request, signed.session, signed.needs, form)
    else:
        sessions: Sessions = request.app.state.sessions
        person = await sessions.person(signed.session)
        target = local_path(text_of(form, "tiep")) or home_of(person)
        response = _resume(request, person, form, target) if _kept(form) else RedirectResponse(target, 303)
        remember(response, person.account.login, signed.session)
    give_cookie(response, signed.session)
    return response


def _resume(request: Request, person: Person, form: FormData, target: str) -> HTMLResponse:
    """The form that was interrupted, to be sent on by whoever typed it; another officer's is dropped."""
    anothers = is_anothers(text_of(form, OWNER), person.account.login)
    return page(
        request,
        "resume.html",
        target=target,
        kept=() if anothers else _kept(form),
        anothers=anothers,
        home=home_of(person),
        csrf=person.csrf,
    )


async def ask_for(
    request: Request, session: str, needs: str, form: FormData, *, status: int = 200, message: str = ""
) -> HTMLResponse:
    """The page for what is still needed."""
    if needs not in NEEDS:
        raise Problem(500)
    enrolment = (
        await ask_identity(request, "/totp/start", {"session": session}, Enrolment)
        if needs == "totp-enrolment"
        else None
    )
    return page(
        request,
        "sign_in_further.html",
        status=status,
        needs=needs,
        enrolment=enrolment,
        csrf=csrf_of(session),
        target=local_path(text_of(form, "tiep")),
        message=message,
        **carried(form),
    )


def _kept(form: FormData) -> list[tuple[str, str]]:
    """Fields of the interrupted form, carried through the sign-in pages."""
    return [
        (name.removeprefix(KEPT_PREFIX), value)
        for name, value in form.multi_items()
        if name.startswith(KEPT_PREFIX) and isinstance(value, str)
    ]


def carried(form: FormData) -> dict[str, Any]:
    """The kept fields and whose they are, for the next of the sign-in pages."""
    return {"kept": _kept(form), "owner": text_of(form, OWNER)}
