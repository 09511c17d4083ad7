"""What routing does when others speak. HANDLERS at the foot is the whole list."""

from libs.bus.handling import Decision, Handlers, Received, Rejected
from libs.catalogue.holidays import CalendarError
from libs.contracts.event import Event
from libs.contracts.intake import (
    DeliveryChanged,
    DossierAccepted,
    DossierCorrected,
    DossierSupplemented,
    DossierWithdrawn,
)
from libs.contracts.results import DossierClosed, ResultRejected
from services.routing import corrections, endings, pauses, steps
from services.routing.case import Case, IllegalMove
from services.routing.rules import Rules


def on_dossier_accepted(
    case: Case | None, received: Received[DossierAccepted], rules: Rules
) -> Decision[Case]:
    """Open the case and give its first steps to the competent agencies."""
    if case is not None:
        raise Rejected("case-exists")
    try:
        opened, events = steps.open_case(received.envelope.dossier_id, received.event, received.now, rules)
    except IllegalMove as refused:
        raise Rejected(refused.code) from None
    except CalendarError:
        raise Rejected("outside-calendar") from None
    return Decision(state=opened, events=events)


def on_dossier_supplemented(
    case: Case | None, received: Received[DossierSupplemented], rules: Rules
) -> Decision[Case]:
    """Let the clocks run again when all has come. Papers handed in before acceptance are intake's.

    They run from the moment of handing in, not from when we hear of it.
    """
    event = received.event
    if case is None:
        return _no_case(expected=event.request > 0)
    after, events = pauses.supplemented(
        case,
        event.request,
        components=event.components,
        complete=event.complete,
        at=min(event.supplemented_at, received.now),
        rules=rules,
    )
    return _decided(case, after, events)


def on_dossier_withdrawn(case: Case | None, received: Received[DossierWithdrawn], _: Rules) -> Decision[Case]:
    """Stop the case. One withdrawn before acceptance has none; one already decided stays as decided."""
    if case is None:
        return _no_case(expected=received.event.after_acceptance)
    return _decided(case, *endings.withdraw(case, received.now))


def on_dossier_corrected(case: Case | None, received: Received[DossierCorrected], _: Rules) -> Decision[Case]:
    """Record the correction and flag the open steps."""
    event = received.event
    if case is None:
        return _no_case(expected=event.after_acceptance)
    return _decided(case, *corrections.correct(case, event.fields, event.reason, event.corrected_at))


def on_delivery_changed(case: Case | None, received: Received[DeliveryChanged], _: Rules) -> Decision[Case]:
    """Call for results still to come as the family now wants to receive them."""
    if case is None:
        raise Rejected("no-case")
    return _decided(case, *corrections.receive_otherwise(case, received.event.results))


def on_result_rejected(case: Case | None, received: Received[ResultRejected], rules: Rules) -> Decision[Case]:
    """Have the step done again whose outcome gave no document."""
    if case is None:
        raise Rejected("no-case")
    event = received.event
    try:
        return _decided(case, *steps.reopen(case, event.step, event.reason, received.now, rules))
    except IllegalMove as refused:
        raise Rejected(refused.code) from None


def on_dossier_closed(case: Case | None, received: Received[DossierClosed], _: Rules) -> Decision[Case]:
    """Everything has been handed over."""
    if case is None:
        raise Rejected("no-case")
    try:
        return _decided(case, *endings.close(case, received.event.closed_at))
    except IllegalMove as refused:
        raise Rejected(refused.code) from None


def _no_case(*, expected: bool) -> Decision[Case]:
    """Before acceptance there is no case and nothing to do.

    After it there must be one: its acceptance is a dead letter then, and what follows is kept beside it, so that an
    operator retries both in order instead of opening a case that was withdrawn long ago.
    """
    if expected:
        raise Rejected("no-case")
    return Decision()


def _decided(before: Case, after: Case, events: tuple[Event, ...]) -> Decision[Case]:
    return Decision(state=None if after is before else after, events=events)


HANDLERS: Handlers = {
    DossierAccepted: on_dossier_accepted,
    DossierSupplemented: on_dossier_supplemented,
    DossierWithdrawn: on_dossier_withdrawn,
    DossierCorrected: on_dossier_corrected,
    DeliveryChanged: on_delivery_changed,
    ResultRejected: on_result_rejected,
    DossierClosed: on_dossier_closed,
}
