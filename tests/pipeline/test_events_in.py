"""Other systems do the whole of a birth without any screen of ours: what they did comes in, what it led to goes out."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.partners import (
    CARD_PARTNER,
    DESK_PARTNER,
    HOSPITAL_PARTNER,
    OTHER_HOSPITAL_PARTNER,
    PARTNERS,
    POLICE_PARTNER,
    WARD_PARTNER,
)
from libs.contracts.partner_documents import EXAMPLES
from mot_cua.errors import Conflict
from tests.pipeline.papers import birth_body, of_the_ward, receiver_of
from tests.pipeline.software import Software
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
AGENCY = {
    "register_birth": (WARD_PARTNER, "civil-status-31340-2025"),
    "register_residence": (POLICE_PARTNER, "police-31340-2025"),
    "issue_insurance_card": (CARD_PARTNER, "social-insurance-nga-bay-2025"),
}
BED = "hospital-93016"
PDF = b"%PDF-1.7\n" + b"%" * 64 + b"\nstartxref\n0\n%%EOF\n"


@pytest_asyncio.fixture(loop_scope="session")
async def software(town: Town) -> AsyncIterator[dict[str, Software]]:
    """Everybody's programs."""
    codes = [partner.code for partner in PARTNERS if partner.agency]
    async with AsyncExitStack() as stack:
        yield {code: await stack.enter_async_context(Software(town, code)) for code in codes}


def birth(town: Town) -> dict[str, Any]:
    """A birth of the ward, as the hospital's software writes it."""
    return birth_body(of_the_ward(town.births, "single")[0], town.today)


async def settle(town: Town, software: dict[str, Software], dossier: str, step: str) -> None:
    """An agency's software hears that a step lies with it, begins it and completes it."""
    code, agency = AGENCY[step]
    its = software[code]
    await its.hear("routing.step-assigned.v1", dossier, step=step, agency=agency)
    await its.say("step-started", dossier, {"step": step})
    done = await its.say("step-completed", dossier, {"step": step, "outcome": town.outcome(step)})
    assert done["state"] == "completed"


async def test_a_birth_goes_from_declaration_to_hand_over_with_no_screen(
    town: Town, software: dict[str, Software]
) -> None:
    """The hospital declares, three agencies settle, the hospital takes the papers in and gives them to the mother."""
    hospital = software[HOSPITAL_PARTNER]
    receipt = await hospital.say("birth-declared", data=birth(town))
    dossier = receipt["dossier_id"]
    await hospital.hear("intake.dossier-received.v1", dossier)
    await hospital.say("stay-changed", dossier, {"room": "P.3", "bed": "12"})
    for step in AGENCY:
        await settle(town, software, dossier, step)

    papers = {
        code: await hospital.hear("results.result-issued.v1", dossier, result=code, place=BED)
        for code in ("birth_certificate", "insurance_card")
    }
    for paper in papers.values():
        there = await hospital.say("result-arrived", dossier, {"result_id": paper["result_id"]})
        assert there["state"] == "ready"
    file = (await hospital.look_up(f"intake/dossiers/{dossier}", "hand-over")).json()["file"]
    results = [paper["result_id"] for paper in papers.values()]
    mother = receiver_of(file)
    card = {"results": results, "name": mother["name"], "identity_number": mother["identity_number"]}
    assert (await hospital.say("receiver-checked", dossier, card))["relation"] == "mother"
    given = hospital.event(
        "result-handed-over", dossier, {"results": results, "receiver": mother, "signed_on_paper": True}
    )
    answer = await hospital.send(given)
    assert answer.status_code == 200, answer.text
    assert (await hospital.send(given)).json() == answer.json() | {"replayed": True}

    await hospital.hear("results.dossier-closed.v1", dossier)
    proof = await hospital.http.get(answer.headers["location"])
    signed = await hospital.look_up(f"results/results/{results[0]}/document")
    assert proof.headers["content-type"] == "application/pdf"
    assert (proof.content[:5], signed.status_code) == (b"%PDF-", 200)
    timeline = (await hospital.look_up(f"routing/cases/{dossier}")).json()
    assert timeline["status"] == 10
    # Everything that was said is in the audit, and what people are called is in none of it.
    said = await town.value(
        "gateway", "SELECT array_agg(type ORDER BY id) FROM said WHERE dossier_id = $1::uuid", dossier
    )
    assert said[0] == "partner.birth-declared.v1"
    assert said.count("partner.step-completed.v1") == 3


