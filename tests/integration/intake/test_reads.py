"""Reads by others: people in batches for services, the public status, and likely duplicates for a human."""

import time
from datetime import UTC, datetime
from statistics import median
from uuid import uuid4

import msgspec
import pytest

from services.intake import api_public
from services.intake.api_people import PeopleAnswer
from tests.integration.intake.conftest import OTHER_WARD, WARD, Intake
from tests.integration.intake.samples import (
    CANARY_ADDRESS,
    CANARY_PHONE,
    birth,
    certified_copy,
    insurance_card,
)


async def test_services_read_people_of_births_and_forms_in_one_shape(intake: Intake) -> None:
    """A hospital birth and a form give the same record; who is unknown is absent; each read is recorded."""
    declared = birth(serial=530_001)
    first = (await intake.post("/births", declared, intake.hospital())).json()
    second = (await intake.post("/dossiers", insurance_card(), intake.counter())).json()
    ids = [first["dossier_id"], str(uuid4()), second["dossier_id"]]
    body = {"dossier_ids": ids, "purpose": "make-document"}
    answer = await intake.post("/people/read", body, intake.service("results"))
    assert answer.status_code == 200, answer.text
    born, insured = msgspec.json.decode(answer.content, type=PeopleAnswer).people
    assert (born.code, born.tracking_token, born.facility) == (
        first["code"],
        first["tracking_token"],
        "93016",
    )
    assert born.mother is not None
    assert born.mother.identity_number == "093195530001"
    assert born.applicant.phone == CANARY_PHONE
    assert born.father is not None
    assert born.father.sex == "1"
    assert born.child is not None
    assert born.child.birth_time == "2026-11-20T08:15:00+07:00"
    assert (born.child.sex, born.child.weight_grams) == ("2", 3200)
    assert born.form["child"]["hometown"] == "Ngã Bảy, Cần Thơ"
    assert insured.applicant.identity_kind == "personal-id"
    assert insured.child is not None
    assert (insured.child.sex, insured.child.birth_time) == ("2", "2026-10-01")
    assert insured.form["residence"]["address"] == CANARY_ADDRESS
    assert insured.preferred_channel == "zalo"
    logged = await intake.rows("SELECT actor, purpose, what FROM http.read_log ORDER BY id")
    assert {tuple(row.values()) for row in logged} == {("results", "make-document", "people")}
    assert len(logged) == 2


async def test_a_contact_is_only_how_to_reach_the_applicant(intake: Intake) -> None:
    """For a message nobody needs the mother's number or the child's name."""
    first = (await intake.post("/births", birth(serial=530_002), intake.hospital())).json()
    body = {"dossier_ids": [first["dossier_id"]], "purpose": "notify"}
    answer = await intake.post("/people/read", body, intake.service("notify"))
    (contact,) = answer.json()["people"]
    assert contact["applicant"]["email"] == "canary@example.vn"
    assert contact["receiving_agency"] == first["receiving_agency"] != ""
    assert contact["mother"] is contact["child"] is None
    assert "093195530002" not in answer.text
    assert "Bảo Ngọc" not in answer.text


@pytest.mark.parametrize("channel", ["email", "none"])
async def test_the_applicant_s_choice_of_messages_is_told(intake: Intake, channel: str) -> None:
    """Also the choice to have none."""
    form = insurance_card()
    form["form"]["applicant"]["message_channel"] = channel
    handed_in = (await intake.post("/dossiers", form, intake.counter())).json()
    body = {"dossier_ids": [handed_in["dossier_id"]], "purpose": "notify"}
    (contact,) = (await intake.post("/people/read", body, intake.service("notify"))).json()["people"]
    assert contact["preferred_channel"] == channel


async def test_officers_and_the_portal_read_no_people_in_batches(intake: Intake) -> None:
    """Only the pipeline's own services may; more than 200 at once nobody."""
    body = {"dossier_ids": [], "purpose": "notify"}
    assert (await intake.post("/people/read", body, intake.counter())).status_code == 403
    assert (await intake.post("/people/read", body, intake.service("portal"))).status_code == 403
    many = {"dossier_ids": [str(uuid4()) for _ in range(201)], "purpose": "notify"}
    assert (await intake.post("/people/read", many, intake.service("notify"))).status_code == 422


