"""The case as agencies and services see it: where it stands, when it is due, and what has happened so far."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.http.auth import Actor
from services.routing import status
from services.routing.case import Apology, Case, Correction, Pause, Settlement, Step, Supplement
from services.routing.record_store import Act
from services.routing.rules import Rules
from services.routing.wire import StepDone
from services.routing.words import ENTRIES


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the graph; of another agency's only what it is and its state."""

    step: str
    name: str
    role: str
    depends_on: tuple[str, ...]
    state: str
    agency: str
    version: int
    assigned_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    due_at: datetime | None
    produced: tuple[str, ...]
    pending: tuple[str, ...]
    cause: str
    flagged: bool


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the timeline; agency and role of who acted are empty for what the system did.

    `by` is the subject of who acted, told to their own agency only, like the holder of a step.
    `words` is what the line is called in Vietnamese (words.ENTRIES).
    """

    at: datetime
    what: str
    step: str = ""
    agency: str = ""
    role: str = ""
    by: str = ""
    reason: str = ""
    note: str = ""
    words: str = ""


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """One case. `status` is the national status code; `due_at` is empty while the clock stands still."""

    dossier_id: UUID
    code: str
    procedure: str
    status: int
    status_name: str
    receiving_agency: str
    facility: str
    received_at: datetime
    accepted_at: datetime
    appointment_at: datetime
    due_at: datetime | None
    calendar: str
    steps: tuple[StepView, ...]
    pauses: tuple[Pause, ...]
    supplements: tuple[Supplement, ...]
    apologies: tuple[Apology, ...]
    corrections: tuple[Correction, ...]
    settled: Settlement | None
    closed_at: datetime | None
    timeline: tuple[Entry, ...]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What of a case somebody sees: all of it, what concerns one agency, or where it stands.

    `supplied` adds what the family was asked for, for the hospital that declared and hands it in.
    """

    whole: bool = False
    agency: str = ""
    supplied: bool = False

    def covers(self, agency: str) -> bool:
        """Whether what an agency has and does is seen."""
        return self.whole or (self.agency != "" and agency == self.agency)


def sight_of(case: Case, actor: Actor) -> Sight | None:
    """What the actor sees: the one-stop shop and the portal all, an agency what it has to do; None for strangers.

    An agency that gave its step back has nothing to do with the case any more.
    """
    if actor.kind == "service" or (actor.agency and actor.agency == case.receiving_agency):
        return Sight(whole=True, agency=actor.agency)
    declared = actor.facility != "" and actor.facility == case.facility
    if actor.agency and any(step.agency == actor.agency for step in case.steps):
        return Sight(agency=actor.agency, supplied=declared)
    hands_out = actor.agency != "" and actor.agency in {result.place for result in case.results}
    return Sight(supplied=declared) if declared or hands_out else None


def view_of(case: Case, acts: Sequence[Act], rules: Rules, sight: Sight) -> CaseView:
    """The case as far as it is seen, with its timeline: what the state tells, and what officers did."""
    code = status.status_of(case)
    own = {step.code for step in case.steps if sight.covers(step.agency)}
    asked = sight.supplied or sight.whole
    return CaseView(
        dossier_id=case.dossier_id,
        code=case.code,
        procedure=case.procedure,
        status=code,
        status_name=status.NAMES_VI[code],
        receiving_agency=case.receiving_agency,
        facility=case.facility,
        received_at=case.received_at,
        accepted_at=case.accepted_at,
        appointment_at=case.appointment.due_at,
        due_at=None if case.settled else case.clock.due,
        calendar=case.calendar,
        steps=tuple(_step(case, step, rules, whole=step.code in own) for step in case.steps),
        pauses=tuple(p for p in case.pauses if sight.whole or not p.step or p.step in own),
        supplements=tuple(s for s in case.supplements if asked or s.step in own),
        apologies=tuple(a for a in case.apologies if sight.covers(a.agency)),
        corrections=case.corrections if asked or sight.agency else (),
        settled=case.settled,
        closed_at=case.closed_at,
        timeline=tuple(sorted(_timeline(case, acts, sight), key=lambda entry: entry.at)),
    )


