"""Receiving results otherwise than was chosen: who may, until when, and who is told."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from libs.bus.handling import Change, Received
from libs.contracts.event import Envelope
from libs.contracts.results import ResultHandedOver
from services.intake import store
from services.intake.handlers import HANDLERS
from tests.integration.intake.conftest import HOSPITAL, OTHER_WARD, WARD, Intake
from tests.integration.intake.samples import birth, certified_copy

AT_BED = {"delivery": "hospital", "place": f"hospital-{HOSPITAL}"}
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
    await hear_handed_over(intake, UUID(dossier))
    refused = await intake.post(path, change({"delivery": "electronic"}), intake.hospital())
    assert (refused.status_code, refused.json()["type"].rsplit(":", 1)[-1]) == (409, "already-handed-over")
    file = (await intake.get(f"/dossiers/{dossier}", intake.hospital(), purpose="check-dossier")).json()
    chosen = {one["code"]: one["delivery"] for one in file["dossier"]["results"]}
    assert chosen[CARD] == "hospital"


async def hear_handed_over(intake: Intake, dossier_id: UUID) -> None:
    """Results' word that the card was handed over at the bed."""
    now = datetime.now(UTC)
    event = ResultHandedOver(result_id=uuid4(), result=CARD, receiver="mother", handed_over_at=now, **AT_BED)
    envelope = Envelope(
        id=uuid4(), source="results", type=event.SUBJECT, dossier_id=dossier_id, time=now, sequence=1
    )
    async with intake.bus.pool.acquire() as connection, connection.transaction():
        (before,) = (await store.load(connection, [dossier_id])).values()
        heard = Received(event=event, envelope=envelope, now=now)
        after = HANDLERS[ResultHandedOver](before, heard, None).state
        assert after is not None
        await store.save(connection, [Change(dossier_id=dossier_id, before=before, after=after)])
