"""What intake does when others speak. HANDLERS at the foot is the whole list."""

from collections.abc import Mapping
from typing import Any

import msgspec

from libs.bus.handling import Decision, Handler, Received, Rejected
from libs.contracts.event import Event
from libs.contracts.results import (
    DossierClosed,
    ResultDispatched,
    ResultHandedOver,
    ResultIssued,
    ResultReady,
    ResultRevoked,
)
from libs.contracts.routing import (
    AppointmentMoved,
    ClockResumed,
    DossierSettled,
    StepAssigned,
    StepReturned,
    SupplementRequested,
)
from services.intake import deliveries
from services.intake import dossier as rules
from services.intake.dossier import Dossier, SupplementRequest

# The reason of a pause that waits for papers (routing's clocks).
SUPPLEMENT = "supplement"


def _known(state: Dossier | None) -> Dossier:
    """The dossier an event speaks of. Others only learn of a dossier from intake, so an unknown one is a fault."""
    if state is None:
        raise Rejected("unknown-dossier")
    return state


def on_step_assigned(state: Dossier | None, received: Received[StepAssigned], _: Any) -> Decision[Dossier]:
    """Let the agency read the file."""
    event = received.event
    return Decision(state=rules.step_assigned(_known(state), event.step, event.agency, event.assigned_at))


def on_step_returned(state: Dossier | None, received: Received[StepReturned], _: Any) -> Decision[Dossier]:
    """Close the file to who gave the step back; a case thought done goes on."""
    return Decision(state=rules.step_returned(_known(state), received.event.step))


def on_clock_resumed(state: Dossier | None, received: Received[ClockResumed], _: Any) -> Decision[Dossier]:
    """Expect no more papers when the wait for them is over."""
    event = received.event
    if event.reason != SUPPLEMENT:
        return Decision()
    return Decision(state=rules.supplement_over(_known(state), event.resumed_at))


def on_supplement_requested(
    state: Dossier | None, received: Received[SupplementRequested], _: Any
) -> Decision[Dossier]:
    """Expect the papers that were asked for."""
    event = received.event
    request = SupplementRequest(
        number=event.request,
        components=event.components,
        fields=event.fields,
        respond_by=event.respond_by,
        missing=(*event.components, *event.fields),
        requested_at=event.requested_at,
    )
    return Decision(state=rules.supplement_requested(_known(state), request))


def on_appointment_moved(
    state: Dossier | None, received: Received[AppointmentMoved], _: Any
) -> Decision[Dossier]:
    """Tell those who look the dossier up the new appointment."""
    moved = msgspec.structs.replace(_known(state), appointment_at=received.event.appointment_at)
    return Decision(state=moved)


def on_dossier_settled(
    state: Dossier | None, received: Received[DossierSettled], _: Any
) -> Decision[Dossier]:
    """The file is decided; nothing more may be added to it."""
    event = received.event
    return Decision(state=rules.settled(_known(state), event.outcome, event.status, event.settled_at))


def on_version_ended(
    state: Dossier | None, received: Received[ResultIssued | ResultRevoked], _: Any
) -> Decision[Dossier]:
    """Forget where the version before this one, or the revoked one, went: the next goes where the family wants."""
    known = _known(state)
    after = deliveries.anew(known, received.event.result)
    return Decision() if after is known else Decision(state=after)


def on_result_on_its_way(
    state: Dossier | None, received: Received[ResultDispatched | ResultReady], _: Any
) -> Decision[Dossier]:
    """Know where the paper is, and with it what may still be chosen."""
    event, known = received.event, _known(state)
    after = deliveries.on_its_way(known, event.result, event.delivery, event.place)
    # A paper that arrives where it was sent to tells nothing new.
    return Decision() if after == known else Decision(state=after)


def on_result_handed_over(
    state: Dossier | None, received: Received[ResultHandedOver], _: Any
) -> Decision[Dossier]:
    """Know that this version can no longer be received otherwise."""
    event = received.event
    return Decision(state=deliveries.handed_over(_known(state), event.result, event.delivery, event.place))


def on_dossier_closed(state: Dossier | None, received: Received[DossierClosed], _: Any) -> Decision[Dossier]:
    """Everything has arrived."""
    return Decision(state=rules.closed(_known(state), received.event.closed_at))


HANDLERS: Mapping[type[Event], Handler] = {
    StepAssigned: on_step_assigned,
    StepReturned: on_step_returned,
    ClockResumed: on_clock_resumed,
    SupplementRequested: on_supplement_requested,
    AppointmentMoved: on_appointment_moved,
    DossierSettled: on_dossier_settled,
    ResultIssued: on_version_ended,
    ResultDispatched: on_result_on_its_way,
    ResultReady: on_result_on_its_way,
    ResultHandedOver: on_result_handed_over,
    ResultRevoked: on_version_ended,
    DossierClosed: on_dossier_closed,
}
