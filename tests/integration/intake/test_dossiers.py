"""A dossier by its form, and everything that may be done with it at the desk."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.bus.handling import Change, Received
from libs.contracts.event import Envelope, Event
from libs.contracts.routing import DossierSettled, StepAssigned
from services.intake import store
from services.intake.handlers import HANDLERS
from tests.integration.intake.conftest import MORNING, OTHER_WARD, WARD, Intake
from tests.integration.intake.samples import birth, certified_copy, insurance_card


async def hear(intake: Intake, dossier_id: str, event: Event) -> None:
    """Let intake hear an event as its consumer does: load, decide, save."""
    one = UUID(dossier_id)
    envelope = Envelope(
        id=uuid4(), source="routing", type=event.SUBJECT, dossier_id=one, time=MORNING, sequence=1
    )
    async with intake.office.writer.transaction() as connection:
        states = await store.load(connection, [one])
        received = Received(event=event, envelope=envelope, now=MORNING)
        decision = HANDLERS[type(event)](states.get(one), received, None)
        assert decision.state is not None
        await store.save(connection, [Change(dossier_id=one, before=states.get(one), after=decision.state)])


async def handed_in(intake: Intake, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """The receipt of a dossier that must be taken."""
    answer = await intake.post("/dossiers", body, headers)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


async def test_a_counter_takes_a_certified_copy(intake: Intake) -> None:
    """At the counter a complete dossier is accepted, due the same day, with the fee of the catalogue."""
    receipt = await handed_in(intake, certified_copy(), intake.counter())
    assert (receipt["status"], receipt["receiving_agency"]) == (2, WARD)
    assert receipt["appointment_at"] == "2026-11-23T10:00:00Z"
    assert receipt["fee_vnd"] is None
    assert "2.000 đồng/trang" in receipt["fee_text"]
    accepted = (await intake.events(receipt["dossier_id"]))[1][1]
    assert accepted["unit"] == "31340"
    assert accepted["results"] == [
        {"code": "certified_copy", "delivery": "counter", "place": WARD, "copies": 1}
    ]


async def test_the_portal_hands_in_online_and_the_counter_accepts(intake: Intake) -> None:
    """An online dossier is new until an officer accepts it; the term begins with the acceptance."""
    receipt = await handed_in(intake, insurance_card(), intake.service("portal"))
    assert receipt["status"] == 1
    intake.set_time(MORNING + timedelta(days=2))
    answer = await intake.post(f"/dossiers/{receipt['dossier_id']}/accept", {}, intake.counter())
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == 2
    assert answer.json()["appointment_at"] == "2026-12-02T10:00:00Z"
    again = await intake.post(f"/dossiers/{receipt['dossier_id']}/accept", {}, intake.counter())
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (certified_copy(procedure="9.999999"), "procedure"),
        (certified_copy(form={"applicant": {"name": "A"}}), "form.documents"),
        (certified_copy(components=["passport"]), "components[0]"),
        (certified_copy(options={"speed": True}), "options.speed"),
        (certified_copy(channel="online"), "channel"),
        (insurance_card(unit="99999"), "unit"),
        (insurance_card(results=[{"code": "insurance_card", "delivery": "pigeon"}]), "results[0].delivery"),
    ],
)
async def test_what_is_wrong_with_a_dossier_is_named(
    intake: Intake, body: dict[str, Any], field: str
) -> None:
    """Unknown procedures, missing fields, foreign papers, options and places are each a 422 with their field."""
    answer = await intake.post("/dossiers", body, intake.counter())
    assert answer.status_code == 422, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}


async def test_a_hospital_the_catalogue_does_not_know_hands_nothing_in(intake: Intake) -> None:
    """It is told so; a certificate of another hospital is named too."""
    form: dict[str, Any] = {
        "applicant": {"name": "Phạm Thị Canary"},
        "child": {"sex": "female", "birth_time": "2026-11-20T08:15"},
    }
    body = {
        "procedure": "3.000722",
        "form": form,
        "options": {"residence": False},
        "components": ["declaration", "medical_certificate"],
        "unit": "31340",
    }
    unknown = await intake.post("/dossiers", body, intake.hospital("93999"))
    assert unknown.status_code == 422, unknown.text
    assert [error["code"] for error in unknown.json()["errors"]] == ["facility-unknown"]
    form["medical_certificate"] = {"number": "1", "issued_on": "2026-11-21", "facility_code": "93007"}
    foreign = await intake.post("/dossiers", body, intake.hospital())
    assert [error["code"] for error in foreign.json()["errors"]] == ["facility-other"]


async def test_identifiers_inside_a_form_are_checked(intake: Intake) -> None:
    """A card number whose year of birth is another, and a phone that is none, are named and not repeated."""
    body = insurance_card()
    body["form"]["applicant"] |= {"birth_date": "1980-01-01", "phone": "0112345678"}
    answer = await intake.post("/dossiers", body, intake.counter())
    assert answer.status_code == 422
    found = {(error["field"], error["code"]) for error in answer.json()["errors"]}
    assert ("form.applicant.identity.number", "personal_number.year") in found
    assert ("form.applicant.phone", "phone.shape") in found
    assert "093195000777" not in answer.text


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("residence", "unit_code", "99999"),
        ("child", "birth_date", "2027-01-01"),
        ("applicant", "name", "Hoa\u202e"),
        ("child", "personal_id", "\uff10\uff19\uff12326000123"),
    ],
)
async def test_what_a_form_says_must_be_possible(intake: Intake, part: str, name: str, value: str) -> None:
    """A commune there never was, a day to come, a hidden sign, digits of another script: named, and never stored."""
    body = insurance_card()
    body["form"][part][name] = value
    answer = await intake.post("/dossiers", body, intake.counter())
    assert answer.status_code == 422, answer.text
    assert f"form.{part}.{name}" in {error["field"] for error in answer.json()["errors"]}


async def test_the_form_of_a_birth_and_the_hospitals_declaration_are_one_birth(intake: Intake) -> None:
    """A parent who hands the same birth in at the counter is shown the hospital's dossier."""
    first = (await intake.post("/births", birth(serial=510_001), intake.hospital())).json()
    form = {
        "applicant": {"name": "Phạm Thị Canary"},
        "child": {"sex": "female", "birth_time": "2026-11-20T08:15", "order_in_birth": 1},
        "mother": {"name": "Ai Đó", "identity": {"kind": "citizen_id", "number": "093195510001"}},
        "medical_certificate": {
            "number": "other",
            "book": "02",
            "issued_on": "2026-11-21",
            "facility_code": "93016",
        },
    }
    body = {"procedure": "1.001193", "form": form, "components": [], "unit": "31340"}
    answer = await intake.post("/dossiers", body, intake.counter())
    assert answer.status_code == 409, answer.text
    assert answer.json()["dossier_id"] == first["dossier_id"]


