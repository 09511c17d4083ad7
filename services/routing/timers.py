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
    CANCELLED,
    COMPLETED,
    GRANTED,
    REFUSED,
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
# reference/domain.md 2.5). The catalogue says which steps begin and end that term.
CHILD_RESIDENCE = "child-residence"
# In labels: an appointment promised by an apology, and a term that has been moved since it was first warned of.
APOLOGISED, MOVED = "#", "~"
# The cause of a step an officer refused because what it asks for has been done (catalogue/reasons.yaml).
REGISTERED_BEFORE = f"{REFUSED}:already-settled"
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
        chains += [_clock_chain(case.clock, ""), _appointment_chain(case)]
        chains += [_apology_chain(case, rules), _papers_chain(case, rules)]
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
    was = case.appointment.due_at
    if case.is_void(draft):
        text = "Ngày hẹn đã thay đổi sau khi lập văn bản xin lỗi này; văn bản không còn hiệu lực."
        raise IllegalMove("apology-void", text, appointment_at=was.isoformat())
    if any(p.ended_at is None for p in case.pauses):
        raise IllegalMove("clock-stopped", "Thời hạn đang tạm dừng; ngày hẹn mới sẽ tính khi tiếp tục.")
    new = appointment_at or draft.proposed_at
    if new <= max(at, was):
        raise IllegalMove("date-too-early", "Ngày hẹn mới phải sau ngày hẹn cũ và sau thời điểm ký.")
    signed = msgspec.structs.replace(draft, proposed_at=new, signed_at=at)
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
    if clock.moves:
        label = f"{label}{MOVED}{clock.moves}"
    near = [((NEAR, label), clock.near_at)] if clock.near_at else []
    return [*near, ((MISSED, label), clock.due_at)]


def _appointment_chain(case: Case) -> Chain:
    """The appointment an apology has promised, watched where the legal term no longer says when that is."""
    signed = [a.number for a in case.apologies if a.signed_at is not None]
    if not signed or case.appointment.due_at <= case.clock.due_at:
        return []
    return _clock_chain(case.appointment, f"{APOLOGISED}{signed[-1]}")


def step_label(step: Step) -> str:
    """The name of the step's timers: a step done again has deadlines of its own."""
    return step.code if step.round <= 1 else f"{step.code}#{step.round}"


def _apology_chain(case: Case, rules: Rules) -> Chain:
    """One day before the promise breaks (NĐ 61/2018; reference/domain.md 1.5), a limited number of times."""
    clock = case.appointment
    valid = [a for a in case.apologies if not case.is_void(a)]
    unsigned = any(a.signed_at is None for a in valid)
    if clock.stopped_at is not None or unsigned or len(valid) >= rules.numbers.apologies_max:
        return []
    return [((APOLOGY, str(len(case.apologies) + 1)), clock.near_at or clock.due_at)]


def _papers_chain(case: Case, rules: Rules) -> Chain:
    asked = case.open_supplement
    if asked is None:
        return []
    days = rules.numbers.supplement_reminder_calendar_days
    moments = [(day, asked.requested_at + timedelta(days=day)) for day in days]
    reminders = [((PAPERS, f"{asked.number}.{day}"), at) for day, at in moments if at < asked.respond_by]
    return [*reminders, ((LAPSED, str(asked.number)), asked.respond_by + ANSWER_ON_ITS_WAY)]


def _residence_chain(case: Case, rules: Rules) -> Chain:
    """Reminders from the birth registration on, unless an agency is registering the residence or has done so.

    A step refused because the residence stood in the register already leaves the family nothing to do, either.
    """
    if case.settled is not None and case.settled.outcome != GRANTED:
        return []
    birth = next((s for s in case.steps if rules.terms(case, s.code)[0] == CHILD_RESIDENCE), None)
    if birth is None or birth.completed_at is None or birth.state != COMPLETED:
        return []
    ends = [s for s in case.steps if rules.terms(case, s.code)[1] == CHILD_RESIDENCE]
    if any(step.state != CANCELLED or step.cause == REGISTERED_BEFORE for step in ends):
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
        # When several are due at once, such as after a refusal, the family hears the newest only.
        overtaken = any(at <= now for key, at in _residence_chain(case, rules) if int(key[1]) > int(day))
        return case, () if overtaken else (ReminderDue(kind="residence", day=int(day)),)
    return case, (ReminderDue(kind="supplement", day=int(day), request=int(number)),)


def _deadline(case: Case, kind: str, label: str, now: datetime) -> Move:
    label = label.partition(MOVED)[0]
    step = next((s for s in case.steps if s.open and step_label(s) == label), None) if label else None
    apology = int(label.removeprefix(APOLOGISED)) if label.startswith(APOLOGISED) else 0
    clock = step.clock if step else case.appointment if apology else case.clock
    agency = step.agency if step else case.responsible
    code = step.code if step else ""
    if clock is None:
        return case, ()
    if kind == MISSED:
        return case, (DeadlineMissed(due_at=clock.due_at, agency=agency, step=code, apology=apology),)
    # After an outage the deadline itself may have come: "near" would be wrong then, "missed" follows at once.
    near = DeadlineNear(due_at=clock.due_at, agency=agency, step=code, apology=apology)
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
