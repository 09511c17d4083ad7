"""People's data for the other services, in batches; every read leaves a row with its purpose."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.reads import record_reads
from services.intake import file_store, store
from services.intake.office import Office
from services.intake.people import PeopleRecord, people_record

READER = require(kinds=("service",), services=("routing", "results", "notify"))
BATCH_MAX = 200
# Purpose asked with → purpose recorded (libs.http.reads); document and contact are the short names.
RECORDED = {
    "make-document": "make-document",
    "document": "make-document",
    "notify": "notify",
    "contact": "notify",
    "hand-over": "hand-over",
}


class PeopleQuery(Body, frozen=True, kw_only=True):
    """Whose people are wanted, and what for."""

    dossier_ids: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=BATCH_MAX)]
    purpose: Literal["make-document", "document", "notify", "contact", "hand-over"]


class PeopleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One record a dossier, in the order asked; unknown dossiers are absent."""

    people: tuple[PeopleRecord, ...]


def router(office: Office) -> APIRouter:
    """The endpoint POST /people/read."""
    routes = APIRouter(prefix="/people", tags=["people"])

    @routes.post("/read", openapi_extra=body(PeopleQuery, answers={200: PeopleAnswer}))
    async def read(request: Request, actor: Annotated[Actor, Depends(READER)]) -> Response:
        """Read people of up to 200 dossiers."""
        wanted = await read_body(request, PeopleQuery)
        ids = list(dict.fromkeys(wanted.dossier_ids))
        async with office.recording() as connection:
            dossiers = await store.find_many(connection, ids)
            files = await file_store.newest(connection, list(dossiers))
            await record_reads(connection, actor, RECORDED[wanted.purpose], "people", list(dossiers))
        contact_only = RECORDED[wanted.purpose] == "notify"
        people = (
            people_record(dossiers[one], files[one].kind, files[one].content, contact_only=contact_only)
            for one in ids
            if one in dossiers
        )
        return MsgspecResponse(PeopleAnswer(people=tuple(people)))

    return routes
