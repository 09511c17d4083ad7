"""Intake says that a result is to be received otherwise: the paper goes to the new desk, which hands it over."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from libs.bus.handling import Received
from libs.contracts.event import Envelope
from libs.contracts.intake import ChosenResult, DeliveryChanged
from services.results.handlers import HANDLERS
from tests.integration.results.conftest import COUNTER, HOSPITAL, Workshop
from tests.integration.results.test_api import RECEIVER, Desks, desks, printed

__all__ = ["desks"]
pytestmark = pytest.mark.timeout(120)


async def hear(workshop: Workshop, dossier_id: UUID, chosen: ChosenResult) -> None:
    """Handle intake's word as the consumer does."""
    now = datetime.now(UTC)
    event = DeliveryChanged(results=(chosen,), changed_at=now, by=HOSPITAL)
    envelope = Envelope(
        id=uuid4(), source="intake", type=event.SUBJECT, dossier_id=dossier_id, time=now, sequence=9
    )
    before = await workshop.custody(dossier_id)
    after = HANDLERS[DeliveryChanged](before, Received(event=event, envelope=envelope, now=now), None).state
    assert after is not None
    await workshop.save(before, after)


async def test_a_card_that_lay_at_the_hospital_is_handed_over_at_the_ward(desks: Desks) -> None:
    """The hospital's list no longer has it, the counter's has; the counter takes it in and hands it over."""
    custody, ids = await printed(desks, "issue_insurance_card")
    card = ids["insurance_card"]
    chosen = ChosenResult(code="insurance_card", delivery="counter", place=COUNTER)
    async with desks.at(HOSPITAL, ("hospital",)) as hospital, desks.at(COUNTER, ("one_stop",)) as counter:
        assert (await hospital.post(f"/results/{card}/arrive", json={})).status_code == 200
        await hear(desks.workshop, custody.dossier_id, chosen)
        body = {"results": [str(card)], "receiver": RECEIVER, "signed_on_paper": True}
        path = f"/dossiers/{custody.dossier_id}/hand-over"
        assert (await hospital.post(path, json=body)).status_code in (403, 404)
        assert (await counter.post(path, json=body)).status_code == 409
        assert (await counter.post(f"/results/{card}/arrive", json={})).status_code == 200
        assert (await counter.post(path, json=body)).status_code == 200
        acts = (await counter.get(f"/dossiers/{custody.dossier_id}/custody")).json()
    assert [(act["act"], act["actor"], act["agency"]) for act in acts][1] == ("redirect", "intake", HOSPITAL)
    assert f"counter {COUNTER} event " in acts[1]["note"]
    assert [act["act"] for act in acts] == ["arrive", "redirect", "arrive", "hand-over"]
    (result,) = (await desks.workshop.custody(custody.dossier_id)).results
    assert (result.state, result.place) == ("handed-over", COUNTER)
