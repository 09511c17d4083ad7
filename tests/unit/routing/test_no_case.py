"""What is heard of a dossier that has no case."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from libs.bus.handling import Received, Rejected
from libs.contracts.event import Envelope, Event
from libs.contracts.intake import (
    ChosenResult,
    DeliveryChanged,
    DossierCorrected,
    DossierSupplemented,
    DossierWithdrawn,
)
from services.routing.handlers import HANDLERS
from tests.unit.routing.samples import rules

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)


def heard(event: Event) -> object:
    """What routing decides on an event of a dossier it has no case for."""
    envelope = Envelope(
        id=uuid4(), source="intake", type=event.SUBJECT, dossier_id=uuid4(), time=AT, sequence=1
    )
    return HANDLERS[type(event)](None, Received(event=event, envelope=envelope, now=AT), rules()).state


def test_before_acceptance_there_is_nothing_to_do() -> None:
    """A dossier withdrawn, corrected or supplemented at the desk has no case yet."""
    assert heard(DossierWithdrawn(reason="r", withdrawn_at=AT)) is None
    assert heard(DossierCorrected(fields=("child.name",), reason="r", corrected_at=AT)) is None
    assert heard(DossierSupplemented(request=0, components=("p",), complete=True, supplemented_at=AT)) is None


@pytest.mark.parametrize(
    "event",
    [
        DossierWithdrawn(reason="r", withdrawn_at=AT, after_acceptance=True),
        DossierCorrected(fields=("child.name",), reason="r", corrected_at=AT, after_acceptance=True),
        DeliveryChanged(results=(ChosenResult(code="card", delivery="post"),), changed_at=AT),
        DossierSupplemented(request=1, components=("p",), complete=True, supplemented_at=AT),
    ],
)
def test_after_acceptance_a_missing_case_is_a_fault_kept_for_an_operator(event: Event) -> None:
    """The acceptance is a dead letter then; what follows is kept beside it, so that both are retried in order."""
    with pytest.raises(Rejected, match="no-case"):
        heard(event)
