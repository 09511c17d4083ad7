"""A birth as a FHIR Bundle: taken once, updated, taken back; everything that is wrong is told at its element."""

import asyncio
import json
from datetime import timedelta

import pytest

from services.intake import dossier as rules
from services.intake.dossier import SupplementRequest
from tests.fixtures.fhir import bundle, entry, mother, observation, one_birth, resource, twins
from tests.integration.gateway.births.conftest import MORNING, Intake, Software, dossier_of, issues, slugs

TYPES = ("document", "message", "transaction", "collection")


@pytest.mark.parametrize("type_", TYPES)
async def test_every_type_of_bundle_becomes_a_dossier(software: Software, intake: Intake, type_: str) -> None:
    """201 with the code and the tracking link; the file says what the Bundle says, and the Bundle lies with it."""
    sent = bundle(type_, one_birth(11))
    path = "/fhir/$process-message" if type_ == "message" else "/fhir"
    answer = await software.send(sent, path=path)
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    dossier = dossier_of(answer)
    assert answer.headers["location"] == f"/city/intake/dossiers/{dossier}"
    (told,) = [i for i in issues(answer) if i["details"]["coding"][0]["code"] == "received"]
    parts = {p["url"]: p for p in told["extension"][0]["extension"]}
    assert parts["code"]["valueString"] in told["diagnostics"]
    assert parts["link"]["valueUrl"].startswith("https://motcua.example.vn/")

    whole = await intake.get(f"/dossiers/{dossier}")
    assert whole["file"]["certificate"]["number"] == "000011"
    assert whole["file"]["child"]["weight_g"] == 3200
    assert whole["file"]["child"]["birth_time"] == "2026-11-20T08:15:00"
    assert whole["file"]["mother"]["name"].startswith("Huỳnh Thị Mẫu")
    assert whole["file"]["father"]["name"] == "Trần Văn Mẫu"
    assert whole["dossier"]["channel"] == "hospital"
    (paper,) = whole["attachments"]
    assert (paper["component"], paper["media_type"]) == ("medical_certificate", "application/fhir+json")
    kept = await intake.get(f"/dossiers/{dossier}/attachments/1", raw=True)
    assert kept == json.dumps(sent, ensure_ascii=False).encode()


async def test_a_message_is_answered_by_a_message_and_a_transaction_by_its_response(
    software: Software,
) -> None:
    """Each in the shape its type asks for; a refused transaction is an OperationOutcome only."""
    answer = (await software.send(bundle("message", one_birth(12)))).json()
    assert answer["type"] == "message"
    assert answer["entry"][0]["resource"]["response"] == {
        "identifier": "tin-1",
        "code": "ok",
        "details": {"reference": answer["entry"][1]["fullUrl"]},
    }
    sent = bundle("transaction", one_birth(13))
    answer = (await software.send(sent)).json()
    assert answer["type"] == "transaction-response"
    assert len(answer["entry"]) == len(sent["entry"])
    assert answer["entry"][0]["response"]["status"] == "201"
    assert answer["entry"][0]["response"]["location"].startswith("/city/intake/dossiers/")
    del sent["entry"][0]["resource"]["gender"]
    refused = await software.send(sent)
    assert (refused.status_code, refused.json()["resourceType"]) == (422, "OperationOutcome")


async def test_the_same_again_is_the_first_answer(software: Software, intake: Intake) -> None:
    """200, the same dossier, no second one; also when both came at once."""
    sent = bundle("document", one_birth(21))
    first, second = await asyncio.gather(software.send(sent), software.send(sent))
    assert {first.status_code, second.status_code} <= {200, 201}
    third = await software.send(sent)
    assert third.status_code == 200
    assert "unchanged" in slugs(third)
    assert dossier_of(first) == dossier_of(second) == dossier_of(third)
    assert await intake.dossiers() == 1
    assert len((await intake.get(f"/dossiers/{dossier_of(first)}"))["attachments"]) == 1


async def test_everything_wrong_is_told_at_once_at_its_element(software: Software, intake: Intake) -> None:
    """The model's, the mapping's and intake's own problems in one answer, each by FHIRPath; nothing is taken."""
    sent = bundle("collection", one_birth(31))
    baby, mum = resource(sent, "Patient"), resource(sent, "RelatedPerson")
    baby["eyeColour"] = "brown"
    del baby["gender"]
    mum["birthDate"] = "2019-03-08"
    mum["identifier"][0]["value"] = "123"
    resource(sent, "Observation")["valueQuantity"]["code"] = "[lb_av]"
    answer = await software.send(sent)
    assert answer.status_code == 422
    told = slugs(answer)
    assert "Bundle.entry[0].resource.eyeColour" in told["structure"]
    assert "Bundle.entry[0].resource" in told["required"]
    assert "Bundle.entry[3].resource.value.ofType(Quantity)" in told["invalid"]
    assert "Bundle.entry[1].resource.birthDate" in told["age-impossible"]
    assert any("Bundle.entry[1].resource.identifier[0].value" in at for at in told.values())
    assert all(issue["diagnostics"] for issue in issues(answer))
    assert await intake.dossiers() == 0


