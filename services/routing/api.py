"""HTTP in: what officers and agencies' own systems do with the steps on their desk."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor, require
from libs.http.bodies import body, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import unavailable
from services.routing import completion, endings, pauses, steps
from services.routing.case import Case, Move, Officer
from services.routing.completion import Completion
from services.routing.desk import Order, carry_out
from services.routing.refusals import REFUSALS, fate_of, refuse, told
from services.routing.rules import Rules
from services.routing.views import step_done
from services.routing.vocabulary import check_missing, check_reason
from services.routing.wire import (
    AmendBody,
    AssignBody,
    CompleteBody,
    CompleteManyBody,
    Fates,
    FindingBody,
    PauseBody,
    RefusalBody,
    ReturnBody,
    StartBody,
    StepDone,
    SupplementBody,
)

router = APIRouter(tags=["steps"])
Staff = Annotated[Actor, Depends(require())]
BATCH_BYTES_MAX = 2 << 20
Decide = Callable[[Case, str, Officer, datetime], Move]


def rules_of(request: Request) -> Rules:
    """The catalogue and numbers this process decides by."""
    rules: Rules = request.app.state.rules
    return rules


async def numbers_known(request: Request) -> None:
    """Raises Problem 503 until a number of an outcome can be compared with all there are (renumbering.py)."""
    if not request.app.state.numbers_known.is_set():
        raise unavailable()


TAKES_NUMBERS = [Depends(numbers_known)]


async def act(request: Request, actor: Actor, order: Order) -> Response:
    """Carry out an order exactly once per Idempotency-Key and answer with the step as it is then."""

    async def work(connection: Any) -> Answer:
        try:
            done = await carry_out(connection, rules_of(request), actor, order)
        except REFUSALS as refusal:
            refuse(await told(connection, refusal, order.dossier_id, actor))
        return Answer(200, step_done(done.case, done.step))

    return await once(request, actor, request.app.state.writer, work)


@router.post("/cases/{dossier_id}/steps/{step}/start", openapi_extra=body(StartBody, answers={200: StepDone}))
async def start(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Begin a step."""
    wanted = await read_body(request, StartBody)

    def decide(case: Case, code: str, by: Officer, now: datetime) -> Move:
        return steps.start(case, code, by, now)

    order = Order(dossier_id=dossier_id, step=step, move="start", decide=decide, version=wanted.version)
    return await act(request, actor, order)


