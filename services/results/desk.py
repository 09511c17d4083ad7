"""What officers do with results: each act checks who may, moves the custody, records the act and says the events.

Acts that are asked for at the same time are carried out in one transaction (libs.http.together): load many, decide each
purely, save many. One that is refused leaves nothing behind and holds up nobody.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.handling import Change
from libs.bus.ids import new_id
from libs.bus.outbox import Outgoing, emit
from libs.contracts.event import Event
from libs.http.auth import Actor
from libs.http.problems import Problem
from services.results import desk_store, domain, store
from services.results.desk_store import Handover, Receiver
from services.results.domain import Custody, IllegalMove, Result

Move = Callable[[Custody, datetime], domain.Step]
# Raises Problem 403.
Guard = Callable[[Actor, Result], None]
OPERATOR = "operator"


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What one officer does with results of one dossier. A hand-over names the `receiver`.

    `dossier_id` is the dossier all of them must be of, where the sender says so.
    """

    actor: Actor
    name: str
    result_ids: tuple[UUID, ...]
    guard: Guard
    move: Move
    note: str = ""
    dossier_id: UUID | None = None
    receiver: Receiver | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An act carried out: the custody after it, and the hand-over if it was one."""

    custody: Custody
    handover: Handover | None = None


def not_found() -> Problem:
    """The same answer for what does not exist and for what belongs to somebody else."""
    return Problem(404, "result-not-found", "Không tìm thấy kết quả")


def holds(actor: Actor, result: Result) -> bool:
    """Whether the actor's agency has to do with the result: it issued it, or hands it over."""
    return is_one_of(actor, result.agency, result.place) or OPERATOR in actor.roles


def is_one_of(actor: Actor, *agencies: str) -> bool:
    """Whether the actor works at one of the agencies. Nobody works at "", the place of electronic and posted papers."""
    return bool(actor.agency) and actor.agency in agencies


def illegal(error: IllegalMove) -> Problem:
    """A move the result's state does not allow."""
    return Problem(409, error.code, "Không thực hiện được với kết quả này", error.text)


def issuer(actor: Actor, result: Result) -> None:
    """Only the agency whose document it is sends it off. Raises Problem 403."""
    if not is_one_of(actor, result.agency):
        raise Problem(403, "not-this-agency", "Kết quả này do cơ quan khác phát hành")


def issuer_or_operator(actor: Actor, result: Result) -> None:
    """Only the agency whose document it is revokes it, or an operator on its behalf. Raises Problem 403."""
    if OPERATOR not in actor.roles:
        issuer(actor, result)


def replaces(actor: Actor, result: Result) -> None:
    """Whoever holds the paper may order a new version; once it is in somebody's hands, only its issuer (403)."""
    if result.state == domain.HANDED_OVER:
        issuer(actor, result)


def at_place(actor: Actor, result: Result) -> None:
    """Only the desk that holds the paper may take it in or hand it over; a posted one its issuing agency."""
    desk = result.agency if result.delivery == domain.POST else result.place
    if not is_one_of(actor, desk):
        raise Problem(403, "not-this-desk", "Kết quả này do nơi khác giữ và trao")


async def carry_out(conn: Any, acts: Sequence[Act]) -> list[Done | Problem]:
    """Carry out acts in the caller's transaction, in order; for each what was done, or why not (403, 404, 409)."""
    now, dossiers = await desk_store.dossiers_of(conn, [one for act in acts for one in act.result_ids])
    if now is None:
        return [not_found() for _ in acts]
    before = await store.load(conn, sorted(set(dossiers.values()), key=lambda dossier: dossier.int))
    after = dict(before)
    said: list[Outgoing] = []
    outcomes: list[Done | Problem] = []
    for act in acts:
        try:
            custody, events = _decide(act, dossiers, after, now)
        except Problem as problem:
            outcomes.append(problem)
            continue
        after[custody.dossier_id] = custody
        said += [Outgoing(dossier_id=custody.dossier_id, event=event) for event in events]
        outcomes.append(Done(custody=custody, handover=_handover(act, custody, now)))
    done = [(act, found) for act, found in zip(acts, outcomes, strict=True) if isinstance(found, Done)]
    if done:
        await _write(conn, before, after, done)
        await emit(conn, "results", said)
    return outcomes


def to_hand_over(custody: Custody | None, actor: Actor, result_ids: Sequence[UUID]) -> list[Result]:
    """The results of one dossier this desk is to hand over. Raises Problem 403 or 404.

    Asked before anything is read of the people: who has no business with the papers learns nothing of them.
    """
    known = {result.id for result in custody.results} if custody else set()
    if custody is None or not set(result_ids) <= known:
        raise not_found()
    results = [custody.result(result_id) for result_id in result_ids]
    if not all(holds(actor, result) for result in results):
        raise not_found()
    for result in results:
        at_place(actor, result)
    return results


def arrival(actor: Actor, result_id: UUID) -> Act:
    """The act of taking one paper in at its desk."""

    def move(custody: Custody, now: datetime) -> domain.Step:
        return domain.arrive(custody, result_id, now)

    return Act(actor=actor, name="arrive", result_ids=(result_id,), guard=at_place, move=move)


def handing_over(result_ids: Sequence[UUID], relation: str) -> Move:
    """The move that hands several results over at once."""

    def move(before: Custody, now: datetime) -> domain.Step:
        after, said = before, list[Event]()
        for result_id in result_ids:
            after, events = domain.hand_over(after, result_id, relation, now)
            said += events
        return after, tuple(said)

    return move


def _decide(
    act: Act, dossiers: dict[UUID, UUID], custodies: dict[UUID, Custody], now: datetime
) -> domain.Step:
    """Raises Problem."""
    owners = {dossiers.get(result_id) for result_id in act.result_ids}
    dossier_id = owners.pop()
    custody = custodies.get(dossier_id) if dossier_id is not None else None
    if custody is None or owners or (act.dossier_id or dossier_id) != dossier_id:
        raise not_found()
    results = [custody.result(result_id) for result_id in act.result_ids]
    if not all(holds(act.actor, result) for result in results):
        raise not_found()
    for result in results:
        act.guard(act.actor, result)
    try:
        return act.move(custody, now)
    except IllegalMove as error:
        raise illegal(error) from error


def _handover(act: Act, custody: Custody, now: datetime) -> Handover | None:
    if act.receiver is None:
        return None
    return Handover(
        id=new_id(),
        dossier_id=custody.dossier_id,
        place=act.actor.agency,
        handed_over_at=now,
        officer=act.actor.subject,
        officer_kind=act.actor.kind,
        receiver=act.receiver,
        result_ids=act.result_ids,
    )


async def _write(
    conn: Any,
    before: dict[UUID, Custody],
    after: dict[UUID, Custody],
    done: Sequence[tuple[Act, Done]],
) -> None:
    changes = [
        Change(dossier_id=dossier_id, before=before[dossier_id], after=custody)
        for dossier_id, custody in after.items()
        if custody is not before[dossier_id]
    ]
    if changes:
        await store.save(conn, changes)
    await desk_store.log_acts(
        conn,
        [
            (found.custody.dossier_id, result_id, act.name, act.actor.subject, act.actor.agency, act.note)
            for act, found in done
            for result_id in act.result_ids
        ],
    )
    handovers = [found.handover for _, found in done if found.handover is not None]
    if handovers:
        await desk_store.record_handovers(conn, handovers)