async def test_what_is_not_mapped_is_named_and_kept(software: Software, intake: Intake) -> None:
    """An Apgar score is none of the declaration's business: information, and the Bundle is kept with it."""
    sent = bundle("collection", one_birth(32))
    sent["entry"].append(entry("apgar", observation("9274-2", "baby", valueInteger=9)))
    answer = await software.send(sent)
    assert answer.status_code == 201, answer.text
    told = slugs(answer)["unmapped"]
    assert f"Bundle.entry[{len(sent['entry']) - 1}].resource.value.ofType(integer)" in told
    kept = await intake.get(f"/dossiers/{dossier_of(answer)}/attachments/1", raw=True)
    assert b"9274-2" in kept


async def test_an_update_corrects_the_dossier(software: Software, intake: Intake) -> None:
    """Another weight and no father: the file says so in a new version; going back is one more version."""
    sent = bundle("document", one_birth(41))
    first = await software.send(sent)
    dossier = dossier_of(first)
    changed = json.loads(json.dumps(sent))
    resource(changed, "Observation")["valueQuantity"]["value"] = 3350
    changed["entry"] = [e for e in changed["entry"] if "FTH" not in json.dumps(e)]
    answer = await software.send(changed)
    assert answer.status_code == 200, answer.text
    assert "Bundle.entry[3].resource.value.ofType(Quantity)" in slugs(answer)["updated"]
    file = await intake.file(dossier)
    assert file["child"]["weight_g"] == 3350
    assert file["father"] is None
    assert (await intake.events(dossier)).count("intake.dossier-corrected.v1") == 1
    assert (await software.send(changed)).status_code == 200
    assert (await intake.events(dossier)).count("intake.dossier-corrected.v1") == 1
    assert (await software.send(sent)).status_code == 200
    file = await intake.file(dossier)
    assert (file["child"]["weight_g"], file["father"]["name"]) == (3200, "Trần Văn Mẫu")
    assert (await software.send(changed)).status_code == 200
    assert (await intake.file(dossier))["child"]["weight_g"] == 3350


async def test_what_may_not_be_changed_any_more_is_said_where_it_stands(
    software: Software, intake: Intake
) -> None:
    """The mother's commune decides who registers: 422 at the element; the file stays as it was."""
    sent = bundle("collection", one_birth(42))
    dossier = dossier_of(await software.send(sent))
    resource(sent, "RelatedPerson")["address"][0]["extension"][1]["valueCoding"]["code"] = "31411"
    answer = await software.send(sent)
    assert answer.status_code == 422
    place = "Bundle.entry[1].resource.address[0].extension[1].value.ofType(Coding).code"
    assert slugs(answer)["not-correctable"] == [place]
    assert (await intake.file(dossier))["mother"]["residence"]["commune_code"] == "31340"


@pytest.mark.parametrize("type_", ["document", "message", "collection"])
async def test_a_void_withdraws_and_a_new_notice_begins_anew(
    software: Software, intake: Intake, type_: str
) -> None:
    """entered-in-error, or the void event: withdrawn once; what is declared afterwards is a new dossier."""
    sent = bundle(type_, one_birth(51))
    dossier = dossier_of(await software.send(sent))
    void = json.loads(json.dumps(sent))
    if type_ == "document":
        resource(void, "Composition")["status"] = "entered-in-error"
    elif type_ == "message":
        resource(void, "MessageHeader")["eventCoding"]["code"] = "birth-notice-void"
    else:
        resource(void, "Encounter")["status"] = "entered-in-error"
    for _ in range(2):
        answer = await software.send(void)
        assert answer.status_code == 200, answer.text
        assert dossier_of(answer) == dossier
    assert (await intake.events(dossier)).count("intake.dossier-withdrawn.v1") == 1
    # Until the case is closed by routing, the certificate belongs to the withdrawn dossier.
    assert (await software.send(sent)).status_code == 409
    await intake.change(dossier, lambda d: rules.settled(d, "withdrawn", 7, MORNING))
    again = await software.send(sent)
    assert again.status_code == 201, again.text
    assert dossier_of(again) != dossier


async def test_a_void_that_comes_too_late_is_refused_with_the_reason(
    software: Software, intake: Intake
) -> None:
    """What has ended cannot be withdrawn; what was never told cannot either."""
    sent = bundle("document", one_birth(52))
    resource(sent, "Composition")["status"] = "entered-in-error"
    assert (await software.send(sent)).status_code == 404
    resource(sent, "Composition")["status"] = "final"
    dossier = dossier_of(await software.send(sent))
    await intake.change(dossier, lambda d: rules.settled(d, "granted", rules.DONE, MORNING))
    resource(sent, "Composition")["status"] = "entered-in-error"
    late = await software.send(sent)
    assert late.status_code == 409
    assert "already-ended" in slugs(late)


