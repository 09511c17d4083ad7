"""Many dossiers in a few words each, for the lists of those who may read them."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.problems import FieldError, Problem
from libs.http.reads import PURPOSES, record_reads
from services.intake import file_store, store
from services.intake.office import Office
from services.intake.summaries import Summary, summary

BATCH_MAX = 200
READER = require()


class SummaryQuery(Body, frozen=True, kw_only=True):
    """Which dossiers, and what for (a code of X-Purpose)."""

    dossier_ids: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=BATCH_MAX)]
    purpose: Annotated[str, msgspec.Meta(max_length=64)]


class Summaries(msgspec.Struct, frozen=True, kw_only=True):
    """One summary a dossier, in the order asked; those unknown, or that the caller may not find, are absent."""

    summaries: tuple[Summary, ...]


def router(office: Office) -> APIRouter:
    """The endpoint POST /dossiers/summaries."""
    routes = APIRouter(prefix="/dossiers", tags=["dossiers"])

    @routes.post("/summaries", openapi_extra=body(SummaryQuery, answers={200: Summaries}))
    async def summaries(request: Request, actor: Annotated[Actor, Depends(READER)]) -> Response:
        """Up to 200 dossiers in a few words each. Every one answered is a recorded read."""
        wanted = await read_body(request, SummaryQuery)
        if wanted.purpose not in PURPOSES:
            message = f"Mục đích phải là một trong: {', '.join(sorted(PURPOSES))}."
            raise Problem(422, errors=[FieldError("purpose", "unknown", message)])
        ids = list(dict.fromkeys(wanted.dossier_ids))
        async with office.recording() as connection:
            known = await store.find_many(connection, ids)
            mine = [one for one in ids if one in known and office.may_find(actor, known[one])]
            files = await file_store.newest(connection, mine)
            await record_reads(connection, actor, wanted.purpose, "summary", mine)
        found = (summary(known[one], files[one], office.catalogue) for one in mine)
        return MsgspecResponse(Summaries(summaries=tuple(found)))

    return routes
