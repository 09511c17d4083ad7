"""Operator's HTTP interface to one service's bus: status, dead letters, a stopped stream."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from libs.bus.dead_letters import RESOLUTION_CHARACTERS_MAX, NotOpen
from libs.bus.runtime import BusRuntime

BODY_BYTES_MAX = 4096
PREFIX = "/bus"


class Discard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a dead letter will never be applied."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=RESOLUTION_CHARACTERS_MAX)]


def admin_router(runtime: BusRuntime, require_operator: Callable[..., Any]) -> APIRouter:
    """The routes under /bus. `require_operator` is a FastAPI dependency that returns who asks (with a `subject`)."""
    router = APIRouter(prefix=PREFIX, tags=["bus"])
    operator = Depends(require_operator)

    @router.get("/status", dependencies=[operator])
    async def status() -> Response:
        """Connection, relay and consumer of this process."""
        return _json(runtime.status())

    @router.get("/dead-letters", dependencies=[operator])
    async def letters(
        state: Annotated[str, Query(pattern="^(open|retried|discarded|all)$")] = "open",
        after: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        """Dead letters, oldest first; ask again with `after` = the last number for more."""
        return _json(await runtime.letters(status=None if state == "all" else state, after_id=after))

    @router.get("/dead-letters/{letter_id}", dependencies=[operator])
    async def letter(letter_id: int) -> Response:
        """One dead letter; only ids, codes and times of its contents are shown."""
        found = await runtime.letter(letter_id)
        if found is None:
            raise HTTPException(404)
        return _json(found)

    @router.post("/dead-letters/{letter_id}/retry")
    async def retry(letter_id: int, actor: Annotated[Any, operator]) -> Response:
        """Apply the event again; `flaw` says why when it is still refused. 409 when the letter is not open."""
        try:
            return _json(await runtime.retry(letter_id, who=actor.subject))
        except NotOpen:
            raise HTTPException(409) from None

    @router.post("/dead-letters/{letter_id}/discard")
    async def discard(letter_id: int, request: Request, actor: Annotated[Any, operator]) -> Response:
        """Close the letter without applying it, for a reason. 409 when it is not open."""
        reason = await _discard(request)
        try:
            await runtime.discard(letter_id, who=actor.subject, why=reason.reason)
        except NotOpen:
            raise HTTPException(409) from None
        return Response(status_code=204)

    @router.post("/streams/{source}/resume")
    async def resume(source: str, actor: Annotated[Any, operator]) -> Response:
        """Listen again to a producer's stream that too many dead letters have stopped. 409 when it is not stopped."""
        if not await runtime.resume(source, who=actor.subject):
            raise HTTPException(409)
        return Response(status_code=204)

    return router


async def _discard(request: Request) -> Discard:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413)
    try:
        return msgspec.json.decode(body, type=Discard)
    except (msgspec.MsgspecError, UnicodeError):
        raise HTTPException(422) from None


def _json(content: Any) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
