"""Steps: opening the graph, giving each to the competent agency, doing it, giving it back, doing it again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.catalogue.procedures import Step as StepRule
from libs.contracts.event import Event
from libs.contracts.intake import DossierAccepted
from libs.contracts.routing import (
    CaseOpened,
    ProducedResult,
    StepAmended,
    StepAssigned,
    StepCompleted,
    StepReturned,
    StepStarted,
)
from services.routing import clocks
from services.routing.case import (
    ASSIGNED,
    CANCELLED,
    COMPLETED,
    GRANTED,
    RETURNED,
    STARTED,
    SUPPLEMENT,
    WAITING,
    Case,
    IllegalMove,
    Left,
    Move,
    Officer,
    Step,
    changed,
    known_step,
    refuse_if_ended,
    refuse_if_taken,
    replaced,
    with_step,
)
from services.routing.endings import settle_if_done
from services.routing.pauses import end_pauses_of, run_again
from services.routing.rules import Rules

# Still to come like a field of the outcome: an amendment from which a result can be made.
AMENDMENT = "amendment"
NO_AGENCY = "no-competent-agency"


def open_case(dossier_id: UUID, event: DossierAccepted, at: datetime, rules: Rules) -> Move:
    """The case of an accepted dossier, its first steps with the competent agencies.

    Clocks run from acceptance, not from when we hear of it. Raises IllegalMove for a procedure unknown here.
    """
    procedure = rules.procedure(event.procedure, event.procedure_from)
    options = procedure.settled_options(event.options)
    calendar = rules.calendar(event.receiving_agency)
    clock = clocks.promised(
        calendar,
        event.accepted_at,
        event.appointment_at,
        clocks.unit_of(procedure.limit_for(options)),
        rules.numbers.near_days,
    )
    case = Case(
        dossier_id=dossier_id,
        code=event.code,
        procedure=procedure.code,
        procedure_from=procedure.effective_from,
        channel=event.channel,
        receiving_agency=event.receiving_agency,
        received_at=event.received_at,
        accepted_at=event.accepted_at,
        opened_at=at,
        unit=event.unit,
        unit_as_of=event.unit_as_of,
        calendar=calendar.version,
        clock=clock,
        appointment=clock,
        steps=tuple(Step(code=rule.code) for rule in procedure.chosen_steps(options)),
        facility=event.facility,
        options=options,
        results=event.results,
        role_units=event.role_units,
    )
    opened = CaseOpened(
        procedure=procedure.code,
        steps=tuple(step.code for step in case.steps),
        appointment_at=event.appointment_at,
        calendar=calendar.version,
        opened_at=at,
    )
    case, assigned = assign_ready(case, at, rules, started_at=event.accepted_at)
    return case, (opened, *assigned)


def assign_ready(case: Case, at: datetime, rules: Rules, *, started_at: datetime | None = None) -> Move:
    """Give every step whose predecessors are completed to its agency, or without one to the one-stop shop."""
    done = {step.code for step in case.steps if step.state == COMPLETED}
    mine = {step.code for step in case.steps}
    events: list[Event] = []
    for step in case.steps:
        if step.state != WAITING:
            continue
        rule = rules.step_rule(case, step.code)
        if not done.issuperset(mine.intersection(rule.depends_on)):
            continue
        agency = rules.competent(rule.role, *case.unit_for(rule.role), at)
        if agency:
            case, assigned = _assigned(
                case, step, rule, agency=agency, at=at, rules=rules, started_at=started_at
            )
            events.append(assigned)
        else:
            held = changed(step, state=RETURNED, agency=case.receiving_agency, cause=NO_AGENCY)
            case = with_step(case, held)
    return case, tuple(events)


def _assigned(
    case: Case,
    step: Step,
    rule: StepRule,
    *,
    agency: str,
    at: datetime,
    rules: Rules,
    started_at: datetime | None = None,
) -> tuple[Case, StepAssigned]:
    limit = rule.limit_for(case.options)
    clock = None
    if limit is not None:
        clock = clocks.started(rules.calendar(agency), started_at or at, limit, rules.numbers.near_days)
        if case.stopped_for(step.code):
            clock = clocks.stopped(clock, at)
    held = changed(
        step,
        state=ASSIGNED,
        agency=agency,
        round=step.round + 1,
        priority=1 if limit is not None and limit.unit in ("same_day", "hour") else 0,
        assigned_at=at,
        started_at=None,
        started_by="",
        started_role="",
        completed_at=None,
        clock=clock,
        cause="",
        flagged=False,
        left=None,
    )
    event = StepAssigned(step=step.code, agency=agency, assigned_at=at, due_at=held.due_at)
    return with_step(case, held), event


def start(case: Case, code: str, by: Officer, at: datetime) -> Move:
    """An officer begins the step; beginning one's own step again changes nothing. Raises IllegalMove."""
    step = _in_hand(case, code, by)
    if step.state == STARTED and step.started_by == by.subject:
        return case, ()
    begun = {"started_at": at, "started_by": by.subject, "started_role": by.role}
    held = changed(step, state=STARTED, left=None, **begun)
    return with_step(case, held), (StepStarted(step=code, agency=step.agency, started_at=at),)


