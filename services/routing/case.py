"""The case of one dossier as data, and what can be asked of it. What may happen to it stands beside this.

The whole state is one immutable value: it is loaded, a pure function makes the next one and the events, and
it is saved.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.contracts.event import Event
from libs.contracts.intake import ChosenResult, RoleUnit

# A step waits for others, lies with an agency, is begun, is done, was given back to the one-stop shop, or
# will not be done.
WAITING, ASSIGNED, STARTED = "waiting", "assigned", "started"
COMPLETED, RETURNED, CANCELLED = "completed", "returned", "cancelled"
OPEN_STATES = frozenset({ASSIGNED, STARTED, RETURNED})

GRANTED, REFUSED, STOPPED, WITHDRAWN = "granted", "refused", "stopped", "withdrawn"

# A leader may finish what another officer of the agency began (illness, leave).
LEADER = "leader"

# Reasons for which the clock stands still, besides the waits for outsiders that the catalogue names.
SUPPLEMENT, FEE = "supplement", "fee"


class IllegalMove(Exception):
    """What was asked for is not possible in the present state of the case.

    `code` is for programs, `text` for the officer in Vietnamese, `facts` are codes and times that explain.
    """

    def __init__(self, code: str, text: str, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text
        self.facts = facts


class Officer(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts: an officer or an agency's own system (`subject`), for which agency, in which role."""

    subject: str
    agency: str
    role: str


