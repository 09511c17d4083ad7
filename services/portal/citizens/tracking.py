"""Following a dossier: by its code (status and days), with four digits or the receipt's link (names and reasons)."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.catalogue import Catalogue, NotEffective, UnknownAgency, UnknownProcedure
from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.folding import tidy
from libs.http.client import Refused
from libs.http.limits import client_network
from libs.http.problems import Problem
from services.portal.citizens import family, tries
from services.portal.citizens.family import Details, Told
from services.portal.citizens.family_story import (
    ASKED,
    ENDED_BADLY,
    UNDER_WAY,
    Standing,
    Story,
    glance,
    story,
    waits_for,
)
from services.portal.city import Caller, City
from services.portal.guard import form_of
from services.portal.live import Watch, stream
from services.portal.rendering import context_of, page, renderer_of
from services.portal.sessions import csrf_of
from services.portal.wording import local

router = APIRouter()
TYPED_LENGTH_MAX = 40
# As the receipt's link carries it; anything else is not asked for.
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
LINK = re.compile(r"/(?:h|track)/([A-Za-z0-9_-]{16,64})/?$")
LAST_FOUR = re.compile(r"[0-9A-Za-z]{4}")
# The address is the key: it goes to no other page, no search machine and no cache.
PRIVATE = {
    "Referrer-Policy": "strict-origin",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
DIGITS_WRONG = "Mã hồ sơ hoặc 4 ký tự cuối không đúng. Hãy xem lại giấy tiếp nhận và giấy tờ tùy thân."
DIGITS_SHAPE = "Nhập đúng 4 ký tự cuối của số giấy tờ tùy thân hoặc số điện thoại đã khai trong hồ sơ."


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What intake tells of a code alone."""

    dossier_id: UUID
    code: str
    agency: str
    status: int
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    lacking: bool


class _Statuses(msgspec.Struct, frozen=True, kw_only=True):
    statuses: tuple[Status, ...]


@router.get("/tra-cuu")
async def track(request: Request, ma: Annotated[str, Query()] = "") -> Response:
    """One box; with a code in it, where the dossier is."""
    typed = tidy(ma)
    if not typed:
        return page(request, "citizens/tracking.html", typed="", statuses=(), found=None, wrong=False)
    if link := LINK.search(typed):
        return RedirectResponse(f"/h/{link[1]}", 303, headers=PRIVATE)
    tries.ask(request)
    statuses = await _statuses(request, typed)
    return await _answer(request, typed, statuses)


@router.post("/tra-cuu")
async def track_with_digits(request: Request) -> Response:
    """The same with names, for who knows what a number in the dossier ends with."""
    form = await form_of(request, csrf_of(""))
    typed, digits = tidy(str(form.get("ma", ""))), str(form.get("bon-so", "")).strip()
    tries.ask(request)
    statuses = await _statuses(request, typed)
    if len(statuses) != 1:
        return await _answer(request, typed, statuses)
    if not LAST_FOUR.fullmatch(digits):
        return await _answer(request, typed, statuses, problems=[("bon-so", DIGITS_SHAPE)])
    caller = _caller(request)
    try:
        found = await family.details(
            caller, client=client_network(request), code=statuses[0].code, last_four=digits
        )
    except Refused as refused:
        if refused.slug == "not-recognised":
            return await _answer(request, typed, statuses, problems=[("bon-so", DIGITS_WRONG)])
        if refused.status == 403:
            words = f"{refused.told.title}. {refused.told.detail}"
            return await _answer(request, typed, statuses, problems=[("bon-so", words)])
        raise _as_told(refused) from None
    told = await family.told(caller, found.dossier_id, ended_badly=found.status in ENDED_BADLY)
    return _dossier_page(request, found, told, token="")


@router.get("/h/{token}")
async def follow(request: Request, token: str) -> Response:
    """The dossier of a receipt's link, with names; the page stays true by itself."""
    found = await _by_token(request, token)
    told = await family.told(_caller(request), found.dossier_id, ended_badly=found.status in ENDED_BADLY)
    return _dossier_page(request, found, told, token=token)


@router.get("/track/{token}")
async def printed_link(token: str) -> Response:
    """The link as receipts print it."""
    if not TOKEN.fullmatch(token):
        raise Problem(404)
    return RedirectResponse(f"/h/{token}", 303, headers=PRIVATE)


@router.get("/h/{token}/dong")
async def follow_live(request: Request, token: str) -> Response:
    """The part of the page that changes, as it changes."""
    found = await _by_token(request, token)
    watch = Watch(dossiers=[found.dossier_id])
    seen = _Seen(found)

    async def look() -> str:
        told = await family.told(_caller(request), found.dossier_id, ended_badly=seen.ended_badly)
        # People's data are read again only when something has happened: every such read is recorded.
        if watch.news or told != seen.told:
            seen.details, seen.told = await _by_token(request, token), told
        return _live_part(request, seen.details, told, token)

    response = stream(request, watch, look)
    response.headers.update(PRIVATE)
    return response


