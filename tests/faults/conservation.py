"""What was accepted exists, once, in one state, and every service has the same idea of it."""

from collections.abc import Iterator

from tests.faults.record import (
    HAND_IN,
    OK,
    Case,
    Custody,
    Dossier,
    History,
    Violation,
    grouped,
    place_of,
)

LIVE_STATES = frozenset({"received", "accepted"})
END_STATES = frozenset({"refused", "withdrawn"})
OUTCOMES = frozenset({"granted", "refused", "stopped", "withdrawn"})


def check_conservation(history: History) -> Iterator[Violation]:
    """Every statement about requests, dossiers, cases, custody and things that may exist once."""
    yield from _accepted(history)
    yield from _answers(history)
    yield from _acts(history)
    yield from _states(history)
    yield from _effects(history)
    for waiting in history.waiting:
        yield Violation(name="waits-for-ever", key=waiting.key, detail=f"{waiting.service}: {waiting.what}")


def _accepted(history: History) -> Iterator[Violation]:
    """An acknowledged dossier exists; an unknown one exists or not; none exists twice or out of nowhere."""
    stored = {dossier.id: dossier for dossier in history.dossiers}
    named = [each for each in history.attempts if each.dossier_id is not None and each.outcome == OK]
    order = list(dict.fromkeys(each.dossier_id for each in sorted(named, key=lambda a: a.ended_ns)))
    for dossier_id in order:
        if dossier_id not in stored:
            place = place_of(dossier_id, order, stored)
            yield Violation(name="accepted-lost", key=str(dossier_id), place=place)
    for dossier_id, rows in grouped(history.dossiers, lambda d: d.id).items():
        if len(rows) > 1:
            yield Violation(name="dossier-twice", key=str(dossier_id))
    tried = {each.identity for each in history.attempts if each.purpose == HAND_IN}
    living = [dossier for dossier in history.dossiers if dossier.state not in END_STATES]
    for identity, same in grouped(living, lambda d: d.identity).items():
        if identity and len({each.id for each in same}) > 1:
            yield Violation(name="accepted-twice", key=identity, detail=f"{len(same)} dossiers")
    for dossier in history.dossiers:
        if dossier.identity not in tried:
            yield Violation(name="unexpected-dossier", key=str(dossier.id))
    for identity, attempts in grouped(named, lambda a: a.identity).items():
        mine = {a.dossier_id for a in attempts if a.purpose == HAND_IN}
        wrong = [d for d in mine if d in stored and stored[d].identity != identity]
        if wrong:
            yield Violation(name="answer-of-another", key=identity)


def _answers(history: History) -> Iterator[Violation]:
    """The same key always gets the same answer."""
    for key, attempts in grouped(history.attempts, lambda a: a.key).items():
        answers = {(a.status, a.answer) for a in attempts if a.outcome == OK}
        if len(answers) > 1:
            yield Violation(name="answers-differ", key=key, detail=f"{len(answers)} answers to one key")


def _acts(history: History) -> Iterator[Violation]:
    """An acknowledged act has left its event."""
    left = {
        (said.source, said.subject, said.dossier_id, field, str(value))
        for said in history.said
        for field, value in said.facts.items()
    }
    for attempt in history.attempts:
        proof = attempt.proof
        if attempt.outcome != OK or proof is None:
            continue
        if (proof.source, proof.subject, attempt.dossier_id, proof.field, proof.value) not in left:
            detail = f"{proof.subject} {proof.value} of {attempt.dossier_id}"
            yield Violation(name="acknowledged-lost", key=attempt.key, detail=detail)


def _states(history: History) -> Iterator[Violation]:
    """Intake, routing and results agree on where each dossier is, and that is one place."""
    cases = {case.dossier_id: case for case in history.cases}
    custodies = {custody.dossier_id: custody for custody in history.custodies}
    dossiers = {dossier.id: dossier for dossier in history.dossiers}
    for lost in (cases.keys() | custodies.keys()) - dossiers.keys():
        yield Violation(name="case-without-dossier", key=str(lost))
    for dossier in history.dossiers:
        case, key = cases.get(dossier.id), str(dossier.id)
        if dossier.state not in LIVE_STATES | END_STATES or dossier.outcome not in OUTCOMES | {""}:
            yield Violation(name="illegal-state", key=key, detail=f"{dossier.state}/{dossier.outcome}")
        elif case is not None:
            yield from _agreement(dossier, case, custodies.get(dossier.id))
        elif dossier.state == "accepted" or dossier.outcome:
            yield Violation(name="case-missing", key=key)


def _agreement(dossier: Dossier, case: Case, custody: Custody | None) -> Iterator[Violation]:
    key = str(dossier.id)
    if case.outcome not in OUTCOMES | {""} or (case.closed and case.outcome != "granted"):
        yield Violation(name="illegal-state", key=key, detail=f"case {case.outcome} closed={case.closed}")
    decided = case.outcome or "open"
    if dossier.state in ("received", "refused"):
        yield Violation(name="states-disagree", key=key, detail=f"{dossier.state}, but there is a case")
    elif (dossier.state == "withdrawn") != (case.outcome == "withdrawn"):
        detail = f"intake {dossier.state}, routing {decided}"
        yield Violation(name="states-disagree", key=key, detail=detail)
    elif dossier.outcome != case.outcome:
        detail = f"intake heard {dossier.outcome or 'nothing'}, routing {decided}"
        yield Violation(name="states-disagree", key=key, detail=detail)
    if custody is None and case.outcome:
        yield Violation(name="custody-missing", key=key)
    if custody is not None and custody.outcome != case.outcome:
        detail = f"results heard {custody.outcome or 'nothing'}, routing {decided}"
        yield Violation(name="states-disagree", key=key, detail=detail)
    closed = {dossier.closed, case.closed, custody is not None and custody.closed}
    if len(closed) > 1 and case.outcome == "granted":
        yield Violation(name="states-disagree", key=key, detail="closed for one, open for another")


def _effects(history: History) -> Iterator[Violation]:
    """What may exist once exists once."""
    for (kind, key), effects in grouped(history.effects, lambda e: (e.kind, e.key)).items():
        if len(effects) > 1:
            owners = ", ".join(sorted({effect.owner for effect in effects}))
            yield Violation(name="effect-twice", key=key, detail=f"{kind}: {owners}")
