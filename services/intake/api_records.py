"""What a desk prints of a dossier it has to do with, and who has looked into it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, described_answers
from libs.http.problems import Problem
from libs.http.reads import PURPOSES, purpose_of, record_reads
from services.intake import file_store, read_store, store
from services.intake.office import Office
from services.intake.paper_facts import PaperFacts, for_an_agency, paper_facts
from services.intake.read_store import READS_MAX

OFFICER = require()
AUDITOR = require("one_stop", "audit")
AUDIT = "audit"


class ReadLine(msgspec.Struct, frozen=True, kw_only=True):
    """One look into a dossier: who, when, what for (`purpose_text` is for people) and what was shown."""

    id: int
    at: datetime
    actor_kind: str
    actor: str
    agency: str
    purpose: str
    purpose_text: str
    what: str


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """Looks into a dossier, the newest first; ask again with `before` for the next, null when there is none."""

    reads: tuple[ReadLine, ...]
    before: int | None


def router(office: Office) -> APIRouter:
    """The endpoints GET /dossiers/{dossier_id}/paper-facts and GET /dossiers/{dossier_id}/reads."""
    routes = APIRouter(prefix="/dossiers/{dossier_id}", tags=["dossiers"])

    @routes.get("/paper-facts", openapi_extra=described_answers({200: PaperFacts}))
    async def facts(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """What the printed forms say, for whoever handles the dossier or has had a step of it.

        An agency with a step tells the applicant what lacks, why not or that it takes longer: it gets neither the
        tracking link nor where the results go. The purpose (X-Purpose) is recorded.
        """
        purpose = purpose_of(request)
        async with office.recording() as connection:
            dossier = await office.readable(connection, actor, dossier_id)
            file = (await file_store.newest(connection, [dossier_id]))[dossier_id]
            writings = await file_store.writings(connection, dossier_id)
            await record_reads(connection, actor, purpose, "paper-facts", [dossier_id])
        facts = paper_facts(dossier, file, writings, office.catalogue, office.public_url)
        return MsgspecResponse(facts if office.handles(actor, dossier) else for_an_agency(facts))

    @routes.get("/reads", openapi_extra=described_answers({200: Reads}))
    async def reads(
        dossier_id: UUID,
        actor: Annotated[Actor, Depends(AUDITOR)],
        before: Annotated[int | None, Query(ge=1)] = None,
        limit: Annotated[int, Query(ge=1, le=READS_MAX)] = 100,
    ) -> Response:
        """Who looked into the dossier, for the one-stop shop that handles it and for auditors. This is a look, too."""
        async with office.recording() as connection:
            dossier = await store.find(connection, dossier_id)
            if dossier is None:
                raise Problem(404)
            if AUDIT not in actor.roles and not office.handles(actor, dossier):
                raise Problem(403 if office.may_read(actor, dossier) else 404)
            rows = await read_store.reads_of(connection, dossier_id, before=before, limit=limit)
            await record_reads(connection, actor, AUDIT, "reads", [dossier_id])
        lines = tuple(
            ReadLine(**row, purpose_text=PURPOSES.get(row["purpose"], row["purpose"])) for row in rows
        )
        return MsgspecResponse(Reads(reads=lines, before=lines[-1].id if len(lines) == limit else None))

    return routes