async def test_the_example_of_the_catalogue_is_taken(town: Town, software: dict[str, Software]) -> None:
    """Whoever copies it, with days of its own, has declared a birth (docs/partners.md does)."""
    yesterday = (town.today - timedelta(days=1)).isoformat()
    written = (EXAMPLES / "partner.birth-declared.v1.json").read_text()
    for day in ("2026-11-26", "2026-11-27"):
        written = written.replace(day, yesterday)
    answer = await software[HOSPITAL_PARTNER].send(json.loads(written))
    assert (answer.status_code, answer.json()["state"]) == (201, "taken"), answer.text


async def test_what_lacks_is_asked_for_and_handed_in(town: Town, software: dict[str, Software]) -> None:
    """The ward's software asks, the hospital's scans and hands in; a file goes as it is; the clock runs again."""
    hospital, ward = software[HOSPITAL_PARTNER], software[WARD_PARTNER]
    dossier = (await hospital.say("birth-declared", data=birth(town)))["dossier_id"]
    step = "register_birth"
    await ward.hear("routing.step-assigned.v1", dossier, step=step)
    await ward.say("step-started", dossier, {"step": step})
    await ward.say("step-released", dossier, {"step": step})
    await ward.say("step-started", dossier, {"step": step})
    asked = {"step": step, "components": ["declaration"], "reason": "missing-paper", "note": "Thiếu tờ khai"}
    await ward.say("supplement-requested", dossier, asked)
    await hospital.hear("routing.supplement-requested.v1", dossier)
    await town.until_status(dossier, 5)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": f"scan-{dossier}",
        "ce-source": f"{hospital.source}/may-quet",
        "ce-type": "partner.paper-attached.v1",
        "ce-subject": dossier,
        "ce-component": "declaration",
        "Content-Type": "application/pdf",
    }
    attached = await hospital.http.post("/events", content=PDF, headers=headers)
    assert attached.status_code == 201, attached.text
    await hospital.say("supplement-handed-in", dossier, {"components": ["declaration"]})
    await ward.hear("routing.clock-resumed.v1", dossier)
    scan = await ward.look_up(attached.headers["location"].removeprefix("/city/"), "settle-step")
    assert scan.content == PDF


async def test_a_family_changes_its_mind(town: Town, software: dict[str, Software]) -> None:
    """Corrected, to be received elsewhere, and at last withdrawn: all of it by the hospital's software."""
    hospital = software[HOSPITAL_PARTNER]
    dossier = (await hospital.say("birth-declared", data=birth(town)))["dossier_id"]
    changes = [{"path": "child.intended_name", "value": "Trần Nguyễn Bảo Ngọc"}]
    await hospital.say("dossier-corrected", dossier, {"changes": changes, "explanation": "Viết nhầm tên"})
    file = (await hospital.look_up(f"intake/dossiers/{dossier}", "check-dossier")).json()
    assert file["file"]["child"]["intended_name"] == "Trần Nguyễn Bảo Ngọc"
    chosen = next(one for one in file["dossier"]["results"] if one["code"] == "birth_certificate")
    change = {
        "code": "birth_certificate",
        "was": {"delivery": chosen["delivery"], "place": chosen["place"]},
        "now": {"delivery": "counter"},
    }
    await hospital.say("delivery-chosen", dossier, {"results": [change]})
    await hospital.hear("intake.delivery-changed.v1", dossier)
    await hospital.say("dossier-withdrawn", dossier, {})
    await hospital.hear("intake.dossier-withdrawn.v1", dossier)
    assert (await hospital.refused("dossier-withdrawn", dossier, {}))[0] == 409


