"""HTTP of results, acting: dispatch, arrival, hand-over, revocation, replacement. Each act is idempotent and logged."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
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
from libs.http.together import Together
from libs.storage.archive import Archive
from services.results import api_handover, desk, domain
from services.results.desk import Act, Done, Guard
from services.results.domain import Custody, Result
from services.results.handing_over import Counter
from services.results.views import HandoverDone, ResultView

OFFICER = require(kinds=("officer", "system"))
Move = Callable[[Custody, UUID, datetime, str], domain.Step]
# Why, as the event and the chain of custody say it. A list: a name typed by mistake must not travel in an event.
RevokeReason = Literal[
    "forged",
    "wrong-content",
    "wrong-person",
    "not-entitled",
    "issued-in-error",
    "annulled",
    "court-decision",
    "other",
]
ReplaceReason = Literal["lost", "damaged", "misprint", "wrong-content", "stored-copy-damaged", "other"]
# What a courier's bag holds.
ARRIVALS_MAX = 200


class Note(Body, frozen=True, kw_only=True):
    """What the officer wants to be remembered of the act; it stays in this service.

    `dossier_id` is the dossier the sender takes the paper to be of: of another one it is not found.
    """

    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    dossier_id: UUID | None = None


class Revocation(Note, frozen=True, kw_only=True):
    """Why a result is no longer valid."""

    reason: RevokeReason | Literal[""] = ""


class Replacement(Note, frozen=True, kw_only=True):
    """Why a new version is wanted."""

    reason: ReplaceReason | Literal[""] = ""


class ArrivalsBody(Body, frozen=True, kw_only=True):
    """Papers that came together, as they were scanned."""

    results: Annotated[tuple[UUID, ...], msgspec.Meta(min_length=1, max_length=ARRIVALS_MAX)]


class Arrival(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one paper: `status` as a request of its own would have been answered, `code` why not."""

    id: UUID
    status: int
    code: str = ""
    message: str = ""


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """The fates in the order asked."""

    results: tuple[Arrival, ...]


def build_router(
    writer: Writer, counter: Counter, wake_press: Callable[[], None], archive: Archive
) -> APIRouter:
    """All acts. `wake_press` is called when there is something to print; signatures go to the archive."""
    router = APIRouter()
    together = Together(writer, _carry_out)
    _add_custody(router, together, writer)
    _add_decisions(router, together, wake_press)
    router.include_router(api_handover.build_router(together, counter, writer, archive))
    return router


async def _carry_out(conn: Any, acts: Sequence[Act]) -> list[Answer | Problem]:
    """The acts of requests that came together, each with its answer."""
    found = zip(acts, await desk.carry_out(conn, acts), strict=True)
    return [outcome if isinstance(outcome, Problem) else _answer(act, outcome) for act, outcome in found]


def _answer(act: Act, done: Done) -> Answer:
    views = [_view(done.custody, result_id) for result_id in act.result_ids]
    if done.handover is None:
        return Answer(200, views[0])
    receipt = f"/results/{act.result_ids[0]}/receipt"
    return Answer(200, HandoverDone(handover_id=done.handover.id, results=views, receipt=receipt))


async def _move(
    request: Request,
    actor: Actor,
    together: Together[Act],
    result_id: UUID,
    name: str,
    guard: Guard,
    move: Move,
    told: type[Note] = Note,
) -> Response:
    given = await read_body(request, told)
    reason = given.reason if isinstance(given, Revocation | Replacement) else ""
    if told is not Note and not reason:
        raise Problem(422, "reason-required", "Phải nêu lý do")

    def step(before: Custody, now: datetime) -> domain.Step:
        return move(before, result_id, now, reason)

    note = " ".join(part for part in (reason, given.note) if part)
    act = Act(
        actor=actor,
        name=name,
        result_ids=(result_id,),
        guard=guard,
        move=step,
        note=note,
        dossier_id=given.dossier_id,
    )
    return await together.once(request, actor, act)


def _add_custody(router: APIRouter, together: Together[Act], writer: Writer) -> None:
    @router.post("/results/{result_id}/dispatch", openapi_extra=body(Note, answers={200: ResultView}))
    async def dispatch(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """The paper leaves for its place of hand-over."""

        def move(custody: Custody, result: UUID, now: datetime, _: str) -> domain.Step:
            return domain.dispatch(custody, result, now)

        return await _move(request, actor, together, result_id, "dispatch", desk.issuer, move)

    @router.post("/results/{result_id}/arrive", openapi_extra=body(Note, answers={200: ResultView}))
    async def arrive(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """The paper has arrived at my desk."""

        def move(custody: Custody, result: UUID, now: datetime, _: str) -> domain.Step:
            return domain.arrive(custody, result, now)

        return await _move(request, actor, together, result_id, "arrive", desk.at_place, move)

    @router.post("/results/arrive", openapi_extra=body(ArrivalsBody, answers={200: Arrivals}))
    async def arrive_many(request: Request, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """A bag of papers has arrived at my desk, taken in in one transaction; each has its own fate."""
        wanted = await read_body(request, ArrivalsBody)
        acts = [desk.arrival(actor, result_id) for result_id in wanted.results]

        async def work(conn: Any) -> Answer:
            outcomes = await desk.carry_out(conn, acts)
            return Answer(200, Arrivals(results=tuple(map(_arrival, wanted.results, outcomes))))

        return await once(request, actor, writer, work)


def _add_decisions(router: APIRouter, together: Together[Act], wake_press: Callable[[], None]) -> None:
    @router.post("/results/{result_id}/revoke", openapi_extra=body(Revocation, answers={200: ResultView}))
    async def revoke(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(require("leader", "operator"))]
    ) -> Response:
        """The result is no longer valid, by a decision with a reason code."""

        def move(custody: Custody, result: UUID, now: datetime, reason: str) -> domain.Step:
            return domain.revoke(custody, result, reason, now)

        guard = desk.issuer_or_operator
        return await _move(request, actor, together, result_id, "revoke", guard, move, Revocation)

    @router.post("/results/{result_id}/supersede", openapi_extra=body(Replacement, answers={200: ResultView}))
    async def supersede(
        request: Request, result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """Order a new version (lost, damaged or misprinted paper); it replaces this one when it is issued.

        The desk that holds the paper sees the damage, so it may order, too; a paper handed over only its issuer.
        """
        ordered = new_id()

        def move(custody: Custody, old: UUID, now: datetime, _: str) -> domain.Step:
            return domain.reprint(custody, old, ordered, now), ()

        guard = desk.replaces
        response = await _move(request, actor, together, result_id, "supersede", guard, move, Replacement)
        wake_press()
        return response


def _arrival(result_id: UUID, outcome: Done | Problem) -> Arrival:
    if isinstance(outcome, Problem):
        return Arrival(id=result_id, status=outcome.status, code=outcome.slug, message=outcome.title)
    return Arrival(id=result_id, status=200)


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
