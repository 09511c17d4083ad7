"""Which dossier a tracking token belongs to, for the services a citizen shows it to. No person is in the answer."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.problems import Problem
from services.intake import token_store
from services.intake.office import Office

# The token itself opens nothing: each asks for a second thing before it gives out a person's data.
READER = require(kinds=("service",), services=("results", "portal"))


class TokenQuery(Body, frozen=True, kw_only=True):
    """The token; in a body, for addresses are kept in logs."""

    tracking_token: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Its dossier."""

    dossier_id: UUID


def router(office: Office) -> APIRouter:
    """The endpoint POST /tokens/read."""
    routes = APIRouter(prefix="/tokens", tags=["people"])

    @routes.post("/read", openapi_extra=body(TokenQuery, answers={200: TokenAnswer}))
    async def read(request: Request, _actor: Annotated[Actor, Depends(READER)]) -> Response:
        """The dossier of a tracking token; 404 when there is none."""
        wanted = await read_body(request, TokenQuery)
        async with office.reading() as connection:
            found = await token_store.dossier_of(connection, wanted.tracking_token)
        if found is None:
            raise Problem(404)
        return MsgspecResponse(TokenAnswer(dossier_id=found))

    return routes
