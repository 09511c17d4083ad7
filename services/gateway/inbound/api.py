"""HTTP of events in: `POST /events`, one in JSON, many in JSON, or one in binary mode with its data as the body."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.contracts.cloudevents import STRUCTURED_JSON
from libs.contracts.partner import JSON, PAPERS
from libs.http.auth import Actor
from libs.http.bodies import MsgspecResponse, described_answers, read_bytes
from libs.http.idempotency import keyed
from libs.http.limits import client_network
from libs.http.problems import MEDIA_TYPE, Problem
from services.gateway.inbound.cloudevent import (
    BATCH_JSON,
    STRUCTURED,
    InboundEvent,
    Unreadable,
    read_batch,
    read_binary,
    read_structured,
)
from services.gateway.inbound.desk import SayingDesk
from services.gateway.inbound.outcomes import TAKEN, Outcome
from services.gateway.inbound.taking import Came, Inbound
from services.gateway.partners.access import SYSTEM
from services.gateway.partners.partner import Partner

JSON_BYTES_MAX = 1 << 20
PAPER_BYTES_MAX = 10 << 20


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each event of a batch, in its order."""

    outcomes: list[Outcome]


def _described() -> dict[str, Any]:
    """What the endpoint takes and answers: one event an Outcome, a batch Outcomes."""
    described = described_answers(
        {200: Outcomes, 201: Outcome}, takes=(STRUCTURED_JSON, BATCH_JSON, JSON, *PAPERS)
    )
    many, one = (described["responses"][status]["content"]["application/json"] for status in ("200", "201"))
    many["schema"] = {"anyOf": [one["schema"], many["schema"]]}
    return described


def build_router(desk: SayingDesk, inbound: Inbound) -> APIRouter:
    """The endpoint."""
    router = APIRouter(tags=["events in"])

    @router.post("/events", openapi_extra=keyed(_described(), needed=False))
    async def say(request: Request, actor: Annotated[Actor, Depends(SYSTEM)]) -> Response:
        """Say what has happened: an event (structured or binary mode), or at most 100 in a batch.

        One is answered with what became of it, or with the problem why not; a batch with 200 and an outcome for each.
        The same source and id again get the same answer.
        """
        partner = await desk.admit(actor)
        desk.count(partner)
        came = Came(came_from=client_network(request))
        mode = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        async with desk.place(partner, paper=mode in PAPERS):
            content = await read_bytes(request, limit_bytes=_limit(mode))
            try:
                found = _read(request, mode, content)
            except Problem as problem:
                await inbound.unreadable(partner, problem, came)
                raise
            if isinstance(found, InboundEvent):
                return _answer(await inbound.take(partner, found, came))
            return await _batch(desk, inbound, partner, found, came)

    return router


async def _batch(
    desk: SayingDesk,
    inbound: Inbound,
    partner: Partner,
    events: list[InboundEvent | Unreadable],
    came: Came,
) -> Response:
    # The call itself was counted as one.
    if len(events) > 1:
        desk.count(partner, len(events) - 1)
    return MsgspecResponse(Outcomes(outcomes=await inbound.take_all(partner, events, came)))


def _limit(mode: str) -> int:
    return PAPER_BYTES_MAX if mode in PAPERS else JSON_BYTES_MAX


def _read(request: Request, mode: str, content: bytes) -> InboundEvent | list[InboundEvent | Unreadable]:
    """What the body is, by its media type. Raises Problem 400, 413, 415 or 422."""
    if mode == BATCH_JSON:
        return read_batch(content)
    if mode == STRUCTURED_JSON:
        return read_structured(content)
    headers = {name: value for name, value in request.headers.items() if name.startswith("ce-")}
    if not headers or mode.startswith("application/cloudevents"):
        raise Problem(415, detail=f"Nội dung phải là {', '.join(STRUCTURED)}, hoặc có các tiêu đề ce-*.")
    return read_binary(headers, mode, content)


def _answer(outcome: Outcome) -> Response:
    if outcome.state == TAKEN:
        headers = {"Location": outcome.location} if outcome.location else {}
        return MsgspecResponse(outcome, outcome.status, headers)
    named = {"source": outcome.source, "id": outcome.id, "event_type": outcome.type, "state": outcome.state}
    headers = {"Retry-After": str(outcome.retry_after_seconds)} if outcome.retry_after_seconds else {}
    content = msgspec.json.encode({**(outcome.problem or {}), **named})
    return Response(content, outcome.status, headers, MEDIA_TYPE)