async def test_other_peoples_dossiers_are_not_there(town: Town, software: dict[str, Software]) -> None:
    """Another hospital, another agency, the wrong role, and a step before its turn: the owners say so."""
    hospital, other = software[HOSPITAL_PARTNER], software[OTHER_HOSPITAL_PARTNER]
    ward, police = software[WARD_PARTNER], software[POLICE_PARTNER]
    dossier = (await hospital.say("birth-declared", data=birth(town)))["dossier_id"]
    await ward.hear("routing.step-assigned.v1", dossier, step="register_birth")
    assert await other.refused("dossier-withdrawn", dossier, {}) == (404, "not-found")
    assert await other.refused("stay-changed", dossier, {"room": "1"}) == (404, "not-found")
    assert (await other.refused("step-started", dossier, {"step": "register_birth"}))[0] == 404
    assert (await police.refused("step-started", dossier, {"step": "register_birth"}))[0] == 404
    assert (await hospital.refused("step-started", dossier, {"step": "register_birth"}))[0] in (403, 404)
    assert (await police.refused("birth-declared", data=birth(town)))[0] == 403
    assert (await other.look_up(f"intake/dossiers/{dossier}", "check-dossier")).status_code == 404
    outcome = {"step": "register_birth", "outcome": {}}
    assert await ward.refused("step-completed", dossier, outcome) == (422, "outcome-refused")
    settled = {"step": "register_birth", "outcome": town.outcome("register_birth")}
    early = {"step": "register_residence", "outcome": town.outcome("register_residence")}
    assert (await police.refused("step-completed", dossier, early))[0] in (404, 409)
    await ward.say("step-completed", dossier, settled)
    assert await ward.refused("step-started", dossier, {"step": "register_birth"}) == (409, "step-completed")
    assert await ward.refused("result-dispatched", dossier, {"result_id": dossier}) == (
        404,
        "result-not-found",
    )
    wrong = birth(town)
    wrong["child"]["sex"] = 7
    answer = await hospital.send(hospital.event("birth-declared", data=wrong))
    assert answer.status_code == 422
    assert "/child/sex" in {error["pointer"] for error in answer.json()["errors"]}


