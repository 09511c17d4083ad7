"""Receiving results otherwise than was chosen: who may, until when, and who is told."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec

from libs.bus.handling import Change, Received
from libs.contracts.event import Envelope, Event
from libs.contracts.results import ResultDispatched, ResultHandedOver, ResultIssued
from services.intake import store
from services.intake.handlers import HANDLERS
from tests.integration.intake.conftest import HOSPITAL, OTHER_WARD, WARD, Intake
from tests.integration.intake.samples import birth, certified_copy

AT_BED: dict[str, Any] = {"delivery": "hospital", "place": f"hospital-{HOSPITAL}"}
CARD = "insurance_card"


async def born(intake: Intake) -> str:
    """A birth declared at the hospital; its dossier."""
    answer = await intake.post("/births", birth(), intake.hospital())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["dossier_id"])


def change(now: dict[str, str], was: dict[str, str] = AT_BED, code: str = CARD) -> dict[str, Any]:
    """One result to be received otherwise."""
    return {"results": [{"code": code, "was": was, "now": now}]}


async def test_a_family_that_leaves_fetches_the_card_at_the_ward(intake: Intake) -> None:
    """The hospital chooses the ward's counter for it, once however often it is sent; the event says it to everybody."""
    dossier = await born(intake)
    path, wanted = f"/dossiers/{dossier}/delivery", change({"delivery": "counter"})
    key = str(uuid4())
    for _ in range(2):
        answer = await intake.post(path, wanted, intake.hospital(), key=key)
        assert answer.status_code == 200, answer.text
    chosen = {one["code"]: one for one in answer.json()["results"]}
    assert chosen[CARD] == {"code": CARD, "delivery": "counter", "place": WARD, "copies": 1}
    assert chosen["birth_certificate"]["delivery"] == "hospital"
    said = [event for event in await intake.events(dossier) if event[0] == "intake.delivery-changed.v1"]
    assert [event["results"] for _, event in said] == [[chosen[CARD]]]
    (line,) = (await intake.get("/bedside", intake.hospital())).json()["births"]
    assert {one["code"]: one["delivery"] for one in line["results"]}[CARD] == "counter"


async def test_who_looked_before_another_chose_is_told(intake: Intake) -> None:
    """The second officer hears 409 with the way that counts now; nothing is said twice."""
    dossier = await born(intake)
    path = f"/dossiers/{dossier}/delivery"
    assert (await intake.post(path, change({"delivery": "post"}), intake.hospital())).status_code == 200
    late = await intake.post(path, change({"delivery": "electronic"}), intake.counter())
    assert (late.status_code, late.json()["type"].rsplit(":", 1)[-1]) == (409, "delivery-changed")
    assert (late.json()["delivery"], late.json()["place"]) == ("post", "")
    same = await intake.post(path, change({"delivery": "post"}, {"delivery": "post"}), intake.counter())
    assert (same.status_code, same.json()["type"].rsplit(":", 1)[-1]) == (409, "nothing-changed")


async def test_only_who_speaks_for_the_family_chooses(intake: Intake) -> None:
    """Not a stranger, not an agency; and only ways and places the procedure has."""
    dossier = await born(intake)
    path = f"/dossiers/{dossier}/delivery"
    for stranger, status in ((intake.counter(OTHER_WARD), 404), (intake.police(), 403)):
        answer = await intake.post(path, change({"delivery": "post"}), stranger)
        assert answer.status_code == status
    for wrong, field in (
        (change({"delivery": "pigeon"}), "results[0].now.delivery"),
        (change({"delivery": "counter", "place": "police-31340-2025"}), "results[0].now.place"),
        (change({"delivery": "post"}, code="passport"), "results[0].code"),
    ):
        answer = await intake.post(path, wrong, intake.hospital())
        assert answer.status_code == 422, answer.text
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not [subject for subject, _ in await intake.events(dossier) if "delivery" in subject]


async def test_before_acceptance_nobody_need_be_told(intake: Intake) -> None:
    """Acceptance says the way that counts then."""
    receipt = (await intake.post("/dossiers", certified_copy(components=[]), intake.counter())).json()
    at = f"/dossiers/{receipt['dossier_id']}"
    here = {"delivery": "counter", "place": WARD}
    wanted = change({"delivery": "counter", "place": OTHER_WARD}, here, "certified_copy")
    assert (await intake.post(f"{at}/delivery", wanted, intake.counter())).status_code == 200
    await intake.post(f"{at}/supplements", {"components": ["original"]}, intake.counter())
    events = await intake.events(receipt["dossier_id"])
    assert not [subject for subject, _ in events if "delivery" in subject]
    (accepted,) = (event for subject, event in events if subject == "intake.dossier-accepted.v1")
    assert accepted["results"][0]["place"] == OTHER_WARD


async def test_what_is_in_somebody_s_hands_stays_so(intake: Intake) -> None:
    """A result handed over refuses; one handed over while another way was chosen says what was."""
    dossier = await born(intake)
    path = f"/dossiers/{dossier}/delivery"
    assert (await intake.post(path, change({"delivery": "post"}), intake.hospital())).status_code == 200
    await hear(intake, dossier, given())
    refused = await intake.post(path, change({"delivery": "electronic"}), intake.hospital())
    assert (refused.status_code, slug(refused)) == (409, "already-handed-over")
    assert await way(intake, dossier) == "hospital"
    # A newer version is free again.
    await hear(intake, dossier, issued(version=2))
    answer = await intake.post(path, change({"delivery": "electronic"}), intake.hospital())
    assert answer.status_code == 200, answer.text


