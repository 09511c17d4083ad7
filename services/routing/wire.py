"""What goes over HTTP: the bodies agencies send and the answers they get."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from libs.contracts.event import Moment
from libs.http.bodies import Body
from services.routing.completion import Completion
from services.routing.desk_store import DeskStep
from services.routing.record_store import DraftedApology

# The shape of a code. Those that go into events are looked up besides (vocabulary.py): a name can be written as a code.
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
StepCode = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9_.-]{0,63})?$")]
AgencyCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{0,64}$")]
# Words to the family or a colleague; they stay in the log of the case.
Note = Annotated[str, msgspec.Meta(max_length=2000)]
Codes = Annotated[tuple[Code, ...], msgspec.Meta(max_length=50)]
Paths = Annotated[tuple[Code, ...], msgspec.Meta(max_length=100)]

COMPLETIONS_MAX = 200
OUTCOMES_READ_MAX = 500


class StartBody(Body, frozen=True, kw_only=True):
    """Begin a step. `version` is that of the step as the officer saw it; a newer one refuses (409)."""

    version: int | None = None


class CompleteBody(Body, frozen=True, kw_only=True):
    """Complete a step with what the catalogue asks for."""

    outcome: dict[str, Any] = msgspec.field(default_factory=dict)
    version: int | None = None


class AmendBody(Body, frozen=True, kw_only=True):
    """Fields of a completed step's outcome to be filled in or corrected; the others stay."""

    outcome: dict[str, Any]
    version: int | None = None


class ReturnBody(Body, frozen=True, kw_only=True):
    """Give a step back as not competent, to another agency or (empty) to whoever is."""

    reason: Code
    to: AgencyCode = ""
    note: Note = ""
    version: int | None = None


class AssignBody(Body, frozen=True, kw_only=True):
    """The one-stop shop gives a returned step to an agency."""

    agency: AgencyCode
    note: Note = ""


class FindingBody(Body, frozen=True, kw_only=True):
    """What an officer has found that decides the term, e.g. residence_verification: true."""

    option: Code
    value: bool | Code
    note: Note = ""
    version: int | None = None


class SupplementBody(Body, frozen=True, kw_only=True):
    """Everything that is missing, at once: papers by code, form fields by path; the reason is one of the catalogue."""

    reason: Code
    step: StepCode = ""
    components: Codes = ()
    fields: Paths = ()
    note: Note = ""
    version: int | None = None


class RefusalBody(Body, frozen=True, kw_only=True):
    """Refuse a step, for a reason of the catalogue."""

    reason: Code
    step: StepCode = ""
    note: Note = ""
    version: int | None = None


class PauseBody(Body, frozen=True, kw_only=True):
    """Stop or let run the clock of a step, for a wait the catalogue names or `fee`."""

    reason: Code
    step: StepCode = ""
    version: int | None = None


class CompleteManyBody(Body, frozen=True, kw_only=True):
    """Outcomes of an agency's own system."""

    steps: Annotated[tuple[Completion, ...], msgspec.Meta(min_length=1, max_length=COMPLETIONS_MAX)]


class SignBody(Body, frozen=True, kw_only=True):
    """Sign an apology, with the proposed date or another."""

    appointment_at: Moment | None = None
    note: Note = ""


class OutcomeItem(Body, frozen=True, kw_only=True):
    """Which step's outcome."""

    dossier_id: UUID
    step: Code


class ReadOutcomesBody(Body, frozen=True, kw_only=True):
    """The outcomes a service needs; the purpose may also stand here besides X-Purpose."""

    items: Annotated[tuple[OutcomeItem, ...], msgspec.Meta(min_length=1, max_length=OUTCOMES_READ_MAX)]
    purpose: str = ""


class WrongField(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that is wrong, as in problems."""

    field: str
    code: str
    message: str


class Fate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one step of a batch: `status` as a request of its own would have been answered."""

    dossier_id: UUID
    step: str
    status: int
    code: str = ""
    message: str = ""
    errors: tuple[WrongField, ...] = ()


class Fates(msgspec.Struct, frozen=True, kw_only=True):
    """The fates in the order asked."""

    results: tuple[Fate, ...]


class StepDone(msgspec.Struct, frozen=True, kw_only=True):
    """The step after an act; `status` is the national status code of the dossier."""

    dossier_id: UUID
    step: str
    state: str
    agency: str
    version: int
    status: int
    due_at: datetime | None
    appointment_at: datetime


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """A page of an agency's steps; `next` is the `after` of the next page, None on the last."""

    steps: tuple[DeskStep, ...]
    next: str | None


class Apologies(msgspec.Struct, frozen=True, kw_only=True):
    """The apologies an agency has to sign."""

    apologies: tuple[DraftedApology, ...]


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """The dossier and its new appointment."""

    dossier_id: UUID
    appointment_at: datetime


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was entered on completing a step, newest revision."""

    dossier_id: UUID
    step: str
    agency: str
    revision: int
    completed_at: datetime
    outcome: msgspec.Raw


class Outcomes(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes found; a step without one is left out."""

    outcomes: tuple[Outcome, ...]
