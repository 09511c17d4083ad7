"""HTTP of what a partner has here: itself, its keys, what was done and read. Each sees only its own."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from libs.database.transactions import Transactions
from libs.http.auth import Actor
from libs.http.bodies import Body, MsgspecResponse, answers, body, read_body
from libs.http.idempotency import Answer, keyed, once
from libs.http.limits import client_network
from services.gateway.feed import reading_store
from services.gateway.partners import administration, partner_store
from services.gateway.partners.access import PERSON_OR_SYSTEM, CountedAccess
from services.gateway.partners.administration import By
from services.gateway.partners.keys import KEY_CHARACTERS_MAX, kind_of
from services.gateway.partners.partner import Key, Partner

AUDIT_MAX = 200


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A public key; `algorithm` is ES256 or Ed25519. It counts until `not_after`, and until it is retired."""

    kid: str
    algorithm: str
    added_at: datetime
    not_after: datetime | None
    retired_at: datetime | None


class PartnerView(msgspec.Struct, frozen=True, kw_only=True):
    """The partner as it is registered now; `sandbox`: this gateway is one, and nobody in it exists.

    `webhooks_to_loopback`: webhooks may go to 127.0.0.1 as well, also by http, as in a city in a box.
    """

    code: str
    name_vi: str
    contact: str
    state: str
    agency: str
    facility: str
    roles: tuple[str, ...]
    types: tuple[str, ...]
    reads: tuple[str, ...]
    keys: tuple[KeyView, ...]
    sandbox: bool
    webhooks_to_loopback: bool


class NewKey(Body, frozen=True, kw_only=True):
    """A public key as JWK (JSON in a text) or PEM; without `kid` its thumbprint's start."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARACTERS_MAX)]
    kid: Annotated[str, msgspec.Meta(max_length=64)] = ""
    not_after: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class KeyAdded(msgspec.Struct, frozen=True, kw_only=True):
    """How the key is called in the `kid` of assertions."""

    kid: str


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to the partner or given to it, by whom and from where."""

    at: datetime
    what: str
    detail: str
    who: str
    came_from: str


class ReadingView(msgspec.Struct, frozen=True, kw_only=True):
    """Events read: calls of one moment and address together."""

    began_at: datetime
    came_from: str
    way: str
    calls: int
    events: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The newest of both, newest first."""

    deeds: tuple[Deed, ...]
    readings: tuple[ReadingView, ...]


def by(actor: Actor, request: Request) -> By:
    """Who asks, for the audit: the person, or the system by the key it has proved itself with."""
    return By(actor.audit_name, client_network(request))


def build_router(
    transactions: Transactions, access: CountedAccess, *, sandbox: bool, webhooks_to_loopback: bool
) -> APIRouter:
    """The endpoints, for a partner's system and its persons."""
    router = APIRouter(tags=["partner"])

    @router.get("/partner", openapi_extra=answers({200: PartnerView}))
    async def partner(actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]) -> Response:
        """Who one is here: in whose name it acts, what it may read, its keys."""
        code = (await access.partner(actor)).code
        async with transactions.transaction() as conn:
            found = await partner_store.find(conn, code)
        return MsgspecResponse(None if found is None else _view(found, sandbox, webhooks_to_loopback))

    @router.get("/partner/audit", openapi_extra=answers({200: Audit}))
    async def audit(
        actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)],
        limit: Annotated[int, Query(ge=1, le=AUDIT_MAX)] = 50,
    ) -> Response:
        """What was done and what was read, newest first."""
        code = (await access.partner(actor)).code
        async with transactions.transaction() as conn:
            deeds = await partner_store.audit_of(conn, code, limit)
            readings = await reading_store.newest(conn, code, limit)
        return MsgspecResponse(
            Audit(
                deeds=tuple(Deed(**dict(row)) for row in deeds),
                readings=tuple(ReadingView(**dict(row)) for row in readings),
            )
        )

    _add_keys(router, transactions, access)
    return router


def _add_keys(router: APIRouter, transactions: Transactions, access: CountedAccess) -> None:
    @router.post("/partner/keys", openapi_extra=keyed(body(NewKey, answers={201: KeyAdded})))
    async def add(request: Request, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]) -> Response:
        """Add a public key: the next one before the old one is retired. 409 for a kid or a key there is, or was."""
        code = (await access.partner(actor)).code
        new = await read_body(request, NewKey)

        async def work(conn: Any) -> Answer:
            kid = await administration.add_key(
                conn, code, new.key, by(actor, request), kid=new.kid, not_after=new.not_after
            )
            return Answer(201, KeyAdded(kid=kid))

        return await once(request, actor, transactions, work)

    @router.delete("/partner/keys/{kid}", openapi_extra=answers({204: None}))
    async def retire(
        kid: str, request: Request, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]
    ) -> Response:
        """End a key, and within ten seconds the tokens it has got. 404 when it has ended already.

        409 `last-key` for the only one that counts: the next one is added first.
        """
        code = (await access.partner(actor)).code
        async with transactions.transaction() as conn:
            await administration.retire_key(conn, code, kid, by(actor, request))
        return Response(status_code=204)


def _view(partner: Partner, sandbox: bool, webhooks_to_loopback: bool) -> PartnerView:
    return PartnerView(
        code=partner.code,
        name_vi=partner.name_vi,
        contact=partner.contact,
        state=partner.state,
        agency=partner.agency,
        facility=partner.facility,
        roles=partner.roles,
        types=partner.types,
        reads=partner.reads,
        keys=tuple(_key(key) for key in partner.keys),
        sandbox=sandbox,
        webhooks_to_loopback=webhooks_to_loopback,
    )


def _key(key: Key) -> KeyView:
    return KeyView(
        kid=key.kid,
        algorithm=kind_of(key.jwk),
        added_at=key.added_at,
        not_after=key.not_after,
        retired_at=key.retired_at,
    )
