"""A partner's public keys and its audit."""

from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused
from services.portal.developers.audit_words import DEEDS, way_words
from services.portal.developers.door import INTEGRATOR, show
from services.portal.developers.partner import audit_of, partner_of
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.refusals import reasons_at
from services.portal.sessions import Person

router = APIRouter()
TEXT_MAX = 8000
FIELDS = {"key": "khoa-cong-khai", "kid": "ma-khoa"}
DONE = {
    "them": "Đã thêm khóa. Token lấy bằng khóa này dùng được ngay.",
    "thoi": "Đã ngừng dùng khóa. Token đã lấy bằng khóa đó hết dùng được trong vòng mười giây.",
}

# The gateway's code for a key that is not public, and what its owner is to do about it.
PRIVATE_KEY = "private-or-too-large"
REVEALED = "Nếu đó là khóa riêng thì nó đã lộ: không được dùng khóa này nữa, hãy tạo cặp khóa mới"


class _Added(msgspec.Struct, frozen=True):
    kid: str


@router.get("/dev/khoa")
async def keys(request: Request, person: INTEGRATOR, xong: str = "") -> Response:
    """The partner's keys."""
    return await _show(request, person, done=DONE.get(xong, ""))


@router.post("/dev/khoa")
async def add(request: Request, person: INTEGRATOR) -> Response:
    """Add a public key, as JWK or PEM."""
    form = await form_of(request, person.csrf)
    typed = {name: text_of(form, name).strip()[:TEXT_MAX] for name in FIELDS.values()}
    if not typed["khoa-cong-khai"]:
        problems = [("khoa-cong-khai", "Hãy dán khóa công khai")]
        return await _show(request, person, status=422, problems=problems, typed=typed)
    body = {"key": typed["khoa-cong-khai"], "kid": typed["ma-khoa"]}
    try:
        await person.desk.act("gateway", "/partner/keys", body, _Added, key=text_of(form, "khoa"))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        problems = reasons_at(refused, FIELDS, "ma-khoa")
        if any(error.code == PRIVATE_KEY for error in refused.told.errors):
            # It has left its owner: it is neither shown again nor any good.
            typed["khoa-cong-khai"] = ""
            problems = [("khoa-cong-khai", f"{message}. {REVEALED}") for _, message in problems]
        return await _show(request, person, status=refused.status, problems=problems, typed=typed)
    return RedirectResponse("/dev/khoa?xong=them", 303)


@router.post("/dev/khoa/{kid}/thoi")
async def retire(request: Request, kid: str, person: INTEGRATOR) -> Response:
    """End a key; the only one that counts is not ended before there is another."""
    await form_of(request, person.csrf)
    try:
        await person.desk.change(
            "gateway", "DELETE", f"/partner/keys/{quote(kid, safe='')}", None, type(None)
        )
    except Refused as refused:
        if refused.status == 409:
            # The other keys have ended since the page was shown.
            problems = reasons_at(refused, FIELDS, "khoa-cong-khai")
            return await _show(request, person, status=409, problems=problems)
        # It has ended already: that is what was asked for.
        if refused.status != 404:
            raise
    return RedirectResponse("/dev/khoa?xong=thoi", 303)


@router.get("/dev/nhat-ky")
async def audit(request: Request, person: INTEGRATOR) -> Response:
    """What was done to the partner, and what was read in its name."""
    found = await audit_of(person)
    return show(request, "audit.html", person, audit=found, deed_words=DEEDS, way_words=way_words)


async def _show(
    request: Request,
    person: Person,
    *,
    status: int = 200,
    problems: list[tuple[str, str]] | None = None,
    typed: dict[str, str] | None = None,
    done: str = "",
) -> Response:
    partner = await partner_of(person)
    now = datetime.now(UTC)
    return show(
        request,
        "keys.html",
        person,
        status=status,
        problems=problems or [],
        typed=typed or {},
        done=done,
        partner=partner,
        current=[key for key in partner.keys if key.counts(now)],
        ended=[key for key in partner.keys if not key.counts(now)],
    )
