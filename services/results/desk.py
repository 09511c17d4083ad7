"""What officers do with results: each act checks who may, moves the custody, records the act and says the events."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

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
OPERATOR = "operator"


def not_found() -> Problem:
    """The same answer for what does not exist and for what belongs to somebody else."""
    return Problem(404, "result-not-found", "Không tìm thấy kết quả")


def holds(actor: Actor, result: Result) -> bool:
    """Whether the actor's agency has to do with the result: it issued it, or hands it over."""
    return actor.agency in (result.agency, result.place) or OPERATOR in actor.roles


def illegal(error: IllegalMove) -> Problem:
    """A move the result's state does not allow."""
    return Problem(409, error.code, "Không thực hiện được với kết quả này", error.text)


async def find(conn: Any, actor: Actor, result_id: UUID) -> tuple[Custody, Result]:
    """The result and its dossier's custody, locked. Raises Problem 404 for strangers and unknown ids alike."""
    row = await desk_store.result_row(conn, result_id)
    custody = await store.load_one(conn, row["dossier_id"]) if row is not None else None
    if custody is None:
        raise not_found()
    result = custody.result(result_id)
    if not holds(actor, result):
        raise not_found()
    return custody, result


async def act(
    conn: Any,
    actor: Actor,
    custody: Custody,
    results: Sequence[Result],
    name: str,
    move: Move,
    *,
    note: str = "",
) -> Custody:
    """Make the move, save it, log the act on each result, and say its events. Raises Problem 409."""
    now: datetime = await conn.fetchval("SELECT now()")
    try:
        after, events = move(custody, now)
    except IllegalMove as error:
        raise illegal(error) from error
    await store.save(conn, [Change(dossier_id=custody.dossier_id, before=custody, after=after)])
    await desk_store.log_acts(
        conn,
        [(custody.dossier_id, result.id, name, actor.subject, actor.agency, note) for result in results],
    )
    await emit(conn, "results", [Outgoing(dossier_id=custody.dossier_id, event=event) for event in events])
    return after


def issuer(actor: Actor, result: Result) -> None:
    """Only the agency whose document it is sends it off. Raises Problem 403."""
    if actor.agency != result.agency:
        raise Problem(403, "not-this-agency", "Kết quả này do cơ quan khác phát hành")


def issuer_or_operator(actor: Actor, result: Result) -> None:
    """Only the agency whose document it is revokes it, or an operator on its behalf. Raises Problem 403."""
    if OPERATOR not in actor.roles:
        issuer(actor, result)


def at_place(actor: Actor, result: Result) -> None:
    """Only the desk that holds the paper may take it in or hand it over; a posted one its issuing agency."""
    desk = result.agency if result.delivery == domain.POST else result.place
    if actor.agency != desk:
        raise Problem(403, "not-this-desk", "Kết quả này do nơi khác giữ và trao")


async def to_hand_over(
    conn: Any, actor: Actor, dossier_id: UUID, result_ids: Sequence[UUID]
) -> tuple[Custody, list[Result]]:
    """The results of one dossier this desk is to hand over, locked. Raises Problem 403 or 404.

    Asked before anything is read of the people: who has no business with the papers learns nothing of them.
    """
    custody = await store.load_one(conn, dossier_id)
    known = {r.id for r in custody.results} if custody else set()
    if custody is None or not set(result_ids) <= known:
        raise not_found()
    results = [custody.result(result_id) for result_id in result_ids]
    if not all(holds(actor, result) for result in results):
        raise not_found()
    for result in results:
        at_place(actor, result)
    return custody, results


async def hand_over(
    conn: Any, actor: Actor, dossier_id: UUID, result_ids: Sequence[UUID], receiver: Receiver
) -> tuple[Custody, Handover]:
    """Hand several results of one dossier to one person in one act. Raises Problem 403, 404 or 409."""
    custody, results = await to_hand_over(conn, actor, dossier_id, result_ids)

    def move(before: Custody, now: datetime) -> domain.Step:
        after, said = before, list[Event]()
        for result_id in result_ids:
            after, events = domain.hand_over(after, result_id, receiver.relation, now)
            said += events
        return after, tuple(said)

    after = await act(conn, actor, custody, results, "hand-over", move)
    handover = Handover(
        id=new_id(),
        dossier_id=dossier_id,
        place=actor.agency,
        handed_over_at=after.result(result_ids[0]).changed_at,
        officer=actor.subject,
        receiver=receiver,
        result_ids=tuple(result_ids),
    )
    await desk_store.record_handover(conn, handover)
    return after, handover
