"""What each type of event says. Made by `make events` from the contracts of the city; do not edit.

Fields this version does not know are ignored: see `Event.plain`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

# A moment always carries its zone.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    """The data of one event: ids, codes, states and times, never a person's data."""

    TYPE: ClassVar[str] = ""


class ChosenResult(msgspec.Struct, frozen=True, kw_only=True):
    """One result the applicant asked for and how it is to be received.

    `delivery` is hospital, counter, post or electronic; `place` is the code of the agency (hospital desk or
    counter) that hands it over, empty for post and electronic.
    """

    code: str
    delivery: str
    place: str = ""
    copies: int = 1


class RoleUnit(msgspec.Struct, frozen=True, kw_only=True):
    """The commune whose agency of one role is competent, as its code stood on `unit_as_of`."""

    role: str
    unit: str
    unit_as_of: date


class DossierReceived(EventData, frozen=True, kw_only=True):
    """A dossier has been handed in and stored, and a receipt was given.

    Not decided yet: whether it is complete and whether the one-stop shop takes it into processing. `missing` names
    the components (papers) that are still to be supplemented before it can be accepted.
    """

    TYPE: ClassVar[str] = "intake.dossier-received.v1"

    code: str
    procedure: str
    channel: str
    receiving_agency: str
    received_at: Moment
    facility: str = ""
    missing: tuple[str, ...] = ()
    likely_duplicate: bool = False


class DossierAccepted(EventData, frozen=True, kw_only=True):
    """The one-stop shop has taken the dossier into processing and promised an appointment.

    Not decided yet: which agency does which step (routing says so), and the outcome. `unit` is the commune whose
    agencies are competent, as its code stood on `unit_as_of`; `role_units` name the roles for which another commune
    is (a child whose residence is registered elsewhere); `options` are the branches the applicant chose.
    """

    TYPE: ClassVar[str] = "intake.dossier-accepted.v1"

    code: str
    procedure: str
    procedure_from: date
    channel: str
    receiving_agency: str
    received_at: Moment
    accepted_at: Moment
    appointment_at: Moment
    unit: str
    unit_as_of: date
    results: tuple[ChosenResult, ...]
    options: dict[str, str | bool] = {}
    facility: str = ""
    role_units: tuple[RoleUnit, ...] = ()


class DossierRefused(EventData, frozen=True, kw_only=True):
    """The one-stop shop has refused to receive the dossier (national status 3); nothing further will happen to it."""

    TYPE: ClassVar[str] = "intake.dossier-refused.v1"

    code: str
    procedure: str
    reason: str
    refused_at: Moment
    facility: str = ""


class DossierSupplemented(EventData, frozen=True, kw_only=True):
    """The applicant has handed in papers or data that were asked for.

    Not decided yet: whether they suffice. `complete` says that nothing of what was asked for is still missing;
    `request` is the number of the supplement request answered, 0 for one made at reception.
    """

    TYPE: ClassVar[str] = "intake.dossier-supplemented.v1"

    request: int
    components: tuple[str, ...]
    complete: bool
    supplemented_at: Moment


class DossierWithdrawn(EventData, frozen=True, kw_only=True):
    """The applicant has taken the dossier back (national status 7).

    Not decided here: what happens to steps already begun; routing stops the case, if there is one yet
    (`after_acceptance`).
    """

    TYPE: ClassVar[str] = "intake.dossier-withdrawn.v1"

    reason: str
    withdrawn_at: Moment
    after_acceptance: bool = False


class DossierCorrected(EventData, frozen=True, kw_only=True):
    """Data of the dossier have been corrected; `fields` names which, never their values.

    `after_acceptance` says that there is a case for it. Not decided yet: whether a result already issued must be
    replaced.
    """

    TYPE: ClassVar[str] = "intake.dossier-corrected.v1"

    fields: tuple[str, ...]
    reason: str
    corrected_at: Moment
    after_acceptance: bool = False


class DeliveryChanged(EventData, frozen=True, kw_only=True):
    """These results of an accepted dossier are to be received otherwise than its acceptance said.

    `results` are those that changed, with the whole new choice (`copies` as accepted); the latest word counts. `by` is
    the desk that chose for the family. Not decided here: whether one of them has been handed over or posted meanwhile;
    then it stays where it is, as does a paper already with a desk that was to be posted or electronic. What results
    says of it next (dispatched, ready, handed over) tells.
    """

    TYPE: ClassVar[str] = "intake.delivery-changed.v1"

    results: tuple[ChosenResult, ...]
    changed_at: Moment
    by: str = ""


class BirthReminderDue(EventData, frozen=True, kw_only=True):
    """The family of a birth whose dossier lacks papers should be reminded of the term to register it (60 days).

    `number` counts the reminders of a dossier, `missing` names the papers. Neither they nor the time of the event tell
    the day of birth. Not decided here: whether the dossier will be accepted.
    """

    TYPE: ClassVar[str] = "intake.birth-reminder-due.v1"

    number: int
    missing: tuple[str, ...]


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


