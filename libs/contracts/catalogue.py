"""Who says what to whom: the whole data flow on one screen."""

import msgspec

from libs.contracts import intake, notify, results, routing
from libs.contracts.event import Event


class Flow(msgspec.Struct, frozen=True):
    """One event, the service that publishes it, and the services that act on it (others may listen)."""

    event: type[Event]
    by: str
    to: tuple[str, ...] = ()


FLOWS: tuple[Flow, ...] = (
    Flow(intake.DossierReceived, by="intake", to=("notify",)),
    Flow(intake.DossierAccepted, by="intake", to=("routing", "notify")),
    Flow(intake.DossierRefused, by="intake", to=("notify",)),
    Flow(intake.DossierSupplemented, by="intake", to=("routing",)),
    Flow(intake.DossierWithdrawn, by="intake", to=("routing", "results", "notify")),
    Flow(intake.DossierCorrected, by="intake", to=("routing",)),
    Flow(intake.DeliveryChanged, by="intake", to=("routing", "results")),
    Flow(intake.BirthReminderDue, by="intake", to=("notify",)),
    Flow(routing.CaseOpened, by="routing", to=()),
    Flow(routing.StepAssigned, by="routing", to=("intake",)),
    Flow(routing.StepStarted, by="routing", to=()),
    Flow(routing.StepReleased, by="routing", to=()),
    Flow(routing.StepCompleted, by="routing", to=("results",)),
    Flow(routing.StepAmended, by="routing", to=("results",)),
    Flow(routing.StepReturned, by="routing", to=("intake",)),
    Flow(routing.StepRefused, by="routing", to=("notify",)),
    Flow(routing.SupplementRequested, by="routing", to=("intake", "notify")),
    Flow(routing.SupplementWithdrawn, by="routing", to=("notify",)),
    Flow(routing.ClockPaused, by="routing", to=()),
    Flow(routing.ClockResumed, by="routing", to=("intake",)),
    Flow(routing.DeadlineNear, by="routing", to=()),
    Flow(routing.DeadlineMissed, by="routing", to=()),
    Flow(routing.AppointmentMoved, by="routing", to=("intake", "notify")),
    Flow(routing.ReminderDue, by="routing", to=("notify",)),
    Flow(routing.DossierSettled, by="routing", to=("intake", "results", "notify")),
    Flow(results.ResultIssued, by="results", to=("intake",)),
    Flow(results.ResultDispatched, by="results", to=("intake",)),
    Flow(results.ResultReady, by="results", to=("intake", "notify")),
    Flow(results.ResultHandedOver, by="results", to=("intake", "notify")),
    Flow(results.ResultRevoked, by="results", to=("intake", "notify")),
    Flow(results.ResultRejected, by="results", to=("routing",)),
    Flow(results.DossierClosed, by="results", to=("intake", "routing")),
    Flow(notify.MessageSent, by="notify"),
    Flow(notify.MessageDelivered, by="notify"),
    Flow(notify.MessageFailed, by="notify"),
)

SERVICES: tuple[str, ...] = ("intake", "routing", "results", "notify")
EVENTS: dict[str, type[Event]] = {flow.event.SUBJECT: flow.event for flow in FLOWS}


def producer_of(event: type[Event]) -> str:
    """The one service that may publish `event`. Raises KeyError for an event outside FLOWS."""
    for flow in FLOWS:
        if flow.event is event:
            return flow.by
    raise KeyError(event.__name__)


def heard_by(service: str) -> frozenset[type[Event]]:
    """The events `service` acts on: exactly the keys of its HANDLERS."""
    return frozenset(flow.event for flow in FLOWS if service in flow.to)


def sources_of(service: str) -> tuple[str, ...]:
    """The producers whose streams `service` consumes, in the order of SERVICES."""
    heard = {flow.by for flow in FLOWS if service in flow.to}
    return tuple(name for name in SERVICES if name in heard)
