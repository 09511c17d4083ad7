"""HTTP of partners' endpoints: registering, changing, rotating secrets."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.bodies import Body, MsgspecResponse, answers, body, read_body
from libs.http.idempotency import Answer, keyed
from services.gateway.partners.access import PERSON_OR_SYSTEM
from services.gateway.partners.api_partner import by
from services.gateway.webhooks import endpoint_store, showing, tending
from services.gateway.webhooks.api_secrets import Made, NewSecret, Stored, with_secret
from services.gateway.webhooks.endpoint import ShownEndpoint
from services.gateway.webhooks.tended import BODY_BYTES_MAX, Tended, optional
from services.gateway.webhooks.tending import OVERLAP_HOURS_MAX, Wanted


class NewEndpoint(Body, frozen=True, kw_only=True):
    """Where to send which events: types by name, `results.*` or `*`."""

    url: str
    types: tuple[str, ...]
    description: str = ""


class ChangedEndpoint(Body, frozen=True, kw_only=True):
    """What is to be different; what is left out stays."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


class Rotation(Body, frozen=True, kw_only=True):
    """For how long the secret so far goes on signing beside the new one."""

    overlap_hours: Annotated[float, msgspec.Meta(ge=0, le=OVERLAP_HOURS_MAX)] = 24


class Endpoints(msgspec.Struct, frozen=True):
    """A partner's endpoints."""

    endpoints: tuple[ShownEndpoint, ...]


def build_router(tended: Tended) -> APIRouter:
    """The endpoints at /webhooks."""
    router = APIRouter()

    @router.get("/webhooks", openapi_extra=answers({200: Endpoints}))
    async def listing(actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]) -> Response:
        """The partner's endpoints, oldest first."""
        partner = await tended.access.partner(actor)
        async with tended.transactions.transaction() as conn:
            found = await endpoint_store.of_partner(conn, partner.code)
            shown = tuple([await showing.shown(conn, partner, each) for each in found])
        return MsgspecResponse(Endpoints(shown))

    @router.post("/webhooks", openapi_extra=keyed(body(NewEndpoint, answers={201: Made})))
    async def add(request: Request, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]) -> Response:
        """Register an endpoint for events from now on. Its secret is shown in this answer only."""
        partner = await tended.access.partner(actor)
        new = await read_body(request, NewEndpoint, limit_bytes=BODY_BYTES_MAX)
        wanted = Wanted(url=new.url, types=new.types, description=new.description)
        await tended.check(request, actor, partner, wanted)

        async def work(conn: Any) -> Answer:
            made = await tending.add(conn, partner, wanted, tended.sealer, by(actor, request))
            return Answer(201, Stored(*made), f"/webhooks/{made[0]}")

        return await with_secret(tended, request, actor, partner, work, Made)

    @router.get("/webhooks/{endpoint_id}", openapi_extra=answers({200: ShownEndpoint}))
    async def show(endpoint_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]) -> Response:
        """One endpoint and how it stands."""
        partner = await tended.access.partner(actor)
        async with tended.transactions.transaction() as conn:
            endpoint = await tending.known(conn, partner, endpoint_id)
            return MsgspecResponse(await showing.shown(conn, partner, endpoint))

    @router.patch(
        "/webhooks/{endpoint_id}", openapi_extra=keyed(body(ChangedEndpoint, answers={200: ShownEndpoint}))
    )
    async def change(
        request: Request, endpoint_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """Change, pause (`enabled` false) or enable it: enabled again it gets all that was said meanwhile."""
        partner = await tended.access.partner(actor)
        wanted = msgspec.convert(
            await read_body(request, ChangedEndpoint, limit_bytes=BODY_BYTES_MAX),
            Wanted,
            from_attributes=True,
        )
        await tended.check(request, actor, partner, wanted)

        async def work(conn: Any) -> Answer:
            endpoint = await tending.known(conn, partner, endpoint_id, lock=True)
            await tending.change(conn, endpoint, wanted, by(actor, request))
            endpoint = await tending.known(conn, partner, endpoint_id)
            return Answer(200, await showing.shown(conn, partner, endpoint))

        return await tended.done(request, actor, work)

    @router.delete("/webhooks/{endpoint_id}", openapi_extra=keyed(answers({204: None})))
    async def remove(
        request: Request, endpoint_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """Take it away, with its deliveries and secrets."""
        partner = await tended.access.partner(actor)

        async def work(conn: Any) -> Answer:
            endpoint = await tending.known(conn, partner, endpoint_id, lock=True)
            await tending.remove(conn, endpoint, by(actor, request))
            return Answer(204)

        return await tended.done(request, actor, work)

    @router.post(
        "/webhooks/{endpoint_id}/secret", openapi_extra=keyed(body(Rotation, answers={200: NewSecret}))
    )
    async def rotate(
        request: Request, endpoint_id: UUID, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """A new secret, shown in this answer only; both sign during the overlap."""
        partner = await tended.access.partner(actor)
        wanted = await optional(request, Rotation, Rotation())
        overlap = timedelta(hours=wanted.overlap_hours)

        async def work(conn: Any) -> Answer:
            endpoint = await tending.known(conn, partner, endpoint_id, lock=True)
            secret = await tending.rotate(conn, endpoint, overlap, tended.sealer, by(actor, request))
            return Answer(200, Stored(endpoint_id, secret))

        return await with_secret(tended, request, actor, partner, work, NewSecret)

    return router
