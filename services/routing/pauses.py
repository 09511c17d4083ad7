"""Stops of the legal clock: papers asked for, waits for outsiders, fees; and findings that change a term."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import msgspec

from libs.catalogue.conditions import all_hold
from libs.contracts.event import Event
from libs.contracts.routing import (
    AppointmentMoved,
    ClockPaused,
    ClockResumed,
    SupplementRequested,
    SupplementWithdrawn,
)
from services.routing import clocks
from services.routing.case import (
    FEE,
    SUPPLEMENT,
    Case,
    Clock,
    IllegalMove,
    Move,
    Pause,
    Supplement,
    changed,
    known_step,
    refuse_if_ended,
    replaced,
)
from services.routing.rules import SUPPLEMENT_LIMIT, Rules

# More than this of one dossier is a mistake of a program, not of an office.
SUPPLEMENTS_MAX = 20
PAUSES_MAX = 100


def request_supplement(
    case: Case,
    code: str,
    *,
    components: Sequence[str],
    fields: Sequence[str],
    reason: str,
    at: datetime,
    rules: Rules,
) -> Move:
    """Ask for everything that is missing, at once; every clock stands still until it comes.

    The answer is due after the procedure's term, 7 working days where it names none. Raises IllegalMove.
    """
    refuse_if_ended(case)
    if not known_step(case, code).open:
        raise IllegalMove("step-not-in-hand", "Chỉ yêu cầu bổ sung ở bước đang xử lý.")
    if case.open_supplement is not None:
        text = "Hồ sơ đang có một yêu cầu bổ sung chưa được đáp ứng; mỗi lần phải yêu cầu đầy đủ."
        raise IllegalMove("supplement-open", text, request=str(case.open_supplement.number))
    if any(p.reason == FEE and p.ended_at is None for p in case.pauses):
        raise IllegalMove("fee-open", "Hồ sơ đang chờ thực hiện nghĩa vụ tài chính.")
    if len(case.supplements) >= SUPPLEMENTS_MAX:
        raise IllegalMove("too-many-supplements", "Hồ sơ đã có quá nhiều yêu cầu bổ sung.")
    if not components and not fields:
        raise IllegalMove("nothing-missing", "Yêu cầu bổ sung phải nêu giấy tờ hoặc thông tin còn thiếu.")
    limit = rules.procedure(case.procedure, case.procedure_from).supplement_limit or SUPPLEMENT_LIMIT
    term = clocks.started(rules.calendar(case.receiving_agency), at, limit, rules.numbers.near_days)
    supplement = Supplement(
        number=len(case.supplements) + 1,
        step=code,
        reason=reason,
        requested_at=at,
        respond_by=term.due_at,
        components=tuple(components),
        fields=tuple(fields),
    )
    requested = SupplementRequested(
        request=supplement.number,
        step=code,
        components=supplement.components,
        fields=supplement.fields,
        reason=reason,
        respond_by=supplement.respond_by,
        requested_at=at,
    )
    case = replaced(case, supplements=(*case.supplements, supplement))
    case, paused = _begun(case, Pause(reason=SUPPLEMENT, started_at=at))
    return case, (requested, *paused)


def supplemented(
    case: Case, number: int, *, components: Sequence[str], complete: bool, at: datetime, rules: Rules
) -> Move:
    """Papers have come. When nothing is missing any more the clocks run again with what was left of them.

    An answer to a request that has ended in another way, or to none, changes nothing.
    """
    supplement = case.open_supplement
    if case.settled is not None or supplement is None or supplement.number != number:
        return case, ()
    received = tuple(dict.fromkeys((*supplement.received, *components)))
    supplements = tuple(
        msgspec.structs.replace(s, received=received) if s.number == number else s for s in case.supplements
    )
    case = replaced(case, supplements=supplements)
    # Intake's clock may be a little behind ours.
    return end_of_supplement(case, max(at, supplement.requested_at), rules) if complete else (case, ())


def end_of_supplement(case: Case, at: datetime, rules: Rules) -> Move:
    """End the open supplement request and the stop that came with it."""
    supplements = tuple(
        s if s.ended_at else msgspec.structs.replace(s, ended_at=at) for s in case.supplements
    )
    case = replaced(case, supplements=supplements)
    open_pause = next(p for p in case.pauses if p.reason == SUPPLEMENT and p.ended_at is None)
    return _ended(case, open_pause, at, rules)


def pause(case: Case, code: str, reason: str, at: datetime, rules: Rules) -> Move:
    """The step waits for a fee, or for somebody outside the administration whom the clock does not count.

    `reason` is `fee` or one of the waits the catalogue names for the step. Raises IllegalMove.
    """
    refuse_if_ended(case)
    step = known_step(case, code)
    if not step.open:
        raise IllegalMove("step-not-in-hand", "Chỉ tạm dừng được thời hạn của bước đang xử lý.")
    waits = [w.code for w in rules.step_rule(case, code).outside_waits if all_hold(w.when, case.options)]
    if reason != FEE and reason not in waits:
        raise IllegalMove("no-such-wait", "Bước này không có lý do tạm dừng thời hạn như vậy.")
    if reason == FEE and case.open_supplement is not None:
        raise IllegalMove("supplement-open", "Hồ sơ đang chờ bổ sung giấy tờ.")
    if any(p.reason == reason and p.step == code and p.ended_at is None for p in case.pauses):
        raise IllegalMove("already-paused", "Thời hạn đã được tạm dừng vì lý do này.")
    if len(case.pauses) >= PAUSES_MAX:
        raise IllegalMove("too-many-pauses", "Hồ sơ đã tạm dừng quá nhiều lần.")
    return _begun(case, Pause(reason=reason, started_at=at, step=code))


def resume(case: Case, code: str, reason: str, at: datetime, rules: Rules) -> Move:
    """The wait is over. Raises IllegalMove when there is no such wait; that for papers ends with the papers."""
    refuse_if_ended(case)
    open_pauses = [p for p in case.pauses if p.ended_at is None and p.step == code and p.reason == reason]
    if not open_pauses or reason == SUPPLEMENT:
        raise IllegalMove("not-paused", "Thời hạn không tạm dừng vì lý do này.")
    return _ended(case, open_pauses[0], at, rules)


def undo_pause(case: Case, code: str, reason: str, at: datetime, rules: Rules) -> Move:
    """The stop was a mistake: the clocks run as if there had been none. Raises IllegalMove."""
    refuse_if_ended(case)
    open_pauses = [p for p in case.pauses if p.ended_at is None and p.step == code and p.reason == reason]
    if not open_pauses or reason == SUPPLEMENT:
        raise IllegalMove("not-paused", "Thời hạn không tạm dừng vì lý do này.")
    return _void(case, open_pauses[0], at, rules)


def withdraw_supplement(case: Case, code: str, at: datetime, rules: Rules) -> Move:
    """The step's request for papers was a mistake: it is taken back, and the clocks run as if there had been none.

    Raises IllegalMove when there is none, or when papers have come for it.
    """
    refuse_if_ended(case)
    asked = case.open_supplement
    if asked is None or asked.step != code:
        raise IllegalMove("no-supplement-open", "Bước này không có yêu cầu bổ sung nào đang chờ.")
    if asked.received:
        text = "Người dân đã nộp giấy tờ theo yêu cầu này nên không thu hồi được nữa."
        raise IllegalMove("supplement-answered", text)
    over = next(p for p in case.pauses if p.reason == SUPPLEMENT and p.ended_at is None)
    case, resumed = _void(case, over, at, rules)
    taken = msgspec.structs.replace(asked, ended_at=at, withdrawn=True)
    case = replaced(
        case, supplements=tuple(taken if s.number == asked.number else s for s in case.supplements)
    )
    return case, (SupplementWithdrawn(request=asked.number, step=code, withdrawn_at=at), *resumed)


def end_pauses_of(case: Case, codes: Collection[str], at: datetime, rules: Rules) -> Move:
    """End every stop that only concerns these steps: they are dropped or have left the agency's desk."""
    events: list[Event] = []
    supplement = case.open_supplement
    if supplement is not None and supplement.step in codes:
        case, events_of_one = end_of_supplement(case, at, rules)
        events.extend(events_of_one)
    for over in [p for p in case.pauses if p.ended_at is None and p.step in codes]:
        case, events_of_one = _ended(case, over, at, rules)
        events.extend(events_of_one)
    return case, tuple(events)


