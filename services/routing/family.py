"""What the family of a dossier is told on its page besides its status: what to hand in, what was promised anew."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.routing.case import SUPPLEMENT, Case
from services.routing.deadlines import Deadline, deadline_of_case
from services.routing.rules import Rules
from services.routing.words import APOLOGY_REASONS, OUTCOMES


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A paper or a field still to be handed in: its code or path, and what people call it."""

    code: str
    name_vi: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The open request for papers."""

    number: int
    respond_by: datetime
    reason_vi: str
    missing: tuple[Missing, ...]


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment that was moved with an apology, signed by an officer."""

    was_at: datetime
    appointment_at: datetime
    signed_at: datetime
    reason_vi: str
    agency_vi: str


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """A step whose clock stands still until somebody outside the agency acts: `fee`, or a wait of the catalogue."""

    step: str
    step_vi: str
    agency_vi: str
    reason: str
    reason_vi: str
    since: datetime


class FamilyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the case stands for its family; what was refused is at /cases/{id}/refusals."""

    dossier_id: UUID
    appointment_at: datetime
    stopped: bool
    deadline: Deadline
    outcome: str
    outcome_vi: str
    asked: Asked | None
    waits: tuple[Wait, ...]
    apologies: tuple[Promise, ...]


def family_page(case: Case, at: datetime, rules: Rules) -> FamilyPage:
    """The page's words and dates, without anything an officer wrote."""
    outcome = case.settled.outcome if case.settled else ""
    return FamilyPage(
        dossier_id=case.dossier_id,
        appointment_at=case.appointment.due_at,
        stopped=case.settled is None and case.appointment.stopped_at is not None,
        deadline=deadline_of_case(case, at, rules),
        outcome=outcome,
        outcome_vi=OUTCOMES.get(outcome, ""),
        asked=_asked(case, rules),
        waits=_waits(case, rules) if case.settled is None else (),
        apologies=tuple(
            Promise(
                was_at=apology.was_at,
                appointment_at=apology.proposed_at,
                signed_at=apology.signed_at,
                reason_vi=APOLOGY_REASONS.get(apology.reason, ""),
                agency_vi=rules.agency_name(apology.agency),
            )
            for apology in case.apologies
            if apology.signed_at is not None
        ),
    )


def _waits(case: Case, rules: Rules) -> tuple[Wait, ...]:
    """What stops clocks besides a request for papers, which is told by itself."""
    return tuple(
        Wait(
            step=pause.step,
            step_vi=rules.step_name(case, pause.step),
            agency_vi=rules.agency_name(step.agency),
            reason=pause.reason,
            reason_vi=rules.wait_words(case, pause.step, pause.reason),
            since=pause.started_at,
        )
        for pause in case.pauses
        if pause.ended_at is None and pause.reason != SUPPLEMENT and (step := case.step(pause.step))
    )


def _asked(case: Case, rules: Rules) -> Asked | None:
    request = case.open_supplement
    if request is None:
        return None
    procedure = rules.procedure(case.procedure, case.procedure_from)
    papers = {component.code: component.name_vi for component in procedure.components}
    missing = [
        Missing(code=code, name_vi=papers.get(code, code))
        for code in request.components
        if code not in request.received
    ]
    missing += [
        Missing(code=path, name_vi=procedure.field_label(path))
        for path in request.fields
        if path not in request.received
    ]
    return Asked(
        number=request.number,
        respond_by=request.respond_by,
        reason_vi=rules.supplement_words(request.reason),
        missing=tuple(missing),
    )
