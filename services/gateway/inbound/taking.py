"""One event of a partner taken: judged by its owner, once, however often and by whatever way it comes.

The owner is asked under a key made of source and id, so its effect is one even when this process dies between the
owner's commit and ours. What was taken is noted for ever; what was refused is not, and may be sent again. A repetition
gets the owner's own answer again, which the owner keeps for KEEP_DAYS: nothing of it lies here.
"""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from libs.contracts.partner import SAYING_OF
from libs.database.transactions import Transactions
from libs.http.client import Refused, Unavailable
from libs.http.idempotency import KEEP_DAYS
from libs.http.problems import Problem, problem_of
from libs.telemetry.metrics import counter
from services.gateway.acting import Acting
from services.gateway.inbound import taken_store
from services.gateway.inbound.cloudevent import InboundEvent, Unreadable
from services.gateway.inbound.orders import order_of
from services.gateway.inbound.outcomes import (
    LATER,
    TAKEN,
    Outcome,
    earlier_refused,
    id_reused,
    later,
    refused,
    refused_by_owner,
    taken,
)
from services.gateway.inbound.owner_calls import OWNER_CALLS, OwnerCall, is_id
from services.gateway.inbound.taken_store import Said
from services.gateway.partners.at_once import AtOnce, NoPlaceFree
from services.gateway.partners.partner import Partner

# Of one partner at a time in one process, so that nobody's hundreds hold every connection to the services.
AT_ONCE_MAX = 8
WAIT_SECONDS_MAX = 10.0
# An answer about to be forgotten by its owner is not asked for: the owner would do the thing a second time.
ANSWERS_KEPT = timedelta(days=KEEP_DAYS - 1)
_TAKEN_IN = counter("partner_events_total")


class _Answer(msgspec.Struct, frozen=True):
    """What of an owner's answer says where things are."""

    dossier_id: UUID | None = None
    receipt: str = ""
    number: int = 0


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """From where an event came (a network address; nothing by NATS) and by which way: `http` or `nats`."""

    came_from: str = ""
    way: str = "http"


HTTP = Came()