def run_again(case: Case, at: datetime, rules: Rules) -> Move:
    """Let the dossier's clock run again that stood still when the case was settled and its stops ended."""
    clocks_stopped = case.clock.stopped_at is not None or case.appointment.stopped_at is not None
    if not clocks_stopped or any(p.ended_at is None for p in case.pauses):
        return case, ()
    calendar, near = rules.calendar(case.receiving_agency), rules.numbers.near_days
    was = case.appointment.due_at
    case = replaced(
        case,
        clock=clocks.resumed(calendar, case.clock, at, near),
        appointment=clocks.resumed(calendar, case.appointment, at, near),
    )
    return moved_appointment(case, was, "reopened", at, apology=False)


def find(case: Case, option: str, value: str | bool, at: datetime, rules: Rules) -> Move:
    """An officer has found what decides the term, such as that residence must be verified (3 → 5 days).

    Terms that run are counted anew from where they began; a promise is never brought forward.
    Raises IllegalMove.
    """
    refuse_if_ended(case)
    procedure = rules.procedure(case.procedure, case.procedure_from)
    known = next((o for o in procedure.options if o.code == option and o.set_by == "officer"), None)
    if known is None or not known.allows(value):
        raise IllegalMove("no-such-finding", "Thủ tục không có kết luận này.")
    before = {step.code for step in procedure.chosen_steps(case.options)}
    options = {**case.options, option: value}
    if {step.code for step in procedure.chosen_steps(options)} != before:
        raise IllegalMove("changes-steps", "Kết luận này làm thay đổi các bước của hồ sơ.")
    case = replaced(case, options=options)
    for step in case.steps:
        limit = procedure.step(step.code).limit_for(options)
        if step.open and step.clock is not None and limit is not None:
            held = tuple(p for p in case.pauses if p.covers(step.code))
            clock = clocks.restarted(
                rules.calendar(step.agency), step.clock, limit, held, rules.numbers.near_days
            )
            moved = changed(step, clock=_later(step.clock, clock))
            case = replaced(case, steps=tuple(moved if s.code == step.code else s for s in case.steps))
    whole = procedure.limit_for(options)
    if whole is None:
        return case, ()
    calendar = rules.calendar(case.receiving_agency)
    near = rules.numbers.near_days
    clock = _later(case.clock, clocks.restarted(calendar, case.clock, whole, case.pauses, near))
    was = case.appointment.due_at
    # What was promised moves with the term; how often it has moved is its own count.
    term = msgspec.structs.replace(clock, moves=case.appointment.moves + 1)
    case = replaced(case, clock=clock, appointment=_later(case.appointment, term))
    return moved_appointment(case, was, f"finding:{option}", at, apology=False)


