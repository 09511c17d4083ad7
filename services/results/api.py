"""HTTP of results, reading: desks' lists, the chain of custody, documents, public verification."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from libs.bus.writer import Writer
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, answers
from libs.http.limits import RateLimit
from libs.http.problems import Problem
from libs.http.reads import record_reads
from libs.storage.archive import Archive
from services.results import acts, desk, receipts, store
from services.results.people import Neighbours
from services.results.press import Press
from services.results.views import CustodyAct, Page, Verification, verification_of, view_of

OFFICER = require(kinds=("officer", "system"))
PAGE_MAX = 200
_OPEN = ("issued", "dispatched", "ready")


class Endpoints(msgspec.Struct, frozen=True):
    """What the endpoints work with."""

    pool: asyncpg.Pool
    writer: Writer
    archive: Archive
    neighbours: Neighbours
    press: Press
    receipts: "receipts.Receipts"
    verify_limit: RateLimit


def build_router(services: Endpoints) -> APIRouter:
    """All endpoints."""
    router = APIRouter()
    _add_lists(router, services)
    router.include_router(acts.build_router(services.writer, services.neighbours, services.press))
    _add_papers(router, services)
    return router


def _add_lists(router: APIRouter, services: Endpoints) -> None:
    @router.get("/results", openapi_extra=answers({200: Page}))
    async def results(
        actor: Annotated[Actor, Depends(OFFICER)],
        side: Annotated[str, Query(pattern="^(place|agency)$")] = "place",
        state: Annotated[list[str] | None, Query(max_length=len(_OPEN) + 1)] = None,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """What lies at my desk or is on its way to it (side=place), or what my agency still has to send off."""
        listing = store.results_at if side == "place" else store.results_from
        async with services.pool.acquire() as conn:
            rows = await listing(conn, actor.agency, state or _OPEN, after, limit)
        views = [view_of(row) for row in rows]
        return MsgspecResponse(Page(results=views, next=views[-1].id if len(views) == limit else None))

    @router.get("/dossiers/{dossier_id}/results", openapi_extra=answers({200: Page}))
    async def dossier_results(dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """Every result of a dossier my agency has to do with, all versions."""
        async with services.pool.acquire() as conn:
            rows = await store.results_of(conn, dossier_id)
        mine = [r for r in rows if actor.agency in (r["agency"], r["place"]) or "operator" in actor.roles]
        if not mine:
            raise desk.not_found()
        return MsgspecResponse(Page(results=[view_of(row) for row in mine]))

    @router.get("/dossiers/{dossier_id}/custody", openapi_extra=answers({200: list[CustodyAct]}))
    async def custody(dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The chain of custody: who did what with which result, oldest first."""
        async with services.pool.acquire() as conn:
            rows = await store.results_of(conn, dossier_id)
            if (
                not any(actor.agency in (r["agency"], r["place"]) for r in rows)
                and "operator" not in actor.roles
            ):
                raise desk.not_found()
            acts = await store.custody_log(conn, dossier_id)
        return MsgspecResponse(
            [CustodyAct(**{name: act[name] for name in CustodyAct.__struct_fields__}) for act in acts]
        )


def _add_papers(router: APIRouter, services: Endpoints) -> None:
    async def readable(conn: Any, actor: Actor, result_id: UUID) -> asyncpg.Record:
        row = await store.result_row(conn, result_id)
        if row is None or (
            actor.agency not in (row["agency"], row["place"]) and "operator" not in actor.roles
        ):
            raise desk.not_found()
        return row

    @router.get("/results/{result_id}/document")
    async def document(result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The signed PDF."""
        async with services.pool.acquire() as conn:
            row = await readable(conn, actor, result_id)
            if row["document_key"] is None:
                raise Problem(404, "no-document", "Kết quả này chưa có bản in")
            await record_reads(conn, actor, "hand-over", "document", [row["dossier_id"]])
        pdf = await services.archive.get(row["document_key"], row["document_sha256"])
        return _pdf(pdf, f"{row['code']}-v{row['version']}.pdf")

    @router.get("/results/{result_id}/receipt")
    async def receipt(result_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """The receipt of the hand-over by which this result was given, as PDF."""
        async with services.pool.acquire() as conn:
            row = await readable(conn, actor, result_id)
            handover = await store.handover_of(conn, result_id)
            if handover is None:
                raise Problem(404, "not-handed-over", "Kết quả này chưa được trao")
            rows = [await store.result_row(conn, given) for given in handover.result_ids]
            await record_reads(conn, actor, "hand-over", "receipt", [row["dossier_id"]])
        pdf = await services.receipts.pdf(handover, [r for r in rows if r is not None])
        return _pdf(pdf, "bien-nhan.pdf")

    @router.get("/verify/{token}", openapi_extra=answers({200: Verification}))
    async def verify(request: Request, token: str) -> Response:
        """Whether the paper with this code is valid, superseded or revoked. Names no person."""
        services.verify_limit.check(request)
        async with services.pool.acquire() as conn:
            row = await store.result_by_token(conn, token)
        if row is None:
            raise Problem(404, "unknown-document", "Không có giấy tờ nào mang mã này")
        return MsgspecResponse(verification_of(row))


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
