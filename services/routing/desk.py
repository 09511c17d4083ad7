"""The desk: an officer's act on a case, in one transaction with its events and its line in the log."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.handling import Change
from libs.bus.outbox import Outgoing, emit
from libs.catalogue.holidays import CalendarError
from libs.http.auth import Actor
from services.routing import store
from services.routing.case import LEADER, RETURNED, Case, IllegalMove, Move, Officer, Step, refuse_if_taken
from services.routing.record_store import Act, log
from services.routing.rules import Rules

SOURCE = "routing"
ONE_STOP = "one_stop"


class NotMine(Exception):
    """There is no such case or step for this agency; whether there is one for another is not said."""


class Forbidden(Exception):
    """The step lies with the officer's agency, but not with this role."""


def mine(case: Case | None, code: str, actor: Actor, rules: Rules) -> tuple[Case, Step, Officer]:
    """The step of the actor's agency and the actor as officer for it. Raises NotMine and Forbidden."""
    step = case.step(code) if case is not None else None
    if case is None or step is None or not step.agency or step.agency != actor.agency:
        raise NotMine
    needed = ONE_STOP if step.state == RETURNED else rules.step_rule(case, code).role
    # A leader acts as such: what another officer of the agency began they may finish.
    role = next((r for r in (LEADER, needed) if r in actor.roles), None)
    if role is None:
        raise Forbidden
    return case, step, Officer(subject=actor.subject, agency=actor.agency, role=role)


def only_step(case: Case | None, actor: Actor) -> str:
    """The one open step of the case on the actor's desk. Raises NotMine, or IllegalMove when there are several."""
    held = [s.code for s in case.steps if s.open and s.agency == actor.agency] if case is not None else []
    if len(held) > 1:
        raise IllegalMove("which-step", "Cơ quan đang giữ nhiều bước của hồ sơ; hãy nêu rõ bước.")
    if not held:
        raise NotMine
    return held[0]


def refuse_stale(step: Step, version: int | None) -> None:
    """Raises IllegalMove when the officer has seen an earlier version of the step than there is now."""
    if version is not None and version != step.version:
        text = "Bước đã thay đổi kể từ khi mở; hãy tải lại trước khi thực hiện."
        raise IllegalMove("version-changed", text, version=str(step.version), step=step.code)


@contextmanager
def within_calendar() -> Iterator[None]:
    """Raises IllegalMove where a due time would lie beyond the holiday table, which then has to be extended."""
    try:
        yield
    except CalendarError:
        text = "Lịch làm việc chưa có dữ liệu cho thời gian này; hãy báo người quản trị."
        raise IllegalMove("outside-calendar", text) from None


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer wants done: `move` names it in the log, `decide` is the pure decision on the step.

    Without `step` it is the only one of the dossier that lies with the officer's agency.
    """

    dossier_id: UUID
    step: str
    move: str
    decide: Callable[[Case, str, Officer, datetime], Move]
    reason: str = ""
    note: str = ""
    version: int | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The case after an act, and the step it was about."""

    case: Case
    step: str


async def carry_out(connection: Any, rules: Rules, actor: Actor, order: Order) -> Done:
    """Do it, in the caller's transaction.

    Raises NotMine, Forbidden and IllegalMove before anything is written.
    """
    now, cases = await store.load_now(connection, [order.dossier_id])
    code = order.step or only_step(cases.get(order.dossier_id), actor)
    case, step, by = mine(cases.get(order.dossier_id), code, actor, rules)
    if now is None:
        raise NotMine
    refuse_stale(step, order.version)
    refuse_if_taken(step, by)
    with within_calendar():
        after, events = order.decide(case, step.code, by, now)
    if after is case:
        return Done(case=case, step=step.code)
    act = act_of(case, step.code, order.move, by, now, reason=order.reason, note=order.note)
    return await keep(connection, rules, case, (after, events), act)


def act_of(
    case: Case, code: str, move: str, by: Officer, at: datetime, *, reason: str = "", note: str = ""
) -> Act:
    """What the officer did, for the log."""
    return Act(
        dossier_id=case.dossier_id,
        at=at,
        subject=by.subject,
        role=by.role,
        agency=by.agency,
        move=move,
        step=code,
        reason=reason,
        note=note,
    )


async def keep(connection: Any, rules: Rules, before: Case, move: Move, act: Act) -> Done:
    """Save the case after a move, with its events and its line in the log, in the caller's transaction."""
    after, events = move
    await store.save(rules, connection, [Change(dossier_id=before.dossier_id, before=before, after=after)])
    await say(connection, [(before.dossier_id, events)])
    await log(connection, [act])
    return Done(case=after, step=act.step)


async def say(connection: Any, said: Collection[tuple[UUID, tuple[Any, ...]]]) -> None:
    """Emit the events of one or several cases, in order."""
    outgoing = [
        Outgoing(dossier_id=dossier_id, event=event) for dossier_id, events in said for event in events
    ]
    await emit(connection, SOURCE, outgoing)
