"""What notify does when others speak: every event a person must hear of is planned as messages by the rules."""

from collections.abc import Mapping
from typing import Any

from libs.bus.handling import Decision, Handler, Received
from libs.contracts import intake, results, routing
from libs.contracts.event import Event
from services.notify import domain
from services.notify.domain import Outbox
from services.notify.rules import RuleBook


def on_news(state: Outbox | None, received: Received[Any], book: RuleBook) -> Decision[Outbox]:
    """Plan the messages the rules call for."""
    before = state or Outbox()
    after = domain.plan(before, received.envelope.id, received.event, received.now, book)
    return Decision(state=after) if after is not before else Decision()


HANDLERS: Mapping[type[Event], Handler] = {
    intake.DossierReceived: on_news,
    intake.DossierAccepted: on_news,
    intake.DossierRefused: on_news,
    intake.DossierWithdrawn: on_news,
    intake.BirthReminderDue: on_news,
    routing.StepRefused: on_news,
    routing.SupplementRequested: on_news,
    routing.SupplementWithdrawn: on_news,
    routing.AppointmentMoved: on_news,
    routing.ReminderDue: on_news,
    routing.DossierSettled: on_news,
    results.ResultReady: on_news,
    results.ResultHandedOver: on_news,
    results.ResultRevoked: on_news,
}
