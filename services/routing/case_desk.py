"""The case as an officer works on it: what may be done with each step now, who holds it, with which forms. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec

from libs.catalogue.reasons import Move
from libs.http.auth import Actor
from services.routing.case import LEADER, STARTED, Case, Step
from services.routing.deadlines import Deadline, deadline_of, deadline_of_case
from services.routing.legal import LegalAct, acts_on
from services.routing.record_store import Act
from services.routing.rules import Rules
from services.routing.views import sight_of
from services.routing.words import STEP_STATES


class ReasonView(msgspec.Struct, frozen=True, kw_only=True):
    """A reason an officer may choose today, with the words the family reads."""

    code: str
    name_vi: str
    legal_basis: str


class StepDesk(msgspec.Struct, frozen=True, kw_only=True):
    """A step that concerns the caller's agency. `outcome_form` is the JSON Schema of what completing it asks for.

    `holder` is the subject of the officer who has it in hand, `held_since` from when on; `mine` says it is the caller.
    `declined_by` are agencies that gave it back. The form comes to those who may fill it in.
    """

    step: str
    name_vi: str
    role: str
    state: str
    state_vi: str
    agency: str
    version: int
    holder: str
    held_since: datetime | None
    mine: bool
    deadline: Deadline
    acts: tuple[LegalAct, ...]
    declined_by: tuple[str, ...]
    outcome_form: Mapping[str, Any]
    pending_fields: tuple[str, ...]
    pending: tuple[str, ...]


class CaseDesk(msgspec.Struct, frozen=True, kw_only=True):
    """One case for the officer's screen: the steps on the desk of the caller's agency, and what they choose from."""

    dossier_id: UUID
    code: str
    procedure: str
    procedure_name_vi: str
    legal_basis: tuple[str, ...]
    deadline: Deadline
    steps: tuple[StepDesk, ...]
    reasons: Mapping[Move, tuple[ReasonView, ...]]


def desk_of(
    case: Case, actor: Actor, last: Mapping[tuple[UUID, str], Act], at: datetime, rules: Rules
) -> CaseDesk | None:
    """The case as the actor may work on it; None for who has nothing to do with it."""
    steps = tuple(
        step_desk(case, step, actor, last.get((case.dossier_id, step.code)), at, rules)
        for step in case.steps
        if actor.agency and actor.agency in (step.agency, step.left.agency if step.left else "")
    )
    # What the agency has given back it sees as long as it may take it back.
    steps = tuple(step for step in steps if step.agency == actor.agency or step.acts)
    if not steps and sight_of(case, actor) is None:
        return None
    procedure = rules.procedure(case.procedure, case.procedure_from)
    moves: tuple[Move, ...] = get_args(Move)
    return CaseDesk(
        dossier_id=case.dossier_id,
        code=case.code,
        procedure=case.procedure,
        procedure_name_vi=procedure.name_vi,
        legal_basis=procedure.legal_basis,
        deadline=deadline_of_case(case, at, rules),
        steps=steps,
        reasons={
            move: tuple(
                ReasonView(code=one.code, name_vi=one.name_vi, legal_basis=one.legal_basis)
                for one in rules.reasons(move, at)
            )
            for move in moves
            if move != "lapse"
        },
    )


def step_desk(case: Case, step: Step, actor: Actor, last: Act | None, at: datetime, rules: Rules) -> StepDesk:
    """One step as the actor may work on it."""
    rule = rules.step_rule(case, step.code)
    holder = step.started_by if step.state == STARTED and step.agency == actor.agency else ""
    fills_in = step.agency == actor.agency and not actor.roles.isdisjoint({rule.role, LEADER})
    return StepDesk(
        step=step.code,
        name_vi=rule.name_vi,
        role=rule.role,
        state=step.state,
        state_vi=STEP_STATES[step.state],
        agency=step.agency,
        version=step.version,
        holder=holder,
        held_since=step.started_at if holder else None,
        mine=holder == actor.subject,
        deadline=deadline_of(case, step, at, rules),
        acts=acts_on(case, step, actor, last, at, rules),
        declined_by=step.declined_by,
        outcome_form=rule.outcome if fills_in else {},
        pending_fields=rule.pending_fields,
        pending=step.pending,
    )
