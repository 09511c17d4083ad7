"""Forms an officer writes for somebody: where each value came from, and that it was read back."""

from typing import Any

import pytest

from tests.integration.intake.conftest import Intake
from tests.integration.intake.samples import certified_copy, insurance_card

SAID = {
    "applicant.name": "scanned",
    "applicant.phone": "read-out",
    "child.name": "read-out",
    "residence.address": "typed",
}


async def shown(intake: Intake, dossier_id: str) -> dict[str, Any]:
    """The file as the counter sees it."""
    answer = await intake.get(f"/dossiers/{dossier_id}", intake.counter(), purpose="check-dossier")
    told: dict[str, Any] = answer.json()
    return told


async def test_the_file_says_where_its_values_came_from(intake: Intake) -> None:
    """Kept with the version, shown in the file, in no event."""
    body = insurance_card(provenance=SAID, read_back=True)
    answer = await intake.post("/dossiers", body, intake.counter())
    assert answer.status_code == 201, answer.text
    dossier_id = answer.json()["dossier_id"]
    told = await shown(intake, dossier_id)
    assert (told["provenance"], told["read_back"]) == (SAID, True)
    assert "scanned" not in str(await intake.events(dossier_id))


async def test_a_corrected_value_has_lost_its_origin(intake: Intake) -> None:
    """The other values keep theirs; what was changed was not read back."""
    body = insurance_card(provenance=SAID, read_back=True)
    dossier_id = (await intake.post("/dossiers", body, intake.counter())).json()["dossier_id"]
    changes = {
        "changes": [{"path": "applicant.phone", "value": "0987654321"}],
        "explanation": "Ghi nhầm số điện thoại",
    }
    answer = await intake.post(f"/dossiers/{dossier_id}/corrections", changes, intake.counter())
    assert answer.status_code == 200, answer.text
    told = await shown(intake, dossier_id)
    assert told["provenance"] == {path: how for path, how in SAID.items() if path != "applicant.phone"}
    assert (told["read_back"], told["file_version"]) == (False, 2)


async def test_a_note_in_the_file_s_history_changes_nothing_of_it(intake: Intake) -> None:
    """A refusal writes a version with the same data: what was read back stays read back."""
    body = certified_copy(components=[], provenance={"applicant.name": "scanned"}, read_back=True)
    dossier_id = (await intake.post("/dossiers", body, intake.counter())).json()["dossier_id"]
    refusal = {"reason": "not-competent", "explanation": "Không thuộc thẩm quyền"}
    assert (await intake.post(f"/dossiers/{dossier_id}/refuse", refusal, intake.counter())).status_code == 200
    told = await shown(intake, dossier_id)
    assert (told["file_version"], told["provenance"], told["read_back"]) == (
        2,
        {"applicant.name": "scanned"},
        True,
    )


async def test_who_says_nothing_has_said_nothing(intake: Intake) -> None:
    """Forms without provenance are taken as ever."""
    dossier_id = (await intake.post("/dossiers", certified_copy(), intake.counter())).json()["dossier_id"]
    told = await shown(intake, dossier_id)
    assert (told["provenance"], told["read_back"]) == ({}, False)


@pytest.mark.parametrize(
    "provenance",
    [
        {"applicant.shoe_size": "typed"},
        {"'; DROP TABLE file; --": "typed"},
        {"applicant.name": "guessed"},
        {"": "typed"},
        {f"documents.{n}.name": "typed" for n in range(201)},
        ["applicant.name"],
    ],
)
async def test_what_the_form_does_not_know_is_refused(intake: Intake, provenance: Any) -> None:
    """Unknown fields, unknown origins, too many: nothing is stored and nothing of it is repeated."""
    answer = await intake.post("/dossiers", certified_copy(provenance=provenance), intake.counter())
    assert answer.status_code == 422
    assert "DROP" not in answer.text
    assert await intake.rows("SELECT FROM dossier") == []