@router.post(
    "/cases/{dossier_id}/steps/{step}/complete",
    dependencies=TAKES_NUMBERS,
    openapi_extra=body(CompleteBody, answers={200: StepDone}),
)
async def complete(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Complete a step with its outcome."""
    wanted = await read_body(request, CompleteBody)
    item = Completion(dossier_id=dossier_id, step=step, outcome=wanted.outcome, version=wanted.version)

    async def work(connection: Any) -> Answer:
        [fate] = await completion.complete_many(connection, rules_of(request), actor, [item])
        if not isinstance(fate, Case):
            refuse(await told(connection, fate, dossier_id, actor))
        return Answer(200, step_done(fate, step))

    return await once(request, actor, request.app.state.writer, work)


@router.post(
    "/steps/complete",
    dependencies=TAKES_NUMBERS,
    openapi_extra=body(CompleteManyBody, answers={200: Fates}),
)
async def complete_many(request: Request, actor: Staff) -> Response:
    """Complete many steps of one agency in one transaction; each has its own fate."""
    wanted = await read_body(request, CompleteManyBody, limit_bytes=BATCH_BYTES_MAX)

    async def work(connection: Any) -> Answer:
        fates = await completion.complete_many(connection, rules_of(request), actor, wanted.steps)
        told = tuple(fate_of(item, fate) for item, fate in zip(wanted.steps, fates, strict=True))
        return Answer(200, Fates(results=told))

    return await once(request, actor, request.app.state.writer, work)


@router.post(
    "/cases/{dossier_id}/steps/{step}/amend",
    dependencies=TAKES_NUMBERS,
    openapi_extra=body(AmendBody, answers={200: StepDone}),
)
async def amend(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Fill in or correct fields of a completed step's outcome; its results are replaced."""
    wanted = await read_body(request, AmendBody)
    item = Completion(dossier_id=dossier_id, step=step, outcome=wanted.outcome, version=wanted.version)

    async def work(connection: Any) -> Answer:
        try:
            case = await completion.amend(connection, rules_of(request), actor, item)
        except REFUSALS as refusal:
            refuse(await told(connection, refusal, dossier_id, actor))
        return Answer(200, step_done(case, step))

    return await once(request, actor, request.app.state.writer, work)


@router.post(
    "/cases/{dossier_id}/steps/{step}/return", openapi_extra=body(ReturnBody, answers={200: StepDone})
)
async def give_back(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Give a step back as not competent."""
    wanted = await read_body(request, ReturnBody)
    rules = rules_of(request)

    def decide(case: Case, code: str, by: Officer, now: datetime) -> Move:
        check_reason("return", wanted.reason, now, rules)
        return steps.give_back(case, code, by, reason=wanted.reason, to=wanted.to, at=now, rules=rules)

    order = Order(
        dossier_id=dossier_id,
        step=step,
        move="return",
        decide=decide,
        reason=wanted.reason,
        note=wanted.note,
        version=wanted.version,
    )
    return await act(request, actor, order)


@router.post(
    "/cases/{dossier_id}/steps/{step}/assign", openapi_extra=body(AssignBody, answers={200: StepDone})
)
async def assign(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """The one-stop shop gives a returned step to an agency."""
    wanted = await read_body(request, AssignBody)
    rules = rules_of(request)

    def decide(case: Case, code: str, _by: Officer, now: datetime) -> Move:
        return steps.assign(case, code, wanted.agency, now, rules)

    order = Order(dossier_id=dossier_id, step=step, move="assign", decide=decide, note=wanted.note)
    return await act(request, actor, order)


@router.post(
    "/cases/{dossier_id}/steps/{step}/findings", openapi_extra=body(FindingBody, answers={200: StepDone})
)
async def find(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """Record a finding that decides the term."""
    wanted = await read_body(request, FindingBody)
    rules = rules_of(request)

    def decide(case: Case, _code: str, _by: Officer, now: datetime) -> Move:
        return pauses.find(case, wanted.option, wanted.value, now, rules)

    order = Order(
        dossier_id=dossier_id,
        step=step,
        move="finding",
        decide=decide,
        reason=wanted.option,
        note=wanted.note,
        version=wanted.version,
    )
    return await act(request, actor, order)


@router.post(
    "/cases/{dossier_id}/supplement-requests", openapi_extra=body(SupplementBody, answers={200: StepDone})
)
async def request_supplement(request: Request, dossier_id: UUID, actor: Staff) -> Response:
    """Ask for everything that is missing; the clocks stand still until it comes."""
    wanted = await read_body(request, SupplementBody)
    rules = rules_of(request)

    def decide(case: Case, code: str, _by: Officer, now: datetime) -> Move:
        check_reason("supplement-request", wanted.reason, now, rules)
        check_missing(case, wanted.components, wanted.fields, rules)
        return pauses.request_supplement(
            case,
            code,
            components=wanted.components,
            fields=wanted.fields,
            reason=wanted.reason,
            at=now,
            rules=rules,
        )

    order = Order(
        dossier_id=dossier_id,
        step=wanted.step,
        move="supplement-request",
        decide=decide,
        reason=wanted.reason,
        note=wanted.note,
        version=wanted.version,
    )
    return await act(request, actor, order)


@router.post("/cases/{dossier_id}/refusal", openapi_extra=body(RefusalBody, answers={200: StepDone}))
async def refuse_step(request: Request, dossier_id: UUID, actor: Staff) -> Response:
    """Refuse a step and what depends on it; the dossier ends when nothing else was granted or is left."""
    wanted = await read_body(request, RefusalBody)
    rules = rules_of(request)

    def decide(case: Case, code: str, _by: Officer, now: datetime) -> Move:
        check_reason("refuse", wanted.reason, now, rules)
        return endings.refuse(case, code, wanted.reason, now, rules)

    order = Order(
        dossier_id=dossier_id,
        step=wanted.step,
        move="refuse",
        decide=decide,
        reason=wanted.reason,
        note=wanted.note,
        version=wanted.version,
    )
    return await act(request, actor, order)


@router.post("/cases/{dossier_id}/pauses", openapi_extra=body(PauseBody, answers={200: StepDone}))
async def pause(request: Request, dossier_id: UUID, actor: Staff) -> Response:
    """Stop the clock of a step while it waits for somebody outside the administration, or for a fee."""
    return await _clock(request, dossier_id, actor, "pause", pauses.pause)


@router.post("/cases/{dossier_id}/pauses/end", openapi_extra=body(PauseBody, answers={200: StepDone}))
async def resume(request: Request, dossier_id: UUID, actor: Staff) -> Response:
    """Let the clock run again."""
    return await _clock(request, dossier_id, actor, "resume", pauses.resume)


async def _clock(
    request: Request,
    dossier_id: UUID,
    actor: Actor,
    move: str,
    change: Callable[[Case, str, str, datetime, Rules], Move],
) -> Response:
    wanted = await read_body(request, PauseBody)
    rules = rules_of(request)

    def decide(case: Case, code: str, _by: Officer, now: datetime) -> Move:
        return change(case, code, wanted.reason, now, rules)

    order = Order(
        dossier_id=dossier_id,
        step=wanted.step,
        move=move,
        decide=decide,
        reason=wanted.reason,
        version=wanted.version,
    )
    return await act(request, actor, order)