@router.post("/h/{token}/ket-qua/{result_id}")
async def fetch_electronic(request: Request, token: str, result_id: UUID) -> Response:
    """The signed PDF of an electronic result, for who knows the four digits as well."""
    form = await form_of(request, csrf_of(""))
    digits = str(form.get("bon-so", "")).strip()
    if not LAST_FOUR.fullmatch(digits):
        return await _again(request, token, DIGITS_SHAPE)
    proof = {"tracking_token": token, "last_four": digits}
    path = f"/electronic-results/{result_id}/document"
    try:
        pdf = await _caller(request).read("results", path, proof, bytes, purpose="hand-over")
    except Refused as refused:
        if refused.slug == "not-recognised":
            return await _again(request, token, DIGITS_WRONG)
        if refused.status == 403:
            return await _again(request, token, f"{refused.told.title}. {refused.told.detail}")
        raise _as_told(refused) from None
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="ket-qua-{result_id}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


class _Seen:
    """What a live page last knew."""

    def __init__(self, details: Details) -> None:
        self.details = details
        self.told: Told | None = None

    @property
    def ended_badly(self) -> bool:
        return self.details.status in ENDED_BADLY


async def _again(request: Request, token: str, message: str) -> Response:
    found = await _by_token(request, token)
    told = await family.told(_caller(request), found.dossier_id, ended_badly=found.status in ENDED_BADLY)
    return _dossier_page(request, found, told, token=token, problems=[("bon-so", message)])


async def _by_token(request: Request, token: str) -> Details:
    """The dossier of a token. Raises Problem 404 for one nobody has, 429 after too many of those."""
    if TOKEN.fullmatch(token):
        try:
            return await family.details(_caller(request), client=client_network(request), token=token)
        except Refused as refused:
            if refused.status not in (403, 404):
                raise _as_told(refused) from None
    tries.ask(request)
    detail = (
        "Đường dẫn này không dẫn đến hồ sơ nào. Có thể mã QR bị chụp thiếu hoặc đường dẫn bị cắt khi chép. "
        "Hãy quét lại mã QR trên giấy tiếp nhận, hoặc tra cứu bằng mã hồ sơ."
    )
    raise Problem(404, "no-such-dossier", "Không tìm thấy hồ sơ", detail)


async def _statuses(request: Request, typed: str) -> tuple[Status, ...]:
    if not typed or len(typed) > TYPED_LENGTH_MAX:
        return ()
    try:
        found = await _caller(request).get("intake", "/tracking/status", _Statuses, query={"code": typed})
    except Refused as refused:
        raise _as_told(refused) from None
    return found.statuses


async def _answer(
    request: Request, typed: str, statuses: tuple[Status, ...], problems: list[tuple[str, str]] | None = None
) -> Response:
    """The page for what was found by a code: one dossier, several to choose from, or none and what codes look like."""
    found = statuses[0] if len(statuses) == 1 else None
    stand = await _standing(request, found) if found else None
    status = 200 if statuses else 404
    return page(
        request,
        "citizens/tracking.html",
        status=422 if problems else status,
        headers=PRIVATE,
        typed=typed[: TYPED_LENGTH_MAX * 2],
        statuses=statuses,
        found=found,
        wrong=not statuses,
        glance=glance(stand, _now(), _calendar(request), found.agency) if found and stand else None,
        problems=problems or (),
    )


def _dossier_page(
    request: Request, found: Details, told: Told, *, token: str, problems: list[tuple[str, str]] | None = None
) -> Response:
    return page(
        request,
        "citizens/dossier.html",
        status=422 if problems else 200,
        headers=PRIVATE,
        **_context(request, found, told, token),
        problems=problems or (),
    )


def _live_part(request: Request, found: Details, told: Told, token: str) -> str:
    context = context_of(request, None, _context(request, found, told, token))
    return str(renderer_of(request).fragment("citizens/dossier.html", "state", context))


def _context(request: Request, found: Details, told: Told, token: str) -> dict[str, Any]:
    return {
        "dossier": found,
        "procedure_name": _short_name(request, found),
        "story": _story(request, found, told),
        "token": token,
    }


def _short_name(request: Request, found: Details) -> str:
    """What people call the procedure; its official name where the catalogue no longer has it."""
    catalogue: Catalogue = request.app.state.catalogue
    try:
        return catalogue.procedure(found.procedure, local(found.received_at).date()).short_name_vi
    except (NotEffective, UnknownProcedure):
        return found.procedure_name


def _story(request: Request, found: Details, told: Told) -> Story:
    def agency_name(code: str) -> str:
        try:
            name: str = request.app.state.catalogue.agency(code).name_vi
        except UnknownAgency:
            return code
        return name

    return story(found, told, _now(), _calendar(request), agency_name)


async def _standing(request: Request, found: Status) -> Standing:
    """What a code alone is told: that the clock stands still, and whether for a fee or for something outside."""
    course = await family.course(_caller(request), found.dossier_id) if found.status in UNDER_WAY else None
    return Standing(
        status=found.status,
        received_at=found.received_at,
        appointment_at=course.appointment_at if course else found.appointment_at,
        ended_at=found.ended_at,
        lacking=found.lacking,
        stopped=found.status == ASKED or (course is not None and course.stopped),
        waits_for=waits_for(course),
    )


def _calendar(request: Request) -> WorkingCalendar:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue.calendar()


def _as_told(refused: Refused) -> Exception:
    """A limit of a service as a page that says how long to wait; everything else as it is."""
    if refused.status != 429:
        return refused
    return tries.too_many(max(1, round(refused.retry_after_seconds) or 60), refused.told.title)


def _caller(request: Request) -> Caller:
    city: City = request.app.state.city
    return city.citizen(tries.address_of(request))


def _now() -> datetime:
    return datetime.now(UTC)
