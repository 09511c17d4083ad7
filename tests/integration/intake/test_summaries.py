"""Dossiers in a few words for the lists of officers."""

from uuid import uuid4

from tests.integration.intake.conftest import OTHER_WARD, WARD, Intake
from tests.integration.intake.samples import birth, certified_copy, insurance_card


async def test_an_officer_sees_what_the_agency_has_to_do_with(intake: Intake) -> None:
    """In the order asked, with the people's names; who may not read finds nothing, not even that it exists."""
    born = (await intake.post("/births", birth(child__intended_name=""), intake.hospital())).json()
    copied = (await intake.post("/dossiers", certified_copy(), intake.counter())).json()
    insured = (await intake.post("/dossiers", insurance_card(), intake.counter())).json()
    ids = [insured["dossier_id"], str(uuid4()), born["dossier_id"], copied["dossier_id"], born["dossier_id"]]
    query = {"dossier_ids": ids, "purpose": "check-dossier"}
    answer = await intake.post("/dossiers/summaries", query, intake.counter())
    assert answer.status_code == 200, answer.text
    card, birth_line, copy = answer.json()["summaries"]
    assert [card["code"], birth_line["code"], copy["code"]] == [insured["code"], born["code"], copied["code"]]
    assert (card["applicant"], card["subject"], card["subject_kind"]) == (
        "Phạm Thị Canary",
        "Trần Canary Bảo Ngọc",
        "child",
    )
    assert birth_line["subject_kind"] == "mother"
    assert birth_line["subject"] == birth_line["applicant"]
    assert (copy["subject"], copy["subject_kind"]) == ("", "")
    assert copy["procedure_name"] != copy["procedure"] == "2.000815"
    assert (birth_line["channel"], copy["channel"]) == ("hospital", "counter")
    assert copy["receiving_agency"] == WARD
    assert copy["receiving_agency_name"] == "Trung tâm Phục vụ hành chính công phường Ngã Bảy"
    logged = await intake.rows("SELECT purpose, what, dossier_id::text FROM http.read_log")
    assert {row["dossier_id"] for row in logged} == {r["dossier_id"] for r in (born, copied, insured)}
    assert {(row["purpose"], row["what"]) for row in logged} == {("check-dossier", "summary")}
    for stranger in (intake.counter(OTHER_WARD), intake.police()):
        assert (await intake.post("/dossiers/summaries", query, stranger)).json() == {"summaries": []}
    own = (await intake.post("/dossiers/summaries", query, intake.hospital())).json()["summaries"]
    assert [line["code"] for line in own] == [born["code"]]


async def test_what_is_still_missing_is_said(intake: Intake) -> None:
    """A dossier that waits for a paper names it."""
    receipt = (await intake.post("/dossiers", certified_copy(components=[]), intake.counter())).json()
    query = {"dossier_ids": [receipt["dossier_id"]], "purpose": "supplement"}
    (line,) = (await intake.post("/dossiers/summaries", query, intake.counter())).json()["summaries"]
    assert line["missing"] == receipt["missing"] == ["original"]


async def test_an_unknown_purpose_or_too_many_are_refused(intake: Intake) -> None:
    """A read without a reason that a citizen could be told is no read; services have lists of their own."""
    known = {"dossier_ids": [], "purpose": "check-dossier"}
    refused = await intake.post("/dossiers/summaries", {**known, "purpose": "curious"}, intake.counter())
    assert refused.status_code == 422
    assert "curious" not in refused.text
    many = {**known, "dossier_ids": [str(uuid4()) for _ in range(201)]}
    assert (await intake.post("/dossiers/summaries", many, intake.counter())).status_code == 422
    assert (await intake.post("/dossiers/summaries", known, intake.service("results"))).status_code == 403
