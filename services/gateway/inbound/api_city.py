"""HTTP of look-ups: `GET /city/<service>/<path>` is the service's own answer, asked for in the partner's name."""

import math
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.client import Refused
from libs.http.limits import client_network
from libs.http.problems import MEDIA_TYPE, Problem
from libs.http.reads import HEADER, PURPOSES
from services.gateway.acting import Acting
from services.gateway.feed.reading_log import ReadingLog
from services.gateway.inbound.city import READS, read_of
from services.gateway.inbound.desk import SayingDesk
from services.gateway.partners.access import SYSTEM

# For who reads the service's description; the list itself is data.
_DESCRIPTION = (
    "What a service tells my agency; X-Purpose and the query go on to it. One of these, else 404: "
    + "; ".join(f"{read.service}{read.path} ({read.tells})" for read in READS)
)


def build_router(desk: SayingDesk, acting: Acting, log: ReadingLog) -> APIRouter:
    """The endpoint."""
    router = APIRouter(tags=["look-ups"], prefix="/city")

    @router.get("/{service}/{path:path}", description=_DESCRIPTION)
    async def look_up(
        request: Request, service: str, path: str, actor: Annotated[Actor, Depends(SYSTEM)]
    ) -> Response:
        """What a service tells the partner's agency. Raises Problem 401, 404, 429 or 503."""
        partner = await desk.admit(actor)
        desk.count(partner)
        wanted = read_of(service, f"/{path}")
        if wanted is None:
            raise Problem(404)
        # Before it is given out: what could not be noted is not read.
        await log.note(partner.code, client_network(request), wanted.name, events=0, after=0, until=0)
        query = request.scope["query_string"].decode("ascii", "replace")
        asked = f"/{path}?{query}" if query else f"/{path}"
        purpose = request.headers.get(HEADER, "")
        try:
            # One that is none is left out: the service says which there are.
            async with desk.place(partner, paper=False):
                answer = await acting.read(
                    partner, service, asked, purpose=purpose if purpose in PURPOSES else None
                )
        except Refused as refused:
            return _refused(refused)
        return Response(answer, media_type=wanted.media_type)

    return router


def _refused(refused: Refused) -> Response:
    """The service's refusal as it said it. Raises Problem 503 where it was none of the partner's doing."""
    if not 400 <= refused.status < 500 or refused.status == 401:
        raise Problem(503, headers={"Retry-After": "2"})
    headers = {}
    if refused.retry_after_seconds:
        headers["Retry-After"] = str(math.ceil(refused.retry_after_seconds))
    content = refused.answer or Problem(refused.status).document()
    return Response(content, refused.status, headers, MEDIA_TYPE)
