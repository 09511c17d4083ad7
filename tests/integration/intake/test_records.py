"""What a desk prints of a dossier, and who has looked into it."""

from uuid import UUID

from libs.bus.handling import Change
from services.intake import store
from services.intake.dossier import step_assigned
from tests.integration.intake.conftest import OTHER_WARD, Intake
from tests.integration.intake.samples import birth, certified_copy, insurance_card


async def test_a_desk_gets_everything_its_printed_forms_say(intake: Intake) -> None:
    """Applicant, papers with their numbers, appointment, fee, results, names of agencies, who took it."""
    receipt = (await intake.post("/dossiers", insurance_card(), intake.counter())).json()
    where = f"/dossiers/{receipt['dossier_id']}/paper-facts"
    answer = await intake.get(where, intake.counter(), purpose="check-dossier")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["code"], told["link"], told["procedure"]) == (receipt["code"], receipt["link"], "1.014137")
    assert told["applicant"]["name"] == "Phạm Thị Canary"
    assert told["applicant"]["phone"] == "0912345678"
    assert (told["subject"], told["subject_kind"]) == ("Trần Canary Bảo Ngọc", "child")
    assert {p["code"]: (p["originals"] + p["copies"] > 0, p["state"]) for p in told["components"]}[
        "declaration"
    ] == (True, "given")
    assert told["received_by"] == "clerk-one-stop-31340-2025"
    assert told["receiving_agency_name"] == "Trung tâm Phục vụ hành chính công phường Ngã Bảy"
    assert told["receiving_agency_address"] == "Phường Ngã Bảy, thành phố Cần Thơ"
    assert told["appointment_text"] == receipt["appointment_text"]
    assert [result["code"] for result in told["results"]] == [r["code"] for r in receipt["results"]]
    assert all(result["name"] != result["code"] for result in told["results"])
    logged = await intake.rows("SELECT actor, purpose, what FROM http.read_log")
    assert [tuple(row.values()) for row in logged] == [
        ("clerk-one-stop-31340-2025", "check-dossier", "paper-facts")
    ]


async def test_what_lacks_and_why_it_was_refused_can_be_printed(intake: Intake) -> None:
    """The slip that asks for papers, then the refusal with its explanation."""
    receipt = (await intake.post("/dossiers", certified_copy(components=[]), intake.counter())).json()
    where = f"/dossiers/{receipt['dossier_id']}/paper-facts"
    told = (await intake.get(where, intake.counter(), purpose="supplement")).json()
    states = {p["code"]: p["state"] for p in told["components"]}
    assert states == {"original": "missing", "copies": "not-needed"}
    assert [thing["code"] for thing in told["asked"]["things"]] == ["original"]
    refusal = {"reason": "not-competent", "explanation": "Không thuộc thẩm quyền của phường"}
    refused = await intake.post(f"/dossiers/{receipt['dossier_id']}/refuse", refusal, intake.counter())
    assert refused.status_code == 200, refused.text
    told = (await intake.get(where, intake.counter(), purpose="check-dossier")).json()
    assert (told["status"], told["reason"], told["explanation"]) == (3, *refusal.values())
    assert told["asked"] is None


async def test_an_agency_prints_what_it_tells_the_applicant(intake: Intake) -> None:
    """While it has a step: applicant and papers, neither link nor results; an agency without one finds nothing."""
    receipt = (await intake.post("/dossiers", insurance_card(), intake.counter())).json()
    dossier_id = UUID(receipt["dossier_id"])
    where = f"/dossiers/{dossier_id}/paper-facts"
    async with intake.office.writer.transaction() as connection:
        before = (await store.load(connection, [dossier_id]))[dossier_id]
        after = step_assigned(before, "issue_insurance_card", "police-31340-2025")
        await store.save(connection, [Change(dossier_id=dossier_id, before=before, after=after)])
    answer = await intake.get(where, intake.police(), purpose="settle-step")
    assert answer.status_code == 200, answer.text
    told, whole = answer.json(), (await intake.get(where, intake.counter(), purpose="check-dossier")).json()
    assert told == whole | {"link": "", "results": [], "received_by": ""}
    assert whole["link"]
    assert told["applicant"]["name"] == "Phạm Thị Canary"
    token = whole["link"].rpartition("/")[2]
    assert token not in answer.text
    elsewhere = intake.police("police-31411-2025")
    assert (await intake.get(where, elsewhere, purpose="settle-step")).status_code == 404
    logged = await intake.rows("SELECT actor, what FROM http.read_log WHERE purpose = 'settle-step'")
    assert [tuple(row.values()) for row in logged] == [("officer-police-31340-2025", "paper-facts")]


async def test_only_who_has_to_do_with_a_dossier_prints_it(intake: Intake) -> None:
    """A stranger finds nothing; a purpose must be stated."""
    receipt = (await intake.post("/births", birth(), intake.hospital())).json()
    where = f"/dossiers/{receipt['dossier_id']}/paper-facts"
    assert (await intake.get(where, intake.hospital(), purpose="hand-over")).status_code == 200
    assert (await intake.get(where, intake.counter(OTHER_WARD), purpose="check-dossier")).status_code == 404
    assert (await intake.get(where, intake.police(), purpose="settle-step")).status_code == 404
    assert (await intake.get(where, intake.counter())).status_code == 400


async def test_who_looked_is_told_to_the_desk_and_to_auditors(intake: Intake) -> None:
    """Newest first, with the purpose in words; looking at that is itself recorded."""
    receipt = (await intake.post("/births", birth(), intake.hospital())).json()
    dossier = f"/dossiers/{receipt['dossier_id']}"
    await intake.get(dossier, intake.hospital(), purpose="hand-over")
    await intake.get(dossier, intake.counter(), purpose="check-dossier")
    told = (await intake.get(f"{dossier}/reads", intake.counter())).json()
    assert [(r["actor"], r["purpose"], r["what"]) for r in told["reads"]] == [
        ("clerk-one-stop-31340-2025", "check-dossier", "file"),
        ("midwife-93016", "hand-over", "file"),
    ]
    assert told["reads"][0]["purpose_text"] == "Kiểm tra, tiếp nhận hồ sơ tại bộ phận một cửa"
    assert told["before"] is None
    audited = (await intake.get(f"{dossier}/reads?limit=1", intake.auditor())).json()
    assert [(r["actor"], r["what"]) for r in audited["reads"]] == [("clerk-one-stop-31340-2025", "reads")]
    older = (await intake.get(f"{dossier}/reads?before={audited['before']}", intake.auditor())).json()
    assert [r["what"] for r in older["reads"]] == ["file", "file"]
    assert (await intake.get(f"{dossier}/reads", intake.counter(OTHER_WARD))).status_code == 404
    for stranger in (intake.hospital(), intake.police(), intake.service("portal")):
        assert (await intake.get(f"{dossier}/reads", stranger)).status_code == 403
