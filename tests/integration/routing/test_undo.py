"""Taking back what was just done by mistake, over HTTP on a real database: by whom, how long, and what is said."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.routing import ClockResumed, StepAssigned, StepReleased, SupplementWithdrawn
from services.routing.case import Officer
from services.routing.rules import Numbers
from tests.integration.routing.conftest import Office
from tests.integration.routing.http_desk import ONE_STOP, Desk, desk
from tests.unit.routing.samples import BIRTH, CIVIL, POLICE, RESIDENCE, accepted

__all__ = ["desk"]
pytestmark = pytest.mark.timeout(60)

COLLEAGUE = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
LEADER = Officer(subject="officer-10", agency=CIVIL.agency, role="leader")
ASK = {"reason": "missing-paper", "fields": ["mother.name"]}


def why(answer: Any) -> tuple[int, str]:
    """The status and the code of a refusal."""
    return answer.status_code, str(answer.json()["type"]).rpartition(":")[2]


async def act(desk: Desk, by: Officer, dossier: UUID, path: str, body: Any = None) -> Any:
    """An act on the birth registration."""
    return await desk.post(by, f"/cases/{dossier}/steps/{BIRTH}/{path}", body or {})


async def test_a_step_begun_by_mistake_is_put_back(office: Office, desk: Desk) -> None:
    """Its officer or a leader puts it back, a colleague cannot; it is said, and told in the timeline."""
    dossier = await office.open()
    await act(desk, CIVIL, dossier, "start")
    assert why(await act(desk, COLLEAGUE, dossier, "undo-start")) == (409, "done-by-another")
    undone = await act(desk, CIVIL, dossier, "undo-start")
    assert (undone.status_code, undone.json()["state"]) == (200, "assigned")
    assert isinstance((await office.said(dossier))[-1], StepReleased)
    assert why(await act(desk, CIVIL, dossier, "undo-start")) == (409, "not-the-last-act")
    await act(desk, COLLEAGUE, dossier, "start")
    assert (await act(desk, LEADER, dossier, "undo-start")).status_code == 200
    seen = (await desk.get(CIVIL, f"/cases/{dossier}")).json()
    assert [e["words"] for e in seen["timeline"] if e["what"] == "undo-start"] == [
        "Hoàn tác bắt đầu xử lý"
    ] * 2


async def test_a_return_is_taken_back_while_nobody_has_gone_on(office: Office, desk: Desk) -> None:
    """The agency has its step again as it was; once the counter has given it away, it has not."""
    dossier = await office.open()
    await act(desk, CIVIL, dossier, "start")
    before = (await office.case(dossier)).step(BIRTH)
    await act(desk, CIVIL, dossier, "return", {"reason": "wrong-ward"})
    listed = (await desk.get(CIVIL, f"/cases/{dossier}/desk")).json()["steps"]
    assert [[a["act"] for a in step["acts"]] for step in listed] == [["undo-return"]]
    assert (await desk.get(COLLEAGUE, f"/cases/{dossier}/desk")).status_code == 404
    assert (await act(desk, POLICE, dossier, "undo-return")).status_code == 404
    taken = await act(desk, CIVIL, dossier, "undo-return")
    assert (taken.status_code, taken.json()["state"], taken.json()["agency"]) == (
        200,
        "started",
        CIVIL.agency,
    )
    after = (await office.case(dossier)).step(BIRTH)
    assert before is not None
    assert after is not None
    assert (after.clock, after.started_by, after.declined_by) == (before.clock, before.started_by, ())
    said = (await office.said(dossier))[-1]
    assert isinstance(said, StepAssigned)
    assert (said.agency, said.due_at) == (CIVIL.agency, before.due_at)

    await act(desk, CIVIL, dossier, "return", {"reason": "wrong-ward"})
    await act(desk, ONE_STOP, dossier, "assign", {"agency": "civil-status-31411-2025"})
    assert (await act(desk, CIVIL, dossier, "undo-return")).status_code == 404


async def test_a_return_to_another_agency_is_taken_back_until_that_begins(office: Office, desk: Desk) -> None:
    """As long as the other agency has not begun it, the step can come back; then it is theirs."""
    other = Officer(subject="officer-11", agency="civil-status-31411-2025", role="civil_status")
    dossier = await office.open()
    given = {"reason": "wrong-ward", "to": other.agency}
    await act(desk, CIVIL, dossier, "return", given)
    assert (await act(desk, CIVIL, dossier, "undo-return")).status_code == 200
    assert (await act(desk, other, dossier, "start")).status_code == 404
    await act(desk, CIVIL, dossier, "return", given)
    await act(desk, other, dossier, "start")
    assert (await act(desk, CIVIL, dossier, "undo-return")).status_code == 404


async def test_a_request_for_papers_is_taken_back_with_its_stop(office: Office, desk: Desk) -> None:
    """The clocks run as if there had been none, and both that and the withdrawal are said."""
    dossier = await office.open(accepted(datetime.now(UTC)))
    before = await office.case(dossier)
    await desk.post(CIVIL, f"/cases/{dossier}/supplement-requests", ASK)
    assert why(await act(desk, COLLEAGUE, dossier, "undo-supplement-request")) == (409, "done-by-another")
    assert (await act(desk, CIVIL, dossier, "undo-supplement-request")).status_code == 200
    after = await office.case(dossier)
    assert (after.clock, after.appointment, after.steps[0].clock) == (
        before.clock,
        before.appointment,
        before.steps[0].clock,
    )
    assert after.open_supplement is None
    withdrawn, resumed = (await office.said(dossier))[-2:]
    assert isinstance(withdrawn, SupplementWithdrawn)
    assert isinstance(resumed, ClockResumed)
    assert (withdrawn.request, resumed.due_at) == (1, before.clock.due_at)
    timeline = (await desk.get(ONE_STOP, f"/cases/{dossier}")).json()["timeline"]
    assert "supplemented" not in [entry["what"] for entry in timeline]
    # The next request is a new one.
    again = await desk.post(CIVIL, f"/cases/{dossier}/supplement-requests", ASK)
    assert again.status_code == 200
    assert [s.number for s in (await office.case(dossier)).supplements] == [1, 2]


async def test_a_stop_is_taken_back(office: Office, desk: Desk) -> None:
    """The clock of the step has what it had."""
    dossier = await office.open(accepted(datetime.now(UTC)))
    before = await office.case(dossier)
    path = f"/cases/{dossier}/pauses"
    assert (await desk.post(CIVIL, path, {"reason": "fee", "step": BIRTH})).status_code == 200
    assert (await act(desk, CIVIL, dossier, "undo-pause")).status_code == 200
    after = await office.case(dossier)
    assert (after.clock, after.steps[0].clock) == (before.clock, before.steps[0].clock)
    assert isinstance((await office.said(dossier))[-1], ClockResumed)


async def test_after_some_minutes_it_is_too_late(
    office: Office, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What families and clocks may have followed stands; a start can be put back all day."""
    monkeypatch.setattr(office.rules, "numbers", Numbers(undo_minutes=0))
    dossier = await office.open()
    await act(desk, CIVIL, dossier, "start")
    await desk.post(CIVIL, f"/cases/{dossier}/supplement-requests", ASK)
    assert why(await act(desk, CIVIL, dossier, "undo-supplement-request")) == (409, "too-late-to-undo")
    assert why(await act(desk, CIVIL, dossier, "undo-start")) == (409, "not-the-last-act")
    other = await office.open()
    await act(desk, CIVIL, other, "start")
    assert (await act(desk, CIVIL, other, "undo-start")).status_code == 200


