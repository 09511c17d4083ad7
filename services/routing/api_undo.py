"""HTTP in: officers take back what they have just done by mistake (undo.py says what can be)."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.bodies import body, read_body
from libs.http.idempotency import Answer, once
from services.routing import record_store, store
from services.routing.api import Staff, rules_of
from services.routing.desk import NotMine, act_of, keep
from services.routing.refusals import REFUSALS, refuse, told
from services.routing.undo import Undo, undone
from services.routing.views import step_done
from services.routing.wire import StartBody, StepDone

router = APIRouter(tags=["steps"])


@router.post(
    "/cases/{dossier_id}/steps/{step}/undo-start", openapi_extra=body(StartBody, answers={200: StepDone})
)
async def undo_start(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Put back a step begun by mistake: it lies with the agency again (event step-released)."""
    return await _undo(request, dossier_id, step, actor, "undo-start")


@router.post(
    "/cases/{dossier_id}/steps/{step}/undo-return", openapi_extra=body(StartBody, answers={200: StepDone})
)
async def undo_return(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Take back a return while nobody has gone on with the step (event step-assigned)."""
    return await _undo(request, dossier_id, step, actor, "undo-return")


@router.post(
    "/cases/{dossier_id}/steps/{step}/undo-pause", openapi_extra=body(StartBody, answers={200: StepDone})
)
async def undo_pause(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Take back a stop of the clock: it runs as if it had never stood still (event clock-resumed)."""
    return await _undo(request, dossier_id, step, actor, "undo-pause")


@router.post(
    "/cases/{dossier_id}/steps/{step}/undo-supplement-request",
    openapi_extra=body(StartBody, answers={200: StepDone}),
)
async def undo_supplement_request(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Take back a request for papers nobody has answered; the family is told (event supplement-withdrawn)."""
    return await _undo(request, dossier_id, step, actor, "undo-supplement-request")


async def _undo(request: Request, dossier_id: UUID, step: str, actor: Actor, undo: Undo) -> Response:
    wanted = await read_body(request, StartBody)
    rules = rules_of(request)

    async def work(connection: Any) -> Answer:
        now, cases = await store.load_now(connection, [dossier_id])
        case = cases.get(dossier_id)
        if case is None or now is None:
            refuse(NotMine())
        last = (await record_store.last_acts(connection, [dossier_id])).get((dossier_id, step))
        try:
            move, by = undone(case, step, undo, actor, last, now, rules, wanted.version)
        except REFUSALS as refusal:
            refuse(await told(connection, refusal, dossier_id, actor))
        done = await keep(connection, rules, case, move, act_of(case, step, undo, by, now))
        return Answer(200, step_done(done.case, done.step))

    return await once(request, actor, request.app.state.writer, work)
