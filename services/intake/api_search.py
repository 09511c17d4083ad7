"""The search box of officers: by code, token, number, telephone or name, among what they may see."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, described_answers
from libs.http.problems import FieldError, Problem
from libs.http.reads import record_reads
from services.intake import file_store, store
from services.intake.dossier import STATUS_NAMES, Dossier
from services.intake.file_store import FileVersion
from services.intake.office import Office
from services.intake.people import people_record
from services.intake.search import Matched, find
from services.intake.search_facts import hospital_reader
from services.intake.search_text import TYPED_LENGTH_MAX, read_query

OFFICER = require(kinds=("officer",))
HITS_MAX = 50
PURPOSE = "search"


class SearchHit(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier found; names are empty where the dossier has none such. `matched` says what fitted."""

    dossier_id: UUID
    code: str
    matched: Matched
    procedure: str
    procedure_name: str
    status: int
    status_name: str
    received_at: datetime
    applicant: str
    mother: str
    child: str


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The best hits, best first; with `more` others may fit as well, and more of a name finds them."""

    hits: tuple[SearchHit, ...]
    more: bool


def router(office: Office) -> APIRouter:
    """The endpoint GET /search."""
    routes = APIRouter(tags=["search"])

    @routes.get("/search", openapi_extra=described_answers({200: SearchAnswer}))
    async def search(
        actor: Annotated[Actor, Depends(OFFICER)],
        q: Annotated[str, Query(max_length=TYPED_LENGTH_MAX)],
        limit: Annotated[int, Query(ge=1, le=HITS_MAX)] = 20,
    ) -> Response:
        """Find dossiers by what is at hand. Every hit is a recorded read."""
        query = read_query(q)
        if query.empty:
            message = "Hãy nhập ít nhất 2 chữ cái của họ tên, mã hồ sơ hoặc một số giấy tờ, số điện thoại."
            raise Problem(422, errors=[FieldError("q", "nothing-to-look-for", message)])
        readers = readers_for(office, actor)
        async with office.recording() as connection:
            found = await find(connection, query, readers, limit)
            # An agency split among several has left each its part; and a code leads to any dossier there is.
            known = await store.find_many(connection, [hit.dossier_id for hit in found.hits])
            hits = [
                hit
                for hit in found.hits
                if hit.dossier_id in known and office.may_find(actor, known[hit.dossier_id])
            ]
            shown = hits[:limit]
            ids = [hit.dossier_id for hit in shown]
            files = await file_store.newest(connection, ids)
            await record_reads(connection, actor, PURPOSE, "search", ids)
        lines = (_hit(office, known[hit.dossier_id], files[hit.dossier_id], hit.matched) for hit in shown)
        return MsgspecResponse(SearchAnswer(hits=tuple(lines), more=found.more or len(hits) > limit))

    return routes


def readers_for(office: Office, actor: Actor) -> tuple[str, ...]:
    """As whom the actor may find dossiers: the own agency, those it follows, the own hospital."""
    facility = office.facility_of(actor)
    hospital = (hospital_reader(facility),) if facility else ()
    return (*office.desks_of(actor), *hospital)


def _hit(office: Office, dossier: Dossier, file: FileVersion, matched: Matched) -> SearchHit:
    people = people_record(dossier, file.kind, file.content, contact_only=False)
    procedure = office.catalogue.procedure(dossier.procedure, dossier.procedure_from)
    return SearchHit(
        dossier_id=dossier.id,
        code=dossier.code,
        matched=matched,
        procedure=procedure.code,
        procedure_name=procedure.short_name_vi,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        received_at=dossier.received_at,
        applicant=people.applicant.name,
        mother=people.mother.name if people.mother else "",
        child=people.child.name if people.child else "",
    )
