"""Papers and data handed in later: at reception, and when an officer asked for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from libs.contracts.routing import SupplementRequested
from tests.integration.intake.conftest import MORNING, Intake
from tests.integration.intake.samples import insurance_card
from tests.integration.intake.test_dossiers import handed_in, hear


async def test_missing_papers_are_supplemented_and_the_dossier_accepted(intake: Intake) -> None:
    """A dossier without its papers waits (status 1); when the last one comes the counter has accepted it."""
    receipt = await handed_in(intake, insurance_card(components=["declaration"]), intake.counter())
    where = f"/dossiers/{receipt['dossier_id']}"
    assert (receipt["missing"], receipt["status"]) == (["birth_certificate"], 1)
    early = await intake.post(f"{where}/accept", {}, intake.counter())
    assert early.status_code == 409
    wrong = await intake.post(f"{where}/supplements", {"components": ["declaration"]}, intake.counter())
    assert wrong.status_code == 409
    intake.set_time(MORNING + timedelta(days=2))
    answer = await intake.post(
        f"{where}/supplements", {"components": ["birth_certificate"]}, intake.counter()
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == 2
    subjects = [subject for subject, _ in await intake.events(receipt["dossier_id"])]
    assert subjects == [
        "intake.dossier-received.v1",
        "intake.dossier-supplemented.v1",
        "intake.dossier-accepted.v1",
    ]


async def test_what_an_officer_asked_for_is_supplemented(intake: Intake) -> None:
    """Papers and data asked for by routing are handed in; the file gets a new version, the event names no value."""
    receipt = await handed_in(intake, insurance_card(), intake.counter())
    dossier_id = receipt["dossier_id"]
    respond_by = datetime(2026, 12, 3, 10, tzinfo=UTC)
    await hear(
        intake,
        dossier_id,
        SupplementRequested(
            request=1,
            step="issue_insurance_card",
            components=("birth_certificate",),
            fields=("child.personal_id",),
            reason="unreadable",
            respond_by=respond_by,
            requested_at=MORNING,
        ),
    )
    body = {
        "components": ["birth_certificate"],
        "fields": [{"path": "child.personal_id", "value": "092326000123"}],
    }
    answer = await intake.post(f"/dossiers/{dossier_id}/supplements", body, intake.counter())
    assert answer.status_code == 200, answer.text
    assert answer.json()["missing"] == []
    subject, said = (await intake.events(dossier_id))[-1]
    assert subject == "intake.dossier-supplemented.v1"
    assert (said["request"], said["complete"]) == (1, True)
    assert said["components"] == ["birth_certificate", "child.personal_id"]
    read = await intake.get(f"/dossiers/{dossier_id}", intake.counter(), purpose="check-dossier")
    assert read.json()["file"]["child"]["personal_id"] == "092326000123"
    assert read.json()["file_version"] == 2


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"fields": [{"path": "applicant.name", "value": "Tên Canary"}]}, "fields[0].path", "not-asked-for"),
        ({"fields": [{"path": "child", "value": {}}]}, "fields[0].path", "not-asked-for"),
        ({"components": ["birth_certificate", "Nguyễn Văn Canary"]}, "components[1]", "unknown"),
    ],
)
async def test_a_supplement_answers_the_request_and_rewrites_nothing_else(
    intake: Intake, body: dict[str, Any], field: str, code: str
) -> None:
    """Data nobody asked for, the object above what was, a paper the procedure does not have: 422, all stays."""
    receipt = await handed_in(intake, insurance_card(), intake.counter())
    dossier_id = receipt["dossier_id"]
    asked = SupplementRequested(
        request=1,
        step="issue_insurance_card",
        components=("birth_certificate",),
        fields=("child.personal_id",),
        reason="unreadable",
        respond_by=datetime(2026, 12, 3, 10, tzinfo=UTC),
        requested_at=MORNING,
    )
    await hear(intake, dossier_id, asked)
    body = {"components": ["birth_certificate"], **body}
    answer = await intake.post(f"/dossiers/{dossier_id}/supplements", body, intake.counter())
    assert answer.status_code == 422, answer.text
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(field, code)]
    assert "Canary" not in answer.text
    assert (await intake.rows("SELECT max(version) AS n FROM file"))[0]["n"] == 1
    kept = await intake.rows("SELECT convert_from(state, 'UTF8') AS state FROM dossier")
    assert "Canary" not in kept[0]["state"]


@pytest.mark.parametrize(
    ("path", "value"), [("child.name", "Trần Canary Bảo Ngọc"), ("child.personal_id", None)]
)
async def test_what_the_file_says_already_answers_nothing(
    intake: Intake, path: str, value: str | None
) -> None:
    """The same value again, or nothing where nothing was: 422, and the request stays open."""
    receipt = await handed_in(intake, insurance_card(), intake.counter())
    asked = SupplementRequested(
        request=1,
        step="issue_insurance_card",
        components=(),
        fields=(path,),
        reason="unreadable",
        respond_by=datetime(2026, 12, 3, 10, tzinfo=UTC),
        requested_at=MORNING,
    )
    await hear(intake, receipt["dossier_id"], asked)
    body = {"fields": [{"path": path, "value": value}]}
    where = f"/dossiers/{receipt['dossier_id']}"
    answer = await intake.post(f"{where}/supplements", body, intake.counter())
    assert answer.status_code == 422, answer.text
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [("fields[0].value", "unchanged")]
    read = await intake.get(where, intake.counter(), purpose="check-dossier")
    assert (read.json()["status"], read.json()["file_version"]) == (5, 1)
