"""HTTP of the feed: `GET /events`, as batches (with long polling) or as a stream."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.health import Health
from libs.http.limits import client_network
from services.gateway.feed import streams
from services.gateway.feed.reading import Desk, Question, Waiting, cursor
from services.gateway.feed.streams import stream
from services.gateway.partners.access import PERSON_OR_SYSTEM

BATCH = "application/cloudevents-batch+json"
# The one place of the cursor: the body is the batch format's own JSON array, which has no room for it.
NEXT_CURSOR = "Next-Cursor"
WAIT_SECONDS_MAX = 30
LIMIT_MAX = 1000

# A person of a partner looks at the same events its system reads.
_DESCRIBED: dict[str, Any] = {
    "responses": {
        "200": {
            "description": "Events in the order of the feed; where to go on stands in the header",
            "headers": {
                NEXT_CURSOR: {"description": "`after` of the next call", "schema": {"type": "string"}}
            },
            "content": {
                BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
                streams.MEDIA_TYPE: {"schema": {"type": "string"}},
            },
        }
    }
}


def build_router(desk: Desk) -> APIRouter:
    """The endpoints for partners."""
    router = APIRouter()

    @router.get("/events", openapi_extra=_DESCRIBED)
    async def events(
        request: Request,
        actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)],
        after: Annotated[str, Query(max_length=40)] = "",
        types: Annotated[str, Query(max_length=2000)] = "",
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        wait: Annotated[float, Query(ge=0, le=WAIT_SECONDS_MAX)] = 0,
    ) -> Response:
        """Events after a cursor: without one from the first kept on, `latest` only new ones; `types` as `results.*,…`.

        `wait` seconds for one when there is none. With `Accept: text/event-stream` they go on coming; Last-Event-ID
        goes before `after`.
        """
        streaming = streams.MEDIA_TYPE in request.headers.get("accept", "")
        question = Question(
            actor=actor,
            came_from=client_network(request),
            way="stream" if streaming else "batch",
            types=types,
        )
        begin = (request.headers.get("last-event-id") or after) if streaming else after
        feed, position = await desk.admit(question, begin)
        if streaming:
            return stream(desk, question, request, feed, position)
        health: Health = request.app.state.health
        waiting = Waiting(wait, lambda: health.draining)
        if wait > 0:
            with desk.place(question):
                page = await desk.next(question, position, limit, waiting)
        else:
            page = await desk.next(question, position, limit, waiting)
        content = b"[%s]" % b",".join(entry.structured() for entry in page.entries)
        return Response(content, media_type=BATCH, headers={NEXT_CURSOR: cursor(feed, page)})

    return router
