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
from libs.http.idempotency import Answer, answered_before, once
from libs.http.problems import Problem
from libs.http.together import Together
from services.results import desk, domain
from services.results.desk import Act, Done, Guard
from services.results.desk_store import Receiver
from services.results.domain import Custody, Result
from services.results.handing_over import Counter
from services.results.views import ResultView

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
Text = Annotated[str, msgspec.Meta(max_length=255)]
RESULTS_MAX = 20
# What a courier's bag holds.
ARRIVALS_MAX = 200


class Note(Body, frozen=True, kw_only=True):
    """What the officer wants to be remembered of the act; it stays in this service."""

    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class Revocation(Note, frozen=True, kw_only=True):
    """Why a result is no longer valid."""

    reason: RevokeReason | Literal[""] = ""


class Replacement(Note, frozen=True, kw_only=True):
    """Why a new version is wanted."""

    reason: ReplaceReason | Literal[""] = ""


class ReceiverBody(Body, frozen=True, kw_only=True):
    """Who takes the papers: name and identity document as shown, relation to the child or applicant.

    `authorisation` is the paper by which somebody acts for another (for a carrier, its proof of delivery);
    `evidence` the paper by which a person was recognised whose identity number the dossier does not know.
    """

    name: Text = ""
    relation: Literal["mother", "father", "applicant", "guardian", "relative", "authorised", "carrier"]
    identity_number: Annotated[str, msgspec.Meta(max_length=40)] = ""
    authorisation: Text = ""
    evidence: Text = ""


class HandoverBody(Body, frozen=True, kw_only=True):
    """Several results of one dossier, handed to one person in one act."""

    results: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=RESULTS_MAX)]
    receiver: ReceiverBody


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


class HandoverDone(msgspec.Struct, frozen=True, kw_only=True):
    """The act of handing over, and where its receipt can be fetched."""

    handover_id: UUID
    results: list[ResultView]
    receipt: str


def build_router(writer: Writer, counter: Counter, wake_press: Callable[[], None]) -> APIRouter:
    """All acts. `wake_press` is called when there is something to print."""
    router = APIRouter()
    together = Together(writer, _carry_out)
    _add_custody(router, together, writer)
    _add_decisions(router, together, wake_press)
    _add_handover(router, together, counter, writer)
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
    act = Act(actor=actor, name=name, result_ids=(result_id,), guard=guard, move=step, note=note)
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


def _add_handover(router: APIRouter, together: Together[Act], counter: Counter, writer: Writer) -> None:
    @router.post(
        "/dossiers/{dossier_id}/hand-over", openapi_extra=body(HandoverBody, answers={200: HandoverDone})
    )
    async def hand_over(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """Hand results to the person who came for them, checked against the dossier; the receipt follows."""
        given = await read_body(request, HandoverBody)
        # Before the receiver is checked again: what was handed over once must not meet a 429 on being repeated.
        earlier = await answered_before(request, actor, writer)
        if earlier is not None:
            return earlier
        if len(set(given.results)) != len(given.results):
            raise Problem(422, "results-repeated", "Mỗi kết quả chỉ được chọn một lần")
        chosen = desk.to_hand_over(await counter.custody(dossier_id), actor, given.results)
        people = await counter.people(dossier_id)
        if people is None:
            raise desk.not_found()
        told = Receiver(**msgspec.structs.asdict(given.receiver))
        receiver = await counter.recognised(actor, told, people, {result.delivery for result in chosen})
        act = Act(
            actor=actor,
            name="hand-over",
            result_ids=tuple(given.results),
            guard=desk.at_place,
            move=desk.handing_over(given.results, receiver.relation),
            dossier_id=dossier_id,
            receiver=receiver,
        )
        return await together.once(request, actor, act)


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
