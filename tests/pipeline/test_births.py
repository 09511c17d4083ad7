"""A birth from the hospital to the bed: what the family, the hospital and the agencies see."""

import httpx
import pytest

from deploy.local.sample_xml9 import envelope
from tests.pipeline.papers import birth_body, of_the_ward
from tests.pipeline.town import Town, refusal, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]
RETURNED, WITHDRAWN, STOPPED, SUPPLEMENT, IN_PROCESS = 10, 7, 8, 5, 4


async def test_certificate_and_card_reach_the_bed_with_a_receipt(town: Town) -> None:
    """A birth declared by the hospital comes back to the bed as certificate and card, each with a receipt."""
    dossier = (await town.declare())["dossier_id"]
    await town.settle(dossier)
    for code in ("birth_certificate", "insurance_card"):
        result = await town.until_result(dossier, code)
        assert (result["delivery"], result["place"]) == ("hospital", "hospital-93016")
        document = await town.people["hospital"].get_bytes("results", f"/results/{result['id']}/document")
        assert document.startswith(b"%PDF")
        assert (await town.verify(result["id"]))["status"] == "valid"
        done = await town.hand_over(dossier, result["id"])
        receipt = await town.people["hospital"].get_bytes("results", done["receipt"])
        assert receipt.startswith(b"%PDF")
    told = await town.until_status(dossier, RETURNED)
    assert told["dossier"]["outcome"] == "granted"


async def test_the_family_fetches_its_electronic_notice(town: Town) -> None:
    """The tracking token of the receipt and the end of the mother's number give the signed notice of residence."""
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    receipt = await town.declare(body)
    await town.settle(receipt["dossier_id"])
    await town.until_result(receipt["dossier_id"], "residence_notice")
    number = body["mother"]["document"]["number"]
    proof = {"tracking_token": receipt["tracking_token"], "last_four": number[-4:]}
    async with httpx.AsyncClient(base_url=town.city.urls["results"], timeout=10) as family:
        (notice,) = (await family.post("/electronic-results", json=proof)).json()["results"]
        paper = await family.post(notice["document"], json=proof)
        wrong = proof | {"last_four": f"{(int(number[-4:]) + 1) % 10000:04d}"}
        refused = await family.post(notice["document"], json=wrong)
    assert paper.content.startswith(b"%PDF")
    assert refused.status_code == 403


async def test_results_are_handed_over_in_any_order_and_only_to_the_entitled(town: Town) -> None:
    """The card may come before the certificate; somebody whose number does not match gets nothing."""
    dossier = (await town.declare())["dossier_id"]
    await town.settle(dossier)
    card = await town.until_result(dossier, "insurance_card")
    refused = await refusal(town.hand_over(dossier, card["id"], identity_number="092301000001"))
    assert refused.problem["errors"][0]["field"] == "receiver.identity_number"
    file = await town.people["hospital"].get("intake", f"/dossiers/{dossier}", purpose="hand-over")
    mother = file["file"]["mother"]
    body = {
        "results": [card["id"]],
        "receiver": {
            "name": mother["name"],
            "relation": "mother",
            "identity_number": mother["document"]["number"],
        },
        "signed_on_paper": True,
    }
    await town.post("hospital", "results", f"/dossiers/{dossier}/hand-over", body)
    assert file["status"] != RETURNED
    certificate = await town.until_result(dossier, "birth_certificate")
    await town.hand_over(dossier, certificate["id"])
    await town.until_status(dossier, RETURNED)


async def test_twins_are_two_dossiers(town: Town) -> None:
    """Twins in one XML9 file become two dossiers with codes of their own, neither taken for a copy of the other."""
    records = of_the_ward(town.births, "twins")
    file = envelope([records], made_on=town.today)
    report = await town.people["hospital"].post_bytes("intake", "/births/xml9", file, "application/xml")
    assert (report["accepted"], report["known"]) == (2, 0)
    assert len({record["dossier_id"] for record in report["records"]}) == 2
    assert len({record["code"] for record in report["records"]}) == 2
    for record in report["records"]:
        await town.complete(record["dossier_id"], "register_birth")


async def test_the_same_file_again_changes_nothing(town: Town) -> None:
    """A second upload of the same XML9 file, under another key, gives the same report and no dossier more."""
    file = envelope(
        [of_the_ward(town.births, "single"), of_the_ward(town.births, "no-father")], made_on=town.today
    )
    hospital = town.people["hospital"]
    first = await hospital.post_bytes("intake", "/births/xml9", file, "application/xml")
    count = await town.value("intake", "SELECT count(*) FROM dossier")
    second = await hospital.post_bytes("intake", "/births/xml9", file, "application/xml")
    assert second == first
    assert await town.value("intake", "SELECT count(*) FROM dossier") == count


async def test_the_same_birth_again_leads_to_its_dossier(town: Town) -> None:
    """A birth declared twice is refused with a link to the dossier it has."""
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    receipt = await town.declare(body)
    refused = await refusal(town.declare(body))
    assert (refused.status, refused.problem["dossier_id"]) == (409, receipt["dossier_id"])


