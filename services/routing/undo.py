"""Taking back what an officer has just done, where law allows and nobody has gone on from it. Pure.

A start, a return, a stop of the clock and a request for papers only move work about: they can be taken back by who did
them (or a leader) while they are the last act on their step. All but a start move clocks or reach the family: they can
only be within minutes. A completion, a refusal, a finding, an apology and an assignment by the one-stop shop have
effect in law or on others the moment they are made: they are amended, apologised for, or given back, never undone.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from libs.contracts.routing import StepAssigned, StepReleased
from libs.http.auth import Actor
from services.routing import pauses
from services.routing.case import (
    ASSIGNED,
    LEADER,
    RETURNED,
    STARTED,
    Case,
    IllegalMove,
    Move,
    Officer,
    Step,
    changed,
    known_step,
    refuse_if_ended,
    with_step,
)
from services.routing.desk import Forbidden, NotMine, mine, refuse_stale, within_calendar
from services.routing.record_store import Act
from services.routing.rules import Rules

Undo = Literal["undo-start", "undo-return", "undo-pause", "undo-supplement-request"]
# What each takes back, as the log calls it.
UNDOES: dict[Undo, str] = {
    "undo-start": "start",
    "undo-return": "return",
    "undo-pause": "pause",
    "undo-supplement-request": "supplement-request",
}


def undone(
    case: Case | None,
    code: str,
    undo: Undo,
    actor: Actor,
    last: Act | None,
    at: datetime,
    rules: Rules,
    version: int | None = None,
) -> tuple[Move, Officer]:
    """The case without the actor's last act on the step, with who they are in it. `last` is the last act in the log.

    Raises NotMine, Forbidden and IllegalMove.
    """
    if undo == "undo-return":
        case, step, by = _mine_before(case, code, actor, rules)
    else:
        case, step, by = mine(case, code, actor, rules)
    refuse_stale(step, version)
    refuse_if_ended(case)
    if last is None or last.move != UNDOES[undo] or last.agency != actor.agency:
        raise IllegalMove("not-the-last-act", "Thao tác này không còn là thao tác gần nhất trên bước hồ sơ.")
    if last.subject != by.subject and by.role != LEADER:
        raise IllegalMove("done-by-another", "Chỉ người đã thực hiện hoặc lãnh đạo được hoàn tác.")
    if undo != "undo-start" and at - last.at > timedelta(minutes=rules.numbers.undo_minutes):
        text = f"Chỉ hoàn tác được trong {rules.numbers.undo_minutes} phút sau khi thực hiện."
        raise IllegalMove("too-late-to-undo", text)
    with within_calendar():
        return _MOVES[undo](case, code, last, at, rules), by


def _mine_before(case: Case | None, code: str, actor: Actor, rules: Rules) -> tuple[Case, Step, Officer]:
    """The step the actor's agency gave back, while nobody has gone on with it. Raises NotMine and Forbidden."""
    step = case.step(code) if case is not None else None
    if case is None or step is None or step.left is None or step.left.agency != actor.agency:
        raise NotMine
    needed = rules.step_rule(case, code).role
    role = next((r for r in (LEADER, needed) if r in actor.roles), None)
    if role is None:
        raise Forbidden
    return case, step, Officer(subject=actor.subject, agency=actor.agency, role=role)


def release(case: Case, code: str, at: datetime) -> Move:
    """The step lies with its agency again as if nobody had begun it. Raises IllegalMove."""
    step = known_step(case, code)
    if step.state != STARTED:
        raise IllegalMove("step-not-started", "Bước này chưa được bắt đầu hoặc đã xong.")
    held = changed(step, state=ASSIGNED, started_at=None, started_by="", started_role="")
    return with_step(case, held), (StepReleased(step=code, agency=step.agency, released_at=at),)


def take_back(case: Case, code: str, at: datetime) -> Move:
    """The step lies again with the agency that gave it back, begun by whoever had begun it, with the clock it had.

    Raises IllegalMove when somebody has gone on with it or a clock of the dossier was stopped or has run again since.
    """
    step = known_step(case, code)
    left = step.left
    if left is None or step.state not in (ASSIGNED, RETURNED):
        raise IllegalMove("not-the-last-act", "Bước đã được cơ quan khác xử lý tiếp.")
    if any(max(p.started_at, p.ended_at or p.started_at) >= left.at for p in case.pauses):
        raise IllegalMove("clock-stopped", "Thời hạn của hồ sơ đã thay đổi sau khi chuyển trả.")
    held = changed(
        step,
        state=STARTED if left.started_by else ASSIGNED,
        agency=left.agency,
        round=step.round + 1,
        assigned_at=left.assigned_at,
        started_at=left.started_at,
        started_by=left.started_by,
        started_role=left.started_role,
        clock=left.clock,
        declined_by=left.declined_by,
        cause="",
        left=None,
    )
    event = StepAssigned(step=code, agency=held.agency, assigned_at=at, due_at=held.due_at)
    return with_step(case, held), (event,)


_Undoing = Callable[[Case, str, Act, datetime, Rules], Move]
_MOVES: dict[Undo, _Undoing] = {
    "undo-start": lambda case, code, _last, at, _rules: release(case, code, at),
    "undo-return": lambda case, code, _last, at, _rules: take_back(case, code, at),
    "undo-pause": lambda case, code, last, at, rules: pauses.undo_pause(case, code, last.reason, at, rules),
    "undo-supplement-request": lambda case, code, _last, at, rules: pauses.withdraw_supplement(
        case, code, at, rules
    ),
}
