"""What routing says. Made by `make events` from the contracts of the city; do not edit."""

from typing import ClassVar

import msgspec

from mot_cua.events.data import EventData, Moment


class ProducedResult(msgspec.Struct, frozen=True, kw_only=True):
    """A result a completed step calls for, and how the applicant chose to receive it (see intake.ChosenResult)."""

    code: str
    delivery: str
    place: str = ""
    copies: int = 1


class CaseOpened(EventData, frozen=True, kw_only=True):
    """A case with its graph of steps exists for the dossier. Not decided yet: anything on its substance."""

    TYPE: ClassVar[str] = "routing.case-opened.v1"

    procedure: str
    steps: tuple[str, ...]
    appointment_at: Moment
    calendar: str
    opened_at: Moment


class StepAssigned(EventData, frozen=True, kw_only=True):
    """A step is ready and lies with the competent agency, due at `due_at`. Not decided yet: which officer does it."""

    TYPE: ClassVar[str] = "routing.step-assigned.v1"

    step: str
    agency: str
    assigned_at: Moment
    due_at: Moment | None = None


class StepStarted(EventData, frozen=True, kw_only=True):
    """An officer of the agency has begun the step."""

    TYPE: ClassVar[str] = "routing.step-started.v1"

    step: str
    agency: str
    started_at: Moment


class StepReleased(EventData, frozen=True, kw_only=True):
    """Who had begun the step has put it back: it lies with its agency as before. Nothing was decided."""

    TYPE: ClassVar[str] = "routing.step-released.v1"

    step: str
    agency: str
    released_at: Moment


class StepCompleted(EventData, frozen=True, kw_only=True):
    """The agency has completed the step; `produces` are the results that are now to be issued.

    The outcome's data (register number, card number) stay with routing. `pending` names outcome data still to come,
    such as the personal identity number of a child (CV 3160/BTP-CNTT allows a certificate without it).
    """

    TYPE: ClassVar[str] = "routing.step-completed.v1"

    step: str
    agency: str
    completed_at: Moment
    produces: tuple[ProducedResult, ...] = ()
    pending: tuple[str, ...] = ()


class StepAmended(EventData, frozen=True, kw_only=True):
    """Outcome data of a completed step were completed or corrected; results already issued from it are superseded.

    `fields` names what changed, never the values.
    """

    TYPE: ClassVar[str] = "routing.step-amended.v1"

    step: str
    agency: str
    fields: tuple[str, ...]
    amended_at: Moment
    replaces: tuple[ProducedResult, ...] = ()


class StepReturned(EventData, frozen=True, kw_only=True):
    """A step has been given back, by its agency as not competent or by a check of its result, and will be redone."""

    TYPE: ClassVar[str] = "routing.step-returned.v1"

    step: str
    agency: str
    reason: str
    returned_at: Moment


class StepRefused(EventData, frozen=True, kw_only=True):
    """A step will not be done: its agency refused it, or it was stopped since the papers asked for never came.

    `outcome` is refused or stopped, `reason` a code of the catalogue. `dropped` are the steps that fall with it,
    `results` what will therefore not be issued. `ends_dossier` says that nothing was granted and nothing is left, so
    that dossier-settled follows. Not decided here: what other agencies still do.
    """

    TYPE: ClassVar[str] = "routing.step-refused.v1"

    step: str
    agency: str
    outcome: str
    reason: str
    refused_at: Moment
    dropped: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    ends_dossier: bool = False


class SupplementRequested(EventData, frozen=True, kw_only=True):
    """An officer has asked for everything that is missing, at once; the clock stands still until it comes.

    `respond_by` is the last moment to answer (7 working days, NĐ 63/2024); after it the dossier is stopped.
    """

    TYPE: ClassVar[str] = "routing.supplement-requested.v1"

    request: int
    step: str
    components: tuple[str, ...]
    fields: tuple[str, ...]
    reason: str
    respond_by: Moment
    requested_at: Moment


class SupplementWithdrawn(EventData, frozen=True, kw_only=True):
    """A request for papers was made by mistake and is taken back: nothing need be handed in for it.

    The clocks run as if they had never stood still (clock-resumed follows). Not decided: whether another request comes.
    """

    TYPE: ClassVar[str] = "routing.supplement-withdrawn.v1"

    request: int
    step: str
    withdrawn_at: Moment


class ClockPaused(EventData, frozen=True, kw_only=True):
    """The legal clock of the case (or of one step) stands still, for `reason`."""

    TYPE: ClassVar[str] = "routing.clock-paused.v1"

    reason: str
    paused_at: Moment
    step: str = ""


class ClockResumed(EventData, frozen=True, kw_only=True):
    """The legal clock runs again; `due_at` is the new due time with the remaining working time kept."""

    TYPE: ClassVar[str] = "routing.clock-resumed.v1"

    reason: str
    resumed_at: Moment
    due_at: Moment | None
    step: str = ""


class DeadlineNear(EventData, frozen=True, kw_only=True):
    """A deadline is one working day away and the work is not done. `step` is empty for the whole dossier.

    `apology` is 0 for the term by law, else the number of the apology that promised this appointment.
    """

    TYPE: ClassVar[str] = "routing.deadline-near.v1"

    due_at: Moment
    agency: str
    step: str = ""
    apology: int = 0


class DeadlineMissed(EventData, frozen=True, kw_only=True):
    """A deadline has passed and the work is not done. `step` is empty for the whole dossier.

    `apology` is 0 for the term by law, else the number of the apology that promised this appointment.
    """

    TYPE: ClassVar[str] = "routing.deadline-missed.v1"

    due_at: Moment
    agency: str
    step: str = ""
    apology: int = 0


class AppointmentMoved(EventData, frozen=True, kw_only=True):
    """The appointment has been moved to `appointment_at`; with an apology when it is our delay."""

    TYPE: ClassVar[str] = "routing.appointment-moved.v1"

    was_at: Moment
    appointment_at: Moment
    reason: str
    apology: bool
    moved_at: Moment


class ReminderDue(EventData, frozen=True, kw_only=True):
    """The family should be reminded of a legal term of their own, `day` days after it began.

    `kind` is residence (60 days from birth registration, Luật Cư trú) or supplement (papers still missing, those of
    the supplement request with the number `request`).
    """

    TYPE: ClassVar[str] = "routing.reminder-due.v1"

    kind: str
    day: int
    request: int = 0


class DossierSettled(EventData, frozen=True, kw_only=True):
    """The case is decided: nothing is left for an agency to do.

    `outcome` is granted, refused, stopped or withdrawn; `status` the national status code (9, 8 or 7).
    `results` are the codes of all results issued for it. Not decided here: when they reach the applicant.
    """

    TYPE: ClassVar[str] = "routing.dossier-settled.v1"

    outcome: str
    status: int
    settled_at: Moment
    on_time: bool
    results: tuple[str, ...] = ()
    reason: str = ""
