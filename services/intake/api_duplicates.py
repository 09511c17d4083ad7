"""Likely duplicates: the one-stop shop compares two births and says whether they are one."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from libs.bus.handling import Change
from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, described_answers, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import Problem
from services.intake import duplicate_store, store
from services.intake.duplicate_store import Pair
from services.intake.office import Office

ONE_STOP = require("one_stop")
PAGE_ROWS = 100
_ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# The last pair of a page: one dossier may be in several pairs.
MARK = f"^({_ID}/{_ID})?$"


class Pairs(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs to be decided; ask again with `after` for the next, null when there is none."""

    pairs: tuple[Pair, ...]
    after: str | None = None


class Judgement(Body, frozen=True, kw_only=True):
    """Whether the two are one birth. What follows (refusal, withdrawal) is a move of its own."""

    decision: Literal["same", "different"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and whether the dossier is still flagged."""

    dossier_id: UUID
    other_id: UUID
    decision: str
    likely_duplicate: bool


def router(office: Office) -> APIRouter:
    """Endpoints under /duplicates."""
    routes = APIRouter(prefix="/duplicates", tags=["duplicates"])

    @routes.get("", openapi_extra=described_answers({200: Pairs}))
    async def listing(
        actor: Annotated[Actor, Depends(ONE_STOP)],
        after: Annotated[str, Query(pattern=MARK)] = "",
        limit: Annotated[int, Query(ge=1, le=PAGE_ROWS)] = PAGE_ROWS,
    ) -> Response:
        """The open pairs of my agency; to compare them, read both files."""
        async with office.reading() as connection:
            found = await duplicate_store.open_pairs(
                connection, office.desks_of(actor), after=_pair_of(after), limit=limit
            )
            known = await store.find_all(
                connection, {one for p in found for one in (p.dossier_id, p.other_id)}
            )
        following = f"{found[-1].dossier_id}/{found[-1].other_id}" if len(found) == limit else None
        # What an agency split among several has left lies with one of them each.
        mine = {one for one, dossier in known.items() if office.handles(actor, dossier)}
        pairs = tuple(p for p in found if p.dossier_id in mine or p.other_id in mine)
        return MsgspecResponse(Pairs(pairs=pairs, after=following))

    @routes.post("/{dossier_id}/{other_id}", openapi_extra=body(Judgement, answers={200: Judged}))
    async def decide(
        request: Request, dossier_id: UUID, other_id: UUID, actor: Annotated[Actor, Depends(ONE_STOP)]
    ) -> Response:
        """Decide one pair."""
        wanted = await read_body(request, Judgement)

        async def work(connection: Any) -> Answer:
            known = await store.load(connection, [dossier_id, other_id])
            if not any(office.handles(actor, dossier) for dossier in known.values()):
                raise Problem(404)
            if not await duplicate_store.decide(
                connection, dossier_id, other_id, decision=wanted.decision, decided_by=actor.subject
            ):
                raise Problem(409, "no-open-pair", "Cặp hồ sơ này không còn chờ quyết định")
            flagged = await duplicate_store.still_likely(connection, dossier_id)
            before = known[dossier_id]
            if before.likely_duplicate != flagged:
                after = msgspec.structs.replace(before, likely_duplicate=flagged)
                await store.save(connection, [Change(dossier_id=dossier_id, before=before, after=after)])
            judged = Judged(
                dossier_id=dossier_id, other_id=other_id, decision=wanted.decision, likely_duplicate=flagged
            )
            return Answer(200, judged)

        return await once(request, actor, office.writer, work)

    return routes


def _pair_of(mark: str) -> tuple[UUID, UUID] | None:
    if not mark:
        return None
    dossier_id, _, other_id = mark.partition("/")
    return UUID(dossier_id), UUID(other_id)