async def test_anybody_with_a_code_sees_status_and_days_only(intake: Intake) -> None:
    """Code and token give the national status in Vietnamese and days, nothing else."""
    receipt = (await intake.post("/births", birth(), intake.hospital())).json()
    by_code = await intake.get(f"/status/{receipt['code']}")
    by_token = await intake.get(f"/track/{receipt['tracking_token']}")
    assert by_code.json() == by_token.json()
    assert by_code.json() == {
        "status": 2,
        "status_name": "Được tiếp nhận",
        "received_at": "2026-11-23T02:00:00Z",
        "appointment_at": "2026-11-27T10:00:00Z",
        "ended_at": None,
        "lacking": False,
    }


async def test_the_end_of_a_code_stands_for_a_dossier_of_each_agency(intake: Intake) -> None:
    """A receipt's number without its agency is answered with every dossier it can be, and no person."""
    receipt = (await intake.post("/births", birth(), intake.hospital())).json()
    code = receipt["code"]
    (found,) = (await intake.get(f"/status?code={code[-11:].replace('-', '%20')}")).json()["statuses"]
    shop = {"code": code, "agency": receipt["receiving_agency_name"]}
    assert found == {**(await intake.get(f"/status/{code}")).json(), **shop}
    for nothing in ("000101-0001", "%25", "%F0%9F%91%B6", "0" * 200, ""):
        assert (await intake.get(f"/status?code={nothing}")).json() == {"statuses": []}


