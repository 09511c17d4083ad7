"""Completing steps, one by an officer or up to 200 by an agency's own system, in one transaction.

Load many, decide each, claim their numbers, save many. One that is refused does not hold up the others.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.handling import Change
from libs.catalogue.forms import Problem
from libs.contracts.event import Event
from libs.http.auth import Actor
from services.routing import outcomes, record_store, steps, store
from services.routing.case import COMPLETED, Case, IllegalMove, Officer
from services.routing.desk import Forbidden, NotMine, mine, refuse_stale, say, within_calendar
from services.routing.outcomes import UniqueNumber
from services.routing.record_store import Act, Recorded
from services.routing.rules import Rules


class Completion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step and what was entered on completing it."""

    dossier_id: UUID
    step: str
    outcome: dict[str, Any] = {}
    version: int | None = None


class OutcomeRefused(Exception):
    """What was entered is wrong or incomplete, field by field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("outcome-refused")
        self.problems = tuple(problems)


class NumberTaken(Exception):
    """A number that may occur once is recorded for another step; `problems` name the fields."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("number-taken")
        self.problems = tuple(problems)


# What became of one completion: the case after it, or why not.
Fate = Case | NotMine | Forbidden | IllegalMove | OutcomeRefused | NumberTaken


class _Decided(msgspec.Struct, frozen=True, kw_only=True):
    place: int
    case: Case
    events: tuple[Event, ...]
    officer: Officer
    numbers: tuple[UniqueNumber, ...]
    data: bytes


class _Work:
    """What one transaction has come to so far."""

    def __init__(self, before: Mapping[UUID, Case]) -> None:
        self.before = before
        self.after: dict[UUID, Case] = {}
        self.said: list[tuple[UUID, tuple[Event, ...]]] = []
        self.recorded: list[Recorded] = []
        self.acts: list[Act] = []

    def case(self, dossier_id: UUID) -> Case | None:
        return self.after.get(dossier_id) or self.before.get(dossier_id)


async def complete_many(
    connection: Any, rules: Rules, actor: Actor, wanted: Sequence[Completion]
) -> list[Fate]:
    """Complete the steps in the caller's transaction; the fate of each in the order given."""
    now, before = await store.load_now(connection, list({item.dossier_id for item in wanted}))
    work = _Work(before)
    fates: list[Fate] = [NotMine()] * len(wanted)
    if now is None:
        return fates
    for layer in _layers(wanted):
        decided: list[_Decided] = []
        for place in layer:
            try:
                decided.append(_decide(place, wanted[place], work, actor, now, rules))
            except (NotMine, Forbidden, IllegalMove, OutcomeRefused) as refused:
                fates[place] = refused
        for one, fate in await _claimed(connection, wanted, decided):
            fates[one.place] = fate
            if isinstance(fate, Case):
                await _keep(connection, work, wanted[one.place], one, now)
    await _write(connection, rules, work)
    return fates


async def amend(connection: Any, rules: Rules, actor: Actor, wanted: Completion) -> Case:
    """Change some fields of a completed step's outcome, in the caller's transaction.

    Raises NotMine, Forbidden, IllegalMove, OutcomeRefused and NumberTaken; the caller rolls back then.
    """
    now, before = await store.load_now(connection, [wanted.dossier_id])
    case, step, by = mine(before.get(wanted.dossier_id), wanted.step, actor, rules)
    refuse_stale(step, wanted.version)
    if step.state != COMPLETED or now is None:
        raise IllegalMove("step-not-completed", "Chỉ sửa được kết quả của bước đã hoàn thành.")
    stored = await record_store.newest_outcomes(connection, [(wanted.dossier_id, wanted.step)])
    old = msgspec.json.decode(stored[0].data, type=dict[str, Any]) if stored else {}
    new = {**old, **wanted.outcome}
    problems = outcomes.check(case, wanted.step, new, rules)
    if problems:
        raise OutcomeRefused(problems)
    rule = rules.step_rule(case, wanted.step)
    fields = outcomes.changed_fields(old, new)
    after, events = steps.amend(case, wanted.step, fields, outcomes.pending(rule, new), now)
    numbers = tuple(outcomes.unique_numbers(rule, step.agency, new))
    one = _Decided(
        place=0, case=after, events=events, officer=by, numbers=numbers, data=msgspec.json.encode(new)
    )
    _, fate = (await _claimed(connection, [wanted], [one]))[0]
    if isinstance(fate, NumberTaken):
        raise fate
    work = _Work(before)
    await _keep(connection, work, wanted, one, now, move="amend")
    await _write(connection, rules, work)
    return after


