"""HTTP in: what screens show officers and families of cases: queues, the case as it may be worked on, its outcomes."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from libs.catalogue.queues import Queue
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, described_answers
from libs.http.problems import Problem
from libs.http.reads import purpose_of, record_reads
from services.routing import queues, record_store, store
from services.routing.api import Staff, rules_of
from services.routing.case_desk import CaseDesk, desk_of
from services.routing.desk_store import read_mark
from services.routing.family import FamilyPage, family_page
from services.routing.queues import QueueList, QueuePage
from services.routing.reading import ACQUIRE_TIMEOUT_SECONDS, WhoAnswers
from services.routing.wire import Outcome
from services.routing.words import ENTRIES, OUTCOMES, STEP_STATES

router = APIRouter(tags=["screens"])
Anyone = Annotated[Actor, Depends(require(kinds=("officer", "system", "service"), services=("portal",)))]
ROWS_MAX = 100


class Glossary(msgspec.Struct, frozen=True, kw_only=True):
    """The Vietnamese words for codes: lines of the timeline and acts, states of steps, how a case ended."""

    timeline: dict[str, str]
    step_states: dict[str, str]
    outcomes: dict[str, str]


@router.get("/queues", openapi_extra=described_answers({200: QueueList}))
async def list_queues(request: Request, actor: Staff) -> Response:
    """The queues I work from with how much is in each, counted up to 1,000."""
    async with request.app.state.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        return MsgspecResponse(await queues.counted(connection, actor, rules_of(request)))


@router.get("/queues/{slug}", openapi_extra=described_answers({200: QueuePage}))
async def show_queue(
    request: Request,
    slug: str,
    actor: Staff,
    limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = 50,
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The rows of one of my queues, the most urgent first, each with what I may do with it now."""
    rules = rules_of(request)
    queue = _mine(slug, queues.seen_by(actor, rules))
    try:
        mark = read_mark(after) if after else None
    except ValueError:
        raise Problem(422, "unknown-page", "Không có trang này") from None
    # Of one moment: a step's row and its case belong together.
    async with (
        request.app.state.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        if queue.holds == queues.APOLOGIES:
            return MsgspecResponse(await queues.apologies_of(connection, queue, actor, rules))
        page = await queues.page_of(connection, queue, actor, rules, limit=limit, after=mark)
    return MsgspecResponse(page)


def _mine(slug: str, seen: tuple[Queue, ...]) -> Queue:
    """The queue of this service. Raises Problem 404 for one the actor does not work from."""
    for queue in seen:
        if queue.slug == slug and queue.service == queues.ROUTING:
            return queue
    raise Problem(404)


@router.get("/cases/{dossier_id}/desk", openapi_extra=described_answers({200: CaseDesk}))
async def show_desk(request: Request, dossier_id: UUID, actor: Staff) -> Response:
    """The case as I may work on it: per step of my agency what I may do now and why not the rest."""
    async with request.app.state.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        case = await store.read(connection, dossier_id)
        last = await record_store.last_acts(connection, [dossier_id])
        now = await store.now(connection)
    desk = desk_of(case, actor, last, now, rules_of(request)) if case is not None else None
    if desk is None:
        raise Problem(404)
    return MsgspecResponse(desk)


@router.get("/cases/{dossier_id}/steps/{step}/outcome", openapi_extra=described_answers({200: Outcome}))
async def show_outcome(request: Request, dossier_id: UUID, step: str, actor: Staff) -> Response:
    """What my agency entered on completing the step, newest revision; every such read is recorded."""
    purpose = purpose_of(request, ("settle-step", "revoke", "audit"))
    async with request.app.state.writer.transaction() as connection:
        found = await record_store.newest_outcomes(connection, [(dossier_id, step)])
        if not found or not actor.agency or found[0].agency != actor.agency:
            raise Problem(404)
        await record_reads(connection, actor, purpose, "outcome", [dossier_id])
    return MsgspecResponse(_outcome(found[0]))


def _outcome(one: Any) -> Outcome:
    return Outcome(
        dossier_id=one.dossier_id,
        step=one.step,
        agency=one.agency,
        revision=one.revision,
        completed_at=one.recorded_at,
        outcome=msgspec.Raw(one.data),
    )


@router.get("/cases/{dossier_id}/family", openapi_extra=described_answers({200: FamilyPage}))
async def show_family(request: Request, dossier_id: UUID, actor: WhoAnswers) -> Response:
    """What the family's page says: the appointment, what was promised anew with which apology, what is to hand in."""
    async with request.app.state.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        case = await store.read(connection, dossier_id)
        now = await store.now(connection)
    if case is None or not (actor.kind == "service" or actor.agency == case.receiving_agency):
        raise Problem(404)
    return MsgspecResponse(family_page(case, now, rules_of(request)))


@router.get("/glossary", openapi_extra=described_answers({200: Glossary}))
async def show_glossary(_: Anyone) -> Response:
    """The words for the codes of this service."""
    return MsgspecResponse(Glossary(timeline=ENTRIES, step_states=STEP_STATES, outcomes=OUTCOMES))
