"""What is recorded of an event, and whom a dossier concerns."""

from datetime import UTC, date, datetime
from uuid import uuid4

import msgspec

from libs.bus.handling import Received
from libs.contracts.catalogue import EVENTS, producer_of
from libs.contracts.documents import examples
from libs.contracts.event import Envelope, Event
from libs.contracts.intake import ChosenResult, DossierAccepted, RoleUnit
from libs.contracts.notify import MessageSent
from libs.contracts.results import DossierClosed
from libs.contracts.routing import ProducedResult, StepAssigned, StepCompleted
from services.gateway.domain import Dossier, concerned, record
from services.gateway.handlers import HANDLERS, on_said

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
ACCEPTED = DossierAccepted(
    code="313.40.00.H13-261127-0001",
    procedure="2.002621",
    procedure_from=date(2024, 7, 1),
    channel="hospital",
    receiving_agency="one-stop-31340-2025",
    received_at=NOW,
    accepted_at=NOW,
    appointment_at=NOW,
    unit="31340",
    unit_as_of=date(2026, 11, 27),
    results=(
        ChosenResult(code="birth_certificate", delivery="hospital", place="hospital-93016"),
        ChosenResult(code="residence_notice", delivery="electronic"),
    ),
    facility="93016",
    role_units=(RoleUnit(role="police_residence", unit="31411", unit_as_of=date(2026, 11, 27)),),
)


def envelope(event: Event) -> Envelope:
    """As it came."""
    return Envelope(
        id=uuid4(),
        source=producer_of(type(event)),
        type=event.SUBJECT,
        dossier_id=uuid4(),
        time=NOW,
        sequence=1,
    )


def test_an_accepted_dossier_concerns_everybody_it_names() -> None:
    """The counter, the hospital and its desk, the commune, and the other commune of one role."""
    assert set(concerned(ACCEPTED)) == {
        "agency/one-stop-31340-2025",
        "agency/hospital-93016",
        "facility/93016",
        "unit/31340",
        "unit/31411",
    }


def test_an_agency_is_concerned_from_its_first_step_on() -> None:
    """What was said before is not for it; what is said later is, by whomever."""
    assigned = StepAssigned(step="register_residence", agency="police-31340-2025", assigned_at=NOW)
    sent = MessageSent(message_id=uuid4(), rule="step-assigned", channel="email", sent_at=NOW)
    state = Dossier()
    for event in (ACCEPTED, assigned, sent):
        state = record(state, envelope(event), event, b"{}")
    first, second, third = state.said
    assert "agency/police-31340-2025" not in first.readers
    assert second.readers == third.readers == first.readers | {"agency/police-31340-2025"}
    assert third.readers is second.readers, "what has not grown is not written again"


def test_places_of_results_are_concerned() -> None:
    """Whoever hands a result over hears of it once the step calls for it."""
    done = StepCompleted(
        step="register_birth",
        agency="civil-status-31340-2025",
        completed_at=NOW,
        produces=(ProducedResult(code="birth_certificate", delivery="hospital", place="hospital-93016"),),
    )
    assert set(concerned(done)) == {"agency/civil-status-31340-2025", "agency/hospital-93016"}
    assert list(concerned(DossierClosed(closed_at=NOW, results=2))) == []


def test_every_event_is_recorded_as_it_was_sent() -> None:
    """Also what a newer producer says and this version does not know."""
    assert set(HANDLERS) == set(EVENTS.values())
    for type_ in EVENTS.values():
        data = msgspec.json.encode(examples(type_)["full"]["data"] | {"of_tomorrow": 1})
        event = msgspec.json.decode(data, type=type_)
        given = envelope(event)
        decided = on_said(None, Received(event=event, envelope=given, now=NOW, data=data), None)
        assert decided.state is not None
        assert decided.events == ()
        (said,) = decided.state.said
        assert (said.envelope, said.data) == (given, data)
        assert all(" " not in reader for reader in said.readers)
