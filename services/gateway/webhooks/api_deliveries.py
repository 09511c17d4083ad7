"""HTTP of deliveries: what became of each event, and what a person sends by hand."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.bodies import Body, MsgspecResponse, answers, body
from libs.http.idempotency import Answer, answered_before, idempotency_key, keyed, once
from services.gateway.partners.access import PERSON_OR_SYSTEM
from services.gateway.partners.api_partner import by
from services.gateway.partners.partner import Partner
from services.gateway.webhooks import delivery_store, tending
from services.gateway.webhooks.endpoint import ShownDelivery, shown_delivery
from services.gateway.webhooks.manual import Manual
from services.gateway.webhooks.tended import Tended, optional

LIMIT_MAX = 200


class Trial(Body, frozen=True, kw_only=True):
    """Of which type the test event is; empty: of its own."""

    type: str = ""


class Deliveries(msgspec.Struct, frozen=True):
    """Deliveries, those of the newest events first; `before` of the next call, null when these were the last."""

    deliveries: tuple[ShownDelivery, ...]
    before: UUID | None


def build_router(tended: Tended, manual: Manual) -> APIRouter:
    """The endpoints below /webhooks/{id}."""
    router = APIRouter()

    @router.get("/webhooks/{endpoint_id}/deliveries", openapi_extra=answers({200: Deliveries}))
    async def listing(
        endpoint_id: UUID,
        actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)],
        state: Literal["", "pending", "delivered", "failed"] = "",
        type: Annotated[str, Query(max_length=200)] = "",  # noqa: A002 - the parameter's name
        dossier: UUID | None = None,
        before: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
    ) -> Response:
        """Deliveries of the last thirty days."""
        partner = await tended.access.partner(actor)
        async with tended.transactions.transaction() as conn:
            endpoint = await tending.known(conn, partner, endpoint_id)
            found = await delivery_store.listing(
                conn, endpoint.id, state=state, type_=type, dossier=dossier, before=before, limit=limit
            )
        now = datetime.now(UTC)
        last = found[-1].event_id if len(found) == limit else None
        return MsgspecResponse(Deliveries(tuple(shown_delivery(each, now) for each in found), last))

    @router.get("/webhooks/{endpoint_id}/deliveries/{event_id}", openapi_extra=answers({200: ShownDelivery}))
    async def show(
        endpoint_id: UUID, event_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """One delivery with its attempts and what was sent."""
        partner = await tended.access.partner(actor)
        return MsgspecResponse(await manual.look(partner, endpoint_id, event_id))

    @router.post(
        "/webhooks/{endpoint_id}/test", openapi_extra=keyed(body(Trial, answers={200: ShownDelivery}))
    )
    async def test(
        request: Request, endpoint_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """Send a test event now; the answer says what became of it."""
        partner = await tended.access.partner(actor)
        wanted = await optional(request, Trial, Trial())
        who = by(actor, request)
        return await _at_once(
            tended, request, actor, partner, lambda: manual.test(partner, endpoint_id, wanted.type, who)
        )

    @router.post(
        "/webhooks/{endpoint_id}/deliveries/{event_id}/resend",
        openapi_extra=keyed(answers({200: ShownDelivery})),
    )
    async def resend(
        request: Request,
        endpoint_id: UUID,
        event_id: UUID,
        actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)],
    ) -> Response:
        """Send an event once more now, under the same id; the answer says what became of it."""
        partner = await tended.access.partner(actor)
        who = by(actor, request)
        return await _at_once(
            tended, request, actor, partner, lambda: manual.resend(partner, endpoint_id, event_id, who)
        )

    return router


async def _at_once(
    tended: Tended,
    request: Request,
    actor: Actor,
    partner: Partner,
    send: Callable[[], Awaitable[ShownDelivery]],
) -> Response:
    """Send unless it was sent under this key before, or is being sent now, and keep the answer."""
    earlier = await answered_before(request, actor, tended.transactions)
    if earlier is not None:
        return earlier
    async with tended.by_hand.alone(partner.code, actor.client, idempotency_key(request)):
        earlier = await answered_before(request, actor, tended.transactions)
        if earlier is not None:
            return earlier
        found = await send()

        async def work(_conn: Any) -> Answer:
            return Answer(200, found)

        response = await once(request, actor, tended.transactions, work)
    tended.wake()
    return response
