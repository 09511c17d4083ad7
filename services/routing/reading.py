"""HTTP in: what agencies and services look at, and the apologies an agency signs."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, body, described_answers, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import Problem
from libs.http.reads import HEADER, PURPOSES, purpose_of, record_reads
from services.routing import apologies, desk_store, record_store, store
from services.routing.api import Staff, rules_of
from services.routing.desk import ONE_STOP
from services.routing.desk_store import mark_of, read_mark
from services.routing.refusals import REFUSALS, refuse
from services.routing.refused import RefusedSteps, refused_of
from services.routing.views import CaseView, sight_of, view_of
from services.routing.wire import Apologies, Outcome, Outcomes, ReadOutcomesBody, SignBody, Signed, Steps

router = APIRouter(tags=["cases"])
Anyone = Annotated[Actor, Depends(require(kinds=("officer", "system", "service"), services=("portal",)))]
Officer = Annotated[Actor, Depends(require(kinds=("officer",)))]
# Whoever makes documents of outcomes.
Service = Annotated[Actor, Depends(require(kinds=("service",), services=("results",)))]
# Those who answer the family: the one-stop shop at its counter or by its own software, the portal on its screen.
WhoAnswers = Annotated[
    Actor, Depends(require(ONE_STOP, kinds=("officer", "system", "service"), services=("portal",)))
]
STATES = ("assigned", "started", "returned", "completed", "cancelled")
# How long a request waits for a free connection before it is told to come back (503).
ACQUIRE_TIMEOUT_SECONDS = 2.0
STEPS_MAX = 500
APOLOGIES_MAX = 200
TIMELINE_MAX = 1000


@router.get("/steps", openapi_extra=described_answers({200: Steps}))
async def list_steps(
    request: Request,
    actor: Staff,
    state: Annotated[list[str] | None, Query()] = None,
    *,
    pending: bool = False,
    limit: Annotated[int, Query(ge=1, le=STEPS_MAX)] = 100,
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """My agency's steps, the most urgent first: those on the desk, or in the states asked for, or still pending."""
    if any(asked not in STATES for asked in state or ()):
        raise Problem(422, "unknown-state", "Không có trạng thái này", extra={"allowed": list(STATES)})
    try:
        mark = read_mark(after) if after else None
    except ValueError:
        raise Problem(422, "unknown-page", "Không có trang này") from None
    async with request.app.state.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        if pending:
            found = await desk_store.pending_steps(connection, actor.agency, rows_max=limit + 1, after=mark)
        else:
            found = await desk_store.on_desk(
                connection, actor.agency, state or [], rows_max=limit + 1, after=mark
            )
    more = str(mark_of(found[limit - 1])) if len(found) > limit else None
    return MsgspecResponse(Steps(steps=tuple(found[:limit]), next=more))


@router.get("/cases/{dossier_id}", openapi_extra=described_answers({200: CaseView}))
async def show_case(request: Request, dossier_id: UUID, actor: Anyone) -> Response:
    """One case: status, steps, clocks and timeline, as far as the caller has to do with it.

    What officers wrote may name people: it is shown to whoever states a purpose, which is recorded; so is who of the
    caller's own agency did what.
    """
    purpose = purpose_of(request) if HEADER in request.headers else ""
    async with request.app.state.writer.transaction() as connection:
        case = await store.read(connection, dossier_id)
        sight = sight_of(case, actor) if case is not None else None
        if case is None or sight is None:
            raise Problem(404)
        acts = await record_store.acts_of(connection, dossier_id, TIMELINE_MAX)
        if purpose and sight.agency:
            await record_reads(connection, actor, purpose, "case", [dossier_id])
        else:
            acts = [msgspec.structs.replace(act, note="", subject="") for act in acts]
    return MsgspecResponse(view_of(case, acts, rules_of(request), sight))


@router.get("/cases/{dossier_id}/refusals", openapi_extra=described_answers({200: RefusedSteps}))
async def show_refusals(request: Request, dossier_id: UUID, actor: WhoAnswers) -> Response:
    """What was refused and why, with the officers' words to the family; every such read is recorded."""
    purpose = purpose_of(request, ("answer-citizen", "check-dossier", "hand-over"))
    async with request.app.state.writer.transaction() as connection:
        case = await store.read(connection, dossier_id)
        if case is None or not (actor.kind == "service" or actor.agency == case.receiving_agency):
            raise Problem(404)
        acts = await record_store.acts_of(connection, dossier_id, TIMELINE_MAX)
        await record_reads(connection, actor, purpose, "refusal", [dossier_id])
    return MsgspecResponse(refused_of(case, acts, rules_of(request)))


@router.get("/apologies", openapi_extra=described_answers({200: Apologies}))
async def list_apologies(request: Request, actor: Staff) -> Response:
    """The apologies my agency has to sign, the most urgent first."""
    async with request.app.state.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        found = await record_store.apologies(connection, actor.agency, APOLOGIES_MAX)
    return MsgspecResponse(Apologies(apologies=tuple(found)))


@router.post("/apologies/{apology_id}/sign", openapi_extra=body(SignBody, answers={200: Signed}))
async def sign_apology(request: Request, apology_id: UUID, actor: Officer) -> Response:
    """Sign an apology; the appointment moves and the family is told."""
    wanted = await read_body(request, SignBody)

    async def work(connection: Any) -> Answer:
        try:
            case = await apologies.sign(
                connection,
                rules_of(request),
                actor,
                apology_id,
                appointment_at=wanted.appointment_at,
                note=wanted.note,
            )
        except REFUSALS as refusal:
            refuse(refusal)
        return Answer(200, Signed(dossier_id=case.dossier_id, appointment_at=case.appointment.due_at))

    return await once(request, actor, request.app.state.writer, work)


@router.post("/outcomes/read", openapi_extra=body(ReadOutcomesBody, answers={200: Outcomes}))
async def read_outcomes(request: Request, actor: Service) -> Response:
    """What agencies entered for these steps, newest revision; every read is recorded with its purpose."""
    wanted = await read_body(request, ReadOutcomesBody)
    purpose = wanted.purpose if wanted.purpose in PURPOSES else purpose_of(request)
    async with request.app.state.writer.transaction() as connection:
        found = await record_store.newest_outcomes(connection, [(i.dossier_id, i.step) for i in wanted.items])
        await record_reads(connection, actor, purpose, "outcome", [one.dossier_id for one in found])
    outcomes = tuple(
        Outcome(
            dossier_id=one.dossier_id,
            step=one.step,
            agency=one.agency,
            revision=one.revision,
            completed_at=one.recorded_at,
            outcome=msgspec.Raw(one.data),
        )
        for one in found
    )
    return MsgspecResponse(Outcomes(outcomes=outcomes))
