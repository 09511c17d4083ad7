"""HTTP of results, acting: dispatch, arrival, hand-over, revocation, replacement. Each act is idempotent and logged."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from libs.bus.ids import new_id
from libs.bus.writer import Writer
from libs.http.auth import Actor, require
from libs.http.bodies import Body, body, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import Problem
from services.results import desk, domain
from services.results.domain import Custody, Result
from services.results.people import Neighbours
from services.results.press import Press
from services.results.store import Receiver
from services.results.views import ResultView

OFFICER = require(kinds=("officer", "system"))
Move = Callable[[Custody, UUID, datetime, str], domain.Step]


class Note(Body, frozen=True, kw_only=True):
    """Why, as a code the event carries, and in words for the file."""

    reason: str = ""
    note: str = ""


class ReceiverBody(Body, frozen=True, kw_only=True):
    """Who takes the papers: name and identity document as shown, relation to the child or applicant."""

    name: str
    relation: str
    identity_number: str = ""
    authorisation: str = ""


class HandoverBody(Body, frozen=True, kw_only=True):
    """Several results of one dossier, handed to one person in one act."""

    results: list[UUID]
    receiver: ReceiverBody


class HandoverDone(msgspec.Struct, frozen=True, kw_only=True):
    """The act of handing over, and where its receipt can be fetched."""

    handover_id: UUID
    results: list[ResultView]
    receipt: str


def build_router(writer: Writer, neighbours: Neighbours, press: Press) -> APIRouter:
    """All acts."""
    router = APIRouter()
    _add_custody(router, writer)
    _add_decisions(router, writer, press)
    _add_handover(router, writer, neighbours)
    return router


async def _move(
    request: Request, actor: Actor, writer: Writer, result_id: UUID, name: str, move: Move
) -> Response:
    given = await read_body(request, Note)
    if name in ("revoke", "supersede") and not given.reason:
        raise Problem(422, "reason-required", "Phải nêu lý do")

    async def work(conn: Any) -> Answer:
        custody, result = await desk.find(conn, actor, result_id)
        if name == "arrive":
            desk.at_place(actor, result)

        def step(before: Custody, now: datetime) -> domain.Step:
            return move(before, result_id, now, given.reason)

        note = " ".join(part for part in (given.reason, given.note) if part)
        after = await desk.act(conn, actor, custody, [result], name, step, note=note)
        return Answer(200, _view(after, result_id))

    return await once(request, actor, writer, work)


def _add_custody(router: APIRouter, writer: Writer) -> None:
    @router.post("/results/{result_id}/dispatch", openapi_extra=body(Note, answers={200: ResultView}))
    async def dispatch(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """The paper leaves for its place of hand-over."""
        return await _move(
            request, actor, writer, result_id, "dispatch", lambda c, r, now, _: domain.dispatch(c, r, now)
        )

    @router.post("/results/{result_id}/arrive", openapi_extra=body(Note, answers={200: ResultView}))
    async def arrive(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """The paper has arrived at my desk."""
        return await _move(
            request, actor, writer, result_id, "arrive", lambda c, r, now, _: domain.arrive(c, r, now)
        )


def _add_decisions(router: APIRouter, writer: Writer, press: Press) -> None:
    @router.post("/results/{result_id}/revoke", openapi_extra=body(Note, answers={200: ResultView}))
    async def revoke(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(require("leader", "operator"))]
    ) -> Response:
        """The result is no longer valid, by a decision with a reason code."""
        return await _move(
            request, actor, writer, result_id, "revoke", lambda c, r, now, why: domain.revoke(c, r, why, now)
        )

    @router.post("/results/{result_id}/supersede", openapi_extra=body(Note, answers={200: ResultView}))
    async def supersede(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """Order a new version (lost, damaged or misprinted paper); it replaces this one when it is issued."""
        ordered = new_id()

        def move(custody: Custody, old: UUID, now: datetime, _: str) -> domain.Step:
            return domain.reprint(custody, old, ordered, now), ()

        response = await _move(request, actor, writer, result_id, "supersede", move)
        press.wake()
        return response


def _add_handover(router: APIRouter, writer: Writer, neighbours: Neighbours) -> None:
    @router.post(
        "/dossiers/{dossier_id}/hand-over", openapi_extra=body(HandoverBody, answers={200: HandoverDone})
    )
    async def hand_over(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """Hand results to the person who came for them, checked against the dossier; the receipt follows."""
        given = await read_body(request, HandoverBody)
        if not given.results or len(set(given.results)) != len(given.results):
            raise Problem(422, "results-required", "Phải chọn kết quả cần trao, mỗi kết quả một lần")
        people = await neighbours.people([dossier_id], "hand-over")
        if dossier_id not in people:
            raise desk.not_found()
        receiver = desk.check_receiver(
            Receiver(
                name=given.receiver.name,
                relation=given.receiver.relation,
                identity_number=given.receiver.identity_number,
                authorisation=given.receiver.authorisation,
            ),
            people[dossier_id],
        )

        async def work(conn: Any) -> Answer:
            after, handover = await desk.hand_over(conn, actor, dossier_id, given.results, receiver)
            done = HandoverDone(
                handover_id=handover.id,
                results=[_view(after, result_id) for result_id in given.results],
                receipt=f"/results/{given.results[0]}/receipt",
            )
            return Answer(200, done)

        return await once(request, actor, writer, work)


def _view(custody: Custody, result_id: UUID) -> ResultView:
    result: Result = custody.result(result_id)
    return ResultView(
        id=result.id,
        dossier_id=custody.dossier_id,
        code=result.code,
        version=result.version,
        agency=result.agency,
        delivery=result.delivery,
        place=result.place,
        state=result.state,
        changed_at=result.changed_at,
    )
