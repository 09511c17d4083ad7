"""HTTP of notify: desks' inboxes, what was told about a dossier, receipts of providers, operators' decisions."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS, Writer
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, answers, body, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import Problem
from libs.http.reads import record_reads
from libs.telemetry.logs import log
from services.notify import domain, message_store
from services.notify.recording import event_of
from services.notify.rules import DESK
from services.notify.store import decode_occasions
from services.notify.views import (
    DecisionView,
    InboxPage,
    MessagePage,
    MessageView,
    Receipt,
    Recorded,
    SendAgain,
    decision_view,
    inbox_entry,
    message_view,
)

OFFICER = require(kinds=("officer", "system"))
OPERATOR = require("operator")
WHO_ASKS = require(kinds=("officer", "system", "service"), services=("portal",))
PROVIDER = require("provider", kinds=("system",))
PAGE_MAX = 200
# Fields of events that name an agency which has to do with the dossier.
_CONCERNED = ("receiving_agency", "agency", "place")


def build_router(pool: "asyncpg.Pool[Any]", writer: Writer, wake_sender: Callable[[], None]) -> APIRouter:
    """All endpoints. `wake_sender` is called when there is something to send at once."""
    router = APIRouter(tags=["messages"])
    _add_inbox(router, pool, writer)
    _add_dossiers(router, pool)
    _add_receipts(router, writer)
    _add_operators(router, pool, writer, wake_sender)
    return router


def not_found() -> Problem:
    """The same answer for what does not exist and for what belongs to somebody else."""
    return Problem(404, "message-not-found", "Không tìm thấy tin")


def _add_inbox(router: APIRouter, pool: "asyncpg.Pool[Any]", writer: Writer) -> None:
    @router.get("/inbox", openapi_extra=answers({200: InboxPage}))
    async def inbox(
        actor: Annotated[Actor, Depends(OFFICER)],
        *,
        unread: bool = True,
        after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """The messages of my agency's desk, in the order they came."""
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await message_store.inbox(conn, actor.agency, unread, after, limit)
        entries = [inbox_entry(row) for row in rows]
        more = entries[-1].number if len(entries) == limit else None
        return MsgspecResponse(InboxPage(messages=entries, next=more))

    @router.post("/inbox/{message_id}/read", openapi_extra=answers({204: None}))
    async def read(request: Request, message_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """Somebody at the desk has read it: it is thereby delivered."""

        async def work(conn: Any) -> Answer:
            first = await message_store.mark_read(conn, actor.agency, message_id, actor.subject)
            if first is None:
                raise not_found()
            if first:
                row = await message_store.one(conn, message_id)
                await _move(conn, row, domain.DELIVERED, DESK, str(message_id), "")
            return Answer(204)

        return await once(request, actor, writer, work)


def _add_dossiers(router: APIRouter, pool: "asyncpg.Pool[Any]") -> None:
    @router.get("/dossiers/{dossier_id}/messages", openapi_extra=answers({200: list[MessageView]}))
    async def messages(dossier_id: UUID, actor: Annotated[Actor, Depends(WHO_ASKS)]) -> Response:
        """What was told about a dossier my desk has to do with, and how far each message got; never to which address.

        The portal asks for the family. An agency that handles a step has to do with what its own acts have caused.
        """
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await message_store.messages_of(conn, dossier_id)
            if not _concerns(actor, rows):
                raise not_found()
            await record_reads(conn, actor, "answer-citizen", "messages", [dossier_id])
        return MsgspecResponse([message_view(row) for row in rows])


def _concerns(actor: Actor, rows: Sequence[Any]) -> bool:
    """Whether the events the messages speak of name the actor's agency, or the hospital it is."""
    if actor.kind == "service" or "operator" in actor.roles:
        return True
    for row in rows:
        for occasion in decode_occasions(row["occasions"]):
            facts = occasion.facts
            if actor.agency and actor.agency in [facts.get(name) for name in _CONCERNED]:
                return True
            if actor.facility and actor.facility == facts.get("facility"):
                return True
    return False


def _add_receipts(router: APIRouter, writer: Writer) -> None:
    @router.post("/providers/{channel}/receipts", openapi_extra=body(Receipt, answers={200: Recorded}))
    async def receipt(request: Request, channel: str, actor: Annotated[Actor, Depends(PROVIDER)]) -> Response:
        """A provider tells what became of a message on its channel, whose name is the subject of its token.

        This also clears up messages of unknown fate.
        """
        # A desk's message is delivered by being read there, not by anybody's word.
        if actor.subject != channel or channel == DESK:
            raise Problem(403)
        given = await read_body(request, Receipt)

        async def work(conn: Any) -> Answer:
            row = await message_store.by_receipt(conn, channel, given.provider_id, given.message_id)
            if row is None:
                raise not_found()
            state = await _move(conn, row, given.state, channel, given.provider_id, given.reason)
            return Answer(200, Recorded(message_id=row["id"], state=state))

        return await once(request, actor, writer, work)


async def _move(conn: Any, row: Any, state: str, channel: str, provider_id: str, reason: str) -> str:
    """Move a message if it may move there, and say so. Returns its state then."""
    if not domain.may_move(row["state"], state):
        return str(row["state"])
    at = await message_store.move(conn, row["id"], state, channel, provider_id, reason)
    event = event_of(row["id"], row["rule"], state, channel, reason, at)
    if event is not None:
        await emit(conn, "notify", [Outgoing(dossier_id=row["dossier_id"], event=event)])
    return state


def _add_operators(
    router: APIRouter, pool: "asyncpg.Pool[Any]", writer: Writer, wake_sender: Callable[[], None]
) -> None:
    @router.get("/messages", openapi_extra=answers({200: MessagePage}), dependencies=[Depends(OPERATOR)])
    async def unsettled(
        state: Annotated[str, Query(pattern="^(unknown|failed)$")] = domain.UNKNOWN,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """Messages of unknown fate (or failed ones), oldest first: somebody has to decide about them."""
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await message_store.unsettled(conn, state, after, limit)
        views = [message_view(row) for row in rows]
        return MsgspecResponse(
            MessagePage(messages=views, next=views[-1].id if len(views) == limit else None)
        )

    @router.post("/messages/{message_id}/send-again", openapi_extra=body(SendAgain, answers={200: Recorded}))
    async def send_again(
        request: Request, message_id: UUID, actor: Annotated[Actor, Depends(OPERATOR)]
    ) -> Response:
        """Send a message once more, by a person's decision: it may reach somebody a second time."""
        given = await read_body(request, SendAgain)

        async def work(conn: Any) -> Answer:
            row = await message_store.one(conn, message_id)
            if row is None:
                raise not_found()
            if row["state"] not in domain.SENT_AGAIN_FROM:
                raise Problem(409, "not-to-be-sent-again", "Tin này không ở trạng thái có thể gửi lại")
            await message_store.record_decision(
                conn, message_id, actor.subject, row["state"], given.reason, given.note
            )
            await message_store.send_again(conn, message_id)
            return Answer(200, Recorded(message_id=message_id, state=domain.QUEUED))

        response = await once(request, actor, writer, work)
        log.info("message-sent-again", message_id=str(message_id))
        wake_sender()
        return response

    @router.get(
        "/messages/{message_id}/decisions",
        openapi_extra=answers({200: list[DecisionView]}),
        dependencies=[Depends(OPERATOR)],
    )
    async def decisions(message_id: UUID) -> Response:
        """What operators decided about a message, oldest first."""
        async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            rows = await message_store.decisions_of(conn, message_id)
        return MsgspecResponse([decision_view(row) for row in rows])
