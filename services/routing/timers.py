"""Deadlines: which moment each case waits for, and what happens when it comes.

Of each clock only the next moment is armed (the warning, then the deadline itself), so a case has one row in
`timer` for each running clock. A timer that has fired is remembered in the case and is never armed again.
"""

from datetime import datetime, timedelta

import msgspec

from libs.contracts.event import Event
from libs.contracts.routing import DeadlineMissed, DeadlineNear, ReminderDue
from services.routing import clocks
from services.routing.case import (
    COMPLETED,
    GRANTED,
    Apology,
    Case,
    Clock,
    IllegalMove,
    Move,
    Step,
    replaced,
)
from services.routing.endings import lapse
from services.routing.pauses import moved_appointment
from services.routing.rules import Rules

NEAR, MISSED, APOLOGY = "deadline-near", "deadline-missed", "apology"
LAPSED, PAPERS, RESIDENCE = "supplement-lapsed", "supplement-reminder", "residence-reminder"

# The residence of a child is to be registered within 60 days of its birth registration (Luật Cư trú 2020 Đ20,
# reference/domain.md 2.5). Which results mean which is the catalogue's naming.
BIRTH_RESULT, RESIDENCE_RESULT = "birth_certificate", "residence_notice"
APOLOGY_REASON = "not-finished-in-time"
# Intake takes papers while the bus is away: an answer given in time may still be on its way when the term ends.
ANSWER_ON_ITS_WAY = timedelta(days=1)
# At most this many timers of one case fire in one go; more is a loop.
FIRED_AT_ONCE_MAX = 50

# What a timer is for, and for which step, request or day (`label`).
Key = tuple[str, str]


def armed(case: Case, rules: Rules) -> dict[Key, datetime]:
    """The next moment of every clock of the case, by what it is for."""
    moments: dict[Key, datetime] = {}
    chains = [_residence_chain(case, rules)]
    if case.settled is None:
        chains += [_clock_chain(case.clock, ""), _apology_chain(case, rules), _papers_chain(case, rules)]
        chains += [_clock_chain(step.clock, step_label(step)) for step in case.steps if step.open]
    for chain in chains:
        first = next(((key, at) for key, at in chain if _name(key) not in case.fired), None)
        if first is not None:
            moments[first[0]] = first[1]
    return moments


def fired(case: Case) -> frozenset[Key]:
    """The timers of the case that have fired."""
    return frozenset((kind, label) for kind, _, label in (name.partition("/") for name in case.fired))


def fire_due(case: Case, now: datetime, rules: Rules) -> Move:
    """Let every timer fire whose moment has come, in order of their moments."""
    events: list[Event] = []
    for _ in range(FIRED_AT_ONCE_MAX):
        due = [(at, key) for key, at in armed(case, rules).items() if at <= now]
        if not due:
            break
        _, key = min(due)
        case, said = _fire(replaced(case, fired=(*case.fired, _name(key))), key, now, rules)
        events.extend(said)
    return case, tuple(events)


def sign_apology(
    case: Case, number: int, appointment_at: datetime | None, at: datetime, rules: Rules
) -> Move:
    """An officer signs, with the proposed date or another; the appointment moves. Raises IllegalMove."""
    draft = next((a for a in case.apologies if a.number == number), None)
    if draft is None or case.settled is not None:
        raise IllegalMove("no-such-apology", "Không có văn bản xin lỗi này hoặc hồ sơ đã giải quyết xong.")
    if draft.signed_at is not None:
        raise IllegalMove("apology-signed", "Văn bản xin lỗi đã được ký.", at=draft.signed_at.isoformat())
    if any(p.ended_at is None for p in case.pauses):
        raise IllegalMove("clock-stopped", "Thời hạn đang tạm dừng; ngày hẹn mới sẽ tính khi tiếp tục.")
    new = appointment_at or draft.proposed_at
    if new <= max(at, draft.was_at):
        raise IllegalMove("date-too-early", "Ngày hẹn mới phải sau ngày hẹn cũ và sau thời điểm ký.")
    signed = msgspec.structs.replace(draft, proposed_at=new, signed_at=at)
    was = case.appointment.due_at
    calendar = rules.calendar(case.receiving_agency)
    promise = clocks.promised(calendar, at, new, case.appointment.unit, rules.numbers.near_days)
    case = replaced(
        case,
        appointment=promise,
        apologies=tuple(signed if a.number == number else a for a in case.apologies),
    )
    return moved_appointment(case, was, draft.reason, at, apology=True)