async def test_twenty_copies_of_a_birth_are_one_dossier(town: Town, software: dict[str, Software]) -> None:
    """Said twenty times at once, and once more later; said under another id it is known already."""
    hospital = software[HOSPITAL_PARTNER]
    body = birth(town)
    event = hospital.event("birth-declared", data=body)
    answers = await asyncio.gather(*(hospital.send(event) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    [dossier] = {answer.json()["result"]["dossier_id"] for answer in answers}
    assert (await hospital.send(event)).json()["replayed"] is True
    again = await hospital.send(hospital.event("birth-declared", data=body))
    assert (again.status_code, again.json()["dossier_id"]) == (409, dossier)
    status, code = await hospital.refused("birth-declared", data=body)
    assert (status, code) == (409, "duplicate-birth")
    other = event | {"data": birth(town)}
    assert (await hospital.send(other)).json()["type"].endswith(":event-id-reused")


async def test_a_batch_settles_steps_in_order(town: Town, software: dict[str, Software]) -> None:
    """Begin and complete in one batch; a dossier of somebody else's beside them spoils nothing."""
    hospital, ward = software[HOSPITAL_PARTNER], software[WARD_PARTNER]
    declared = await hospital.say_all(*(("birth-declared", "", birth(town)) for _ in range(2)))
    assert [one.status for one in declared] == [201, 201]
    first, second = (one.dossier_id for one in declared)
    step = "register_birth"
    for dossier in (first, second):
        await ward.hear("routing.step-assigned.v1", dossier, step=step)
    outcome = town.outcome(step)
    told = await ward.say_all(
        ("step-started", first, {"step": step}),
        ("step-started", second, {"step": "no_such_step"}),
        ("step-completed", first, {"step": step, "outcome": outcome}),
        ("step-completed", second, {"step": step, "outcome": outcome}),
    )
    assert [one.state for one in told] == ["taken", "refused", "taken", "refused"]
    assert isinstance(told[3].refusal, Conflict)
    assert told[3].refusal.code == "earlier-refused"
    assert told[2].result["state"] == "completed"


async def test_an_agencys_software_takes_back_waits_and_gives_back(
    town: Town, software: dict[str, Software]
) -> None:
    """What officers do besides settling: corrections of what was entered, waits, findings, returns, refusals."""
    hospital, ward, police = (software[code] for code in (HOSPITAL_PARTNER, WARD_PARTNER, POLICE_PARTNER))
    dossier = (await hospital.say("birth-declared", data=birth(town)))["dossier_id"]
    await ward.hear("routing.step-assigned.v1", dossier, step="register_birth")
    step = {"step": "register_birth"}
    await ward.say("step-started", dossier, step)
    asked = {**step, "components": ["declaration"], "reason": "missing-paper"}
    await ward.say("supplement-requested", dossier, asked)
    await ward.say("supplement-request-withdrawn", dossier, step)
    await ward.say("step-completed", dossier, {**step, "outcome": town.outcome("register_birth")})
    number = town.outcome("register_birth")["personal_id"]
    await ward.say("step-amended", dossier, {**step, "outcome": {"personal_id": number}})

    step = {"step": "register_residence"}
    await police.hear("routing.step-assigned.v1", dossier, **step)
    await police.say("step-started", dossier, step)
    wait = {**step, "reason": "household_head_confirmation"}
    await police.say("clock-paused", dossier, wait)
    await police.say("pause-withdrawn", dossier, step)
    await police.say("clock-paused", dossier, wait)
    await police.say("clock-resumed", dossier, wait)
    found = {**step, "option": "residence_verification", "value": True}
    await police.say("finding-recorded", dossier, found)
    await police.say("step-returned", dossier, {**step, "reason": "wrong-ward"})
    await police.say("return-withdrawn", dossier, step)
    await police.say("step-returned", dossier, {**step, "reason": "wrong-ward"})
    given = await software[DESK_PARTNER].say(
        "step-assigned", dossier, {**step, "agency": "police-31411-2025", "note": "Thuộc phường bên"}
    )
    assert given["agency"] == "police-31411-2025"
    card = software[CARD_PARTNER]
    refused = await card.say(
        "step-refused", dossier, {"step": "issue_insurance_card", "reason": "not-eligible"}
    )
    assert refused["state"] != "assigned"
    told = await software[DESK_PARTNER].look_up(f"routing/cases/{dossier}/refusals", "answer-citizen")
    assert (told.status_code, "issue_insurance_card" in told.text) == (200, True)
    assert (await software[DESK_PARTNER].look_up(f"routing/cases/{dossier}/family")).status_code == 200
    assert (await police.look_up(f"routing/cases/{dossier}/family")).status_code == 403


async def test_a_paper_travels_and_is_made_anew(town: Town, software: dict[str, Software]) -> None:
    """Sent off by who issued it, arrived, found damaged: the hospital orders another."""
    hospital, ward = software[HOSPITAL_PARTNER], software[WARD_PARTNER]
    dossier = (await hospital.say("birth-declared", data=birth(town)))["dossier_id"]
    await settle(town, software, dossier, "register_birth")
    issued = await hospital.hear("results.result-issued.v1", dossier, result="birth_certificate")
    paper = {"result_id": issued["result_id"]}
    assert (await ward.say("result-dispatched", dossier, paper))["state"] == "dispatched"
    other = (await hospital.say("birth-declared", data=birth(town)))["dossier_id"]
    assert await hospital.refused("result-arrived", other, paper) == (404, "result-not-found")
    assert (await hospital.say("result-arrived", dossier, paper))["state"] == "ready"
    await hospital.say("replacement-ordered", dossier, {**paper, "reason": "damaged"})
    await hospital.hear("results.result-issued.v1", dossier, result="birth_certificate", version=2)


async def test_the_one_stop_shops_software_hands_in_and_turns_away(
    town: Town, software: dict[str, Software]
) -> None:
    """A dossier that lacks its paper is received, cannot be accepted, and is refused with a reason."""
    desk = software[DESK_PARTNER]
    form = {
        "applicant": {"name": "Phạm Văn Lâm", "phone": "0913456789"},
        "documents": [{"name": "Bằng tốt nghiệp đại học", "pages": 1, "copies": 2}],
    }
    given = {"procedure": "2.000815", "form": form, "unit": "31340"}
    receipt = await desk.say("dossier-handed-in", data=given)
    dossier = receipt["dossier_id"]
    assert receipt["missing"] == ["original"]
    assert (await desk.refused("dossier-accepted", dossier))[0] == 409
    turned_away = {"reason": "wrong-papers", "explanation": "Không có bản chính để đối chiếu"}
    assert (await desk.say("dossier-refused", dossier, turned_away))["status"] == 3
