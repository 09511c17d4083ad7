"""What intake says. Made by `make events` from the contracts of the city; do not edit."""

from datetime import date
from typing import ClassVar

import msgspec

from mot_cua.events.data import EventData, Moment


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
    options: dict[str, str | bool] = {}  # noqa: RUF012 - msgspec copies empty defaults
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