async def test_a_paper_with_a_desk_is_only_carried_to_another(intake: Intake) -> None:
    """Post and electronic are refused in words; a choice that crossed the paper on its way gives in to where it is."""
    dossier = await born(intake)
    path = f"/dossiers/{dossier}/delivery"
    assert (await intake.post(path, change({"delivery": "electronic"}), intake.hospital())).status_code == 200
    await hear(intake, dossier, issued(version=1))
    await hear(intake, dossier, dispatched(**AT_BED))
    assert await way(intake, dossier) == "hospital"
    for delivery in ("electronic", "post"):
        refused = await intake.post(path, change({"delivery": delivery}), intake.hospital())
        assert (refused.status_code, slug(refused)) == (409, "paper-at-desk")
        assert "Bản giấy đã chuyển đến nơi trả" in refused.json()["detail"]
    answer = await intake.post(path, change({"delivery": "counter"}), intake.hospital())
    assert answer.status_code == 200, answer.text


async def test_what_the_post_has_is_not_called_back(intake: Intake) -> None:
    """409 in words."""
    dossier = await born(intake)
    path = f"/dossiers/{dossier}/delivery"
    assert (await intake.post(path, change({"delivery": "post"}), intake.hospital())).status_code == 200
    await hear(intake, dossier, dispatched("post", ""))
    refused = await intake.post(
        path, change({"delivery": "counter"}, {"delivery": "post"}), intake.hospital()
    )
    assert (refused.status_code, slug(refused)) == (409, "already-posted")


async def test_who_chose_for_the_family_is_written_down(intake: Intake) -> None:
    """The account and the desk with what was chosen; the event names the desk alone."""
    dossier = await born(intake)
    answer = await intake.post(
        f"/dossiers/{dossier}/delivery", change({"delivery": "post"}), intake.hospital()
    )
    assert answer.status_code == 200, answer.text
    async with intake.bus.pool.acquire() as connection:
        known = await store.find(connection, UUID(dossier))
    assert known is not None
    (act,) = known.delivery_acts
    assert (act.officer, act.agency) == (f"midwife-{HOSPITAL}", f"hospital-{HOSPITAL}")
    assert [(one.code, one.delivery) for one in act.results] == [(CARD, "post")]
    (said,) = (event for subject, event in await intake.events(dossier) if "delivery" in subject)
    assert said["by"] == f"hospital-{HOSPITAL}"


async def test_the_family_of_a_hospital_that_closed_chooses_another_way(intake: Intake) -> None:
    """Nothing is wanted at its beds, so that they are gone hinders nobody."""
    dossier = await born(intake)
    async with intake.bus.pool.acquire() as connection, connection.transaction():
        (before,) = (await store.load(connection, [UUID(dossier)])).values()
        after = msgspec.structs.replace(before, facility="99999")
        await store.save(connection, [Change(dossier_id=before.id, before=before, after=after)])
    path = f"/dossiers/{dossier}/delivery"
    refused = await intake.post(path, change({"delivery": "hospital"}), intake.counter())
    assert refused.status_code == 422
    answer = await intake.post(path, change({"delivery": "counter"}), intake.counter())
    assert answer.status_code == 200, answer.text


def slug(answer: httpx.Response) -> str:
    """The code of a problem."""
    return str(answer.json()["type"].rsplit(":", 1)[-1])


async def way(intake: Intake, dossier: str) -> str:
    """How the card is received, as the file says."""
    file = (await intake.get(f"/dossiers/{dossier}", intake.hospital(), purpose="check-dossier")).json()
    return str({one["code"]: one["delivery"] for one in file["dossier"]["results"]}[CARD])


def given() -> Event:
    """The card was handed over at the bed."""
    return ResultHandedOver(
        result_id=uuid4(), result=CARD, receiver="mother", handed_over_at=datetime.now(UTC), **AT_BED
    )


def issued(version: int) -> Event:
    """A version of the card exists."""
    return ResultIssued(
        result_id=uuid4(), result=CARD, version=version, issued_at=datetime.now(UTC), **AT_BED
    )


def dispatched(delivery: str, place: str) -> Event:
    """The card has left its issuer."""
    now = datetime.now(UTC)
    return ResultDispatched(result_id=uuid4(), result=CARD, delivery=delivery, place=place, dispatched_at=now)


async def hear(intake: Intake, dossier: str, event: Event) -> None:
    """Handle results' word as the consumer does."""
    dossier_id, now = UUID(dossier), datetime.now(UTC)
    envelope = Envelope(
        id=uuid4(), source="results", type=event.SUBJECT, dossier_id=dossier_id, time=now, sequence=1
    )
    async with intake.bus.pool.acquire() as connection, connection.transaction():
        (before,) = (await store.load(connection, [dossier_id])).values()
        heard = Received(event=event, envelope=envelope, now=now)
        after = HANDLERS[type(event)](before, heard, None).state
        if after is not None:
            await store.save(connection, [Change(dossier_id=dossier_id, before=before, after=after)])