async def test_a_refused_dossier_frees_its_birth(intake: Intake) -> None:
    """A refused dossier is at status 3 for good, and the same birth may be declared again."""
    elsewhere = {
        "address": "Nhà ông bà",
        "province_code": "92",
        "commune_code": "31411",
        "as_of": "2026-11-20",
    }
    declared = birth(choices={"residence_to_register": elsewhere})
    first = (await intake.post("/births", declared, intake.hospital())).json()
    body = {"reason": "wrong-agency", "explanation": "Không thuộc thẩm quyền"}
    by_hospital = await intake.post(f"/dossiers/{first['dossier_id']}/refuse", body, intake.hospital())
    assert by_hospital.status_code == 403
    answer = await intake.post(f"/dossiers/{first['dossier_id']}/refuse", body, intake.counter())
    assert (answer.status_code, answer.json()["status"]) == (200, 3)
    subject, said = (await intake.events(first["dossier_id"]))[-1]
    assert (subject, said["reason"]) == ("intake.dossier-refused.v1", "wrong-agency")
    again = await intake.post("/births", declared, intake.hospital())
    assert again.status_code == 201, again.text


async def test_a_withdrawn_dossier_frees_its_birth_and_stays_withdrawn(intake: Intake) -> None:
    """Withdrawal ends the dossier (status 7), once; the birth is free when its case has ended too."""
    declared = birth()
    first = (await intake.post("/births", declared, intake.hospital())).json()
    where, key = f"/dossiers/{first['dossier_id']}/withdrawal", str(uuid4())
    answer = await intake.post(where, {}, intake.hospital(), key=key)
    assert (answer.status_code, answer.json()["status"]) == (200, 7)
    assert (await intake.post(where, {}, intake.hospital(), key=key)).content == answer.content
    assert (await intake.post(where, {}, intake.hospital())).status_code == 409
    # An agency may just be deciding: until the case has ended by the withdrawal, the birth is taken.
    assert (await intake.post("/births", declared, intake.hospital())).status_code == 409
    withdrawn = DossierSettled(outcome="withdrawn", status=7, settled_at=MORNING, on_time=True)
    await hear(intake, first["dossier_id"], withdrawn)
    assert (await intake.post("/births", declared, intake.hospital())).status_code == 201


