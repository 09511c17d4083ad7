"""Endings: settled when nothing is left to do, refused, stopped or withdrawn, and closed when handed over."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from libs.catalogue.graph import closure
from libs.contracts.routing import DossierSettled, StepRefused
from services.routing.case import (
    CANCELLED,
    COMPLETED,
    GRANTED,
    REFUSED,
    STOPPED,
    WAITING,
    WITHDRAWN,
    Case,
    IllegalMove,
    Move,
    Settlement,
    Step,
    changed,
    known_step,
    refuse_if_ended,
    replaced,
)
from services.routing.pauses import end_pauses_of
from services.routing.rules import Rules
from services.routing.status import settled_status

# Part of what was asked for was refused or lapsed; the rest was granted.
PARTIAL = "partial"


def settle_if_done(case: Case, at: datetime) -> Move:
    """Settle the case when nothing is left to do: granted when any step was completed, else as it ended."""
    if case.settled is not None or any(step.state == WAITING or step.open for step in case.steps):
        return case, ()
    completed = [step for step in case.steps if step.state == COMPLETED]
    if completed:
        reason = PARTIAL if len(completed) < len(case.steps) else ""
        return _settled(case, GRANTED, reason, at)
    outcome, _, reason = case.steps[0].cause.partition(":")
    return _settled(case, outcome or REFUSED, reason, at)


def refuse(case: Case, code: str, reason: str, at: datetime, rules: Rules) -> Move:
    """The step is refused, with what depends on it. Raises IllegalMove.

    What other agencies have granted or still do is not touched: a family whose residence is refused keeps the
    birth certificate and the insurance card. When nothing was granted and nothing is left, the dossier ends
    (status 8).
    """
    refuse_if_ended(case)
    if not known_step(case, code).open:
        raise IllegalMove("step-not-in-hand", "Chỉ từ chối được bước đang xử lý.")
    return _dropped(case, code, f"{REFUSED}:{reason}", at, rules)


def lapse(case: Case, number: int, at: datetime, rules: Rules) -> Move:
    """The term to supplement has run out: the step that asked is stopped, with what depends on it."""
    supplements = tuple(
        msgspec.structs.replace(s, lapsed=True) if s.number == number else s for s in case.supplements
    )
    step = next(s.step for s in supplements if s.number == number)
    return _dropped(replaced(case, supplements=supplements), step, f"{STOPPED}:supplement-lapsed", at, rules)


def withdraw(case: Case, at: datetime) -> Move:
    """The applicant took the dossier back: nothing more is done. A case already decided stays as decided."""
    if case.settled is not None:
        return case, ()
    case = replaced(case, steps=_cancelled(case, {s.code for s in case.steps}, WITHDRAWN))
    return _settled(case, WITHDRAWN, "", at)


def close(case: Case, at: datetime) -> Move:
    """Every result has been handed over (status 10). Raises IllegalMove when the case is not granted."""
    if case.settled is None or case.settled.outcome != GRANTED:
        raise IllegalMove("case-not-settled", "Hồ sơ chưa giải quyết xong, chưa thể kết thúc.")
    return replaced(case, closed_at=at), ()


def _dropped(case: Case, code: str, cause: str, at: datetime, rules: Rules) -> Move:
    dependents: dict[str, list[str]] = {}
    for step in case.steps:
        for needed in rules.step_rule(case, step.code).depends_on:
            dependents.setdefault(needed, []).append(step.code)
    gone = closure([code], dependents)
    before, case = case, replaced(case, steps=_cancelled(case, gone, cause))
    dropped = [now.code for was, now in zip(before.steps, case.steps, strict=True) if was is not now]
    case, ending = settle_if_done(case, at)
    refused = _refused(case, code, dropped, at, rules)
    if case.settled is not None:
        return case, (refused, *ending)
    case, resumed = end_pauses_of(case, gone, at, rules)
    return case, (refused, *resumed)


def _refused(case: Case, code: str, dropped: Collection[str], at: datetime, rules: Rules) -> StepRefused:
    """What is said of a step that will not be done, with the `dropped` ones that fall with it."""
    step = known_step(case, code)
    outcome, _, reason = step.cause.partition(":")
    lost = {result for name in dropped for result in rules.step_rule(case, name).produces}
    return StepRefused(
        step=code,
        agency=step.agency,
        outcome=outcome,
        reason=reason,
        refused_at=at,
        dropped=tuple(name for name in dropped if name != code),
        results=tuple(chosen.code for chosen in case.results if chosen.code in lost),
        ends_dossier=case.settled is not None and case.settled.outcome != GRANTED,
    )


def _cancelled(case: Case, codes: Collection[str], cause: str) -> tuple[Step, ...]:
    return tuple(
        changed(s, state=CANCELLED, cause=cause) if s.code in codes and (s.open or s.state == WAITING) else s
        for s in case.steps
    )


def _settled(case: Case, outcome: str, reason: str, at: datetime) -> Move:
    results = tuple(code for step in case.steps if step.state == COMPLETED for code in step.produced)
    settlement = Settlement(
        outcome=outcome,
        status=settled_status(outcome),
        at=at,
        on_time=case.clock.met(at),
        results=results,
        reason=reason,
    )
    pauses = tuple(p if p.ended_at else msgspec.structs.replace(p, ended_at=at) for p in case.pauses)
    supplements = tuple(
        s if s.ended_at else msgspec.structs.replace(s, ended_at=at) for s in case.supplements
    )
    event = DossierSettled(
        outcome=outcome,
        status=settlement.status,
        settled_at=at,
        on_time=settlement.on_time,
        results=results,
        reason=reason,
    )
    return replaced(case, settled=settlement, pauses=pauses, supplements=supplements), (event,)