def complete(
    case: Case, code: str, by: Officer, *, pending: Sequence[str], at: datetime, rules: Rules
) -> Move:
    """The step is done; what follows is assigned, or the case is settled.

    `pending` names outcome data still to come. Raises IllegalMove. That the outcome is right and
    unique is checked beside this (outcomes.py).
    """
    step = _in_hand(case, code, by)
    _refuse_if_stopped(case, step)
    rule = rules.step_rule(case, code)
    produces = tuple(
        ProducedResult(code=chosen.code, delivery=chosen.delivery, place=chosen.place, copies=chosen.copies)
        for chosen in case.results
        if chosen.code in rule.produces
    )
    done = changed(
        step,
        state=COMPLETED,
        completed_at=at,
        # Done without having been begun: whoever asks later is told who it was.
        started_by=step.started_by or by.subject,
        started_role=step.started_role or by.role,
        produced=tuple(result.code for result in produces),
        pending=tuple(pending),
        revision=step.revision + 1,
        flagged=False,
        left=None,
    )
    completed = StepCompleted(
        step=code, agency=step.agency, completed_at=at, produces=produces, pending=done.pending
    )
    case, following = assign_ready(with_step(case, done), at, rules)
    case, ending = settle_if_done(case, at)
    return case, (completed, *following, *ending)


def amend(case: Case, code: str, fields: Sequence[str], pending: Sequence[str], at: datetime) -> Move:
    """Outcome data of a completed step were completed or corrected; its results are to be replaced.

    Possible as long as the decision stands, also after the hand-over (CV 3160/BTP-CNTT: the child's number
    comes later). Raises IllegalMove.
    """
    step = known_step(case, code)
    if step.state != COMPLETED:
        raise IllegalMove("step-not-completed", "Chỉ sửa được kết quả của bước đã hoàn thành.")
    if case.settled is not None and case.settled.outcome != GRANTED:
        refuse_if_ended(case)
    if not fields:
        raise IllegalMove("nothing-changed", "Kết quả không có thay đổi nào.")
    amended = changed(step, revision=step.revision + 1, pending=tuple(pending), cause="")
    replaces = tuple(
        ProducedResult(code=chosen.code, delivery=chosen.delivery, place=chosen.place, copies=chosen.copies)
        for chosen in case.results
        if chosen.code in step.produced
    )
    event = StepAmended(step=code, agency=step.agency, fields=tuple(fields), amended_at=at, replaces=replaces)
    return with_step(case, amended), (event,)


def give_back(
    case: Case, code: str, by: Officer, *, reason: str, to: str, at: datetime, rules: Rules
) -> Move:
    """The agency is not competent: the step goes to `to`, or (empty) to whoever else is competent.

    When nobody else is, it lies with the one-stop shop. Raises IllegalMove, also when `to` does not do such
    steps.
    """
    step = _in_hand(case, code, by)
    supplement = case.open_supplement
    if supplement is not None and supplement.step == code:
        raise IllegalMove("supplement-open", "Bước đang chờ bổ sung giấy tờ, chưa chuyển trả được.")
    rule = rules.step_rule(case, code)
    declined = (*step.declined_by, step.agency)
    if to:
        _refuse_incompetent(procedure_role=rule.role, agency=to, declined=declined, at=at, rules=rules)
    else:
        found = rules.competent(rule.role, *case.unit_for(rule.role), at)
        to = "" if found in declined else found
    returned = StepReturned(step=code, agency=step.agency, reason=reason, returned_at=at)
    case, resumed = end_pauses_of(case, (code,), at, rules)
    # Clocks that run again by the return cannot be put back: then it stands.
    left = None if resumed else left_by(step, at)
    step = changed(known_step(case, code), declined_by=tuple(dict.fromkeys(declined)), cause=reason)
    if to:
        case, assigned = _assigned(case, step, rule, agency=to, at=at, rules=rules)
        given = msgspec.structs.replace(known_step(case, code), left=left)
        return with_step(case, given), (*resumed, returned, assigned)
    held = changed(
        step,
        state=RETURNED,
        agency=case.receiving_agency,
        started_at=None,
        started_by="",
        started_role="",
        clock=None,
        left=left,
    )
    return with_step(case, held), (*resumed, returned)