async def test_a_withdrawal_that_came_too_late_frees_nothing(intake: Intake) -> None:
    """When the agency had already granted, the decision stands and the birth stays taken."""
    declared = birth()
    first = (await intake.post("/births", declared, intake.hospital())).json()
    await intake.post(f"/dossiers/{first['dossier_id']}/withdrawal", {}, intake.hospital())
    granted = DossierSettled(outcome="granted", status=9, settled_at=MORNING, on_time=True)
    await hear(intake, first["dossier_id"], granted)
    assert (await intake.get(f"/status/{first['code']}")).json()["status"] == 9
    assert (await intake.post("/births", declared, intake.hospital())).status_code == 409


async def test_a_case_refused_by_its_agency_frees_the_birth_too(intake: Intake) -> None:
    """When routing settles a case as stopped, the birth may be declared again."""
    declared = birth()
    first = (await intake.post("/births", declared, intake.hospital())).json()
    await hear(
        intake,
        first["dossier_id"],
        DossierSettled(outcome="refused", status=8, settled_at=MORNING, on_time=True),
    )
    assert (await intake.get(f"/status/{first['code']}")).json()["status"] == 8
    assert (await intake.post("/births", declared, intake.hospital())).status_code == 201


async def test_a_correction_makes_a_new_version_and_tells_only_which_field(intake: Intake) -> None:
    """A corrected name is checked, stored beside the old one, and announced by its path."""
    first = (await intake.post("/births", birth(), intake.hospital())).json()
    where = f"/dossiers/{first['dossier_id']}"
    body = {
        "changes": [{"path": "child.intended_name", "value": "Trần Canary Bảo Châu"}],
        "explanation": "Gia đình đổi tên dự định",
    }
    answer = await intake.post(f"{where}/corrections", body, intake.hospital())
    assert answer.status_code == 200, answer.text
    subject, said = (await intake.events(first["dossier_id"]))[-1]
    assert (subject, said["fields"]) == ("intake.dossier-corrected.v1", ["child.intended_name"])
    assert "Canary" not in str(said)
    read = (await intake.get(where, intake.counter(), purpose="check-dossier")).json()
    assert read["file"]["child"]["intended_name"] == "Trần Canary Bảo Châu"
    assert (read["file_version"], read["dossier"]["corrections"]) == (2, 1)
    same = await intake.post(f"{where}/corrections", body, intake.hospital())
    assert same.status_code == 409


async def test_a_correction_made_from_an_older_file_is_refused_once_the_file_says_something_else(
    intake: Intake,
) -> None:
    """Who corrects what a colleague has corrected meanwhile is told; an explanation added meanwhile does not count."""
    first = (await intake.post("/births", birth(), intake.hospital())).json()
    where = f"/dossiers/{first['dossier_id']}"

    def correction(path: str, value: str, version: int) -> dict[str, Any]:
        changes = [{"path": path, "value": value}]
        return {"changes": changes, "explanation": "Khai nhầm", "file_version": version}

    named = await intake.post(
        f"{where}/corrections", correction("child.intended_name", "Trần Bảo Châu", 1), intake.hospital()
    )
    assert named.status_code == 200, named.text
    late = correction("child.intended_name", "Trần Bảo Ngọc", 1)
    for body in (late, correction("mother.name", "Trần Thị Năm", 7)):
        answer = await intake.post(f"{where}/corrections", body, intake.hospital())
        assert answer.status_code == 409, answer.text
        told = answer.json()
        assert told["type"] == "urn:mot-cua:problem:file-changed"
        assert (told["title"], told["file_version"]) == ("Hồ sơ vừa được người khác sửa", 2)
    read = (await intake.get(where, intake.counter(), purpose="check-dossier")).json()
    assert (read["file"]["child"]["intended_name"], read["file_version"]) == ("Trần Bảo Châu", 2)
    nonsense = await intake.post(f"{where}/corrections", late | {"file_version": 0}, intake.hospital())
    assert nonsense.status_code in (400, 422)
    await intake.rows(
        """
        INSERT INTO file (dossier_id, version, kind, content, written_by, reason)
        SELECT dossier_id, version + 1, kind, content, written_by, 'giải thích' FROM file WHERE version = 2
        RETURNING version
        """
    )
    same = await intake.post(f"{where}/corrections", late | {"file_version": 2}, intake.hospital())
    assert same.status_code == 200, same.text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mother.residence.commune_code", "31411"),
        ("choices.register_residence", False),
        ("mother.birth_date", "1895-01-01"),
        ("child.favourite_colour", "đỏ"),
        ("child.sex", "nữ"),
        ("nobody.name", "x"),
        ("Nguyễn Văn Canary", "x"),
    ],
)
async def test_a_correction_that_may_not_be_is_refused(intake: Intake, path: str, value: Any) -> None:
    """What decides the agency, breaks a rule, or is no field of the declaration is a 422; the file stays as it was."""
    first = (await intake.post("/births", birth(), intake.hospital())).json()
    body = {"changes": [{"path": path, "value": value}], "explanation": "Thử"}
    answer = await intake.post(f"/dossiers/{first['dossier_id']}/corrections", body, intake.hospital())
    assert answer.status_code == 422, answer.text
    assert "Canary" not in answer.text
    assert (await intake.rows("SELECT max(version) AS n FROM file"))[0]["n"] == 1


