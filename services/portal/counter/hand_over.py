"""Handing results over at the counter: what lies here, whose card it is, a receipt to be signed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.catalogue import Catalogue, CatalogueError
from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal.counter import views
from services.portal.forms import handing_over
from services.portal.forms.handing_over import PURPOSE
from services.portal.forms.reading import Problems
from services.portal.forms.receiver import (
    BOXES,
    FAMILY,
    MISMATCHES,
    PLACES,
    card_differs,
    lacking,
    receiver_of,
)
from services.portal.forms.sent import line_of, ticked
from services.portal.guard import form_of
from services.portal.rendering import page, part
from services.portal.sessions import Person, requires

router = APIRouter()
TEMPLATE = "counter/hand_over.html"
Officer = Annotated[Person, Depends(requires("one_stop", "hospital"))]
RELATIONS = (("applicant", "Người nộp hồ sơ"), *FAMILY)
STATES: Mapping[str, str] = {
    "pending": "Đang làm",
    "issued": "Đã cấp, chưa gửi đến quầy",
    "dispatched": "Đang trên đường đến quầy",
    "ready": "Có tại quầy",
    "handed-over": "Đã trả",
    "revoked": "Đã bị thu hồi",
    "superseded": "Đã được thay thế",
}
TEXTS = tuple(BOXES.values())


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One result of the dossier."""

    id: UUID
    code: str
    delivery: str
    place: str
    state: str


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    results: tuple[Result, ...]


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The hand-over is recorded."""

    handover_id: UUID


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A result on the screen; `here` when it may be handed over now."""

    result: Result
    name: str
    state: str
    here: bool
    coming: bool


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the screen shows of a dossier; `elsewhere` names who received it where that is not this desk.

    Without a `code` everything this desk had of it is handed over.
    """

    dossier_id: UUID
    code: str
    applicant: str
    procedure: str
    fee: str
    lines: tuple[Line, ...]
    elsewhere: str = ""

    @property
    def here(self) -> tuple[Line, ...]:
        """What may be handed over."""
        return tuple(line for line in self.lines if line.here)

    @property
    def given(self) -> tuple[Line, ...]:
        """What has been handed over."""
        return tuple(line for line in self.lines if line.result.state == "handed-over")


class _Summary(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    applicant: str
    procedure: str
    procedure_short_name: str
    received_at: datetime
    receiving_agency: str
    receiving_agency_name: str
    facility: str


class _Summaries(msgspec.Struct, frozen=True, kw_only=True):
    summaries: tuple[_Summary, ...]


class _Named(Result, frozen=True, kw_only=True):
    name_vi: str


class _Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    results: tuple[_Named, ...]


class _Given(msgspec.Struct, frozen=True, kw_only=True):
    dossiers: tuple[_Whereabouts, ...]


async def desk_of(request: Request, person: Person, dossier_id: UUID) -> Desk:
    """The dossier's results as this counter sees them. Raises Problem 404 for a stranger's dossier."""
    body = {"dossier_ids": [str(dossier_id)], "purpose": PURPOSE}
    found = await person.desk.read("intake", "/dossiers/summaries", body, _Summaries, purpose=PURPOSE)
    if not found.summaries:
        return await _after_the_last(person, dossier_id)
    try:
        results = (await person.desk.get("results", f"/dossiers/{dossier_id}/results", Results)).results
    except Refused as refused:
        if refused.status != 404:
            raise
        results = ()
    catalogue: Catalogue = request.app.state.catalogue
    summary, account = found.summaries[0], person.account
    try:
        procedure = catalogue.procedure(summary.procedure, summary.received_at.astimezone(UTC).date())
        names = {result.code: result.name_vi for result in procedure.results}
        fee = views.fee_sentence(procedure.fees_for({}))
    except (CatalogueError, LookupError):
        names, fee = {}, ""
    received_here = account.agency == summary.receiving_agency or account.facility == summary.facility != ""
    return Desk(
        dossier_id=dossier_id,
        code=summary.code,
        applicant=summary.applicant,
        procedure=summary.procedure_short_name,
        fee=fee,
        lines=tuple(_line(result, names, account.agency) for result in results),
        elsewhere="" if received_here else summary.receiving_agency_name,
    )


async def _after_the_last(person: Person, dossier_id: UUID) -> Desk:
    """What a desk has handed over of a dossier that is its business no longer: the receipts, nobody's name.

    Raises Problem 404 where it has handed over nothing.
    """
    body = {"dossier_ids": [str(dossier_id)]}
    found = await person.desk.read("results", "/results/summaries", body, _Given, purpose=PURPOSE)
    lines = (
        _line(result, {result.code: result.name_vi}, person.account.agency)
        for dossier in found.dossiers
        for result in dossier.results
        if result.place == person.account.agency and result.state == "handed-over"
    )
    desk = Desk(dossier_id=dossier_id, code="", applicant="", procedure="", fee="", lines=tuple(lines))
    if not desk.lines:
        raise Problem(404)
    return desk


def _line(result: Result, names: Mapping[str, str], agency: str) -> Line:
    mine = result.place == agency
    return Line(
        result=result,
        name=names.get(result.code, result.code),
        state=STATES.get(result.state, result.state),
        here=mine and result.state == "ready",
        coming=mine and result.state in ("issued", "dispatched"),
    )


@router.get("/quay/tra-ket-qua/{dossier_id}")
async def open_desk(
    request: Request, dossier_id: UUID, person: Officer, xong: UUID | None = None
) -> Response:
    """What of the dossier lies here; `xong` is a result that has just been handed over."""
    desk = await desk_of(request, person, dossier_id)
    just = xong if xong in {line.result.id for line in desk.given} else None
    return _show(request, person, desk, {}, just=just)


def _show(
    request: Request,
    person: Person,
    desk: Desk,
    typed: Mapping[str, str],
    *,
    status: int = 200,
    problems: Problems | tuple[()] = (),
    just: UUID | None = None,
    chosen: frozenset[str] | None = None,
    differs: bool = False,
) -> Response:
    return page(
        request,
        TEMPLATE,
        person,
        status=status,
        headers={"Cache-Control": "no-store"},
        desk=desk,
        typed={name: typed.get(name, "") for name in (*TEXTS, "khoa")},
        problems=problems,
        just=just,
        chosen=chosen if chosen is not None else frozenset(str(line.result.id) for line in desk.here),
        differs=differs,
        relations=RELATIONS,
        mismatches=MISMATCHES,
        card=None,
    )


@router.post("/quay/tra-ket-qua/{dossier_id}/nhan")
async def take_in(request: Request, dossier_id: UUID, person: Officer) -> Response:
    """Papers have arrived at the counter."""
    await handing_over.take_in(person, await form_of(request, person.csrf), "ket-qua")
    return RedirectResponse(f"/quay/tra-ket-qua/{dossier_id}", 303)


@router.post("/quay/tra-ket-qua/{dossier_id}/the")
async def check_card(request: Request, dossier_id: UUID, person: Officer) -> Response:
    """Whose card it is: the answer is what stands beside the collector."""
    card = await handing_over.whose_card(person, dossier_id, await form_of(request, person.csrf))
    return part(request, TEMPLATE, "card", person, card=card)


@router.post("/quay/tra-ket-qua/{dossier_id}")
async def hand_over(request: Request, dossier_id: UUID, person: Officer) -> Response:
    """Hand over to the person described, who signs the receipt that is printed."""
    form = await form_of(request, person.csrf)
    typed = {name: line_of(form, name) for name in (*TEXTS, "khoa")}
    chosen = ticked(form, "ket-qua")
    problems = lacking(typed, chosen, dict(RELATIONS))
    if problems:
        desk = await desk_of(request, person, dossier_id)
        return _show(request, person, desk, typed, status=422, problems=problems, chosen=frozenset(chosen))
    body = {
        "results": chosen,
        "receiver": receiver_of(typed),
        "signed_on_paper": True,
    }
    try:
        await person.desk.act("results", f"/dossiers/{dossier_id}/hand-over", body, Done, key=typed["khoa"])
    except Refused as refused:
        if refused.status not in (409, 422, 429):
            raise
        desk = await desk_of(request, person, dossier_id)
        return _show(
            request,
            person,
            desk,
            typed,
            status=refused.status,
            problems=_told(refused),
            chosen=frozenset(chosen),
            differs=card_differs(refused) or bool(typed["ly-do"]),
        )
    return RedirectResponse(f"/quay/tra-ket-qua/{dossier_id}?xong={chosen[0]}", 303)


def _told(refused: Refused) -> Problems:
    """The service's reasons at the boxes they are about."""
    found = [(PLACES.get(error.field, ""), error.message) for error in refused.told.errors]
    if card_differs(refused):
        found.append(
            ("ly-do", "Nếu vẫn trao, hãy chọn lý do và ghi giấy tờ chứng minh; cán bộ chịu trách nhiệm.")
        )
    words = ". ".join(word.rstrip(".") for word in (refused.told.title, refused.told.detail) if word)
    return found or [("", f"{words}.")]


@router.get("/quay/bien-nhan/{result_id}.pdf")
async def receipt(result_id: UUID, person: Officer) -> Response:
    """The receipt of a hand-over, as results printed it."""
    return await handing_over.receipt_of(person, result_id)
