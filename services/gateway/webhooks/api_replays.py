"""HTTP of replays: what failed once more, and what was never attempted for the first time."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.bodies import Body, MsgspecResponse, answers, body, read_body
from libs.http.idempotency import Answer, keyed
from libs.http.problems import Problem
from services.gateway.partners.access import PERSON_OR_SYSTEM
from services.gateway.partners.api_partner import by
from services.gateway.webhooks import replay_store, tending
from services.gateway.webhooks.endpoint import RECOVER, REPLAY_MISSING, ShownReplay, shown_replay
from services.gateway.webhooks.tended import BODY_BYTES_MAX, Tended


class Since(Body, frozen=True, kw_only=True):
    """From which time of events on."""

    since: Annotated[datetime, msgspec.Meta(tz=True)]


def build_router(tended: Tended) -> APIRouter:
    """The endpoints for replays."""
    router = APIRouter()

    @router.post(
        "/webhooks/{endpoint_id}/recover", openapi_extra=keyed(body(Since, answers={202: ShownReplay}))
    )
    async def recover(
        request: Request, endpoint_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """Send again all events since then that have failed, or are waiting for their next try."""
        return await _begin(tended, request, actor, endpoint_id, RECOVER)

    @router.post(
        "/webhooks/{endpoint_id}/replay-missing", openapi_extra=keyed(body(Since, answers={202: ShownReplay}))
    )
    async def replay_missing(
        request: Request, endpoint_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """Send all events since then that were never attempted, such as those of types added later."""
        return await _begin(tended, request, actor, endpoint_id, REPLAY_MISSING)

    @router.get("/webhooks/{endpoint_id}/replays/{replay_id}", openapi_extra=answers({200: ShownReplay}))
    async def replay(
        endpoint_id: UUID, replay_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """How far a replay is."""
        partner = await tended.access.partner(actor)
        async with tended.transactions.transaction() as conn:
            endpoint = await tending.known(conn, partner, endpoint_id)
            found = await replay_store.find(conn, endpoint.id, replay_id)
        if found is None:
            raise Problem(404, "replay-not-found", "Không tìm thấy lần gửi lại này")
        return MsgspecResponse(shown_replay(found))

    return router


async def _begin(tended: Tended, request: Request, actor: Actor, endpoint_id: UUID, kind: str) -> Response:
    """Begin a replay."""
    partner = await tended.access.partner(actor)
    wanted = await read_body(request, Since, limit_bytes=BODY_BYTES_MAX)

    async def work(conn: Any) -> Answer:
        endpoint = await tending.known(conn, partner, endpoint_id, lock=True)
        found = await tending.replay(conn, endpoint, kind, wanted.since, by(actor, request))
        return Answer(202, shown_replay(found), f"/webhooks/{endpoint_id}/replays/{found.id}")

    return await tended.done(request, actor, work)
