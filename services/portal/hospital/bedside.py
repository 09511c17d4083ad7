"""One bed: what is ready for the family, handing it over to who has come, where they lie, what is still wanted."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal.forms import handing_over
from services.portal.forms.reading import Problems
from services.portal.forms.receiver import FAMILY, MISMATCHES, PLACES, card_differs, lacking, receiver_of
from services.portal.forms.sent import line_of, text_of, ticked
from services.portal.guard import form_of
from services.portal.hospital.birth_form import cleaned, stay_of
from services.portal.hospital.births_told import Birth, Result, Thing
from services.portal.hospital.ward import birth_of, card_of
from services.portal.hospital.ward_view import ELSEWHERE, Card
from services.portal.live import Live, Watch, stream
from services.portal.rendering import context_of, page, part, renderer_of
from services.portal.sessions import Person, officer_of, requires

router = APIRouter()
HOSPITAL = Annotated[Person, Depends(requires("hospital"))]
TEMPLATE = "hospital/bedside.html"
# Field of results' and intake's problems → field of the page.
_PLACES: Mapping[str, str] = {
    **PLACES,
    "signature.data": "ky-giay",
    "signed_on_paper": "ky-giay",
    "room": "phong",
    "bed": "giuong",
    "discharge_at": "ra-vien",
}
# Numbers of a declaration; what is typed for them is sent as such.
_NUMBERS = re.compile(r"child\.(sex|weight_g|count|order|births_of_mother|living_children)")
# Where they lie was saved: without doubt, or in a bed in which by the hospital's dossiers another mother lies.
Moved = Literal["xong", "trung-giuong"]
_SIGNATURE_AREA = {"width": 600, "height": 200}


class _Hit(msgspec.Struct, frozen=True):
    dossier_id: UUID


class _Doubt(msgspec.Struct, frozen=True):
    code: str


class _Moved(msgspec.Struct, frozen=True):
    warnings: tuple[_Doubt, ...] = ()


class _Hits(msgspec.Struct, frozen=True):
    hits: tuple[_Hit, ...]


def _context(card: Card, results: tuple[Result, ...], desk: str) -> dict[str, Any]:
    stay = card.birth.stay
    leaves = stay.discharge_at if stay else None
    return {
        "card": card,
        "ways": tuple(ELSEWHERE.items()),
        "results": results,
        "here": [one for one in results if one.place == desk and one.state == "ready"],
        "coming": [one for one in results if one.place == desk and one.state in ("issued", "dispatched")],
        "given": [one for one in results if one.state == "handed-over" and one.place == desk],
        "stay": {
            "phong": stay.room if stay else "",
            "giuong": stay.bed if stay else "",
            "ra-vien": f"{leaves:%d/%m/%Y}" if leaves else "",
            "ra-vien-gio": f"{leaves:%H:%M}" if leaves else "",
        },
    }


async def show_bed(
    request: Request,
    person: Person,
    dossier_id: UUID,
    *,
    status: int = 200,
    problems: Problems | None = None,
    typed: Mapping[str, str] | None = None,
    differs: bool = False,
    just: UUID | None = None,
    moved: Moved | None = None,
) -> Response:
    """The page of one bed, with what is wrong of what was `typed`."""
    card, results = await card_of(person, await birth_of(person, dossier_id))
    context = _context(card, results, person.account.agency)
    given = {one.id for one in context["given"]}
    return page(
        request,
        TEMPLATE,
        person,
        status=status,
        headers={"Cache-Control": "no-store"},
        problems=problems or [],
        typed=typed or {},
        differs=differs,
        relations=FAMILY,
        mismatches=MISMATCHES,
        just=just if just in given else None,
        moved=moved,
        whose=None,
        **context,
    )


@router.get("/bv/ho-so/{dossier_id}")
async def bed(
    request: Request,
    dossier_id: UUID,
    person: HOSPITAL,
    xong: UUID | None = None,
    luu: Moved | None = None,
) -> Response:
    """The card of one bed; `xong` is a result that has just been handed over, `luu` that their place was just saved.

    A dossier that is no birth of this hospital (a scan leads here, too) is shown where it is: as a file, or only handed
    over.
    """
    try:
        return await show_bed(request, person, dossier_id, just=xong, moved=luu)
    except Problem as problem:
        if problem.status != 404:
            raise
        return RedirectResponse(f"/ho-so/{dossier_id}", 303)


@router.get("/bv/ho-so/{dossier_id}/dong")
async def bed_live(request: Request, dossier_id: UUID, person: HOSPITAL) -> StreamingResponse:
    """Its lamps, whenever they may have changed."""
    known: Birth = await birth_of(person, dossier_id)
    watch = Watch(dossiers=[dossier_id])

    async def look() -> str:
        nonlocal known
        officer = await officer_of(request, "hospital")
        # People's data are read again only when something has happened: every such read is recorded.
        if watch.news:
            known = await birth_of(officer, dossier_id)
        card, results = await card_of(officer, known)
        context = context_of(request, officer, _context(card, results, officer.account.agency))
        return renderer_of(request).fragment(TEMPLATE, "state", context)

    return stream(request, watch, look)


@router.post("/bv/mo")
async def open_by_scan(request: Request, person: HOSPITAL) -> Response:
    """Where the dossier of a scanned card, paper or code is; in the body, for addresses are logged."""
    form = await form_of(request, person.csrf)
    query: dict[str, str | int] = {"q": line_of(form, "q"), "limit": 2}
    try:
        hits = (await person.desk.get("intake", "/search", _Hits, query=query)).hits
    except Refused as refused:
        if refused.status != 422:
            raise
        hits = ()
    return JSONResponse({"to": f"/bv/ho-so/{hits[0].dossier_id}" if hits else ""})


@router.post("/bv/ho-so/{dossier_id}/cho-nam")
async def move(request: Request, dossier_id: UUID, person: HOSPITAL) -> Response:
    """They lie elsewhere now, or leave at another time."""
    fields = cleaned(await form_of(request, person.csrf))
    problems: Problems = []
    saved: Moved = "xong"
    stay = stay_of(fields, problems) or {"room": "", "bed": "", "discharge_at": None}
    if not problems:
        path, key = f"/dossiers/{dossier_id}/stay", fields.get("khoa", "")
        try:
            answer = await person.desk.act("intake", path, stay, _Moved, key=key)
            saved = "trung-giuong" if any(one.code == "bed-shared" for one in answer.warnings) else "xong"
            # No event tells of a stay.
            live: Live = request.app.state.live
            live.wake(dossier_id, {person.account.agency})
        except Refused as refused:
            problems = told_by(refused)
    if problems:
        return await show_bed(request, person, dossier_id, status=422, problems=problems, typed=fields)
    return RedirectResponse(f"/bv/ho-so/{dossier_id}?luu={saved}", 303)


@router.post("/bv/ho-so/{dossier_id}/nhan")
async def take_in(request: Request, dossier_id: UUID, person: HOSPITAL) -> Response:
    """Papers have arrived at the hospital."""
    await handing_over.take_in(person, await form_of(request, person.csrf), "ve")
    return RedirectResponse(f"/bv/ho-so/{dossier_id}", 303)


@router.post("/bv/ho-so/{dossier_id}/the")
async def check_card(request: Request, dossier_id: UUID, person: HOSPITAL) -> Response:
    """Whose card it is; the answer stands beside the receiver."""
    whose = await handing_over.whose_card(person, dossier_id, await form_of(request, person.csrf))
    return part(request, TEMPLATE, "whose", person, whose=whose)


@router.post("/bv/ho-so/{dossier_id}/trao")
async def hand_over(request: Request, dossier_id: UUID, person: HOSPITAL) -> Response:
    """Hand the papers to who has come, who signs here or on the paper."""
    form = await form_of(request, person.csrf)
    typed = cleaned(form)
    # A signature is longer than any field.
    stroke = text_of(form, "net-ky")
    chosen = ticked(form, "ket-qua")
    problems = _lacking(typed, chosen, stroke)
    status, differs = 422, False
    if not problems:
        body = _handover(typed, chosen, stroke)
        path, key = f"/dossiers/{dossier_id}/hand-over", typed.get("khoa", "")
        try:
            await person.desk.act("results", path, body, msgspec.Raw, key=key)
        except Refused as refused:
            if refused.status not in (409, 422, 429):
                raise
            status, problems = refused.status, told_by(refused)
            differs = card_differs(refused) or bool(typed.get("ly-do"))
    if problems:
        return await show_bed(
            request, person, dossier_id, status=status, problems=problems, typed=typed, differs=differs
        )
    return RedirectResponse(f"/bv/ho-so/{dossier_id}?xong={chosen[0]}", 303)


def _lacking(typed: Mapping[str, str], chosen: list[str], stroke: str) -> Problems:
    problems = lacking(typed, chosen, dict(FAMILY))
    if not stroke and not typed.get("ky-giay"):
        problems.append(("ky-giay", "Hãy để người nhận ký trên máy, hoặc đánh dấu đã ký giấy"))
    return problems


def _handover(typed: Mapping[str, str], chosen: list[str], stroke: str) -> dict[str, Any]:
    signs_here = bool(stroke) and not typed.get("ky-giay")
    return {
        "results": chosen,
        "receiver": receiver_of(typed),
        "signature": {"kind": "path", "data": stroke, **_SIGNATURE_AREA} if signs_here else None,
        "signed_on_paper": not signs_here,
    }


@router.post("/bv/ho-so/{dossier_id}/bo-sung")
async def supplement(request: Request, dossier_id: UUID, person: HOSPITAL) -> Response:
    """Hand in what was asked for: papers seen (with their scans), data corrected."""
    form = await form_of(request, person.csrf)
    typed, key = cleaned(form), line_of(form, "khoa")
    birth = await birth_of(person, dossier_id)
    things = birth.asked.things if birth.asked else ()
    papers = [thing for thing in things if thing.kind == "component" and typed.get(f"gt.{thing.code}")]
    entries = [
        _entry(thing, typed) for thing in things if thing.kind == "field" and typed.get(f"tt.{thing.code}")
    ]
    if not papers and not entries:
        problems: Problems = [("bo-sung", "Hãy đánh dấu giấy tờ đã nhận hoặc ghi thông tin được yêu cầu")]
        return await show_bed(request, person, dossier_id, status=422, problems=problems, typed=typed)
    try:
        for number, thing in enumerate(papers):
            await _attach(person, dossier_id, thing, form.get(f"tep.{thing.code}"), f"{key}-{number}")
        body = {"components": [thing.code for thing in papers], "fields": entries}
        await person.desk.act("intake", f"/dossiers/{dossier_id}/supplements", body, msgspec.Raw, key=key)
    except Refused as refused:
        if refused.status not in (409, 413, 415, 422):
            raise
        problems = [("bo-sung", words) for _, words in told_by(refused)]
        return await show_bed(
            request, person, dossier_id, status=refused.status, problems=problems, typed=typed
        )
    return RedirectResponse(f"/bv/ho-so/{dossier_id}", 303)


def _entry(thing: Thing, typed: Mapping[str, str]) -> dict[str, Any]:
    value = typed[f"tt.{thing.code}"]
    is_number = _NUMBERS.fullmatch(thing.code) and value.isascii() and value.isdigit()
    return {"path": thing.code, "value": int(value) if is_number else value}


async def _attach(person: Person, dossier_id: UUID, thing: Thing, given: Any, key: str) -> None:
    """Send the scan of a paper, if there is one."""
    if not isinstance(given, UploadFile) or not given.size:
        return
    path = f"/dossiers/{dossier_id}/attachments?component={thing.code}"
    media_type = given.content_type or "application/octet-stream"
    await person.desk.send_file("intake", path, await given.read(), media_type, msgspec.Raw, key=key)


@router.get("/bv/bien-nhan/{result_id}.pdf")
async def receipt(result_id: UUID, person: HOSPITAL) -> Response:
    """The receipt of a hand-over, as results printed it."""
    return await handing_over.receipt_of(person, result_id)


def told_by(refused: Refused) -> Problems:
    """The service's reasons at the fields they are about."""
    found = [(_PLACES.get(error.field, ""), error.message.rstrip(".")) for error in refused.told.errors]
    words = ". ".join(word.rstrip(".") for word in (refused.told.title, refused.told.detail) if word)
    return found or [("", words)]
