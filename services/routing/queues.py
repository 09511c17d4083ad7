"""The queues as a caller sees them: which there are, how much is in each, and the rows of one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue.queues import Queue
from libs.http.auth import Actor
from services.routing import queue_store, record_store, store
from services.routing.case import Case
from services.routing.deadlines import Deadline, deadline_of
from services.routing.desk import ONE_STOP
from services.routing.desk_store import DeskStep, Mark, mark_of
from services.routing.legal import LegalAct, acts_on
from services.routing.record_store import Act, DraftedApology
from services.routing.rules import Rules

ROUTING = "routing"
APOLOGIES = "apologies"
APOLOGIES_MAX = 200


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """One queue in the caller's list. `count` is at most 1,000, then `more` is true; None for who else keeps it."""

    slug: str
    name_vi: str
    service: str
    action: str
    empty_vi: str
    count: int | None = None
    more: bool = False


class QueueList(msgspec.Struct, frozen=True, kw_only=True):
    """The queues the caller works from, in their order."""

    queues: tuple[QueueView, ...]


class QueueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a queue. `holder` is the subject of who has it in hand, told to their own agency only.

    `acts` are what the caller may do now of the queue's own action, beginning the step and letting its clock run
    on (the case's desk tells all of them); `apology` is the draft to be signed in the queue of apologies.
    """

    dossier_id: UUID
    code: str
    procedure: str
    procedure_name_vi: str
    step: str
    step_name_vi: str
    agency: str
    agency_vi: str
    state: str
    due_at: datetime | None
    deadline: Deadline
    assigned_at: datetime | None
    holder: str
    flagged: bool
    version: int
    acts: tuple[LegalAct, ...]
    apology: DraftedApology | None = None


class QueuePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a queue; `next` is the `after` of the following page, None on the last."""

    slug: str
    rows: tuple[QueueRow, ...]
    next: str | None


def seen_by(actor: Actor, rules: Rules) -> tuple[Queue, ...]:
    """The queues the actor works from, those of other services among them."""
    agency = rules.agency(actor.agency) if actor.agency else None
    held = agency.roles if agency else ()
    return tuple(queue for queue in rules.catalogue.queues if queue.seen_by(actor.roles, held))


async def counted(connection: Any, actor: Actor, rules: Rules) -> QueueList:
    """The actor's queues with how much is in each."""
    seen = seen_by(actor, rules)
    kept = [queue for queue in seen if queue.service == ROUTING]
    counts = await queue_store.count(
        connection, kept, actor.agency, actor.subject, received=_receives(actor, rules)
    )
    return QueueList(queues=tuple(_view(queue, counts.get(queue.slug)) for queue in seen))


async def page_of(
    connection: Any, queue: Queue, actor: Actor, rules: Rules, *, limit: int, after: Mark | None
) -> QueuePage:
    """One page of a queue of steps."""
    found = await queue_store.rows(
        connection,
        queue,
        actor.agency,
        actor.subject,
        received=_receives(actor, rules),
        rows_max=limit + 1,
        after=after,
    )
    shown = found[:limit]
    rows = await _rows(connection, queue, shown, actor, rules)
    more = str(mark_of(found[limit - 1])) if len(found) > limit else None
    return QueuePage(slug=queue.slug, rows=rows, next=more)


async def apologies_of(connection: Any, queue: Queue, actor: Actor, rules: Rules) -> QueuePage:
    """The apologies to be signed, with the open step of each dossier that it waits for."""
    drafts = await record_store.apologies(connection, actor.agency, APOLOGIES_MAX)
    cases = await store.read_many(connection, [draft.dossier_id for draft in drafts])
    now = await store.now(connection)
    rows = []
    for draft in drafts:
        case = cases[draft.dossier_id]
        held = [s.code for s in case.steps if s.open]
        own = [s.code for s in case.steps if s.open and s.agency == actor.agency]
        row = _row(case, (*own, *held, case.steps[-1].code)[0], actor, now, rules, ())
        rows.append(msgspec.structs.replace(row, apology=draft))
    return QueuePage(slug=queue.slug, rows=tuple(rows), next=None)


async def _rows(
    connection: Any, queue: Queue, found: list[DeskStep], actor: Actor, rules: Rules
) -> tuple[QueueRow, ...]:
    ids = list({step.dossier_id for step in found})
    cases = await store.read_many(connection, ids)
    last: Mapping[tuple[UUID, str], Act] = await record_store.last_acts(connection, ids)
    now = await store.now(connection)
    rows = []
    for step in found:
        # The step may have moved on since the list was read: then the list shows where it is now.
        case = cases[step.dossier_id]
        on = next(one for one in case.steps if one.code == step.step)
        done = last.get((step.dossier_id, step.step))
        tried = acts_on(case, on, actor, done, now, rules, of=(queue.action, "start", "resume"))
        acts = tuple(act for act in tried if act.allowed)
        rows.append(_row(case, step.step, actor, now, rules, acts))
    return tuple(rows)


def _row(
    case: Case,
    code: str,
    actor: Actor,
    now: datetime,
    rules: Rules,
    acts: tuple[LegalAct, ...],
) -> QueueRow:
    step = next(step for step in case.steps if step.code == code)
    deadline = deadline_of(case, step, now, rules)
    return QueueRow(
        dossier_id=case.dossier_id,
        code=case.code,
        procedure=case.procedure,
        procedure_name_vi=rules.procedure(case.procedure, case.procedure_from).short_name_vi,
        step=code,
        step_name_vi=rules.step_rule(case, code).name_vi,
        agency=step.agency,
        agency_vi=rules.agency_name(step.agency),
        state=step.state,
        due_at=deadline.due_at,
        deadline=deadline,
        assigned_at=step.assigned_at,
        holder=step.started_by if step.open and step.agency == actor.agency else "",
        flagged=step.flagged,
        version=step.version,
        acts=acts,
    )


def _receives(actor: Actor, rules: Rules) -> bool:
    """Whether the actor works where dossiers are handed in, and so looks after them wherever their steps lie."""
    agency = rules.agency(actor.agency) if actor.agency else None
    return ONE_STOP in actor.roles or (agency is not None and ONE_STOP in agency.roles)


def _view(queue: Queue, count: int | None) -> QueueView:
    return QueueView(
        slug=queue.slug,
        name_vi=queue.name_vi,
        service=queue.service,
        action=queue.action,
        empty_vi=queue.empty_vi,
        count=None if count is None else min(count, queue_store.COUNTED_MAX),
        more=count is not None and count > queue_store.COUNTED_MAX,
    )