def _layers(wanted: Sequence[Completion]) -> list[list[int]]:
    """The places so that no dossier occurs twice in a layer; one that occurs again sees what came before."""
    layers: list[list[int]] = []
    seen: dict[UUID, int] = {}
    for place, item in enumerate(wanted):
        depth = seen.get(item.dossier_id, 0)
        seen[item.dossier_id] = depth + 1
        if depth == len(layers):
            layers.append([])
        layers[depth].append(place)
    return layers


def _decide(place: int, item: Completion, work: _Work, actor: Actor, now: datetime, rules: Rules) -> _Decided:
    case, step, by = mine(work.case(item.dossier_id), item.step, actor, rules)
    refuse_stale(step, item.version)
    rule = rules.step_rule(case, item.step)
    pending = outcomes.pending(rule, item.outcome)
    # First whether the move is possible at all: an officer told of a wrong field would correct it in vain.
    with within_calendar():
        after, events = steps.complete(case, item.step, by, pending=pending, at=now, rules=rules)
    problems = outcomes.check(case, item.step, item.outcome, rules)
    if problems:
        raise OutcomeRefused(problems)
    return _Decided(
        place=place,
        case=after,
        events=events,
        officer=by,
        numbers=tuple(outcomes.unique_numbers(rule, step.agency, item.outcome)),
        data=msgspec.json.encode(item.outcome),
    )


async def _claimed(
    connection: Any, wanted: Sequence[Completion], decided: Sequence[_Decided]
) -> list[tuple[_Decided, Case | NumberTaken]]:
    """Claim the numbers of all; of two with the same number in one batch the first has it."""
    claims: list[tuple[UniqueNumber, UUID, str]] = []
    claimed: set[bytes] = set()
    twice: dict[int, list[UniqueNumber]] = {}
    for one in decided:
        item = wanted[one.place]
        repeated = [number for number in one.numbers if number.digest in claimed]
        if repeated:
            twice[one.place] = repeated
            continue
        claimed.update(number.digest for number in one.numbers)
        claims += [(number, item.dossier_id, item.step) for number in one.numbers]
    claim = await record_store.claim(connection, claims)
    result: list[tuple[_Decided, Case | NumberTaken]] = []
    unused: list[bytes] = []
    for one in decided:
        lost = twice.get(one.place) or [number for number in one.numbers if number.digest in claim.taken]
        if lost:
            unused += [n.digest for n in one.numbers if n.digest in claim.fresh and one.place not in twice]
            result.append((one, NumberTaken([outcomes.taken(number) for number in lost])))
        else:
            result.append((one, one.case))
    if unused:
        await record_store.give_up(connection, unused)
    return result


async def _keep(
    connection: Any, work: _Work, item: Completion, one: _Decided, now: datetime, move: str = "complete"
) -> None:
    step = one.case.step(item.step)
    revision = step.revision if step else 1
    if revision > 1:
        await record_store.release(connection, item.dossier_id, item.step, [n.digest for n in one.numbers])
    work.after[item.dossier_id] = one.case
    work.said.append((item.dossier_id, one.events))
    work.recorded.append(
        Recorded(
            dossier_id=item.dossier_id,
            step=item.step,
            revision=revision,
            agency=one.officer.agency,
            data=one.data,
            recorded_at=now,
        )
    )
    work.acts.append(
        Act(
            dossier_id=item.dossier_id,
            at=now,
            subject=one.officer.subject,
            role=one.officer.role,
            agency=one.officer.agency,
            move=move,
            step=item.step,
        )
    )


async def _write(connection: Any, rules: Rules, work: _Work) -> None:
    if not work.after:
        return
    changes = [
        Change(dossier_id=dossier_id, before=work.before[dossier_id], after=after)
        for dossier_id, after in work.after.items()
    ]
    await store.save(rules, connection, changes)
    await record_store.record(connection, work.recorded)
    await say(connection, work.said)
    await record_store.log(connection, work.acts)
