"""Declaring a birth: receipt, events, idempotency, duplicates, the mother's card."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.integration.intake.conftest import MORNING, OTHER_HOSPITAL, OTHER_WARD, WARD, Intake
from tests.integration.intake.samples import birth


async def test_a_birth_becomes_an_accepted_dossier_with_a_receipt(intake: Intake) -> None:
    """A hospital's birth is received and accepted at once, with a code, a token and the appointment in Vietnamese."""
    answer = await intake.post("/births", birth(), intake.hospital())
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert re.fullmatch(r"313\.40\.00\.H13-261123-0001", receipt["code"])
    assert len(receipt["tracking_token"]) >= 22
    assert receipt["link"] == f"https://motcua.example.vn/h/{receipt['tracking_token']}"
    assert receipt["procedure"] == "3.000722"
    assert receipt["receiving_agency"] == WARD
    assert receipt["status"] == 2
    assert receipt["appointment_at"] == "2026-11-27T10:00:00Z"  # 24 November is a day off
    assert "17 giờ 00, thứ Sáu ngày 27/11/2026" in receipt["appointment_text"]
    assert receipt["fee_vnd"] == 0
    assert [paper["given"] for paper in receipt["components"]] == [True, True]
    assert answer.headers["location"] == f"/dossiers/{receipt['dossier_id']}"
    events = await intake.events(receipt["dossier_id"])
    assert [subject for subject, _ in events] == ["intake.dossier-received.v1", "intake.dossier-accepted.v1"]
    accepted = events[1][1]
    assert (accepted["unit"], accepted["unit_as_of"], accepted["facility"]) == (
        "31340",
        "2026-11-20",
        "93016",
    )
    assert accepted["options"]["identity_card"] is False
    assert {r["code"]: (r["delivery"], r.get("place", "")) for r in accepted["results"]} == {
        "birth_certificate": ("hospital", "hospital-93016"),
        "residence_notice": ("electronic", ""),
        "insurance_card": ("hospital", "hospital-93016"),
    }


async def test_after_three_in_the_afternoon_the_term_begins_the_next_working_day(intake: Intake) -> None:
    """Received at 15:01, the appointment is a working day later than at 15:00."""
    appointments = []
    for minute in (0, 1):
        intake.set_time(MORNING.replace(hour=8, minute=minute))
        answer = await intake.post("/births", birth(), intake.hospital())
        appointments.append(answer.json()["appointment_at"])
    assert appointments == ["2026-11-27T10:00:00Z", "2026-11-30T10:00:00Z"]


async def test_a_residence_under_an_old_code_reaches_the_new_ward(intake: Intake) -> None:
    """A mother whose commune was merged in 2025 is served by the ward it became."""
    old = {"address": "Lái Hiếu", "province_code": "93", "commune_code": "31341", "as_of": "2024-05-01"}
    answer = await intake.post("/births", birth(mother__residence=old), intake.hospital())
    assert answer.status_code == 201, answer.text
    assert answer.json()["receiving_agency"] == WARD


@pytest.mark.parametrize(
    ("code", "province", "expected"),
    [("99999", "92", "commune-unknown"), ("00097", "01", "commune-not-served")],
)
async def test_a_commune_nobody_serves_is_refused_by_field(
    intake: Intake, code: str, province: str, expected: str
) -> None:
    """An unknown commune, or one outside the city, is a 422 that names the field and never the value."""
    home = {"address": "Ở xa", "province_code": province, "commune_code": code, "as_of": "2026-11-20"}
    answer = await intake.post("/births", birth(mother__residence=home), intake.hospital())
    assert answer.status_code == 422
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [
        ("mother.residence.commune_code", expected)
    ]


