"""Signing in and out: password, second factor, the city's own sign-in service, and back to what was being done."""

import contextlib
import hmac
import re
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import segno
from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from libs.http.client import Refused
from libs.http.limits import client_address
from libs.http.problems import Problem
from services.portal.city import City
from services.portal.forms.sent import text_of
from services.portal.guard import FIELD, FORM_FIELDS_MAX, FORM_FILES_MAX, form_of
from services.portal.refusals import reason_of
from services.portal.rendering import is_partial, page
from services.portal.sessions import (
    ANYBODY,
    Person,
    Sessions,
    SignedOut,
    csrf_of,
    give_cookie,
    requires,
    session_of,
    take_cookie,
)
from services.portal.whose_form import is_anothers, owner_of, remember

router = APIRouter()
HOMES = (("hospital", "/bv"), ("one_stop", "/quay"))
STEPS = "/viec/cua-toi"
DEVELOPERS = "/dev"
KEPT_PREFIX = "giu."
# Whose the kept fields are, as far as that is known.
OWNER = "cua-ai"
# What is secret is typed again rather than carried through pages.
NEVER_KEPT = frozenset({FIELD, "mat-khau", "cu", "moi-mat-khau", "nhap-lai", "ma"})
# What was wrong when signing in: the field of the form, or the way to the city's own sign-in service.
PASSWORD, OPENID = "mat-khau", "dich-vu"
WAY_COOKIE = "__Host-duong-ve"
SIGN_IN_FIRST = {"X-Sign-In": "/dang-nhap"}
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


class _Go(msgspec.Struct, frozen=True):
    url: str
    state: str


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


async def _identity(request: Request, path: str, body: Any, type_: type[Any]) -> Any:
    city: City = request.app.state.city
    return await city.portal.read("identity", path, body, type_, purpose="session")


def address_of(request: Request) -> str:
    """The browser's address, for identity's count of tries; one that is not known counts as ours."""
    found = client_address(request.scope, request.app.state.trusted_proxies)
    return str(found) if found else "127.0.0.1"


async def _show(request: Request, *, status: int = 200, **more: Any) -> HTMLResponse:
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


@router.get("/dang-nhap", name="sign_in_page")
async def sign_in_page(request: Request, tiep: str = "") -> Response:
    """The sign-in page; `tiep` is where to go afterwards. Who is signed in already goes there."""
    sessions: Sessions = request.app.state.sessions
    with contextlib.suppress(SignedOut):
        person = await sessions.person(session_of(request))
        return RedirectResponse(local_path(tiep) or home_of(person), 303)
    return await _show(request, target=local_path(tiep))


async def sign_in_again(request: Request) -> Response:
    """A form came without a session: ask to sign in, and keep what was typed (not files, which browsers give once)."""
    kept: Sequence[tuple[str, str]] = ()
    owner = ""
    if request.method == "POST":
        form = await request.form(max_files=FORM_FILES_MAX, max_fields=FORM_FIELDS_MAX)
        kept = [
            (name, value)
            for name, value in form.multi_items()
            if isinstance(value, str) and name not in NEVER_KEPT
        ]
        owner = owner_of(request, text_of(form, FIELD))
    if is_partial(request):
        # A script sent it: it opens the sign-in page beside the form, which keeps what was typed.
        return Response(status_code=401, headers=SIGN_IN_FIRST)
    message = "Phiên làm việc đã hết hạn. Nội dung đã nhập vẫn được giữ: đăng nhập để gửi tiếp."
    fields = {"target": request.url.path, "kept": kept, "owner": owner}
    # Told apart from the same page after a wrong password: scripts show that one themselves (static/in-place.js).
    return await _show(request, status=401, headers=SIGN_IN_FIRST, message=message, **fields)


@router.post("/dang-nhap")
async def sign_in(request: Request) -> Response:
    """Check name and password."""
    form = await form_of(request, csrf_of(""))
    login, password = text_of(form, "ten"), text_of(form, "mat-khau")
    body = {"login": login, "password": password, "address": address_of(request)}
    try:
        signed = await _identity(request, "/sessions", body, SignedIn)
    except Refused as refused:
        again = {"target": local_path(text_of(form, "tiep")), "login": login, **_carried(form)}
        return await _show(
            request, status=refused.status, message=reason_of(refused), wrong=PASSWORD, **again
        )
    return await _further(request, signed, form)