def _timeline(case: Case, acts: Sequence[Act], sight: Sight) -> list[Entry]:
    """What happened to the dossier as a whole, and what happened and was done at the agencies that are seen."""
    own = {step.code for step in case.steps if sight.covers(step.agency)}
    told = {"received", "accepted", "settled", "closed"}
    if sight.agency or sight.supplied:
        told.add("corrected")
    if sight.supplied:
        told |= {"supplemented", "supplement-lapsed"}
    happened = [
        entry
        for entry in _happened(case)
        if sight.whole or entry.what in told or entry.step in own or sight.covers(entry.agency)
    ]
    done = _done([act for act in acts if sight.covers(act.agency)], sight.agency)
    return [
        msgspec.structs.replace(entry, words=ENTRIES.get(entry.what, entry.what))
        for entry in (*happened, *done)
    ]


def step_done(case: Case, code: str) -> StepDone:
    """The short answer to an act on a step. Raises KeyError when the case has no such step."""
    step = case.step(code)
    if step is None:
        raise KeyError(code)
    return StepDone(
        dossier_id=case.dossier_id,
        step=code,
        state=step.state,
        agency=step.agency,
        version=step.version,
        status=status.status_of(case),
        due_at=step.due_at if step.open else None,
        appointment_at=case.appointment.due_at,
    )


def _step(case: Case, step: Step, rules: Rules, *, whole: bool) -> StepView:
    """A step, of another agency's only what it is and how far it got."""
    rule = rules.step_rule(case, step.code)
    seen = step if whole else Step(code=step.code, state=step.state)
    return StepView(
        step=step.code,
        name=rule.name_vi,
        role=rule.role,
        depends_on=rule.depends_on,
        state=step.state,
        agency=seen.agency,
        version=seen.version,
        assigned_at=seen.assigned_at,
        started_at=seen.started_at,
        completed_at=seen.completed_at,
        due_at=seen.due_at if seen.open else None,
        produced=seen.produced,
        pending=seen.pending,
        cause=seen.cause,
        flagged=seen.flagged,
    )


def _happened(case: Case) -> list[Entry]:
    """What the state itself tells, besides the acts of officers."""
    entries = [
        Entry(at=case.received_at, what="received", agency=case.receiving_agency),
        Entry(at=case.accepted_at, what="accepted", agency=case.receiving_agency),
    ]
    entries += [
        Entry(at=step.assigned_at, what="assigned", step=step.code, agency=step.agency)
        for step in case.steps
        if step.assigned_at is not None
    ]
    for asked in case.supplements:
        # A request taken back is told by the officer's act.
        if asked.ended_at is not None and not asked.withdrawn:
            what = "supplement-lapsed" if asked.lapsed else "supplemented"
            entries.append(Entry(at=asked.ended_at, what=what, step=asked.step))
    entries += [Entry(at=a.drafted_at, what="apology-drafted", agency=a.agency) for a in case.apologies]
    entries += [Entry(at=c.at, what="corrected", reason=c.reason) for c in case.corrections]
    if case.settled is not None:
        entries.append(Entry(at=case.settled.at, what="settled", reason=case.settled.outcome))
    if case.closed_at is not None:
        entries.append(Entry(at=case.closed_at, what="closed"))
    return entries


def _done(acts: Sequence[Act], colleagues_at: str) -> list[Entry]:
    return [
        Entry(
            at=act.at,
            what=act.move,
            step=act.step,
            agency=act.agency,
            role=act.role,
            by=act.subject if act.agency == colleagues_at else "",
            reason=act.reason,
            note=act.note,
        )
        for act in acts
    ]