async def test_a_supplement_stops_the_clock_and_starts_it_again(town: Town) -> None:
    """While papers are missing nothing is due; when they have come the clock runs on and the step is done."""
    dossier = (await town.declare())["dossier_id"]
    await town.start(dossier, "register_birth")
    before = await town.case(dossier)
    assert before["due_at"] is not None
    asked = {"step": "register_birth", "components": ["declaration"], "reason": "missing-paper"}
    await town.post("civil_status", "routing", f"/cases/{dossier}/supplement-requests", asked)
    stopped = await town.case(dossier)
    assert (stopped["due_at"], stopped["status"]) == (None, SUPPLEMENT)
    refused = await refusal(town.complete(dossier, "register_birth"))
    assert refused.problem["type"].endswith("supplement-open")
    await town.until_status(dossier, SUPPLEMENT)
    await town.post("hospital", "intake", f"/dossiers/{dossier}/supplements", {"components": ["declaration"]})

    async def runs() -> dict[str, object] | None:
        case = await town.case(dossier)
        return case if case["due_at"] is not None else None

    resumed = await until(runs)
    assert resumed["status"] == IN_PROCESS
    assert str(resumed["due_at"]) >= str(before["due_at"])
    await town.complete(dossier, "register_birth")


async def test_a_refused_registration_ends_the_dossier(town: Town) -> None:
    """The ward refuses: what depends on the registration falls away, and the birth may be declared anew."""
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    dossier = (await town.declare(body))["dossier_id"]
    await town.start(dossier, "register_birth")
    refusing = {"step": "register_birth", "reason": "not-eligible", "note": "Không đủ điều kiện."}
    await town.post("civil_status", "routing", f"/cases/{dossier}/refusal", refusing)
    await town.until_status(dossier, STOPPED)
    again = await town.declare(body)
    assert again["dossier_id"] != dossier


async def test_a_refused_part_leaves_the_rest(town: Town) -> None:
    """A family whose residence is refused keeps certificate and card."""
    dossier = (await town.declare())["dossier_id"]
    await town.complete(dossier, "register_birth")
    await town.start(dossier, "register_residence")
    refusing = {"step": "register_residence", "reason": "not-eligible"}
    await town.post("police", "routing", f"/cases/{dossier}/refusal", refusing)
    await town.complete(dossier, "issue_insurance_card")
    for code in ("birth_certificate", "insurance_card"):
        await town.hand_over(dossier, (await town.until_result(dossier, code))["id"])
    await town.until_status(dossier, RETURNED)


async def test_a_withdrawal_in_the_middle_stops_everybody(town: Town) -> None:
    """The family takes the dossier back while a step is in hand: nobody can go on, nothing more is made."""
    dossier = (await town.declare())["dossier_id"]
    await town.start(dossier, "register_birth")
    await town.post("hospital", "intake", f"/dossiers/{dossier}/withdrawal", {})

    async def settled() -> bool | None:
        return (await town.case(dossier))["settled"] is not None or None

    await until(settled)
    await town.until_status(dossier, WITHDRAWN)
    refused = await refusal(
        town.post(
            "civil_status", "routing", f"/cases/{dossier}/steps/register_birth/complete", {"outcome": {}}
        )
    )
    assert refused.status == 409
    assert (await town.case(dossier))["status"] == WITHDRAWN


async def test_a_number_that_comes_later_replaces_the_certificate(town: Town) -> None:
    """A certificate without the child's number is issued; when the number comes a new one supersedes it."""
    dossier = (await town.declare())["dossier_id"]
    await town.complete(dossier, "register_birth", personal_id="")
    first = await town.until_result(dossier, "birth_certificate")
    pending = await town.people["civil_status"].get("routing", "/steps", pending=True)
    assert dossier in {step["dossier_id"] for step in pending["steps"]}
    amended = {"outcome": {"personal_id": f"092326{int(first['id'][:6], 16) % 1_000_000:06d}"}}
    await town.post("civil_status", "routing", f"/cases/{dossier}/steps/register_birth/amend", amended)
    second = await town.until_result(dossier, "birth_certificate", version=2)
    assert (await town.verify(first["id"]))["status"] == "superseded"
    assert (await town.verify(second["id"]))["status"] == "valid"


async def test_a_revoked_certificate_says_so(town: Town) -> None:
    """Whoever verifies a revoked certificate is told; only a leader or operator can revoke."""
    dossier = (await town.declare())["dossier_id"]
    await town.complete(dossier, "register_birth")
    result = (await town.until_result(dossier, "birth_certificate"))["id"]
    body = {"reason": "court-decision"}
    assert (await refusal(town.post("hospital", "results", f"/results/{result}/revoke", body))).status == 403
    await town.post("leader", "results", f"/results/{result}/revoke", body)
    assert (await town.verify(result))["status"] == "revoked"
