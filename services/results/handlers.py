"""What results does when others speak. HANDLERS at the foot is the whole list."""

from collections.abc import Mapping
from typing import Any

from libs.bus.handling import Decision, Handler, Received
from libs.contracts.event import Event
from libs.contracts.intake import DeliveryChanged, DossierWithdrawn
from libs.contracts.routing import DossierSettled, StepAmended, StepCompleted
from services.results import calling, redirecting
from services.results.domain import Custody


def on_step_completed(state: Custody | None, received: Received[StepCompleted], _: Any) -> Decision[Custody]:
    """Call for the documents of the step's results."""
    event = received.event
    if not event.produces:
        return Decision()
    custody = state or Custody(dossier_id=received.envelope.dossier_id)
    return Decision(
        state=calling.call_for(
            custody, received.envelope.id, event.step, event.agency, event.produces, received.now
        )
    )


def on_step_amended(state: Custody | None, received: Received[StepAmended], _: Any) -> Decision[Custody]:
    """Call for new versions of the results the amended data stand in."""
    event = received.event
    if not event.replaces:
        return Decision()
    custody = state or Custody(dossier_id=received.envelope.dossier_id)
    return Decision(
        state=calling.call_for(
            custody, received.envelope.id, event.step, event.agency, event.replaces, received.now
        )
    )


def on_dossier_settled(
    state: Custody | None, received: Received[DossierSettled], _: Any
) -> Decision[Custody]:
    """Know which results must arrive before the dossier is closed."""
    event = received.event
    custody = state or Custody(dossier_id=received.envelope.dossier_id)
    custody, events = calling.settle(custody, event.outcome, event.results, received.now)
    return Decision(state=custody, events=events)


def on_dossier_withdrawn(
    state: Custody | None, received: Received[DossierWithdrawn], _: Any
) -> Decision[Custody]:
    """Make no further documents for it, also when a step's completion is still on its way."""
    custody = state or Custody(dossier_id=received.envelope.dossier_id)
    return Decision(state=calling.withdraw(custody, received.now))


def on_delivery_changed(
    state: Custody | None, received: Received[DeliveryChanged], _: Any
) -> Decision[Custody]:
    """Send the results where the family wants them now, also those there are not yet."""
    custody = state or Custody(dossier_id=received.envelope.dossier_id)
    event = received.event
    custody, events = redirecting.redirect(
        custody, event.results, received.now, cause=received.envelope.id, by=event.by
    )
    return Decision(state=custody, events=events)


HANDLERS: Mapping[type[Event], Handler] = {
    StepCompleted: on_step_completed,
    StepAmended: on_step_amended,
    DossierSettled: on_dossier_settled,
    DossierWithdrawn: on_dossier_withdrawn,
    DeliveryChanged: on_delivery_changed,
}