class Inbound:
    """Takes events. Close what it works with."""

    def __init__(self, transactions: Transactions, acting: Acting) -> None:
        self._transactions = transactions
        self._acting = acting
        self._at_once = AtOnce(AT_ONCE_MAX)

    async def take(self, partner: Partner, event: InboundEvent, came: Came = HTTP) -> Outcome:
        """Have one event judged, and note what became of it. Raises only what is a fault of ours.

        An owner or a database that is away makes it `later`: nothing is noted as final.
        """
        try:
            async with self._at_once.place(partner.code, wait_seconds=WAIT_SECONDS_MAX):
                outcome = await _or_later(self._take(partner, event, came), event)
        except NoPlaceFree:
            # Of this place alone: nothing within asks for another.
            return await _or_later(self._noted(partner, event, came, later(event)), event)
        _TAKEN_IN.labels(
            SAYING_OF[event.type].judge if event.type in OWNER_CALLS else "", outcome.state
        ).inc()
        return outcome

    async def take_all(
        self, partner: Partner, events: list[InboundEvent | Unreadable], came: Came = HTTP
    ) -> list[Outcome]:
        """Take many: those of one subject in order, and none after one of them that was not taken."""
        lines: dict[str, list[int]] = {}
        for index, event in enumerate(events):
            subject = event.subject if isinstance(event, InboundEvent) else ""
            lines.setdefault(subject.lower() or f"\n{index}", []).append(index)
        found: dict[int, Outcome] = {}

        async def in_order(indexes: list[int]) -> None:
            before: Outcome | None = None
            for index in indexes:
                found[index] = await self._next(partner, events[index], came, before)
                before = found[index]

        async with asyncio.TaskGroup() as group:
            for indexes in lines.values():
                group.create_task(in_order(indexes))
        return [found[index] for index in range(len(events))]

    async def unreadable(self, partner: Partner, problem: Problem, came: Came = HTTP) -> None:
        """Note that something came that was no event."""
        said = Said(
            partner=partner.code,
            came_from=came.came_from,
            way=came.way,
            state="refused",
            status=problem.status,
            code=problem.slug,
        )
        async with self._transactions.transaction() as conn:
            await taken_store.note(conn, said)

    async def _next(
        self, partner: Partner, event: InboundEvent | Unreadable, came: Came, before: Outcome | None
    ) -> Outcome:
        """The next event of its subject, after what became of the one before it."""
        if isinstance(event, Unreadable):
            return await _or_later(self._unread(partner, event, came), event)
        if before is None or before.state == TAKEN:
            return await self.take(partner, event, came)
        # Nothing is decided of one that waits for another of which nothing is.
        outcome = later(event) if before.state == LATER else refused(event, earlier_refused())
        return await _or_later(self._noted(partner, event, came, outcome), event)

    async def _unread(self, partner: Partner, event: Unreadable, came: Came) -> Outcome:
        await self.unreadable(partner, event.problem, came)
        return refused(event, event.problem)

    async def _take(self, partner: Partner, event: InboundEvent, came: Came) -> Outcome:
        try:
            order = order_of(partner, event)
            digest = event.digest()
        except Problem as problem:
            return await self._noted(partner, event, came, refused(event, problem))
        async with self._transactions.transaction() as conn:
            before = await taken_store.find(conn, partner.code, event.identity)
        if before is not None and before.digest != digest:
            return await self._noted(partner, event, came, refused(event, id_reused()))
        if before is not None and before.now - before.taken_at > ANSWERS_KEPT:
            return await self._noted(partner, event, came, taken(event, order.call.status, replayed=True))
        try:
            answer = await self._acting.act(
                partner,
                order.call.service,
                order.path,
                order.content,
                key=f"event-{event.identity.hex()}",
                media_type=order.media_type,
            )
        except Unavailable:
            return await self._noted(partner, event, came, later(event))
        except Refused as told:
            outcome = refused_by_owner(event, told)
            if before is not None and outcome.state != LATER:
                # It was taken; that the owner would not take it now (a role that is gone) changes nothing.
                outcome = taken(event, order.call.status, replayed=True)
            return await self._noted(partner, event, came, outcome)
        return await self._keep(partner, event, came, order.call, digest, answer)

    async def _keep(
        self, partner: Partner, event: InboundEvent, came: Came, call: OwnerCall, digest: bytes, answer: bytes
    ) -> Outcome:
        """Note that it is taken. One that came twice at once was taken by the other."""
        about = _about(event, answer)
        outcome = taken(event, call.status, result=answer, location=_location(call, about, answer))
        async with self._transactions.transaction() as conn:
            said = _said(partner, event, came, outcome, about)
            if not await taken_store.take(conn, said, digest):
                outcome = msgspec.structs.replace(outcome, replayed=True)
                said = _said(partner, event, came, outcome, about)
            await taken_store.note(conn, said)
        return outcome

    async def _noted(self, partner: Partner, event: InboundEvent, came: Came, outcome: Outcome) -> Outcome:
        async with self._transactions.transaction() as conn:
            await taken_store.note(conn, _said(partner, event, came, outcome, _about(event)))
        return outcome


async def _or_later(work: Awaitable[Outcome], event: InboundEvent | Unreadable) -> Outcome:
    """What came of the work; `later` when somebody it needs was away. Raises what is a fault of ours."""
    try:
        return await work
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        problem = problem_of(error)
        if problem is None or problem.status != 503:
            raise
        return later(event)


def _about(event: InboundEvent, answer: bytes = b"") -> UUID | None:
    """The dossier it is about: the one it names, or the one that came of it."""
    if event.type in OWNER_CALLS and OWNER_CALLS[event.type].about_dossier and is_id(event.subject):
        return UUID(event.subject)
    return _read(answer).dossier_id


def _location(call: OwnerCall, about: UUID | None, answer: bytes) -> str:
    told = _read(answer)
    return call.location.format(dossier_id=about or "", receipt=told.receipt, number=told.number)


def _read(answer: bytes) -> _Answer:
    try:
        return msgspec.json.decode(answer or b"{}", type=_Answer)
    except ValueError:
        return _Answer()


def _said(partner: Partner, event: InboundEvent, came: Came, outcome: Outcome, about: UUID | None) -> Said:
    return Said(
        partner=partner.code,
        came_from=came.came_from,
        way=came.way,
        event_hash=event.identity,
        # Only what is a type of ours: anything else is a partner's own text.
        type=event.type if event.type in OWNER_CALLS else "",
        dossier_id=about,
        state=outcome.state,
        status=outcome.status,
        code=outcome.code,
    )