async def test_a_correction_into_another_birth_is_a_duplicate(intake: Intake) -> None:
    """Correcting a certificate number to one that is known is a 409 with that dossier."""
    known = (await intake.post("/births", birth(serial=520_001), intake.hospital())).json()
    first = (await intake.post("/births", birth(serial=520_002), intake.hospital())).json()
    body = {"changes": [{"path": "certificate.number", "value": "520001"}], "explanation": "Ghi nhầm số"}
    answer = await intake.post(f"/dossiers/{first['dossier_id']}/corrections", body, intake.hospital())
    assert answer.status_code == 409, answer.text
    assert answer.json()["dossier_id"] == known["dossier_id"]
    repeated = await intake.post("/births", birth(serial=520_002), intake.hospital())
    assert repeated.json()["dossier_id"] == first["dossier_id"]


async def test_only_who_has_to_do_with_a_dossier_reads_it(intake: Intake) -> None:
    """Another agency sees 404 until a step is assigned to it; each read needs a purpose and is recorded."""
    first = (await intake.post("/births", birth(), intake.hospital())).json()
    where = f"/dossiers/{first['dossier_id']}"
    assert (await intake.get(where, intake.police(), purpose="settle-step")).status_code == 404
    assert (await intake.get(where, intake.counter(OTHER_WARD), purpose="audit")).status_code == 404
    assert (await intake.get(where, intake.hospital("93007"), purpose="audit")).status_code == 404
    assert (await intake.get(where, intake.counter())).status_code == 400
    await hear(
        intake,
        first["dossier_id"],
        StepAssigned(step="register_residence", agency="police-31340-2025", assigned_at=MORNING),
    )
    read = await intake.get(where, intake.police(), purpose="settle-step")
    assert read.status_code == 200
    assert read.json()["file"]["mother"]["document"]["number"].startswith("093195")
    # The token opens the family's own page: only who gave it to them is told it.
    assert read.json()["dossier"]["token"] == ""
    assert (await intake.post(f"{where}/withdrawal", {}, intake.police())).status_code == 403
    logged = await intake.rows("SELECT actor, agency, purpose, what FROM http.read_log")
    assert [(r["agency"], r["purpose"], r["what"]) for r in logged] == [
        ("police-31340-2025", "settle-step", "file")
    ]
    whole = await intake.get(where, intake.counter(), purpose="check-dossier")
    assert first["link"].endswith(whole.json()["dossier"]["token"])
    assert whole.json()["dossier"]["token"]


async def test_lists_show_my_dossiers_only_and_name_nobody(intake: Intake) -> None:
    """A counter and a hospital each page through their own, newest first; codes and states, no person."""
    codes = [(await intake.post("/births", birth(), intake.hospital())).json()["code"] for _ in range(3)]
    await handed_in(intake, certified_copy(), intake.counter(OTHER_WARD))
    first = (await intake.get("/dossiers?limit=2", intake.counter())).json()
    assert [line["code"] for line in first["dossiers"]] == codes[:0:-1]
    second = (await intake.get(f"/dossiers?limit=2&before={first['before']}", intake.counter())).json()
    assert [line["code"] for line in second["dossiers"]] == codes[:1]
    assert second["before"] is None
    hospital = await intake.get("/dossiers?status=2,4", intake.hospital())
    assert len(hospital.json()["dossiers"]) == 3
    assert "Canary" not in hospital.text
    assert (await intake.get("/dossiers", intake.hospital("93007"))).json()["dossiers"] == []
    assert (await intake.get("/dossiers", intake.police())).status_code == 403
