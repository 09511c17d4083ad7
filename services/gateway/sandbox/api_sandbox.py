"""HTTP of the sandbox: births of people who do not exist, handed in through the same door as all others."""

import random
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.catalogue import Catalogue
from libs.catalogue.calendar import VIETNAM
from libs.catalogue.made_up_names import MadeUpNames
from libs.database.transactions import Transactions
from libs.http.auth import Actor
from libs.http.bodies import MsgspecResponse, answers
from libs.http.client import Refused, Unavailable
from libs.http.idempotency import idempotency_key, keyed
from libs.http.problems import Problem, unavailable
from services.gateway.acting import Acting
from services.gateway.feed.cursor import Cursor
from services.gateway.feed.following import Feed
from services.gateway.partners import partner_store
from services.gateway.partners.access import PERSON_OR_SYSTEM, CountedAccess
from services.gateway.partners.api_partner import by
from services.gateway.partners.partner import Partner
from services.gateway.sandbox.synthetic import birth

MATERNITY = "hospital"


class _Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What intake says that is of use here."""

    dossier_id: UUID
    code: str


class SyntheticBirth(msgspec.Struct, frozen=True, kw_only=True):
    """The dossier of a made-up birth; `after` is the cursor from which its events are read."""

    dossier_id: UUID
    code: str
    after: str


class Sandbox:
    """Makes up births and hands them in in a partner's name."""

    def __init__(self, acting: Acting, feed: Feed, catalogue: Catalogue, names: MadeUpNames) -> None:
        self._acting = acting
        self._feed = feed
        self._catalogue = catalogue
        self._names = names

    async def birth(self, partner: Partner, key: str) -> SyntheticBirth:
        """One birth; the same one for the same key. Raises Problem 403, 503, or what intake refuses with."""
        if not partner.facility or MATERNITY not in partner.roles:
            words = "Chỉ đối tác là bệnh viện mới khai báo sinh được; đối tác này chỉ đọc sự kiện."
            raise Problem(403, "partner-declares-no-births", "Đối tác không khai báo sinh", words)
        head = await self._feed.head()
        body = birth(
            # By the key, so that a repeated request is the same request.
            random.Random(f"{partner.code} {key}"),  # noqa: S311 - people who do not exist need no secrecy
            self._names,
            facility=partner.facility,
            facility_name=self._catalogue.agency(partner.agency).name_vi,
            today=datetime.now(VIETNAM).date(),
        )
        try:
            answer = await self._acting.act(
                partner, "intake", "/births", msgspec.json.encode(body), key=f"sandbox-{key}"
            )
        except Refused as refused:
            told = refused.told
            raise Problem(refused.status, refused.slug, told.title, told.detail, told.errors) from None
        except Unavailable:
            raise unavailable() from None
        receipt = msgspec.json.decode(answer, type=_Receipt)
        return SyntheticBirth(
            dossier_id=receipt.dossier_id, code=receipt.code, after=str(Cursor(head.feed, head.last))
        )


def build_router(sandbox: Sandbox, access: CountedAccess, transactions: Transactions) -> APIRouter:
    """The endpoints, where this gateway is a sandbox."""
    router = APIRouter(tags=["sandbox"])

    @router.post("/sandbox/births", openapi_extra=keyed(answers({201: SyntheticBirth})))
    async def make(request: Request, actor: Annotated[Actor, Depends(PERSON_OR_SYSTEM)]) -> Response:
        """Make up a birth and hand it in in the partner's name; what follows is said as events, as for any other."""
        partner = await access.partner(actor)
        made = await sandbox.birth(partner, idempotency_key(request))
        asker = by(actor, request)
        async with transactions.transaction() as conn:
            await partner_store.audit(
                conn,
                partner.code,
                "sandbox-birth",
                who=asker.who,
                came_from=asker.came_from,
                detail=made.code,
            )
        return MsgspecResponse(made, 201)

    return router