def assign(case: Case, code: str, agency: str, at: datetime, rules: Rules) -> Move:
    """The one-stop shop gives a step that came back to an agency. Raises IllegalMove."""
    refuse_if_ended(case)
    step = known_step(case, code)
    if step.state != RETURNED:
        raise IllegalMove("step-not-returned", "Chỉ phân công lại được bước đã chuyển trả bộ phận một cửa.")
    rule = rules.step_rule(case, code)
    _refuse_incompetent(procedure_role=rule.role, agency=agency, declined=(), at=at, rules=rules)
    case, event = _assigned(case, step, rule, agency=agency, at=at, rules=rules)
    return case, (event,)


def reopen(case: Case, code: str, reason: str, at: datetime, rules: Rules) -> Move:
    """A result could not be made from the step's outcome: its agency does it again.

    After the hand-over the papers handed out stay good and only the amendment is lost: the step lies in the agency's
    list of what is pending until it is amended in another way. Nothing changes when the step is already being redone,
    or the dossier has meanwhile ended another way.
    """
    step = known_step(case, code)
    ended = case.settled is not None and case.settled.outcome != GRANTED
    if step.state != COMPLETED or ended:
        return case, ()
    if case.closed_at is not None:
        if AMENDMENT in step.pending:
            return case, ()
        return with_step(case, changed(step, pending=(*step.pending, AMENDMENT), cause=reason)), ()
    returned = StepReturned(step=code, agency=step.agency, reason=reason, returned_at=at)
    case, moved = run_again(replaced(case, settled=None), at, rules)
    redone = changed(step, produced=(), pending=())
    rule = rules.step_rule(case, code)
    case, assigned = _assigned(case, redone, rule, agency=step.agency, at=at, rules=rules)
    return case, (returned, *moved, assigned)


def left_by(step: Step, at: datetime) -> Left:
    """What the step was at the agency that gives it back at this moment."""
    return Left(
        agency=step.agency,
        at=at,
        clock=step.clock,
        assigned_at=step.assigned_at,
        started_at=step.started_at,
        started_by=step.started_by,
        started_role=step.started_role,
        declined_by=step.declined_by,
    )


def _in_hand(case: Case, code: str, by: Officer) -> Step:
    """The step if this officer may go on with it; raises IllegalMove saying why not."""
    step = known_step(case, code)
    if step.state == COMPLETED and step.completed_at is not None:
        text = "Bước này đã được hoàn thành trước đó."
        facts = {"at": step.completed_at.isoformat(), "role": step.started_role, "by": step.started_by}
        raise IllegalMove("step-completed", text, **facts)
    refuse_if_ended(case)
    if step.state not in (ASSIGNED, STARTED):
        raise IllegalMove("step-not-in-hand", _NOT_IN_HAND[step.state])
    refuse_if_taken(step, by)
    return step


_NOT_IN_HAND = {
    WAITING: "Bước này đang chờ các bước trước hoàn thành.",
    RETURNED: "Bước này đã chuyển trả bộ phận một cửa.",
    CANCELLED: "Bước này đã bị hủy.",
}


def _refuse_if_stopped(case: Case, step: Step) -> None:
    supplement = case.open_supplement
    if supplement is not None and supplement.step == step.code:
        raise IllegalMove("supplement-open", "Bước đang chờ bổ sung giấy tờ.", request=str(supplement.number))
    pause = next(
        # The papers one step asked for do not keep the agencies of parallel steps from finishing theirs.
        (p for p in case.pauses if p.ended_at is None and p.covers(step.code) and p.reason != SUPPLEMENT),
        None,
    )
    if pause is not None:
        text = "Thời hạn của bước đang tạm dừng; hãy kết thúc tạm dừng trước khi hoàn thành."
        raise IllegalMove("clock-stopped", text, reason=pause.reason)


def _refuse_incompetent(
    *, procedure_role: str, agency: str, declined: Sequence[str], at: datetime, rules: Rules
) -> None:
    found = rules.agency(agency)
    day = rules.calendar("").local_date(at)
    if found is None or procedure_role not in found.roles or not found.in_force(day) or agency in declined:
        raise IllegalMove("not-competent", "Cơ quan được chọn không có thẩm quyền với bước này.")