async def test_an_unknown_code_takes_as_long_as_a_known_one(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of an answer does not tell whether a dossier exists."""
    monkeypatch.setattr(api_public, "ANSWER_SECONDS", 0.05)
    receipt = (await intake.post("/births", birth(), intake.hospital())).json()
    spent: dict[str, list[float]] = {receipt["code"]: [], "313.40.00.H13-261123-9999": []}
    for _ in range(4):
        for code, times in spent.items():
            began = time.perf_counter()
            await intake.get(f"/status/{code}")
            times.append(time.perf_counter() - began)
    known, unknown = (median(times) for times in spent.values())
    assert min(known, unknown) >= 0.05
    assert abs(known - unknown) < 0.02


async def test_whoever_asks_too_often_is_told_to_wait(intake: Intake) -> None:
    """Trying codes is stopped after the burst with 429 and Retry-After."""
    answers = [await intake.get(f"/track/{uuid4().hex}") for _ in range(9)]
    assert [answer.status_code for answer in answers] == [404] * 8 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_likely_duplicate_is_flagged_and_decided_by_a_human(intake: Intake) -> None:
    """The same mother a day later under another certificate: taken, flagged, listed, decided once."""
    first = (await intake.post("/births", birth(serial=540_001), intake.hospital())).json()
    again = birth(
        serial=540_001, certificate__number="888888", child__birth_time="2026-11-21T09:00:00", child__order=1
    )
    second = (await intake.post("/births", again, intake.hospital())).json()
    assert (first["likely_duplicate"], second["likely_duplicate"]) == (False, True)
    received = (await intake.events(second["dossier_id"]))[0][1]
    assert received["likely_duplicate"] is True
    listed = (await intake.get("/duplicates", intake.counter())).json()["pairs"]
    assert [(p["dossier_id"], p["other_id"]) for p in listed] == [(second["dossier_id"], first["dossier_id"])]
    assert (await intake.get("/duplicates", intake.counter(OTHER_WARD))).json()["pairs"] == []
    where = f"/duplicates/{second['dossier_id']}/{first['dossier_id']}"
    assert (
        await intake.post(where, {"decision": "different"}, intake.counter(OTHER_WARD))
    ).status_code == 404
    decided = await intake.post(where, {"decision": "different"}, intake.counter())
    assert (decided.status_code, decided.json()["likely_duplicate"]) == (200, False)
    assert (await intake.post(where, {"decision": "same"}, intake.counter())).status_code == 409
    assert (await intake.get("/duplicates", intake.counter())).json()["pairs"] == []
    listing = (await intake.get("/dossiers", intake.counter())).json()["dossiers"]
    assert [line["likely_duplicate"] for line in listing] == [False, False]


async def test_a_birth_by_form_is_compared_too(intake: Intake) -> None:
    """Without the mother's number and the certificate's book it is taken, and flagged beside the hospital's birth."""
    first = (await intake.post("/births", birth(serial=540_003), intake.hospital())).json()
    mother = birth(serial=540_003)["mother"]
    form = {
        "applicant": {"name": "Phạm Thị Canary"},
        "child": {"sex": "female", "birth_time": "2026-11-20T09:00"},
        "mother": {"name": mother["name"]},
        "medical_certificate": {"number": "777", "issued_on": "2026-11-21", "facility_code": "93016"},
    }
    body = {"procedure": "1.001193", "form": form, "components": [], "unit": "31340"}
    second = (await intake.post("/dossiers", body, intake.counter())).json()
    assert second["likely_duplicate"] is True
    listed = (await intake.get("/duplicates", intake.counter())).json()["pairs"]
    assert [(p["dossier_id"], p["other_id"]) for p in listed] == [(second["dossier_id"], first["dossier_id"])]


async def test_twins_a_hospital_hands_in_by_forms_are_two_births(intake: Intake) -> None:
    """The forms need not name the facility that hands them in; two certificates of it are two children."""
    form = {
        "applicant": {"name": "Phạm Thị Canary"},
        "child": {"sex": "female", "birth_time": "2026-11-20T09:00", "children_this_birth": 2},
        "mother": {"name": "Phạm Thị Canary", "identity": {"number": "093195000777"}},
    }
    twins = []
    for number in ("771", "772"):
        certificate = {"number": number, "book": "01/2026", "issued_on": "2026-11-21"}
        body = {
            "procedure": "1.001193",
            "form": {**form, "medical_certificate": certificate},
            "unit": "31340",
        }
        twins.append(await intake.post("/dossiers", body, intake.hospital()))
    assert [twin.status_code for twin in twins] == [201, 201]
    assert not any(twin.json()["likely_duplicate"] for twin in twins)


async def test_a_correction_that_makes_two_births_alike_flags_them(intake: Intake) -> None:
    """Once, with the corrected dossier first; what a human found different is not asked again."""
    first = (await intake.post("/births", birth(serial=540_004), intake.hospital())).json()
    second = (await intake.post("/births", birth(serial=540_005), intake.hospital())).json()
    body = {
        "changes": [{"path": "mother.name", "value": birth(serial=540_004)["mother"]["name"]}],
        "explanation": "Ghi nhầm họ tên mẹ",
    }
    where = f"/dossiers/{second['dossier_id']}"
    assert (await intake.post(f"{where}/corrections", body, intake.hospital())).status_code == 200
    read = await intake.get(where, intake.counter(), purpose="check-dossier")
    assert read.json()["dossier"]["likely_duplicate"] is True
    listed = (await intake.get("/duplicates", intake.counter())).json()["pairs"]
    assert [(p["dossier_id"], p["other_id"]) for p in listed] == [(second["dossier_id"], first["dossier_id"])]
    pair = f"/duplicates/{second['dossier_id']}/{first['dossier_id']}"
    assert (await intake.post(pair, {"decision": "different"}, intake.counter())).status_code == 200
    body["changes"] = [{"path": "child.weight_g", "value": 3333}]
    assert (await intake.post(f"{where}/corrections", body, intake.hospital())).status_code == 200
    assert (await intake.get("/duplicates", intake.counter())).json()["pairs"] == []


async def test_who_has_to_compare_two_births_reads_both_files(intake: Intake) -> None:
    """A pair received by two agencies: each opens the other's file, recorded, until the pair is decided."""
    first = (await intake.post("/births", birth(serial=540_006), intake.hospital())).json()
    moved = {"province_code": "92", "commune_code": "31411", "as_of": "2026-11-20", "address": "Khu vực 1"}
    again = birth(
        serial=540_006,
        certificate__number="888889",
        child__birth_time="2026-11-21T09:00:00",
        mother__residence=moved,
    )
    second = (await intake.post("/births", again, intake.hospital())).json()
    assert (first["receiving_agency"], second["receiving_agency"]) == (WARD, OTHER_WARD)
    others = ((second, intake.counter()), (first, intake.counter(OTHER_WARD)))
    for dossier, officer in others:
        read = await intake.get(f"/dossiers/{dossier['dossier_id']}", officer, purpose="check-dossier")
        assert read.status_code == 200
    logged = await intake.rows("SELECT agency, dossier_id::text AS dossier FROM http.read_log ORDER BY id")
    assert [tuple(row.values()) for row in logged] == [
        (WARD, second["dossier_id"]),
        (OTHER_WARD, first["dossier_id"]),
    ]
    where = f"/dossiers/{second['dossier_id']}"
    assert (await intake.get(where, intake.police(), purpose="check-dossier")).status_code == 404
    assert (await intake.post(f"{where}/withdrawal", {}, intake.counter())).status_code == 404
    pair = f"/duplicates/{second['dossier_id']}/{first['dossier_id']}"
    assert (await intake.post(pair, {"decision": "different"}, intake.counter())).status_code == 200
    for dossier, officer in others:
        read = await intake.get(f"/dossiers/{dossier['dossier_id']}", officer, purpose="check-dossier")
        assert read.status_code == 404


async def test_pairs_of_one_dossier_are_paged_through_one_by_one(intake: Intake) -> None:
    """A birth that looks like three others: no pair is skipped at the edge of a page."""
    for number in range(3):
        like = birth(
            serial=540_007,
            certificate__number=f"99999{number}",
            child__birth_time=f"2026-11-20T0{number}:00:00",
        )
        answer = await intake.post("/births", like, intake.hospital())
        assert answer.status_code == 201, answer.text
    seen: list[tuple[str, str]] = []
    mark: str | None = ""
    while mark is not None:
        page = (await intake.get(f"/duplicates?limit=1&after={mark}", intake.counter())).json()
        seen += [(pair["dossier_id"], pair["other_id"]) for pair in page["pairs"]]
        mark = page["after"]
    assert len(seen) == len(set(seen)) == 3
    assert (await intake.get("/duplicates?after=x", intake.counter())).status_code == 422


async def test_only_the_services_that_hand_in_read_whole_files(intake: Intake) -> None:
    """The portal and the gateway read what they handed in; the others have people in batches and nothing more."""
    first = (await intake.post("/births", birth(serial=540_008), intake.hospital())).json()
    where = f"/dossiers/{first['dossier_id']}"
    for path in (where, f"{where}/attachments/1"):
        for service in ("results", "notify"):
            answer = await intake.get(path, intake.service(service), purpose="make-document")
            assert answer.status_code == 403
    assert (await intake.get(where, intake.service("portal"), purpose="check-dossier")).status_code == 200


async def test_what_a_merged_ward_received_is_handled_by_its_heir(intake: Intake) -> None:
    """Taken in at Lái Hiếu in June 2025, withdrawn at the new ward; the other new ward sees nothing of it."""
    intake.set_time(datetime(2025, 6, 27, 2, tzinfo=UTC))
    receipt = (await intake.post("/dossiers", certified_copy(), intake.counter("one-stop-31341"))).json()
    where = f"/dossiers/{receipt['dossier_id']}"
    early = await intake.get(where, intake.counter(), purpose="check-dossier")
    assert early.status_code == 404
    intake.set_time(datetime(2025, 7, 2, 2, tzinfo=UTC))
    heir, other = intake.counter(), intake.counter(OTHER_WARD)
    assert (await intake.get(where, heir, purpose="check-dossier")).status_code == 200
    assert (await intake.get(where, other, purpose="check-dossier")).status_code == 404
    listed = [(await intake.get("/dossiers", officer)).json()["dossiers"] for officer in (heir, other)]
    assert [[line["code"] for line in lines] for lines in listed] == [[receipt["code"]], []]
    assert (await intake.post(f"{where}/withdrawal", {}, other)).status_code == 404
    assert (await intake.post(f"{where}/withdrawal", {}, heir)).status_code == 200


async def test_births_a_split_desk_received_are_compared_by_their_heir(intake: Intake) -> None:
    """Of the wards that followed the city's desk only the one whose births they are lists, reads and decides."""
    intake.set_time(datetime(2025, 6, 27, 2, tzinfo=UTC))
    births = []
    for hour in ("08:15", "09:30"):
        form = {
            "applicant": {"name": "Phạm Thị Canary"},
            "child": {"sex": "female", "birth_time": f"2025-06-25T{hour}"},
            "mother": {"name": "Phạm Thị Canary"},
        }
        body = {"procedure": "1.001193", "form": form, "unit": "31340"}
        answer = await intake.post("/dossiers", body, intake.counter("one-stop-nga-bay-city"))
        births.append(answer.json()["dossier_id"])
    first, second = births
    intake.set_time(datetime(2025, 7, 2, 2, tzinfo=UTC))
    heir, other = intake.counter(), intake.counter(OTHER_WARD)
    listed = [(await intake.get("/duplicates", officer)).json()["pairs"] for officer in (heir, other)]
    assert [[pair["dossier_id"] for pair in pairs] for pairs in listed] == [[second], []]
    read = await intake.get(f"/dossiers/{first}", other, purpose="check-dossier")
    assert read.status_code == 404
    for officer, status in ((other, 404), (heir, 200)):
        answer = await intake.post(f"/duplicates/{second}/{first}", {"decision": "different"}, officer)
        assert answer.status_code == status