def _later(old: Clock, new: Clock) -> Clock:
    return new if new.due_at > old.due_at else old


def _begun(case: Case, begun: Pause) -> Move:
    at = begun.started_at
    case = replaced(case, pauses=(*case.pauses, begun))
    case = _each_clock(case, begun, lambda clock, _: clocks.stopped(clock, at))
    return case, (ClockPaused(reason=begun.reason, paused_at=at, step=begun.step),)


def _void(case: Case, over: Pause, at: datetime, rules: Rules) -> Move:
    """End a pause as if it had never been. Raises IllegalMove when another one stood beside it for a time.

    Then what it has cost the clocks can no longer be told from what the other has.
    """
    if any(p != over and (p.ended_at is None or p.ended_at > over.started_at) for p in case.pauses):
        text = "Thời hạn còn được tạm dừng vì lý do khác nên không hoàn tác được; hãy kết thúc tạm dừng."
        raise IllegalMove("clock-stopped", text)
    return _ended(case, over, at, rules, counted_to=over.started_at)


def _ended(
    case: Case, over: Pause, at: datetime, rules: Rules, *, counted_to: datetime | None = None
) -> Move:
    """End a pause; clocks no other pause holds run again, and the appointment moves with them.

    With `counted_to` the clocks count the stop only until then.
    """
    ended_at = counted_to or at
    over_now = msgspec.structs.replace(over, ended_at=ended_at)
    case = replaced(case, pauses=tuple(over_now if p == over else p for p in case.pauses))
    near = rules.numbers.near_days

    def resumed_if_free(clock: Clock, step: str) -> Clock:
        if step and case.stopped_for(step):
            return clock
        if not step and any(p.ended_at is None for p in case.pauses):
            return clock
        owner = known_step(case, step).agency if step else case.receiving_agency
        return clocks.resumed(rules.calendar(owner), clock, ended_at, near)

    was = case.appointment.due_at
    case = _each_clock(case, over, resumed_if_free)
    step = known_step(case, over.step) if over.step else None
    due = step.due_at if step else case.clock.due
    resumed = ClockResumed(reason=over.reason, resumed_at=at, due_at=due, step=over.step)
    case, moved = moved_appointment(case, was, f"resumed:{over.reason}", at, apology=False)
    return case, (resumed, *moved)


def _each_clock(case: Case, held: Pause, change: Callable[[Clock, str], Clock]) -> Case:
    """Apply a change to the dossier's clock, the appointment and the clocks of the open steps a pause covers.

    Any stop stops the dossier's clock: the family waits for the outsider, not for us.
    """
    steps = []
    for step in case.steps:
        clock = step.clock
        if step.open and clock is not None and held.covers(step.code):
            clock = change(clock, step.code)
        steps.append(step if clock is step.clock else changed(step, clock=clock))
    return replaced(
        case,
        clock=change(case.clock, ""),
        appointment=change(case.appointment, ""),
        steps=tuple(steps),
    )


def moved_appointment(case: Case, was: datetime, reason: str, at: datetime, *, apology: bool) -> Move:
    """The case with what is to be said when its appointment is no longer what it was."""
    now = case.appointment.due_at
    if now == was:
        return case, ()
    event = AppointmentMoved(was_at=was, appointment_at=now, reason=reason, apology=apology, moved_at=at)
    return case, (event,)
