"""What partners say to the city: what another system has done, or wants taken as done, in its agency's name.

These are CloudEvents to the gateway, not events on the city's bus: they may carry people's data, so they are in no
stream and no partner hears another's. Each is judged by the service that owns the matter, at once; what the city then
says (`then`) is on the bus, in the feed, and names nobody. Their data is what that service takes; its JSON Schema is in
docs/schemas, kept equal to the service's own by a test.
"""

import msgspec

from libs.contracts import intake, results, routing
from libs.contracts.event import Event

# How partners name themselves: this and their code, and below it (after a slash) whatever parts they have.
SOURCE_PREFIX = "urn:mot-cua:partner:"
JSON, PAPERS = "application/json", ("application/pdf", "image/jpeg", "image/png")
# Who may say what no role alone decides: it is judged by where the step, or the paper, is.
STEPS_AGENCY = "the step's agency"
ISSUER, HANDING_DESK = "the agency whose paper it is", "the desk that hands it over"
ISSUER_OR_DESK = f"{ISSUER}, or {HANDING_DESK}"

# In a class with a member `type` the word means that member.
_EventType = type[Event]


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """One type of what a partner may say.

    `judge` is the service that decides whether it is so, `roles` who may say it (one of them suffices); where there are
    none, `said_by` tells who may. `subject`: whether the event's subject is the dossier. `attributes` are extension
    attributes it needs. `then` is what the city says of it.
    """

    type: str
    means: str
    judge: str
    roles: tuple[str, ...] = ()
    said_by: str = STEPS_AGENCY
    subject: bool = True
    media_types: tuple[str, ...] = (JSON,)
    attributes: tuple[str, ...] = ()
    then: tuple[_EventType, ...] = ()


_DESK = ("hospital", "one_stop")