async def test_twins_are_two_dossiers_and_are_checked_together(software: Software, intake: Intake) -> None:
    """One Bundle, two births, an answer for each; while one is wrong, neither is taken."""
    sent = bundle("document", twins(61))
    second = resource(sent, "Patient", 1)
    gender = second.pop("gender")
    answer = await software.send(sent)
    assert answer.status_code == 422
    assert await intake.dossiers() == 0
    second["gender"] = gender
    answer = await software.send(sent)
    assert answer.status_code == 201, answer.text
    assert slugs(answer)["received"] == ["Bundle.entry[1].resource", "Bundle.entry[4].resource"]
    files = [await intake.file(dossier_of(answer, nth)) for nth in range(2)]
    assert [file["child"]["order"] for file in files] == [1, 2]
    assert [file["child"]["weight_g"] for file in files] == [2100, 2200]
    assert all(file["child"]["count"] == 2 for file in files)
    assert (await software.send(sent)).status_code == 200


async def test_a_birth_declared_at_the_desk_is_not_taken_over(software: Software, intake: Intake) -> None:
    """409 with the dossier there is, also when it is tried again with other content."""
    sent = bundle("collection", one_birth(71))
    dossier = dossier_of(await software.send(sent))
    async with software.house.pool.acquire() as conn:
        await conn.execute("DELETE FROM fhir_birth")
    for weight in (3200, 3300):
        resource(sent, "Observation")["valueQuantity"]["value"] = weight
        sent["entry"][0]["resource"]["multipleBirthInteger"] = 1
        answer = await software.send(sent)
        assert answer.status_code == 409, answer.text
        assert dossier_of(answer) == dossier
    assert (await intake.file(dossier))["child"]["weight_g"] == 3200


async def test_what_was_on_its_way_when_the_process_died_is_found_again(
    software: Software, intake: Intake
) -> None:
    """The claim was kept and intake's answer lost: the next try gets the dossier, whatever it says now."""
    sent = bundle("collection", one_birth(72))
    dossier = dossier_of(await software.send(sent))
    async with software.house.pool.acquire() as conn:
        await conn.execute("UPDATE fhir_birth SET state = 'sending', dossier_id = NULL, document = NULL")
    resource(sent, "Observation")["valueQuantity"]["value"] = 3400
    answer = await software.send(sent)
    assert (answer.status_code, dossier_of(answer)) == (200, dossier)
    assert (await intake.file(dossier))["child"]["weight_g"] == 3400


async def test_an_update_may_answer_what_an_officer_asked_for(software: Software, intake: Intake) -> None:
    """The field that was asked for goes in as a supplement, the other one as a correction."""
    sent = bundle("collection", one_birth(73))
    dossier = dossier_of(await software.send(sent))
    asked = ("mother.document.issued_on",)
    request = SupplementRequest(
        number=1, components=(), fields=asked, missing=asked, respond_by=MORNING + timedelta(days=7)
    )
    await intake.change(dossier, lambda d: rules.supplement_requested(d, request))
    resource(sent, "RelatedPerson")["identifier"][0]["period"]["start"] = "2022-01-02"
    resource(sent, "Observation")["valueQuantity"]["value"] = 3100
    answer = await software.send(sent)
    assert answer.status_code == 200, answer.text
    said = await intake.events(dossier)
    assert said.count("intake.dossier-supplemented.v1") == 1
    assert said.count("intake.dossier-corrected.v1") == 1
    file = await intake.file(dossier)
    assert (file["mother"]["document"]["issued_on"], file["child"]["weight_g"]) == ("2022-01-02", 3100)


async def test_another_hospitals_certificate_is_refused(software: Software, intake: Intake) -> None:
    """A partner speaks for its own facility only."""
    sent = bundle("collection", one_birth(74))
    resource(sent, "Organization")["identifier"][0]["value"] = "93007"
    answer = await software.send(sent)
    assert answer.status_code == 422
    assert slugs(answer)["facility-other"] == ["Bundle.entry[5].resource.identifier[0].value"] or slugs(
        answer
    )["facility-other"] == ["Bundle.entry[6].resource.identifier[0].value"]
    assert await intake.dossiers() == 0


async def test_no_name_stays_at_the_gateway(software: Software) -> None:
    """Its tables know digests and a dossier; somebody may have written a name for a number."""
    sent = bundle("document", one_birth(75))
    resource(sent, "Patient")["identifier"][0]["value"] = "Huỳnh Thị Mẫu"
    dossier = dossier_of(await software.send(sent))
    async with software.house.pool.acquire() as conn:
        kept = str([dict(row) for row in await conn.fetch("SELECT * FROM fhir_birth")])
        kept += str([dict(row) for row in await conn.fetch("SELECT * FROM submission")])
    assert dossier in kept
    assert "Mẫu" not in kept
    assert mother(75)["identifier"][0]["value"] not in kept