class ResultIssued(EventData, frozen=True, kw_only=True):
    """A signed result document exists and can be verified. Not decided here: that it has reached anyone.

    `supersedes` is the result it replaces.
    """

    TYPE: ClassVar[str] = "results.result-issued.v1"

    result_id: UUID
    result: str
    version: int
    delivery: str
    place: str
    issued_at: Moment
    supersedes: UUID | None = None


class ResultDispatched(EventData, frozen=True, kw_only=True):
    """The paper has left for the place of hand-over, or with the post (no `place`); also when it is carried on.

    `delivery` is empty where it was not said yet.
    """

    TYPE: ClassVar[str] = "results.result-dispatched.v1"

    result_id: UUID
    result: str
    place: str
    dispatched_at: Moment
    delivery: str = ""


class ResultReady(EventData, frozen=True, kw_only=True):
    """The result has arrived where the applicant can have it: a hospital desk, a counter, or their electronic box."""

    TYPE: ClassVar[str] = "results.result-ready.v1"

    result_id: UUID
    result: str
    delivery: str
    place: str
    ready_at: Moment


class ResultHandedOver(EventData, frozen=True, kw_only=True):
    """The result has reached its destination; a receipt exists. `receiver` is a relation (mother, father, …)."""

    TYPE: ClassVar[str] = "results.result-handed-over.v1"

    result_id: UUID
    result: str
    delivery: str
    place: str
    receiver: str
    handed_over_at: Moment


class ResultRevoked(EventData, frozen=True, kw_only=True):
    """An issued result is no longer valid, by a decision with a reason. Whoever verifies it is told so."""

    TYPE: ClassVar[str] = "results.result-revoked.v1"

    result_id: UUID
    result: str
    reason: str
    revoked_at: Moment


class ResultRejected(EventData, frozen=True, kw_only=True):
    """A result could not be issued from the step's outcome; the step has to be done again."""

    TYPE: ClassVar[str] = "results.result-rejected.v1"

    step: str
    result: str
    reason: str
    rejected_at: Moment


class DossierClosed(EventData, frozen=True, kw_only=True):
    """Every chosen result has reached its destination (national status 10)."""

    TYPE: ClassVar[str] = "results.dossier-closed.v1"

    closed_at: Moment
    results: int


class MessageSent(EventData, frozen=True, kw_only=True):
    """A provider has accepted the message. Not known yet: whether it was delivered."""

    TYPE: ClassVar[str] = "notify.message-sent.v1"

    message_id: UUID
    rule: str
    channel: str
    sent_at: Moment


class MessageDelivered(EventData, frozen=True, kw_only=True):
    """The message has reached its destination."""

    TYPE: ClassVar[str] = "notify.message-delivered.v1"

    message_id: UUID
    rule: str
    channel: str
    delivered_at: Moment


class MessageFailed(EventData, frozen=True, kw_only=True):
    """The message will not reach this destination, for `reason`."""

    TYPE: ClassVar[str] = "notify.message-failed.v1"

    message_id: UUID
    rule: str
    channel: str
    reason: str
    failed_at: Moment


EVENTS: Mapping[str, type[EventData]] = {
    DossierReceived.TYPE: DossierReceived,
    DossierAccepted.TYPE: DossierAccepted,
    DossierRefused.TYPE: DossierRefused,
    DossierSupplemented.TYPE: DossierSupplemented,
    DossierWithdrawn.TYPE: DossierWithdrawn,
    DossierCorrected.TYPE: DossierCorrected,
    DeliveryChanged.TYPE: DeliveryChanged,
    BirthReminderDue.TYPE: BirthReminderDue,
    CaseOpened.TYPE: CaseOpened,
    StepAssigned.TYPE: StepAssigned,
    StepStarted.TYPE: StepStarted,
    StepReleased.TYPE: StepReleased,
    StepCompleted.TYPE: StepCompleted,
    StepAmended.TYPE: StepAmended,
    StepReturned.TYPE: StepReturned,
    StepRefused.TYPE: StepRefused,
    SupplementRequested.TYPE: SupplementRequested,
    SupplementWithdrawn.TYPE: SupplementWithdrawn,
    ClockPaused.TYPE: ClockPaused,
    ClockResumed.TYPE: ClockResumed,
    DeadlineNear.TYPE: DeadlineNear,
    DeadlineMissed.TYPE: DeadlineMissed,
    AppointmentMoved.TYPE: AppointmentMoved,
    ReminderDue.TYPE: ReminderDue,
    DossierSettled.TYPE: DossierSettled,
    ResultIssued.TYPE: ResultIssued,
    ResultDispatched.TYPE: ResultDispatched,
    ResultReady.TYPE: ResultReady,
    ResultHandedOver.TYPE: ResultHandedOver,
    ResultRevoked.TYPE: ResultRevoked,
    ResultRejected.TYPE: ResultRejected,
    DossierClosed.TYPE: DossierClosed,
    MessageSent.TYPE: MessageSent,
    MessageDelivered.TYPE: MessageDelivered,
    MessageFailed.TYPE: MessageFailed,
}
