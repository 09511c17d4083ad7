"""One's own page: who one is here, a new password, and the way to one's work."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.catalogue import Catalogue, UnknownAgency
from libs.http.client import Refused
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.refusals import reason_of
from services.portal.rendering import page
from services.portal.sessions import ANYBODY, Person, give_cookie, requires
from services.portal.sign_in_pages import SignedIn, ask_identity, home_of

router = APIRouter()
Whoever = Annotated[Person, Depends(requires(of=ANYBODY))]


@router.get("/trang-chu")
async def start(person: Whoever) -> Response:
    """To where the person's work begins."""
    return RedirectResponse(home_of(person), 303)


@router.get("/tai-khoan")
async def account(request: Request, person: Whoever) -> Response:
    """Who is signed in, for which agency, with which roles."""
    return _show(request, person)


@router.post("/tai-khoan")
async def change_password(request: Request, person: Whoever) -> Response:
    """Set a new password; every other session of the account ends."""
    form = await form_of(request, person.csrf)
    new, again = text_of(form, "moi-mat-khau"), text_of(form, "nhap-lai")
    if new != again:
        return _show(request, person, problems=[("nhap-lai", "Hai lần nhập mật khẩu mới không giống nhau.")])
    body = {"session": person.session, "old": text_of(form, "cu"), "new": new}
    try:
        signed = await ask_identity(request, "/password", body, SignedIn)
    except Refused as refused:
        field = "cu" if refused.slug == "wrong-credentials" else "moi-mat-khau"
        return _show(request, person, problems=[(field, reason_of(refused))])
    response = RedirectResponse("/tai-khoan?da-doi=1", 303)
    give_cookie(response, signed.session)
    return response


def _show(request: Request, person: Person, *, problems: list[tuple[str, str]] | None = None) -> Response:
    catalogue: Catalogue = request.app.state.catalogue
    try:
        agency = catalogue.agency(person.account.agency).name_vi
    except UnknownAgency:
        agency = ""
    roles = sorted(catalogue.roles[role].name_vi for role in person.account.roles if role in catalogue.roles)
    return page(
        request,
        "account.html",
        person,
        status=422 if problems else 200,
        problems=problems or [],
        agency=agency,
        roles=", ".join(roles),
        changed="da-doi" in request.query_params,
    )
