"""HTTP of results for the person themselves: their electronic results, by tracking token and four digits."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS
from libs.catalogue import Catalogue
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.limits import RateLimit
from libs.http.reads import record_reads
from services.results import desk, desk_store
from services.results.domain import ELECTRONIC, VALID_STATES
from services.results.fetching import CITIZEN, not_recognised, recognise
from services.results.handing_over import PURPOSE, Counter
from services.results.papers import Papers, pdf_answer
from services.results.people import Neighbours
from services.results.tries import FROM_AFAR, Checks
from services.results.views import agency_name


class Proof(Body, frozen=True, kw_only=True):
    """What only the person has: the token of the receipt, and what an identity or telephone number ends with."""

    tracking_token: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    last_four: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{4}$")]


class ElectronicResult(msgspec.Struct, frozen=True, kw_only=True):
    """One valid electronic result, and where its signed PDF is asked for (POST, with the same body)."""

    id: UUID
    code: str
    name: str
    version: int
    agency: str
    document: str


class ElectronicResults(msgspec.Struct, frozen=True, kw_only=True):
    """The valid electronic results of one dossier."""

    results: list[ElectronicResult]


class Box:
    """The electronic results of one dossier at a time, for whoever proves to be the person."""

    def __init__(self, pool: "asyncpg.Pool", counter: Counter, neighbours: Neighbours) -> None:
        self._pool = pool
        self._counter = counter
        self._neighbours = neighbours
        self._checks: Checks[bool] = Checks(pool, "citizen", FROM_AFAR)

    async def opened(self, proof: Proof) -> Sequence[asyncpg.Record]:
        """The results. Raises Problem 403 for a wrong proof, 429 after too many, and the clients' errors."""
        dossier_id = await self._neighbours.dossier_of(proof.tracking_token)
        people = None if dossier_id is None else await self._counter.people(dossier_id)
        if dossier_id is None or people is None:
            raise not_recognised()
        await self._checks.outcome(dossier_id, CITIZEN, lambda: recognise(people, proof.last_four))
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await desk_store.results_of(conn, dossier_id)
        return [
            row
            for row in rows
            if row["delivery"] == ELECTRONIC and row["state"] in VALID_STATES and row["document_key"]
        ]

    async def record(self, row: asyncpg.Record) -> None:
        """Note that the person has fetched this one."""
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            await record_reads(conn, CITIZEN, PURPOSE, "document", [row["dossier_id"]])


def build_router(box: Box, papers: Papers, catalogue: Catalogue, limit: RateLimit) -> APIRouter:
    """The two endpoints; proofs travel in bodies, for addresses are kept in logs and histories."""
    router = APIRouter(tags=["public"])

    @router.post("/electronic-results", openapi_extra=body(Proof, answers={200: ElectronicResults}))
    async def electronic_results(request: Request) -> Response:
        """My electronic results."""
        limit.check(request)
        rows = await box.opened(await read_body(request, Proof))
        found = [
            ElectronicResult(
                id=row["id"],
                code=row["code"],
                name=row["title"] or row["code"],
                version=row["version"],
                agency=agency_name(catalogue, row["agency"]),
                document=f"/electronic-results/{row['id']}/document",
            )
            for row in rows
        ]
        return MsgspecResponse(ElectronicResults(results=found))

    @router.post("/electronic-results/{result_id}/document", openapi_extra=body(Proof, answers={}))
    async def electronic_document(request: Request, result_id: UUID) -> Response:
        """The signed PDF of one of them."""
        limit.check(request)
        rows = await box.opened(await read_body(request, Proof))
        row = next((row for row in rows if row["id"] == result_id), None)
        if row is None:
            raise desk.not_found()
        await box.record(row)
        return pdf_answer(await papers.content(row), f"{row['code']}-v{row['version']}.pdf")

    return router