async def test_the_same_key_gives_the_same_bytes_and_one_dossier(intake: Intake) -> None:
    """A repetition, also ten at once, answers the same; another payload under the key is refused."""
    declared, key = birth(), str(uuid4())
    answers = await asyncio.gather(
        *(intake.post("/births", declared, intake.hospital(), key=key) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    again = await intake.post("/births", declared, intake.hospital(), key=key)
    assert again.content == answers[0].content
    assert again.headers["idempotency-replayed"] == "true"
    other = await intake.post("/births", birth(), intake.hospital(), key=key)
    assert other.status_code == 422
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 1


async def test_a_write_without_a_key_is_refused(intake: Intake) -> None:
    """Every write needs an Idempotency-Key."""
    answer = await intake.post("/births", birth(), {**intake.hospital(), "Idempotency-Key": ""})
    assert answer.status_code == 400


async def test_the_same_birth_twice_answers_with_the_first_dossier(intake: Intake) -> None:
    """The same certificate, or the same mother, minute and order, is a 409 with a link and no person."""
    declared = birth(serial=500_001)
    first = (await intake.post("/births", declared, intake.hospital())).json()
    same_mother = birth(serial=500_001, certificate__number="999999")
    same_certificate = birth(serial=500_002, certificate__number="500001")
    for repeated in (declared, same_mother, same_certificate):
        answer = await intake.post("/births", repeated, intake.hospital())
        assert answer.status_code == 409, answer.text
        problem = answer.json()
        assert problem["type"].endswith(":duplicate-birth")
        assert problem["dossier"] == answer.headers["location"] == f"/dossiers/{first['dossier_id']}"
        assert problem["code"] == first["code"]
        assert "Canary" not in answer.text
        assert "093195" not in answer.text


async def test_of_many_declarations_of_one_birth_at_once_one_wins(intake: Intake) -> None:
    """Eight desks declaring the same birth at the same moment make one dossier and seven 409 with its link."""
    declared = birth()
    answers = await asyncio.gather(*(intake.post("/births", declared, intake.hospital()) for _ in range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 7
    won = next(answer.json()["dossier_id"] for answer in answers if answer.status_code == 201)
    links = {answer.json()["dossier_id"] for answer in answers if answer.status_code == 409}
    assert links == {won}
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 1


async def test_a_declaration_can_be_checked_without_being_handed_in(intake: Intake) -> None:
    """Every problem, errors and warnings, each with the fields it rests on; nothing is kept, also of a good one."""
    good = await intake.post("/births/check", birth(), intake.hospital())
    assert (good.status_code, good.json()) == (200, {"problems": []})
    wrong = birth(child__sex=7, child__weight_g=450, mother__birth_date="2020-03-08", certificate__number="")
    answer = await intake.post("/births/check", wrong, intake.hospital())
    found = {(p["field"], p["code"]): p for p in answer.json()["problems"]}
    assert {("child.sex", "sex-code"), ("certificate.number", "required")} <= set(found)
    assert found["child.weight_g", "weight-unusual"]["severity"] == "warning"
    assert found["mother.birth_date", "age-impossible"]["also"] == ["child.birth_time"]
    refused = (await intake.post("/births", wrong, intake.hospital())).json()["errors"]
    stopping = {(p["field"], p["code"]) for p in answer.json()["problems"] if p["severity"] == "error"}
    assert stopping == {(error["field"], error["code"]) for error in refused}
    assert (await intake.post("/births/check", birth(), intake.police())).status_code == 403
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 0


async def test_a_duplicate_takes_no_number(intake: Intake) -> None:
    """The running number of the day has no holes from refused duplicates."""
    declared = birth()
    await intake.post("/births", declared, intake.hospital())
    await intake.post("/births", declared, intake.hospital())
    third = await intake.post("/births", birth(), intake.hospital())
    assert third.json()["code"].endswith("-0002")


async def test_twins_are_two_dossiers_and_no_duplicates(intake: Intake) -> None:
    """Two children of one mother and minute, told apart by order, are neither refused nor flagged."""
    twins = [
        birth(serial=600_001, child__count=2, child__order=order, certificate__number=f"60000{order}")
        for order in (1, 2)
    ]
    answers = [await intake.post("/births", twin, intake.hospital()) for twin in twins]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert not any(answer.json()["likely_duplicate"] for answer in answers)


async def _until_taken(intake: Intake, declared: dict[str, Any]) -> httpx.Response:
    """Declare a birth as a hospital's queue does: told to come back (503), it comes back under the same key."""
    key = str(uuid4())
    for _ in range(20):
        answer = await intake.post("/births", declared, intake.hospital(), key=key)
        if answer.status_code != 503:
            break
    return answer


async def test_two_hundred_births_at_once_get_two_hundred_codes(intake: Intake) -> None:
    """Codes are unique and without holes, per agency, however many come at once."""
    homes = {WARD: "31340", OTHER_WARD: "31411"}
    wanted = [birth(mother__residence__commune_code=homes[(WARD, OTHER_WARD)[i % 2]]) for i in range(200)]
    answers = await asyncio.gather(*(_until_taken(intake, one) for one in wanted))
    assert {answer.status_code for answer in answers} == {201}
    for prefix in ("313.40.00.H13", "314.11.00.H13"):
        codes = sorted(c for a in answers if (c := a.json()["code"]).startswith(prefix))
        assert codes == [f"{prefix}-261123-{number:04d}" for number in range(1, 101)]


async def test_the_code_grows_beyond_four_digits(intake: Intake) -> None:
    """The ten-thousandth dossier of a day gets five digits instead of failing."""
    await intake.post("/births", birth(), intake.hospital())
    await intake.rows("UPDATE code_counter SET last = 9999")
    answer = await intake.post("/births", birth(), intake.hospital())
    assert answer.json()["code"] == "313.40.00.H13-261123-10000"


async def test_a_card_that_differs_needs_a_reason(intake: Intake) -> None:
    """A mother's card unlike the certificate is refused with the differences; with a reason it is taken and flagged."""
    declared = birth(serial=700_001)
    declared["card"] = {"number": "093195700001", "name": "Người Khác", "birth_date": "1995-03-08"}
    refused = await intake.post("/births", declared, intake.hospital())
    assert refused.status_code == 422
    assert refused.json()["type"].endswith(":card-differs")
    assert [error["field"] for error in refused.json()["errors"]] == ["card.name"]
    assert "Người Khác" not in refused.text
    declared["override_reason"] = "Thẻ cấp trước khi cải chính họ tên"
    taken = await intake.post("/births", declared, intake.hospital())
    assert taken.status_code == 201, taken.text
    dossier_id = taken.json()["dossier_id"]
    read = await intake.get(f"/dossiers/{dossier_id}", intake.hospital(), purpose="check-dossier")
    assert read.json()["dossier"]["flags"] == ["card-name-differs"]
    notes = await intake.rows("SELECT reason FROM file WHERE dossier_id = $1::uuid", dossier_id)
    assert notes[0]["reason"] == "Thẻ cấp trước khi cải chính họ tên"


async def test_an_identity_that_was_typed_is_flagged_for_the_registrar(intake: Intake) -> None:
    """The hospital's form says so when no card was read; a card that was read leaves no such flag."""
    typed = birth(serial=700_002) | {"identity_typed": True}
    taken = await intake.post("/births", typed, intake.hospital())
    assert taken.status_code == 201, taken.text
    path = f"/dossiers/{taken.json()['dossier_id']}"
    read = await intake.get(path, intake.hospital(), purpose="check-dossier")
    assert read.json()["dossier"]["flags"] == ["identity-typed"]


async def test_a_certificate_of_another_hospital_is_refused(intake: Intake) -> None:
    """A hospital declares only births it certified."""
    answer = await intake.post("/births", birth(), intake.hospital(OTHER_HOSPITAL))
    assert answer.status_code == 422
    assert "certificate.facility_code" in {error["field"] for error in answer.json()["errors"]}


async def test_chosen_results_are_checked_and_decide_the_branches(intake: Intake) -> None:
    """Choosing the identity card adds its step; a way of delivery that does not exist is named."""
    choices = {"results": [{"code": "identity_card", "delivery": "counter", "place": WARD}]}
    answer = await intake.post("/births", birth(choices=choices), intake.hospital())
    events = await intake.events(answer.json()["dossier_id"])
    assert events[1][1]["options"]["identity_card"] is True
    assert "identity_card" in {result["code"] for result in events[1][1]["results"]}
    wrong = {"results": [{"code": "identity_card", "delivery": "electronic"}]}
    answer = await intake.post("/births", birth(choices=wrong), intake.hospital())
    assert [error["field"] for error in answer.json()["errors"]] == ["choices.results[0].delivery"]


async def test_a_child_registered_elsewhere_waits_for_papers(intake: Intake) -> None:
    """Where neither parent lives, residence papers are needed: received, not accepted, and the receipt says why."""
    elsewhere = {
        "address": "Nhà ông bà",
        "province_code": "92",
        "commune_code": "31411",
        "as_of": "2026-11-20",
    }
    answer = await intake.post(
        "/births", birth(choices={"residence_to_register": elsewhere}), intake.hospital()
    )
    receipt = answer.json()
    assert (receipt["missing"], receipt["status"]) == (["residence_papers"], 1)
    assert receipt["appointment_text"].startswith("Hồ sơ còn thiếu: ")
    assert len(await intake.events(receipt["dossier_id"])) == 1


async def test_no_event_and_no_queue_holds_a_person(intake: Intake) -> None:
    """Names, numbers, phones and addresses stay in files: not in events, keys, codes or states."""
    declared = birth(serial=800_001)
    await intake.post("/births", declared, intake.hospital())
    await intake.post("/births", declared, intake.hospital())
    said = b"".join(bytes(row["payload"]) for row in await intake.rows("SELECT payload FROM bus.outbox"))
    kept = str(await intake.rows("SELECT *, convert_from(state, 'UTF8') AS told FROM dossier"))
    keys = str(await intake.rows("SELECT * FROM natural_key")) + str(
        await intake.rows("SELECT * FROM likely_key")
    )
    answers = str(await intake.rows("SELECT convert_from(body, 'UTF8') FROM http.idempotency"))
    for canary in ("Canary", "canary@", "093195800001", "0912345678", "Lê Thị Mai"):
        assert canary.encode() not in said
        assert canary not in kept + keys + answers


async def test_strangers_may_not_declare(intake: Intake) -> None:
    """Without a token 401; with a role that has nothing to do with reception 403."""
    assert (await intake.post("/births", birth(), {})).status_code == 401
    assert (await intake.post("/births", birth(), intake.police())).status_code == 403
    assert (await intake.post("/births", birth(), intake.service("results"))).status_code == 403
