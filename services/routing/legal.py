"""Which acts somebody may do on a step now, and why not the others: every move is tried, and the result thrown away.

So the list cannot say anything else than the moves themselves do. What an act needs besides (a reason of the catalogue,
an outcome that is right, papers the procedure knows) is checked when it is done.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, get_args

import msgspec

from libs.http.auth import Actor
from services.routing import endings, pauses, steps, undo
from services.routing.case import FEE, Case, IllegalMove, Officer, Step, refuse_if_taken
from services.routing.desk import Forbidden, NotMine, mine, within_calendar
from services.routing.record_store import Act
from services.routing.rules import Rules
from services.routing.undo import Undo
from services.routing.words import DONE, FEE_WORDS

# Names nothing that exists: only whether the move is possible is asked.
_ANY = "any"
CHOICES_MAX = 50


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing an act may be done with: a wait, an agency, or a finding and its `value`."""

    code: str
    name_vi: str
    value: bool | str | None = None


class LegalAct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An act on a step. Not `allowed`: `code` and `why_vi` are what doing it would be refused with.

    `choices` are what it may be done with, where that is not in the catalogue's reasons or forms.
    """

    act: str
    name_vi: str
    allowed: bool
    code: str = ""
    why_vi: str = ""
    choices: tuple[Choice, ...] = ()


def acts_on(
    case: Case,
    step: Step,
    actor: Actor,
    last: Act | None,
    at: datetime,
    rules: Rules,
    *,
    of: Collection[str] | None = None,
) -> tuple[LegalAct, ...]:
    """Every act on the step, or those named in `of`, with whether the actor may do it now; none when it does not lie
    with their agency. Only what is asked for is tried: a list asks for three acts in each of its rows.

    `last` is the last act on the step in the log: only that can be taken back.
    """
    try:
        _, _, by = mine(case, step.code, actor, rules)
    except NotMine:
        by = None
    except (Forbidden, IllegalMove):
        return ()
    trials = _moves(case, step, by, at, rules) if by is not None else {}
    found = [trial() for act, trial in trials.items() if of is None or act in of]
    found += _undoings(case, step, actor, last, at, rules, of)
    # To take back a return is all that an agency may do with a step it has given back, and only if it may.
    return tuple(act for act in found if by is not None or act.allowed)


def _moves(
    case: Case, step: Step, by: Officer, at: datetime, rules: Rules
) -> dict[str, Callable[[], LegalAct]]:
    """How each act on a step that lies with the officer is tried."""
    code = step.code

    def held(move: Callable[[], Any]) -> Callable[[], Any]:
        def tried() -> Any:
            refuse_if_taken(step, by)
            return move()

        return tried

    def single(act: str, move: Callable[[], Any]) -> tuple[str, Callable[[], LegalAct]]:
        return act, lambda: _act(act, move)

    def chosen(
        act: str, candidates: Callable[[], Iterable[Choice]], move: Callable[[Choice], Any]
    ) -> tuple[str, Callable[[], LegalAct]]:
        return act, lambda: _chosen(act, candidates(), lambda one: held(lambda: move(one)))

    give_back: dict[str, Any] = {"reason": _ANY, "to": "", "at": at, "rules": rules}
    asked: dict[str, Any] = {"components": (_ANY,), "fields": (), "reason": _ANY, "at": at, "rules": rules}
    waits = partial(_waits, case, code, rules)
    return dict(
        (
            single("start", lambda: steps.start(case, code, by, at)),
            single("complete", lambda: steps.complete(case, code, by, pending=(), at=at, rules=rules)),
            single("amend", lambda: steps.amend(case, code, (_ANY,), (), at)),
            single("return", held(lambda: steps.give_back(case, code, by, **give_back))),
            single("supplement-request", held(lambda: pauses.request_supplement(case, code, **asked))),
            single("refuse", held(lambda: endings.refuse(case, code, _ANY, at, rules))),
            chosen("pause", waits, lambda one: pauses.pause(case, code, one.code, at, rules)),
            chosen("resume", waits, lambda one: pauses.resume(case, code, one.code, at, rules)),
            chosen(
                "finding",
                lambda: _findings(case, rules),
                lambda one: pauses.find(case, one.code, one.value or False, at, rules),
            ),
            chosen(
                "assign",
                lambda: _agencies(case, step, at, rules),
                lambda one: steps.assign(case, code, one.code, at, rules),
            ),
        )
    )


def _undoings(
    case: Case,
    step: Step,
    actor: Actor,
    last: Act | None,
    at: datetime,
    rules: Rules,
    of: Collection[str] | None,
) -> Iterator[LegalAct]:
    kinds: tuple[Undo, ...] = get_args(Undo)
    for kind in kinds:
        if of is not None and kind not in of:
            continue
        # Who has not given the step back is not told that this could be taken back.
        with suppress(NotMine, Forbidden):
            yield _act(kind, partial(undo.undone, case, step.code, kind, actor, last, at, rules))


def _act(act: str, move: Callable[[], Any], choices: tuple[Choice, ...] = ()) -> LegalAct:
    refusal = _refusal(move)
    if refusal is None:
        return LegalAct(act=act, name_vi=DONE[act], allowed=True, choices=choices)
    return LegalAct(act=act, name_vi=DONE[act], allowed=False, code=refusal.code, why_vi=refusal.text)


def _refusal(move: Callable[[], Any]) -> IllegalMove | None:
    try:
        with within_calendar():
            move()
    except IllegalMove as refused:
        return refused
    return None


def _chosen(act: str, candidates: Iterable[Choice], move: Callable[[Choice], Callable[[], Any]]) -> LegalAct:
    """The act with those candidates it is possible with; without one, what the last was refused with."""
    refusal = IllegalMove("nothing-to-choose", "Không có lựa chọn nào cho việc này.")
    possible = []
    for candidate in candidates:
        refused = _refusal(move(candidate))
        if refused is None:
            possible.append(candidate)
        else:
            refusal = refused
    if possible:
        return LegalAct(act=act, name_vi=DONE[act], allowed=True, choices=tuple(possible))
    return LegalAct(act=act, name_vi=DONE[act], allowed=False, code=refusal.code, why_vi=refusal.text)


def _waits(case: Case, code: str, rules: Rules) -> Iterator[Choice]:
    """What a step may wait for outside the agency."""
    yield Choice(code=FEE, name_vi=f"Chờ {FEE_WORDS}")
    for wait in rules.step_rule(case, code).outside_waits:
        yield Choice(code=wait.code, name_vi=wait.name_vi)


def _findings(case: Case, rules: Rules) -> Iterator[Choice]:
    """What may be found: nothing that is taken for true already."""
    for option in rules.procedure(case.procedure, case.procedure_from).options:
        if option.set_by != "officer":
            continue
        values: Iterable[tuple[str | bool, str]] = option.choices.items() or ((True, "có"), (False, "không"))
        for value, label in values:
            if case.options.get(option.code, option.default) != value:
                yield Choice(code=option.code, name_vi=f"{option.name_vi}: {label}", value=value)


def _agencies(case: Case, step: Step, at: datetime, rules: Rules) -> list[Choice]:
    """Who may be given a step that came back: first who is competent by the place, then who else does such steps."""
    role = rules.step_rule(case, step.code).role
    day = rules.calendar("").local_date(at)
    first = rules.competent(role, *case.unit_for(role), at)
    others = [agency.code for agency in rules.catalogue.agencies(role) if agency.in_force(day)]
    found = []
    for code in dict.fromkeys([first, *others]):
        agency = rules.agency(code) if code else None
        if agency is not None:
            found.append(Choice(code=code, name_vi=agency.name_vi))
    return found[:CHOICES_MAX]