SAYINGS: tuple[Saying, ...] = (
    Saying(
        type="partner.birth-declared.v1",
        means="A child was born and its declaration was filled in. Not decided: whether it is taken into processing.",
        judge="intake",
        roles=_DESK,
        subject=False,
        then=(intake.DossierReceived, intake.DossierAccepted),
    ),
    Saying(
        type="partner.dossier-handed-in.v1",
        means="Somebody handed in a dossier of any procedure at a desk. Not decided: whether it is complete.",
        judge="intake",
        roles=_DESK,
        subject=False,
        then=(intake.DossierReceived, intake.DossierAccepted),
    ),
    Saying(
        type="partner.paper-attached.v1",
        means="A paper was scanned; the data is the file itself, `component` says which paper of the procedure it is.",
        judge="intake",
        roles=_DESK,
        media_types=PAPERS,
        attributes=("component",),
    ),
    Saying(
        type="partner.supplement-handed-in.v1",
        means="Papers or data that were asked for came in. Not decided: whether they suffice.",
        judge="intake",
        roles=_DESK,
        then=(intake.DossierSupplemented,),
    ),
    Saying(
        type="partner.dossier-corrected.v1",
        means="Declared data were wrong; these are right. What was registered meanwhile is not changed by it.",
        judge="intake",
        roles=_DESK,
        then=(intake.DossierCorrected,),
    ),
    Saying(
        type="partner.dossier-withdrawn.v1",
        means="The applicant took the dossier back.",
        judge="intake",
        roles=_DESK,
        then=(intake.DossierWithdrawn,),
    ),
    Saying(
        type="partner.delivery-chosen.v1",
        means="The family chose to receive results otherwise than before.",
        judge="intake",
        roles=_DESK,
        then=(intake.DeliveryChanged,),
    ),
    Saying(
        type="partner.stay-changed.v1",
        means="Mother and child lie elsewhere, or leave at another time. The hospital's affair: nobody else hears.",
        judge="intake",
        roles=("hospital",),
    ),
    Saying(
        type="partner.dossier-accepted.v1",
        means="The one-stop shop took the dossier into processing; its term begins. Not decided: anything else.",
        judge="intake",
        roles=("one_stop",),
        then=(intake.DossierAccepted,),
    ),
    Saying(
        type="partner.dossier-refused.v1",
        means="The one-stop shop did not take the dossier.",
        judge="intake",
        roles=("one_stop",),
        then=(intake.DossierRefused,),
    ),
    Saying(
        type="partner.step-started.v1",
        means="Work on a step was begun, by the agency with whom the step lies. Not decided: its outcome.",
        judge="routing",
        then=(routing.StepStarted,),
    ),
    Saying(
        type="partner.step-released.v1",
        means="A step was begun by mistake: it lies with its agency again as if nobody had begun it.",
        judge="routing",
        then=(routing.StepReleased,),
    ),
    Saying(
        type="partner.step-completed.v1",
        means="A step was settled, with the outcome the catalogue asks for. Not decided: the document of it.",
        judge="routing",
        then=(routing.StepCompleted, routing.DossierSettled),
    ),
    Saying(
        type="partner.step-amended.v1",
        means="Fields of a completed step's outcome were filled in or corrected; its results are replaced.",
        judge="routing",
        then=(routing.StepAmended,),
    ),
    Saying(
        type="partner.step-returned.v1",
        means="The agency is not competent for the step. Not decided: who is, where it names nobody.",
        judge="routing",
        then=(routing.StepReturned, routing.StepAssigned),
    ),
    Saying(
        type="partner.return-withdrawn.v1",
        means="A step was given back by mistake, and nobody has gone on with it.",
        judge="routing",
        then=(routing.StepAssigned,),
    ),
    Saying(
        type="partner.step-assigned.v1",
        means="The one-stop shop gave a returned step to an agency.",
        judge="routing",
        roles=("one_stop",),
        then=(routing.StepAssigned,),
    ),
    Saying(
        type="partner.step-refused.v1",
        means="A step was refused, and what depends on it with it.",
        judge="routing",
        then=(routing.StepRefused, routing.DossierSettled),
    ),
    Saying(
        type="partner.finding-recorded.v1",
        means="Something was found that decides the term, such as that the residence must be verified.",
        judge="routing",
        then=(routing.AppointmentMoved,),
    ),
    Saying(
        type="partner.supplement-requested.v1",
        means="Papers or data lack, all of them named; the clocks stand still until they come.",
        judge="routing",
        then=(routing.SupplementRequested, routing.ClockPaused),
    ),
    Saying(
        type="partner.supplement-request-withdrawn.v1",
        means="A request for papers was a mistake, and nobody has answered it.",
        judge="routing",
        then=(routing.SupplementWithdrawn, routing.ClockResumed),
    ),
    Saying(
        type="partner.clock-paused.v1",
        means="The step waits for somebody outside the administration, or for a fee.",
        judge="routing",
        then=(routing.ClockPaused,),
    ),
    Saying(
        type="partner.clock-resumed.v1",
        means="What the step waited for has come; its clock runs again.",
        judge="routing",
        then=(routing.ClockResumed, routing.AppointmentMoved),
    ),
    Saying(
        type="partner.pause-withdrawn.v1",
        means="A clock was stopped by mistake; it runs as if it had never stood still.",
        judge="routing",
        then=(routing.ClockResumed,),
    ),
    Saying(
        type="partner.result-dispatched.v1",
        means="A paper left its agency for the place of hand-over.",
        judge="results",
        said_by=ISSUER,
        then=(results.ResultDispatched,),
    ),
    Saying(
        type="partner.result-arrived.v1",
        means="A paper lies at the desk that hands it over. Not decided: who fetches it.",
        judge="results",
        said_by=HANDING_DESK,
        then=(results.ResultReady,),
    ),
    Saying(
        type="partner.receiver-checked.v1",
        means="A card was read at the desk; the answer says whom of the dossier it names. Nothing is handed over.",
        judge="results",
        said_by=HANDING_DESK,
    ),
    Saying(
        type="partner.result-handed-over.v1",
        means="Papers of one dossier were given to one person, who signed for them.",
        judge="results",
        said_by=HANDING_DESK,
        then=(results.ResultHandedOver, results.DossierClosed),
    ),
    Saying(
        type="partner.replacement-ordered.v1",
        means="A paper was lost, damaged or misprinted; a new version is wanted. Until it is issued this one counts.",
        judge="results",
        said_by=ISSUER_OR_DESK,
        then=(results.ResultIssued, results.ResultRevoked),
    ),
)

SAYING_OF: dict[str, Saying] = {saying.type: saying for saying in SAYINGS}


def own_source(source: str, partner: str) -> bool:
    """Whether `source` is the partner's own name, or a part below it."""
    own = SOURCE_PREFIX + partner
    return source == own or source.startswith(f"{own}/")