async def test_what_has_effect_in_law_is_not_undone(office: Office, desk: Desk) -> None:
    """There is no way back from a completion or a refusal, and a stale or unknown step is refused."""
    dossier = await office.open()
    for undo in ("undo-complete", "undo-refuse"):
        assert (await act(desk, CIVIL, dossier, undo)).status_code == 404
    await act(desk, CIVIL, dossier, "start")
    assert why(await act(desk, CIVIL, dossier, "undo-start", {"version": 1})) == (409, "version-changed")
    path = f"/cases/{dossier}/steps/{RESIDENCE}/undo-start"
    assert (await desk.post(CIVIL, path, {})).status_code == 404
    assert (await act(desk, CIVIL, dossier, "undo-start", {"surprise": 1})).status_code == 422


async def test_who_comes_second_is_told_who_was_first(office: Office, desk: Desk) -> None:
    """A stale version says that a colleague has changed the step: when, by which account, and which version is now."""
    dossier = await office.open()
    await act(desk, CIVIL, dossier, "start")
    await desk.post(CIVIL, f"/cases/{dossier}/supplement-requests", ASK)
    body = {"reason": "wrong-ward", "version": 1}
    problem = (await act(desk, LEADER, dossier, "return", body)).json()
    assert problem["type"].endswith(":version-changed")
    assert (problem["by"], problem["role"], problem["move"]) == (
        CIVIL.subject,
        CIVIL.role,
        "supplement-request",
    )
    assert "Đồng nghiệp" in problem["detail"]
    assert int(problem["version"]) > 1
    assert problem["at"]
    stale = await act(desk, LEADER, dossier, "complete", {"outcome": {}, "version": 1})
    assert stale.json()["by"] == CIVIL.subject