@router.post("/dang-nhap/ma")
async def second_factor(request: Request) -> Response:
    """Check the code of the second factor; the first one also proves a new secret."""
    session = session_of(request)
    form = await form_of(request, csrf_of(session))
    path, needs = "/sessions/second-factor", "totp"
    if text_of(form, "moi"):
        path, needs = "/totp/finish", "totp-enrolment"
    body = {"session": session, "code": code_of(text_of(form, "ma"))}
    if not body["code"]:
        return await _ask(request, session, needs, form, status=422, message="Mã gồm 6 chữ số.")
    try:
        signed = await _identity(request, path, body, SignedIn)
    except Refused as refused:
        if refused.slug == "session-ended":
            raise SignedOut from None
        return await _ask(request, session, needs, form, status=refused.status, message=reason_of(refused))
    return await _further(request, signed, form)


@router.post("/dang-nhap/mat-khau")
async def new_password(request: Request) -> Response:
    """Replace a password that was given for the first time only."""
    session = session_of(request)
    form = await form_of(request, csrf_of(session))
    body = {"session": session, "old": text_of(form, "cu"), "new": text_of(form, "moi-mat-khau")}
    try:
        signed = await _identity(request, "/password", body, SignedIn)
    except Refused as refused:
        message = reason_of(refused)
        return await _ask(request, session, "new-password", form, status=refused.status, message=message)
    return await _further(request, signed, form)


@router.get("/dang-nhap/dich-vu")
async def openid_start(request: Request, tiep: str = "") -> Response:
    """Go to the city's own sign-in service (by a link: the policy lets no form lead to another site)."""
    body = {"return_to": local_path(tiep) or "/trang-chu"}
    go: _Go = await _identity(request, "/openid/start", body, _Go)
    response = RedirectResponse(go.url, 303)
    # Only the browser that set out may come back: nobody is signed in as somebody else by a link sent to them.
    response.set_cookie(
        WAY_COOKIE, go.state, path="/", secure=True, httponly=True, samesite="lax", max_age=600
    )
    return response


@router.get("/dang-nhap/openid")
async def openid_finish(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
    """Back from it."""
    try:
        expected = request.cookies.get(WAY_COOKIE, "")
        if error or not code or not hmac.compare_digest(state.encode(), expected.encode()):
            raise Problem(403, "sign-in-refused")
        body = {"state": state, "code": code, "address": address_of(request)}
        signed = await _identity(request, "/openid/finish", body, SignedIn)
    except Refused as refused:
        return await _show(request, status=refused.status, message=reason_of(refused), wrong=OPENID)
    except Problem:
        told = "Dịch vụ đăng nhập đã từ chối. Hãy thử lại."
        return await _show(request, status=403, message=told, wrong=OPENID)
    return await _further(request, signed, FormData([("tiep", signed.return_to)]))


@router.post("/dang-xuat")
async def sign_out(request: Request, person: Annotated[Person, Depends(requires(of=ANYBODY))]) -> Response:
    """End the session."""
    await form_of(request, person.csrf)
    sessions: Sessions = request.app.state.sessions
    await sessions.end(person.session)
    response = RedirectResponse("/dang-nhap", 303)
    take_cookie(response)
    return response


async def _further(request: Request, signed: SignedIn, form: FormData) -> Response:
    """On to what identity still needs, to the form that was interrupted, or to the officer's work."""
    response: Response
    if signed.needs:
        response = await _ask(request, signed.session, signed.needs, form)
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


async def _ask(
    request: Request, session: str, needs: str, form: FormData, *, status: int = 200, message: str = ""
) -> HTMLResponse:
    """The page for what is still needed."""
    if needs not in NEEDS:
        raise Problem(500)
    enrolment = (
        await _identity(request, "/totp/start", {"session": session}, Enrolment)
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
        **_carried(form),
    )


def _kept(form: FormData) -> list[tuple[str, str]]:
    """Fields of the interrupted form, carried through the sign-in pages."""
    return [
        (name.removeprefix(KEPT_PREFIX), value)
        for name, value in form.multi_items()
        if name.startswith(KEPT_PREFIX) and isinstance(value, str)
    ]


def _carried(form: FormData) -> dict[str, Any]:
    """The kept fields and whose they are, for the next of the sign-in pages."""
    return {"kept": _kept(form), "owner": text_of(form, OWNER)}
