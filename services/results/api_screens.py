"""HTTP of results for screens: summaries by dossier, the queue of papers to be handed over, where a family goes."""

from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS
from libs.catalogue import Catalogue
from libs.catalogue.errors import CatalogueError, UnknownAgency
from libs.catalogue.queues import Queue
from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, answers, body, read_body
from libs.http.problems import Problem
from services.results import desk, desk_store
from services.results.domain import DISPATCHED, ISSUED, READY
from services.results.summaries import (
    DossierSummary,
    Whereabouts,
    concerns,
    name_of,
    summary_of,
    whereabouts_of,
)
from services.results.views import ResultView, view_of
from services.results.words import STATES

OFFICER = require(kinds=("officer", "system"))
SCREEN = require(kinds=("officer", "system", "service"), services=("portal",))
DOSSIERS_MAX = 200
ROWS_MAX = 100
COUNTED_MAX = 1000
RESULTS = "results"
# What may lie at or be on its way to a place.
_WAITING = (ISSUED, DISPATCHED, READY)


class SummariesBody(Body, frozen=True, kw_only=True):
    """The dossiers whose results are wanted."""

    dossier_ids: Annotated[tuple[UUID, ...], msgspec.Meta(min_length=1, max_length=DOSSIERS_MAX)]


class Summaries(msgspec.Struct, frozen=True, kw_only=True):
    """The dossiers the caller has to do with, in the order asked; the others are left out."""

    dossiers: tuple[DossierSummary, ...]


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """A queue of this service. Counts go to 1,000, then `more` is true.

    `to_take_in` are papers on their way to the caller's desk, `to_hand_over` those that lie there.
    """

    slug: str
    name_vi: str
    service: str
    action: str
    empty_vi: str
    count: int
    more: bool
    to_take_in: int
    to_hand_over: int


class QueueList(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's queues of this service."""

    queues: tuple[QueueView, ...]


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One paper with the one thing to do with it at this desk: `arrive` or `hand-over`."""

    result: ResultView
    name_vi: str
    state_vi: str
    act: str


class QueuePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a queue; `next` is the `after` of the following page."""

    slug: str
    rows: tuple[QueueRow, ...]
    next: UUID | None


def build_router(pool: "asyncpg.Pool", catalogue: Catalogue) -> APIRouter:
    """All endpoints. None of them gives anybody's data: codes, states, places and relations only."""
    router = APIRouter(tags=["screens"])

    @router.post("/results/summaries", openapi_extra=body(SummariesBody, answers={200: Summaries}))
    async def summaries(request: Request, actor: Annotated[Actor, Depends(SCREEN)]) -> Response:
        """The results of many dossiers as they stand: lamps at the bed, columns of a list."""
        wanted = await read_body(request, SummariesBody)
        by_dossier: dict[UUID, list[asyncpg.Record]] = {one: [] for one in wanted.dossier_ids}
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            for row in await desk_store.with_receivers(conn, list(by_dossier)):
                by_dossier[row["dossier_id"]].append(row)
        found = tuple(
            summary_of(dossier_id, rows, catalogue)
            for dossier_id, rows in by_dossier.items()
            if rows and concerns(actor, rows)
        )
        return MsgspecResponse(Summaries(dossiers=found))

    @router.get("/dossiers/{dossier_id}/whereabouts", openapi_extra=answers({200: Whereabouts}))
    async def whereabouts(dossier_id: UUID, actor: Annotated[Actor, Depends(SCREEN)]) -> Response:
        """Where the family finds each result: the desk with its address and hours, or in its electronic box."""
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await desk_store.with_receivers(conn, [dossier_id])
        if not rows or not concerns(actor, rows):
            raise desk.not_found()
        return MsgspecResponse(whereabouts_of(summary_of(dossier_id, rows, catalogue), catalogue))

    @router.get("/queues", openapi_extra=answers({200: QueueList}))
    async def queues(actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """My queues of this service with how much is in each."""
        seen = _seen_by(actor, catalogue)
        coming = there = 0
        if seen:
            async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
                coming, there = await desk_store.count_at(conn, actor.agency, COUNTED_MAX + 1)
        return MsgspecResponse(QueueList(queues=tuple(_queue_view(one, coming, there) for one in seen)))

    @router.get("/queues/{slug}", openapi_extra=answers({200: QueuePage}))
    async def queue(
        slug: str,
        actor: Annotated[Actor, Depends(OFFICER)],
        state: Annotated[str, Query(pattern="^(|to-take-in|to-hand-over)$")] = "",
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=ROWS_MAX)] = 50,
    ) -> Response:
        """The papers at my desk and on their way to it, or only those; oldest first."""
        if not any(one.slug == slug for one in _seen_by(actor, catalogue)):
            raise Problem(404)
        states = {"to-take-in": (ISSUED, DISPATCHED), "to-hand-over": (READY,)}.get(state, _WAITING)
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await desk_store.results_at(conn, actor.agency, states, after, limit + 1)
        shown = tuple(_queue_row(row) for row in rows[:limit])
        more = shown[-1].result.id if len(rows) > limit else None
        return MsgspecResponse(QueuePage(slug=slug, rows=shown, next=more))

    return router


def _seen_by(actor: Actor, catalogue: Catalogue) -> tuple[Queue, ...]:
    """The queues of this service the actor works from. Nobody works at no desk."""
    if not actor.agency:
        return ()
    try:
        held = catalogue.agency(actor.agency).roles
    except (CatalogueError, UnknownAgency):
        held = ()
    return tuple(q for q in catalogue.queues if q.service == RESULTS and q.seen_by(actor.roles, held))


def _queue_view(queue: Queue, coming: int, there: int) -> QueueView:
    return QueueView(
        slug=queue.slug,
        name_vi=queue.name_vi,
        service=queue.service,
        action=queue.action,
        empty_vi=queue.empty_vi,
        count=min(coming + there, COUNTED_MAX),
        more=coming + there > COUNTED_MAX,
        to_take_in=min(coming, COUNTED_MAX),
        to_hand_over=min(there, COUNTED_MAX),
    )


def _queue_row(row: asyncpg.Record) -> QueueRow:
    return QueueRow(
        result=view_of(row),
        name_vi=name_of(row),
        state_vi=STATES[row["state"]],
        act="hand-over" if row["state"] == READY else "arrive",
    )
