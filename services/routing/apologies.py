"""Signing a written apology: the appointment moves, once by default (form 04 of TT 03/2025/TT-VPCP)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from libs.bus.handling import Change
from libs.http.auth import Actor
from services.routing import record_store, store, timers
from services.routing.case import LEADER, Case
from services.routing.desk import ONE_STOP, Forbidden, NotMine, say, within_calendar
from services.routing.record_store import Act
from services.routing.rules import Rules


async def sign(
    connection: Any,
    rules: Rules,
    actor: Actor,
    apology_id: UUID,
    *,
    appointment_at: datetime | None = None,
    note: str = "",
) -> Case:
    """Sign in the caller's transaction, with the proposed date or another; the case as it is then.

    Raises NotMine when the actor's agency has no such apology, Forbidden when the actor may not sign for it, and
    IllegalMove when it cannot be signed any more.
    """
    drafted = await record_store.apology(connection, apology_id, actor.agency)
    if drafted is None:
        raise NotMine
    now, cases = await store.load_now(connection, [drafted.dossier_id])
    case = cases.get(drafted.dossier_id)
    if case is None or now is None:
        raise NotMine
    role = _signing_role(case, actor, rules)
    with within_calendar():
        after, events = timers.sign_apology(case, drafted.number, appointment_at, now, rules)
    await store.save(rules, connection, [Change(dossier_id=case.dossier_id, before=case, after=after)])
    await say(connection, [(case.dossier_id, events)])
    act = Act(
        dossier_id=case.dossier_id,
        at=now,
        subject=actor.subject,
        role=role,
        agency=actor.agency,
        move="sign-apology",
        reason=drafted.reason,
        note=note,
    )
    await record_store.log(connection, [act])
    return after


def _signing_role(case: Case, actor: Actor, rules: Rules) -> str:
    """The role in which the actor signs for their agency: its leader, or whoever does its steps of the case.

    Raises Forbidden.
    """
    roles = [LEADER, *(rules.step_rule(case, s.code).role for s in case.steps if s.agency == actor.agency)]
    if actor.agency == case.receiving_agency:
        roles.append(ONE_STOP)
    role = next((role for role in roles if role in actor.roles), None)
    if role is None:
        raise Forbidden
    return role
