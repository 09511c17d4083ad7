"""HTTP of notify: desks' inboxes, what was told about a dossier, receipts of providers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import Writer
from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, answers, body, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import Problem
from libs.http.reads import record_reads
from services.notify import domain, store
from services.notify.sender import event_of

OFFICER = require(kinds=("officer", "system"))
PAGE_MAX = 200


class InboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One message in a desk's inbox."""

    message_id: UUID
    dossier_id: UUID
    subject: str
    body: str
    arrived_at: datetime
    read_at: datetime | None


class InboxPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the inbox; `next` is the `after` of the following page."""

    messages: list[InboxEntry]
    next: UUID | None = None


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """What was told about a dossier, on which channel, and how far it got. Never where to or whom."""

    id: UUID
    rule: str
    audience: str
    channel: str
    state: str
    reason: str
    attempts: int
    created_at: datetime
    not_before: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    failed_at: datetime | None


class Receipt(Body, frozen=True, kw_only=True):
    """What a provider says became of a message it took."""

    provider_id: str
    state: Literal["sent", "delivered", "failed"]
    reason: str = ""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The message's state after a receipt; a late or repeated receipt leaves it as it was."""

    message_id: UUID
    state: str


def build_router(pool: asyncpg.Pool, writer: Writer) -> APIRouter:
    """All endpoints."""
    router = APIRouter()
    _add_inbox(router, pool, writer)
    _add_messages(router, pool, writer)
    return router


def _add_inbox(router: APIRouter, pool: asyncpg.Pool, writer: Writer) -> None:
    @router.get("/inbox", openapi_extra=answers({200: InboxPage}))
    async def inbox(
        actor: Annotated[Actor, Depends(OFFICER)],
        unread: bool = True,
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 50,
    ) -> Response:
        """The messages of my agency's desk."""
        async with pool.acquire() as conn:
            rows = await store.inbox(conn, actor.agency, unread, after, limit)
        entries = [InboxEntry(**{name: row[name] for name in InboxEntry.__struct_fields__}) for row in rows]
        return MsgspecResponse(
            InboxPage(messages=entries, next=entries[-1].message_id if len(entries) == limit else None)
        )

    @router.post("/inbox/{message_id}/read", openapi_extra=answers({204: None}))
    async def read(request: Request, message_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        """Somebody at the desk has read it: it is thereby delivered."""

        async def work(conn: Any) -> Answer:
            entry = await store.mark_read(conn, actor.agency, message_id, actor.subject)
            if entry is None and not await store.in_inbox(conn, actor.agency, message_id):
                raise Problem(404, "message-not-found", "Không tìm thấy tin")
            if entry is not None:
                await _apply(conn, "desk", str(message_id), domain.DELIVERED, "")
            return Answer(204)

        return await once(request, actor, writer, work)


def _add_messages(router: APIRouter, pool: asyncpg.Pool, writer: Writer) -> None:
    @router.get("/dossiers/{dossier_id}/messages", openapi_extra=answers({200: list[MessageView]}))
    async def messages(
        dossier_id: UUID, actor: Annotated[Actor, Depends(require("one_stop", "hospital", "operator"))]
    ) -> Response:
        """What was told about a dossier, and how far each message got."""
        async with pool.acquire() as conn:
            rows = await store.messages_of(conn, dossier_id)
            await record_reads(conn, actor, "answer-citizen", "messages", [dossier_id])
        return MsgspecResponse(
            [MessageView(**{name: row[name] for name in MessageView.__struct_fields__}) for row in rows]
        )

    @router.post("/providers/{channel}/receipts", openapi_extra=body(Receipt, answers={200: Recorded}))
    async def receipt(
        request: Request,
        channel: str,
        actor: Annotated[Actor, Depends(require("provider", kinds=("system",)))],
    ) -> Response:
        """A provider tells what became of a message; this also clears up messages of unknown fate."""
        given = await read_body(request, Receipt)

        async def work(conn: Any) -> Answer:
            recorded = await _apply(conn, channel, given.provider_id, given.state, given.reason)
            if recorded is None:
                raise Problem(404, "message-not-found", "Không tìm thấy tin")
            return Answer(200, recorded)

        return await once(request, actor, writer, work)


async def _apply(conn: Any, channel: str, provider_id: str, state: str, reason: str) -> Recorded | None:
    row = await store.by_provider_id(conn, channel, provider_id)
    if row is None:
        return None
    if not domain.may_move(row["state"], state):
        return Recorded(message_id=row["id"], state=row["state"])
    await store.move(conn, row["id"], state, reason)
    now = await conn.fetchval("SELECT now()")
    event = event_of(row["id"], row["rule"], state, channel, reason, now)
    if event is not None:
        await emit(conn, "notify", [Outgoing(dossier_id=row["dossier_id"], event=event)])
    return Recorded(message_id=row["id"], state=state)
