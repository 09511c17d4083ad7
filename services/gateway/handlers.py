"""What gateway does when others speak: it records every event, with whom it concerns."""

from collections.abc import Mapping
from typing import Any

from libs.bus.handling import Decision, Handler, Received
from libs.contracts.catalogue import EVENTS
from libs.contracts.event import Event
from services.gateway.domain import Dossier, record


def on_said(state: Dossier | None, received: Received[Any], _context: object) -> Decision[Dossier]:
    """Record the event."""
    return Decision(state=record(state or Dossier(), received.envelope, received.event, received.data))


# A partner may be interested in whatever is said; a new contract is in the feed from its first event on.
HANDLERS: Mapping[type[Event], Handler] = dict.fromkeys(EVENTS.values(), on_said)
