"""Signing in and out: password, second factor, the city's own sign-in service, and back to what was being done."""

import contextlib
import hmac
from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal.forms.sent import text_of
from services.portal.guard import FIELD, FORM_FIELDS_MAX, FORM_FILES_MAX, form_of
from services.portal.refusals import reason_of
from services.portal.rendering import is_partial
from services.portal.sessions import (
    ANYBODY,
    Person,
    Sessions,
    SignedOut,
    csrf_of,
    requires,
    session_of,
    take_cookie,
)
from services.portal.sign_in_pages import (
    SignedIn,
    address_of,
    ask_for,
    ask_identity,
    carried,
    code_of,
    go_further,
    home_of,
    local_path,
    show,
)
from services.portal.whose_form import owner_of

router = APIRouter()
# What is secret is typed again rather than carried through pages.
NEVER_KEPT = frozenset({FIELD, "mat-khau", "cu", "moi-mat-khau", "nhap-lai", "ma"})
# What was wrong when signing in: the field of the form, or the way to the city's own sign-in service.
PASSWORD, OPENID = "mat-khau", "dich-vu"
WAY_COOKIE = "__Host-duong-ve"
SIGN_IN_FIRST = {"X-Sign-In": "/dang-nhap"}


class _Go(msgspec.Struct, frozen=True):
    url: str
    state: str


@router.get("/dang-nhap", name="sign_in_page")
async def sign_in_page(request: Request, tiep: str = "") -> Response:
    """The sign-in page; `tiep` is where to go afterwards. Who is signed in already goes there."""
    sessions: Sessions = request.app.state.sessions
    with contextlib.suppress(SignedOut):
        person = await sessions.person(session_of(request))
        return RedirectResponse(local_path(tiep) or home_of(person), 303)
    return await show(request, target=local_path(tiep))


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
    return await show(request, status=401, headers=SIGN_IN_FIRST, message=message, **fields)


@router.post("/dang-nhap")
async def sign_in(request: Request) -> Response:
    """Check name and password."""
    form = await form_of(request, csrf_of(""))
    login, password = text_of(form, "ten"), text_of(form, "mat-khau")
    body = {"login": login, "password": password, "address": address_of(request)}
    try:
        signed = await ask_identity(request, "/sessions", body, SignedIn)
    except Refused as refused:
        again = {"target": local_path(text_of(form, "tiep")), "login": login, **carried(form)}
        return await show(request, status=refused.status, message=reason_of(refused), wrong=PASSWORD, **again)
    return await go_further(request, signed, form)


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
        return await ask_for(request, session, needs, form, status=422, message="Mã gồm 6 chữ số.")
    try:
        signed = await ask_identity(request, path, body, SignedIn)
    except Refused as refused:
        if refused.slug == "session-ended":
            raise SignedOut from None
        return await ask_for(request, session, needs, form, status=refused.status, message=reason_of(refused))
    return await go_further(request, signed, form)


@router.post("/dang-nhap/mat-khau")
async def new_password(request: Request) -> Response:
    """Replace a password that was given for the first time only."""
    session = session_of(request)
    form = await form_of(request, csrf_of(session))
    body = {"session": session, "old": text_of(form, "cu"), "new": text_of(form, "moi-mat-khau")}
    try:
        signed = await ask_identity(request, "/password", body, SignedIn)
    except Refused as refused:
        message = reason_of(refused)
        return await ask_for(request, session, "new-password", form, status=refused.status, message=message)
    return await go_further(request, signed, form)


@router.get("/dang-nhap/dich-vu")
async def openid_start(request: Request, tiep: str = "") -> Response:
    """Go to the city's own sign-in service (by a link: the policy lets no form lead to another site)."""
    body = {"return_to": local_path(tiep) or "/trang-chu"}
    go: _Go = await ask_identity(request, "/openid/start", body, _Go)
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
        signed = await ask_identity(request, "/openid/finish", body, SignedIn)
    except Refused as refused:
        return await show(request, status=refused.status, message=reason_of(refused), wrong=OPENID)
    except Problem:
        told = "Dịch vụ đăng nhập đã từ chối. Hãy thử lại."
        return await show(request, status=403, message=told, wrong=OPENID)
    return await go_further(request, signed, FormData([("tiep", signed.return_to)]))


@router.post("/dang-xuat")
async def sign_out(request: Request, person: Annotated[Person, Depends(requires(of=ANYBODY))]) -> Response:
    """End the session."""
    await form_of(request, person.csrf)
    sessions: Sessions = request.app.state.sessions
    await sessions.end(person.session)
    response = RedirectResponse("/dang-nhap", 303)
    take_cookie(response)
    return response
