"""HTTP of results, reading: desks' lists, the chain of custody, documents, public verification."""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS, Writer
from libs.catalogue import Catalogue
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, answers
from libs.http.limits import RateLimit
from libs.http.problems import Problem
from libs.http.reads import record_reads
from libs.storage.archive import Archive
from services.results import acts, api_electronic, api_screens, desk, desk_store
from services.results.api_electronic import Box
from services.results.domain import ELECTRONIC, VALID_STATES
from services.results.handing_over import Counter
from services.results.papers import Papers, pdf_answer
from services.results.people import Neighbours
from services.results.receipts import Receipts
from services.results.views import CustodyAct, Page, Verification, agency_name, verification_of, view_of

OFFICER = require(kinds=("officer", "system"))
PAGE_MAX = 200
_OPEN = ("issued", "dispatched", "ready")
# What a list may be asked for; papers handed over are found by their dossier.
State = Literal["pending", "issued", "dispatched", "ready"]
# As secrets.token_urlsafe(16) writes it; anything else needs no look into the database.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


class Endpoints(msgspec.Struct, frozen=True):
    """What the endpoints work with."""

    pool: asyncpg.Pool
    writer: Writer
    archive: Archive
    neighbours: Neighbours
    catalogue: Catalogue
    wake_press: Callable[[], None]
    receipts: Receipts
    verify_limit: RateLimit


def build_router(services: Endpoints) -> APIRouter:
    """All endpoints."""
    router = APIRouter()
    counter, papers = Counter(services.pool, services.neighbours), Papers(services.archive)
    _add_lists(router, services)
    router.include_router(acts.build_router(services.writer, counter, services.wake_press, services.archive))
    _add_papers(router, services, papers)
    router.include_router(api_screens.build_router(services.pool, services.catalogue))
    box = Box(services.pool, counter, services.neighbours)
    router.include_router(api_electronic.build_router(box, papers, services.catalogue, services.verify_limit))
    return router


def _add_lists(router: APIRouter, services: Endpoints) -> None:
    @router.get("/results", openapi_extra=answers({200: Page}))
    async def results(
        actor: Annotated[Actor, Depends(OFFICER)],
        side: Annotated[str, Query(pattern="^(place|agency)$")] = "place",
        state: Annotated[list[State] | None, Query(max_length=len(_OPEN) + 1)] = None,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """What lies at my desk or is on its way to it (side=place), or what my agency still has to send off."""
        if not actor.agency:
            raise Problem(403, "no-agency", "Tài khoản này không thuộc cơ quan nào")
        listing = desk_store.results_at if side == "place" else desk_store.results_from
        async with services.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await listing(conn, actor.agency, state or _OPEN, after, limit)
        views = [view_of(row) for row in rows]
        return MsgspecResponse(Page(results=views, next=views[-1].id if len(views) == limit else None))

    @router.get("/dossiers/{dossier_id}/results", openapi_extra=answers({200: Page}))
    async def dossier_results(dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """Every result of a dossier my agency has to do with, all versions."""
        async with services.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await desk_store.results_of(conn, dossier_id)
        return MsgspecResponse(Page(results=[view_of(row) for row in _concerning(actor, rows)]))

    @router.get("/dossiers/{dossier_id}/custody", openapi_extra=answers({200: list[CustodyAct]}))
    async def custody(dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The chain of custody of those of its results my agency has to do with: who did what, oldest first."""
        async with services.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            mine = {r["id"] for r in _concerning(actor, await desk_store.results_of(conn, dossier_id))}
            acts = [a for a in await desk_store.custody_log(conn, dossier_id) if a["result_id"] in mine]
        return MsgspecResponse(
            [CustodyAct(**{name: act[name] for name in CustodyAct.__struct_fields__}) for act in acts]
        )


def _concerning(actor: Actor, rows: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """The results the actor's agency issued, hands over or fetches, all for an operator. Raises Problem 404 without."""
    everything = desk.OPERATOR in actor.roles
    found = [r for r in rows if everything or desk.is_one_of(actor, r["agency"], r["place"], _fetcher(r))]
    if not found:
        raise desk.not_found()
    return found


def _may_read(actor: Actor, row: asyncpg.Record) -> bool:
    """Whether the actor may see the paper itself, with the people on it.

    The issuing agency, all versions for ever; the desk that hands it over, or fetches an electronic one for the family,
    what is valid. Operators, who look after machines, have no business with it.
    """
    if desk.is_one_of(actor, row["agency"]):
        return True
    return row["state"] in VALID_STATES and desk.is_one_of(actor, row["place"], _fetcher(row))


def _fetcher(row: asyncpg.Record) -> str:
    """The desk that may fetch the paper for the family: of an electronic one, where the dossier was handed in."""
    return row["desk"] if row["delivery"] == ELECTRONIC else ""


def _add_papers(router: APIRouter, services: Endpoints, papers: Papers) -> None:
    async def readable(conn: Any, actor: Actor, result_id: UUID) -> asyncpg.Record:
        row = await desk_store.result_row(conn, result_id)
        if row is None or not _may_read(actor, row):
            raise desk.not_found()
        return row

    @router.get("/results/{result_id}/document")
    async def document(result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The signed PDF."""
        async with services.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            row = await readable(conn, actor, result_id)
            if row["document_key"] is None:
                raise Problem(404, "no-document", "Kết quả này chưa có bản in")
            await record_reads(conn, actor, "hand-over", "document", [row["dossier_id"]])
        return pdf_answer(await papers.content(row), f"{row['code']}-v{row['version']}.pdf")

    @router.get("/results/{result_id}/receipt")
    async def receipt(result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The receipt of the hand-over by which this result was given, as PDF."""
        async with services.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            row = await desk_store.result_row(conn, result_id)
            handover = await desk_store.handover_of(conn, result_id)
            # Whatever has become of the paper since: who issued it or handed it over keeps the proof of that.
            place = handover.place if handover else (row["place"] if row else "")
            if row is None or not desk.is_one_of(actor, row["agency"], place):
                raise desk.not_found()
            if handover is None:
                raise Problem(404, "not-handed-over", "Kết quả này chưa được trao")
            rows = [await desk_store.result_row(conn, given) for given in handover.result_ids]
            await record_reads(conn, actor, "hand-over", "receipt", [row["dossier_id"]])
        pdf = await services.receipts.pdf(handover, [r for r in rows if r is not None])
        return pdf_answer(pdf, "bien-nhan.pdf")

    @router.get("/verify/{token}", openapi_extra=answers({200: Verification}))
    async def verify(request: Request, token: str) -> Response:
        """Whether the paper with this code is valid, superseded or revoked. Names no person."""
        services.verify_limit.check(request)
        if not _TOKEN.fullmatch(token):
            raise _unknown_document()
        async with services.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            row = await desk_store.result_by_token(conn, token)
        if row is None:
            raise _unknown_document()
        return MsgspecResponse(verification_of(row, agency_name(services.catalogue, row["agency"])))


def _unknown_document() -> Problem:
    return Problem(404, "unknown-document", "Không có giấy tờ nào mang mã này")