# A chain: what fires in turn, the first not yet fired being armed.
Chain = list[tuple[Key, datetime]]


def _clock_chain(clock: Clock | None, label: str) -> Chain:
    if clock is None or clock.stopped_at is not None:
        return []
    near = [((NEAR, label), clock.near_at)] if clock.near_at else []
    return [*near, ((MISSED, label), clock.due_at)]


def step_label(step: Step) -> str:
    """The name of the step's timers: a step done again has deadlines of its own."""
    return step.code if step.round <= 1 else f"{step.code}#{step.round}"


def _apology_chain(case: Case, rules: Rules) -> Chain:
    """One day before the promise breaks (NĐ 61/2018; reference/domain.md 1.5), a limited number of times."""
    clock = case.appointment
    drafted = len(case.apologies)
    unsigned = any(a.signed_at is None for a in case.apologies)
    if clock.stopped_at is not None or unsigned or drafted >= rules.numbers.apologies_max:
        return []
    return [((APOLOGY, str(drafted + 1)), clock.near_at or clock.due_at)]


def _papers_chain(case: Case, rules: Rules) -> Chain:
    asked = case.open_supplement
    if asked is None:
        return []
    days = rules.numbers.supplement_reminder_calendar_days
    moments = [(day, asked.requested_at + timedelta(days=day)) for day in days]
    reminders = [((PAPERS, f"{asked.number}.{day}"), at) for day, at in moments if at < asked.respond_by]
    return [*reminders, ((LAPSED, str(asked.number)), asked.respond_by + ANSWER_ON_ITS_WAY)]


def _residence_chain(case: Case, rules: Rules) -> Chain:
    if case.settled is not None and case.settled.outcome != GRANTED:
        return []
    birth = next((s for s in case.steps if BIRTH_RESULT in s.produced), None)
    if birth is None or birth.completed_at is None:
        return []
    if any(s.state == COMPLETED and RESIDENCE_RESULT in s.produced for s in case.steps):
        return []
    days = rules.numbers.residence_reminder_calendar_days
    return [((RESIDENCE, str(day)), birth.completed_at + timedelta(days=day)) for day in days]


def _fire(case: Case, key: Key, now: datetime, rules: Rules) -> Move:
    kind, label = key
    if kind in (NEAR, MISSED):
        return _deadline(case, kind, label, now)
    if kind == APOLOGY:
        return _draft(case, int(label), now, rules), ()
    if kind == LAPSED:
        return lapse(case, int(label), now, rules)
    number, _, day = label.rpartition(".")
    if kind == RESIDENCE:
        return case, (ReminderDue(kind="residence", day=int(day)),)
    return case, (ReminderDue(kind="supplement", day=int(day), request=int(number)),)


def _deadline(case: Case, kind: str, label: str, now: datetime) -> Move:
    step = next((s for s in case.steps if s.open and step_label(s) == label), None) if label else None
    clock = step.clock if step else case.clock
    agency = step.agency if step else case.responsible
    code = step.code if step else ""
    if clock is None:
        return case, ()
    if kind == MISSED:
        return case, (DeadlineMissed(due_at=clock.due_at, agency=agency, step=code),)
    # After an outage the deadline itself may have come: "near" would be wrong then, "missed" follows at once.
    near = DeadlineNear(due_at=clock.due_at, agency=agency, step=code)
    return case, (near,) if now < clock.due_at else ()


def _draft(case: Case, number: int, now: datetime, rules: Rules) -> Case:
    calendar = rules.calendar(case.receiving_agency)
    was = case.appointment.due_at
    draft = Apology(
        number=number,
        agency=case.responsible,
        reason=APOLOGY_REASON,
        drafted_at=now,
        was_at=was,
        proposed_at=clocks.working_days_after(calendar, max(was, now), rules.numbers.apology_extension_days),
    )
    return replaced(case, apologies=(*case.apologies, draft))


def _name(key: Key) -> str:
    return f"{key[0]}/{key[1]}"
