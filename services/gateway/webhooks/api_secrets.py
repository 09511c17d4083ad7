"""Answers of the HTTP of webhooks that hold a secret: it is shown once, and is not kept under the Idempotency-Key."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.bodies import MsgspecResponse
from libs.http.idempotency import Answer
from services.gateway.partners.partner import Partner
from services.gateway.webhooks import showing, tending
from services.gateway.webhooks.endpoint import ShownEndpoint
from services.gateway.webhooks.tended import Tended


class Made(msgspec.Struct, frozen=True):
    """A new endpoint and its secret, which is shown here only."""

    endpoint: ShownEndpoint
    secret: str


class NewSecret(msgspec.Struct, frozen=True):
    """A new secret, which is shown here only."""

    secret: str


class Stored(msgspec.Struct, frozen=True):
    """What is kept under the Idempotency-Key instead of a secret."""

    endpoint: UUID
    secret: UUID


async def with_secret(
    tended: Tended,
    request: Request,
    actor: Actor,
    partner: Partner,
    work: Callable[[Any], Awaitable[Answer]],
    type_: type[Made] | type[NewSecret],
) -> Response:
    """The answer with the secret in it; kept under the key is only which one it was."""
    response = await tended.done(request, actor, work)
    stored = msgspec.json.decode(bytes(response.body), type=Stored)
    async with tended.transactions.transaction() as conn:
        secret = await tending.secret_of(conn, partner, stored.endpoint, stored.secret, tended.sealer)
        endpoint = await tending.known(conn, partner, stored.endpoint)
        content = (
            NewSecret(secret)
            if type_ is NewSecret
            else Made(await showing.shown(conn, partner, endpoint), secret)
        )
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in {"content-length", "content-type"}
    }
    return MsgspecResponse(content, response.status_code, headers={**headers, "Cache-Control": "no-store"})
