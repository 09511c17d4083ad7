"""Events as they are said: the gateway's own stream, handed on to the browser of somebody of the partner.

The person's token reads it, so rights, limits and audit are the gateway's. Events carry no personal data.
"""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from libs.http.client import EVENT_STREAM, Refused, Unavailable
from libs.http.health import Health
from libs.http.problems import Problem
from libs.telemetry.logs import log
from services.portal.developers.door import INTEGRATOR, show
from services.portal.developers.event_list import CHOICES, EVENTS
from services.portal.sessions import Forbidden, Person, Sessions, SignedOut

router = APIRouter()
LATEST = "latest"
QUERY_MAX = 200
# Each holds a connection to the gateway, of which as many are left for everything else (city.CONNECTIONS_MAX).
TAILS_MAX = 32
# How often a silent tail sees whether the process is to end.
SLICE_SECONDS = 1.0


class Tails:
    """How many there are now."""

    def __init__(self) -> None:
        self.open = 0


@router.get("/dev/dong-su-kien")
async def page_of_tail(request: Request, person: INTEGRATOR, loai: str = "") -> Response:
    """What is said from now on, of the types asked for."""
    return show(
        request,
        "tail.html",
        person,
        types=loai.strip()[:QUERY_MAX],
        names=names(),
        choices=CHOICES,
    )


def names() -> dict[str, str]:
    """The words for every type, for the page's script."""
    return {each.type: each.words.name for each in EVENTS.values()}


@router.get("/dev/dong-su-kien/dong")
async def tail(request: Request, person: INTEGRATOR, loai: str = "", sau: str = LATEST) -> Response:
    """The stream itself. A browser that comes back says after which event."""
    tails: Tails = request.app.state.tails
    if tails.open >= TAILS_MAX:
        raise Problem(503, "too-many-pages", headers={"Retry-After": "30"})
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    content = _relayed(request, person, loai.strip()[:QUERY_MAX], sau[:QUERY_MAX])
    return StreamingResponse(content, media_type=EVENT_STREAM, headers=headers)


async def _relayed(request: Request, person: Person, types: str, after: str) -> AsyncIterator[bytes]:
    tails: Tails = request.app.state.tails
    sessions: Sessions = request.app.state.sessions
    health: Health = request.app.state.health
    query = {"after": after, "types": types}
    last = request.headers.get("last-event-id", "")
    tails.open += 1
    try:
        async with person.desk.stream("gateway", "/events", query=query, last_event_id=last) as chunks:
            async for chunk in _while_running(chunks, health):
                # Whoever has signed out, or been disabled, sees no more of it.
                await sessions.person(person.session, active=False)
                yield chunk
    except (SignedOut, Forbidden):
        yield b"event: signed-out\ndata: -\n\n"
    except Refused as refused:
        log.warning("tail-ended", target=refused.target, code=refused.slug)
        yield f"event: ended\ndata: {refused.slug}\n\n".encode()
    except Unavailable as away:
        # The browser connects anew, after what it has.
        log.warning("tail-ended", target=away.target, reason=away.reason)
    finally:
        tails.open -= 1


async def _while_running(chunks: AsyncIterator[bytes], health: Health) -> AsyncIterator[bytes]:
    """The chunks, until there are no more or the process is to end."""
    coming: asyncio.Future[bytes] | None = None
    try:
        while not health.draining:
            coming = coming or asyncio.ensure_future(anext(chunks))
            if not (await asyncio.wait({coming}, timeout=SLICE_SECONDS))[0]:
                continue
            try:
                chunk = coming.result()
            except StopAsyncIteration:
                return
            coming = None
            yield chunk
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
