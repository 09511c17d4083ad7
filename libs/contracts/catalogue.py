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
    Flow(intake.DossierReceived, by="intake", to=("notify", "gateway")),
    Flow(intake.DossierAccepted, by="intake", to=("routing", "notify", "gateway")),
    Flow(intake.DossierRefused, by="intake", to=("notify", "gateway")),
    Flow(intake.DossierSupplemented, by="intake", to=("routing", "gateway")),
    Flow(intake.DossierWithdrawn, by="intake", to=("routing", "results", "notify", "gateway")),
    Flow(intake.DossierCorrected, by="intake", to=("routing", "gateway")),
    Flow(intake.DeliveryChanged, by="intake", to=("routing", "results", "gateway")),
    Flow(intake.BirthReminderDue, by="intake", to=("notify", "gateway")),
    Flow(routing.CaseOpened, by="routing", to=("gateway",)),
    Flow(routing.StepAssigned, by="routing", to=("intake", "gateway")),
    Flow(routing.StepStarted, by="routing", to=("gateway",)),
    Flow(routing.StepReleased, by="routing", to=("gateway",)),
    Flow(routing.StepCompleted, by="routing", to=("results", "gateway")),
    Flow(routing.StepAmended, by="routing", to=("results", "gateway")),
    Flow(routing.StepReturned, by="routing", to=("intake", "gateway")),
    Flow(routing.StepRefused, by="routing", to=("notify", "gateway")),
    Flow(routing.SupplementRequested, by="routing", to=("intake", "notify", "gateway")),
    Flow(routing.SupplementWithdrawn, by="routing", to=("notify", "gateway")),
    Flow(routing.ClockPaused, by="routing", to=("gateway",)),
    Flow(routing.ClockResumed, by="routing", to=("intake", "gateway")),
    Flow(routing.DeadlineNear, by="routing", to=("gateway",)),
    Flow(routing.DeadlineMissed, by="routing", to=("gateway",)),
    Flow(routing.AppointmentMoved, by="routing", to=("intake", "notify", "gateway")),
    Flow(routing.ReminderDue, by="routing", to=("notify", "gateway")),
    Flow(routing.DossierSettled, by="routing", to=("intake", "results", "notify", "gateway")),
    Flow(results.ResultIssued, by="results", to=("intake", "gateway")),
    Flow(results.ResultDispatched, by="results", to=("intake", "gateway")),
    Flow(results.ResultReady, by="results", to=("intake", "notify", "gateway")),
    Flow(results.ResultHandedOver, by="results", to=("intake", "notify", "gateway")),
    Flow(results.ResultRevoked, by="results", to=("intake", "notify", "gateway")),
    Flow(results.ResultRejected, by="results", to=("routing", "gateway")),
    Flow(results.DossierClosed, by="results", to=("intake", "routing", "gateway")),
    Flow(notify.MessageSent, by="notify", to=("gateway",)),
    Flow(notify.MessageDelivered, by="notify", to=("gateway",)),
    Flow(notify.MessageFailed, by="notify", to=("gateway",)),
)

SERVICES: tuple[str, ...] = ("intake", "routing", "results", "notify", "gateway")
# Those who say something: each has a stream.
PRODUCERS: tuple[str, ...] = tuple(name for name in SERVICES if any(flow.by == name for flow in FLOWS))
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
