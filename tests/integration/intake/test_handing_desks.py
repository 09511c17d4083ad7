"""A result handed over at a third desk: that desk finds the dossier, and learns no more than whose it is."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from libs.bus.handling import Change
from libs.contracts.results import (
    DossierClosed,
    ResultDispatched,
    ResultHandedOver,
    ResultIssued,
    ResultReady,
)
from services.intake import store
from services.intake.dossier import settled
from tests.integration.intake.conftest import HOSPITAL, OTHER_HOSPITAL, OTHER_WARD, Intake
from tests.integration.intake.samples import certified_copy, insurance_card
from tests.integration.intake.test_delivery import hear
from tests.integration.intake.test_search import codes, feed

ELSEWHERE = [{"code": "certified_copy", "delivery": "counter", "place": OTHER_WARD}]
QUERY = "pham thi canary"


async def copy_to_elsewhere(intake: Intake, **changes: Any) -> dict[str, Any]:
    """A dossier received at one ward's counter whose result is to be fetched at another's."""
    answer = await intake.post("/dossiers", certified_copy(results=ELSEWHERE, **changes), intake.counter())
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


async def summaries(intake: Intake, receipt: dict[str, Any], headers: dict[str, str]) -> list[dict[str, Any]]:
    """The dossier in a few words, as far as the officer may know them."""
    query = {"dossier_ids": [receipt["dossier_id"]], "purpose": "hand-over"}
    found: list[dict[str, Any]] = (await intake.post("/dossiers/summaries", query, headers)).json()[
        "summaries"
    ]
    return found


async def test_the_desk_that_hands_over_finds_the_dossier(intake: Intake) -> None:
    """By code and by name, with the applicant's name; the file and its papers stay closed to it."""
    receipt = await copy_to_elsewhere(intake)
    await feed(intake)
    there = intake.counter(OTHER_WARD)
    assert await codes(intake, QUERY, there) == await codes(intake, receipt["code"], there)
    assert await codes(intake, QUERY, there) == [receipt["code"]]
    (line,) = await summaries(intake, receipt, there)
    assert line["applicant"] == "Phạm Thị Canary"
    at = f"/dossiers/{receipt['dossier_id']}"
    assert (await intake.get(at, there, purpose="hand-over")).status_code == 404
    assert (await intake.get(f"{at}/paper-facts", there, purpose="hand-over")).status_code == 404
    assert (await intake.get(f"{at}/receipt", there)).status_code == 404
    assert (await intake.post(f"{at}/withdrawal", {}, there)).status_code == 404
    logged = await intake.rows("SELECT DISTINCT actor FROM http.read_log WHERE purpose = 'hand-over'")
    assert [row["actor"] for row in logged] == [f"clerk-{OTHER_WARD}"]


async def test_nobody_else_finds_it_for_that(intake: Intake) -> None:
    """Not a hospital, not the police, nor an officer of that ward who hands nothing over."""
    receipt = await copy_to_elsewhere(intake)
    await feed(intake)
    registrar = intake._officer("registrar", OTHER_WARD, "civil_status")
    for stranger in (registrar, intake.hospital(), intake.police()):
        assert await codes(intake, QUERY, stranger) == []
        assert await summaries(intake, receipt, stranger) == []


async def test_before_acceptance_and_after_a_withdrawal_there_is_nothing_to_hand_over(intake: Intake) -> None:
    """The dossier is then the business of who received it alone."""
    there = intake.counter(OTHER_WARD)
    waiting = await copy_to_elsewhere(intake, components=[])
    await feed(intake)
    assert await codes(intake, QUERY, there) == []
    assert await summaries(intake, waiting, there) == []
    supplement = {"components": ["original"]}
    at = f"/dossiers/{waiting['dossier_id']}"
    assert (await intake.post(f"{at}/supplements", supplement, intake.counter())).status_code == 200
    await feed(intake)
    assert await codes(intake, QUERY, there) == [waiting["code"]]
    # The case has ended by a withdrawal: routing's word, then nothing is left to hand over.
    async with intake.bus.pool.acquire() as connection, connection.transaction():
        (before,) = (await store.load(connection, [UUID(waiting["dossier_id"])])).values()
        after = settled(before, "withdrawn", 7, intake.office.now())
        await store.save(connection, [Change(dossier_id=before.id, before=before, after=after)])
    assert await codes(intake, QUERY, there) == []
    assert await summaries(intake, waiting, there) == []


async def test_a_desk_that_has_handed_everything_over_learns_no_more(intake: Intake) -> None:
    """Nor does it once the dossier is closed; with a newer version on its way the dossier is its business again."""
    there = intake.counter(OTHER_WARD)
    receipt = await copy_to_elsewhere(intake)
    place: dict[str, Any] = {"delivery": "counter", "place": OTHER_WARD}
    now = intake.office.now()
    named: dict[str, Any] = {"result_id": uuid4(), "result": "certified_copy"}
    given = ResultHandedOver(receiver="applicant", handed_over_at=now, **named, **place)
    for event, found in (
        (ResultReady(ready_at=now, **named, **place), True),
        (given, False),
        (DossierClosed(closed_at=now, results=1), False),
        (ResultIssued(version=2, issued_at=now, **named, **place), False),
        (ResultDispatched(dispatched_at=now, **named, **place), True),
        (given, False),
    ):
        await hear(intake, receipt["dossier_id"], event)
        await feed(intake)
        expected = [receipt["code"]] if found else []
        assert await codes(intake, QUERY, there) == expected, event
        assert [line["code"] for line in await summaries(intake, receipt, there)] == expected, event


async def test_the_heir_of_a_desk_that_was_to_hand_over_finds_the_dossier(intake: Intake) -> None:
    """By name and in a list alike; the other new ward, which received it, handles it as before."""
    intake.set_time(datetime(2025, 6, 27, 2, tzinfo=UTC))
    chosen = [{"code": "certified_copy", "delivery": "counter", "place": "one-stop-31341"}]
    body = certified_copy(results=chosen)
    receipt = (await intake.post("/dossiers", body, intake.counter("one-stop-31344"))).json()
    await feed(intake)
    intake.set_time(datetime(2025, 7, 2, 2, tzinfo=UTC))
    heir, receiving = intake.counter(), intake.counter(OTHER_WARD)
    for officer in (heir, receiving):
        assert await codes(intake, QUERY, officer) == [receipt["code"]]
        assert [line["code"] for line in await summaries(intake, receipt, officer)] == [receipt["code"]]
    at = f"/dossiers/{receipt['dossier_id']}"
    assert (await intake.get(at, heir, purpose="hand-over")).status_code == 404


async def test_a_hospital_hands_over_what_a_counter_received(intake: Intake) -> None:
    """The desk of that hospital finds it, another hospital's does not."""
    chosen = [{"code": "insurance_card", "delivery": "hospital", "place": f"hospital-{HOSPITAL}"}]
    answer = await intake.post("/dossiers", insurance_card(results=chosen), intake.counter())
    assert answer.status_code == 201, answer.text
    await feed(intake)
    assert await codes(intake, QUERY, intake.hospital()) == [answer.json()["code"]]
    assert await codes(intake, QUERY, intake.hospital(OTHER_HOSPITAL)) == []