class Clock(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A running or stopped term. `due_at` is the last due time; while `stopped_at` is set nothing is due.

    `near_at` is the moment of the warning, one working day before; None when the term is shorter than that.
    `unit` says how time is counted after a stop (see clocks.shifted), `moves` how often it has run out later than it
    was to: each time is warned of anew.
    """

    started_at: datetime
    due_at: datetime
    unit: str
    near_at: datetime | None = None
    stopped_at: datetime | None = None
    moves: int = 0

    @property
    def due(self) -> datetime | None:
        """When it runs out; None while it stands still."""
        return None if self.stopped_at else self.due_at

    def met(self, at: datetime) -> bool:
        """Whether finishing at this moment is in time."""
        return self.stopped_at is not None or at <= self.due_at


class Left(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a step was at the agency that gave it back, so that a return made by mistake can be taken back."""

    agency: str
    at: datetime
    clock: Clock | None = None
    assigned_at: datetime | None = None
    started_at: datetime | None = None
    started_by: str = ""
    started_role: str = ""
    declined_by: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step. `round` counts its assignments, `revision` its outcomes recorded, `version` all changes.

    `flagged` tells the officer that data of the dossier were corrected since the step was assigned; `cause`
    is why it was returned or cancelled; `declined_by` are agencies that said they are not competent. `left` is what it
    was before it was given back, until somebody goes on with it.
    """

    code: str
    state: str = WAITING
    agency: str = ""
    round: int = 0
    version: int = 0
    revision: int = 0
    priority: int = 0
    assigned_at: datetime | None = None
    started_at: datetime | None = None
    started_by: str = ""
    started_role: str = ""
    completed_at: datetime | None = None
    clock: Clock | None = None
    produced: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    declined_by: tuple[str, ...] = ()
    cause: str = ""
    flagged: bool = False
    left: Left | None = None

    @property
    def open(self) -> bool:
        """Whether it lies on somebody's desk now."""
        return self.state in OPEN_STATES

    @property
    def due_at(self) -> datetime | None:
        """When it is due; None without a term or while its clock stands still."""
        return self.clock.due if self.clock else None


class Pause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A time the clock stands still, for one step or (`step` empty) for all of them."""

    reason: str
    started_at: datetime
    step: str = ""
    ended_at: datetime | None = None

    def covers(self, step: str) -> bool:
        """Whether the clock of the step stands still because of it."""
        return self.step in ("", step)


class Supplement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request for everything that was missing; the numbers of a dossier run 1, 2, 3 …

    It ends with the papers, with the step, by lapsing, or `withdrawn` as made by mistake.
    """

    number: int
    step: str
    reason: str
    requested_at: datetime
    respond_by: datetime
    components: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    received: tuple[str, ...] = ()
    ended_at: datetime | None = None
    lapsed: bool = False
    withdrawn: bool = False


class Apology(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A written apology with a new date (TT 03/2025/TT-VPCP form 04): drafted by us, signed by an officer.

    It speaks of the appointment `was_at`: a draft is void once the appointment is another one.
    """

    number: int
    agency: str
    reason: str
    drafted_at: datetime
    was_at: datetime
    proposed_at: datetime
    signed_at: datetime | None = None


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """Data of the dossier were corrected; `fields` names which."""

    fields: tuple[str, ...]
    reason: str
    at: datetime


class Settlement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the case was decided (see contracts.routing.DossierSettled)."""

    outcome: str
    status: int
    at: datetime
    on_time: bool
    results: tuple[str, ...] = ()
    reason: str = ""


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything routing knows of one dossier, without personal data.

    `calendar` is the version of the working calendar it was opened with.
    """

    dossier_id: UUID
    code: str
    procedure: str
    procedure_from: date
    channel: str
    receiving_agency: str
    received_at: datetime
    accepted_at: datetime
    opened_at: datetime
    unit: str
    unit_as_of: date
    calendar: str
    clock: Clock
    appointment: Clock
    steps: tuple[Step, ...]
    facility: str = ""
    options: dict[str, str | bool] = {}
    results: tuple[ChosenResult, ...] = ()
    pauses: tuple[Pause, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    apologies: tuple[Apology, ...] = ()
    corrections: tuple[Correction, ...] = ()
    fired: tuple[str, ...] = ()
    settled: Settlement | None = None
    closed_at: datetime | None = None
    role_units: tuple[RoleUnit, ...] = ()

    def unit_for(self, role: str) -> tuple[str, date]:
        """The commune whose agency of the role is competent, and the day its code stood."""
        other = next((place for place in self.role_units if place.role == role), None)
        return (other.unit, other.unit_as_of) if other else (self.unit, self.unit_as_of)

    def step(self, code: str) -> Step | None:
        """The step with this code, or None."""
        for step in self.steps:
            if step.code == code:
                return step
        return None

    @property
    def open_supplement(self) -> Supplement | None:
        """The supplement request not yet answered, or None."""
        return next((s for s in self.supplements if s.ended_at is None), None)

    def stopped_for(self, step: str) -> Pause | None:
        """An open pause that holds the clock of the step, or None."""
        return next((p for p in self.pauses if p.ended_at is None and p.covers(step)), None)

    def is_void(self, apology: Apology) -> bool:
        """Whether the draft can no longer be signed: the case is decided, or its appointment is another one by now."""
        stale = apology.was_at != self.appointment.due_at
        return apology.signed_at is None and (self.settled is not None or stale)

    @property
    def responsible(self) -> str:
        """The agency the dossier waits for: of the open step due first, else the one-stop shop."""
        held = [s for s in self.steps if s.open and s.agency]
        if not held:
            return self.receiving_agency
        return min(held, key=lambda s: s.clock.due_at if s.clock else self.clock.due_at).agency


# What a move makes: the next state and what is to be said about it, in order.
Move = tuple[Case, tuple[Event, ...]]


def replaced(case: Case, **changes: Any) -> Case:
    """The case with some fields changed."""
    return msgspec.structs.replace(case, **changes)


def with_step(case: Case, step: Step) -> Case:
    """The case with this step in place of the one with its code."""
    return replaced(case, steps=tuple(step if s.code == step.code else s for s in case.steps))


def changed(step: Step, **changes: Any) -> Step:
    """The step with some fields changed and its version counted up."""
    return msgspec.structs.replace(step, version=step.version + 1, **changes)


def known_step(case: Case, code: str) -> Step:
    """The step; raises IllegalMove when the case has none with this code."""
    step = case.step(code)
    if step is None:
        raise IllegalMove("no-such-step", "Hồ sơ không có bước này.")
    return step


def refuse_if_ended(case: Case) -> None:
    """Raises IllegalMove when the case is decided: nothing is left to do in it."""
    if case.settled is not None:
        raise IllegalMove(
            "case-settled",
            f"Hồ sơ {_OUTCOME_WORDS[case.settled.outcome]}, không còn xử lý tiếp.",
            outcome=case.settled.outcome,
        )


def refuse_if_taken(step: Step, by: Officer) -> None:
    """Raises IllegalMove when another officer has the step in hand; a leader may go on with it."""
    taken = step.state == STARTED and step.started_by != by.subject
    if taken and by.role != LEADER and step.started_at is not None:
        text = "Cán bộ khác của cơ quan đang xử lý bước này."
        facts = {"at": step.started_at.isoformat(), "role": step.started_role, "by": step.started_by}
        raise IllegalMove("step-taken", text, **facts)


_OUTCOME_WORDS = {
    GRANTED: "đã giải quyết xong",
    REFUSED: "đã bị từ chối giải quyết",
    STOPPED: "đã dừng giải quyết",
    WITHDRAWN: "đã được rút",
}
