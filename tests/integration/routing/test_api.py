"""The officers' API over HTTP on a real database: who may do what, said in which words, once per key."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.bus.writer import Writer
from libs.contracts.routing import StepAssigned
from services.routing.case import Officer
from services.routing.renumbering import Renumbering
from tests.integration.routing.conftest import BIRTH_OUTCOME, Office, actor, birth
from tests.integration.routing.http_desk import ONE_STOP, Desk, desk
from tests.unit.routing.samples import CIVIL, POLICE, accepted

__all__ = ["desk"]

pytestmark = pytest.mark.timeout(60)


async def test_an_officer_takes_a_step_from_the_list_to_its_completion(office: Office, desk: Desk) -> None:
    """The list shows the step with its version; start and complete with it succeed, the timeline tells both."""
    dossier = await office.open()
    listed = (await desk.get(CIVIL, "/steps")).json()["steps"]
    assert [(row["dossier_id"], row["step"], row["state"]) for row in listed] == [
        (str(dossier), "register_birth", "assigned")
    ]
    path = f"/cases/{dossier}/steps/register_birth"
    started = await desk.post(CIVIL, f"{path}/start", {"version": listed[0]["version"]})
    assert (started.status_code, started.json()["state"]) == (200, "started")
    done = await desk.post(
        CIVIL, f"{path}/complete", {"outcome": BIRTH_OUTCOME, "version": started.json()["version"]}
    )
    assert done.status_code == 200, done.text
    assert done.json()["status"] == 4
    seen = (await desk.get(CIVIL, f"/cases/{dossier}")).json()
    assert seen["status_name"] == "Đang xử lý"
    acts = [(entry["what"], entry.get("role")) for entry in seen["timeline"]]
    assert ("start", "civil_status") in acts
    assert ("complete", "civil_status") in acts
    assert "officer-1" not in str(seen)
    assert "Nguyễn An" not in str(seen)
    # To colleagues who say what for, and to nobody else, it is told who did it.
    told = {}
    for agency in (CIVIL, ONE_STOP):
        case = (await desk.get(agency, f"/cases/{dossier}", purpose="settle-step")).json()
        told[agency] = {entry.get("by", "") for entry in case["timeline"] if entry["what"] == "complete"}
    assert told == {CIVIL: {"officer-1"}, ONE_STOP: {""}}


async def test_the_second_officer_is_told_who_was_first(office: Office, desk: Desk) -> None:
    """A colleague who begins the same step gets 409 with the time, the role and the account of the first."""
    dossier = await office.open()
    path = f"/cases/{dossier}/steps/register_birth/start"
    await desk.post(CIVIL, path, {})
    other = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
    refused = await desk.post(other, path, {})
    problem = refused.json()
    assert refused.status_code == 409
    assert problem["type"].endswith(":step-taken")
    assert (problem["role"], problem["by"]) == ("civil_status", "officer-1")
    assert problem["at"]


async def test_of_two_officers_at_the_same_moment_one_has_the_step(office: Office, desk: Desk) -> None:
    """Two officers who begin a step at the same moment get one 200 and one 409."""
    other = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
    for _ in range(5):
        path = f"/cases/{await office.open()}/steps/register_birth/start"
        answers = await asyncio.gather(desk.post(CIVIL, path, {}), desk.post(other, path, {}))
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_leader_may_finish_what_an_officer_began(office: Office, desk: Desk) -> None:
    """Another officer cannot complete a step somebody began; a leader of the agency can."""
    dossier = await office.open()
    path = f"/cases/{dossier}/steps/register_birth"
    await desk.post(CIVIL, f"{path}/start", {})
    other = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
    assert (await desk.post(other, f"{path}/complete", {"outcome": BIRTH_OUTCOME})).status_code == 409
    leader = Officer(subject="officer-10", agency=CIVIL.agency, role="leader")
    done = await desk.post(leader, f"{path}/complete", {"outcome": BIRTH_OUTCOME})
    assert done.status_code == 200


async def test_a_write_is_done_once_per_key(office: Office, desk: Desk) -> None:
    """The same request with the same key is answered with the same bytes and changes nothing more."""
    dossier = await office.open()
    path, key = f"/cases/{dossier}/steps/register_birth/complete", str(uuid4())
    first = await desk.post(CIVIL, path, {"outcome": BIRTH_OUTCOME}, key=key)
    again = await desk.post(CIVIL, path, {"outcome": BIRTH_OUTCOME}, key=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert await office.pool.fetchval("SELECT count(*) FROM outcome") == 1
    anew = await desk.post(CIVIL, path, {"outcome": BIRTH_OUTCOME})
    assert anew.status_code == 409
    assert anew.json()["type"].endswith(":step-completed")


async def test_a_wrong_outcome_is_refused_field_by_field(office: Office, desk: Desk) -> None:
    """A wrong and a missing field are named in Vietnamese, without the value."""
    dossier = await office.open()
    outcome = {**BIRTH_OUTCOME, "personal_id": "SECRET-1"}
    del outcome["child_name"]
    refused = await desk.post(CIVIL, f"/cases/{dossier}/steps/register_birth/complete", {"outcome": outcome})
    assert refused.status_code == 422
    assert {e["field"] for e in refused.json()["errors"]} == {"outcome.child_name", "outcome.personal_id"}
    assert "SECRET" not in refused.text


async def test_other_agencies_find_nothing(office: Office, desk: Desk) -> None:
    """An agency without a step of the case gets 404 for reading and writing; without a token it is 401."""
    dossier = await office.open()
    path = f"/cases/{dossier}/steps/register_birth/start"
    for stranger in (POLICE, Officer(subject="x", agency="civil-status-31411-2025", role="civil_status")):
        assert (await desk.post(stranger, path, {})).status_code == 404
        assert (await desk.get(stranger, f"/cases/{dossier}")).status_code == 404
        assert (await desk.get(stranger, "/steps")).json()["steps"] == []
    wrong_role = Officer(subject="x", agency=CIVIL.agency, role="justice")
    assert (await desk.post(wrong_role, path, {})).status_code == 403
    assert (await desk.post("results", path, {})).status_code == 403
    assert (await desk._http.post(path, json={})).status_code == 401
    assert (await desk.get("results", f"/cases/{dossier}")).status_code == 403
    assert (await desk.get("portal", f"/cases/{dossier}")).status_code == 200


async def test_no_step_is_skipped_or_shown_twice_while_others_are_completed(
    office: Office, desk: Desk
) -> None:
    """Paging through the desk, a step of each page completed meanwhile and one standing still, shows each once."""
    dossiers = {str(await office.open()) for _ in range(8)}
    paused = await office.open(accepted(datetime.now(UTC)))
    dossiers.add(str(paused))
    stopped = await desk.post(CIVIL, f"/cases/{paused}/pauses", {"reason": "fee"})
    assert stopped.json()["due_at"] is None
    seen: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = (await desk.get(CIVIL, f"/steps?limit=2&after={page['next']}")).json()
        seen += [step["dossier_id"] for step in page["steps"]]
        done = page["steps"][0]["dossier_id"]
        await desk.post(CIVIL, "/steps/complete", {"steps": [item(UUID(done), str(len(seen)))]})
    assert sorted(seen) == sorted(dossiers)
    assert seen[-1] == str(paused)
    assert (await desk.get(CIVIL, "/steps?after=7")).status_code == 422


async def test_pending_steps_are_paged_alike(office: Office, desk: Desk) -> None:
    """The list of what is still to come goes on where the page ended."""
    dossiers = {str(await office.open()) for _ in range(3)}
    steps = [item(UUID(dossier), str(n + 1)) for n, dossier in enumerate(dossiers)]
    await desk.post(CIVIL, "/steps/complete", {"steps": steps})
    first = (await desk.get(CIVIL, "/steps?pending=true&limit=2")).json()
    second = (await desk.get(CIVIL, f"/steps?pending=true&limit=2&after={first['next']}")).json()
    assert second["next"] is None
    assert {step["dossier_id"] for step in (*first["steps"], *second["steps"])} == dossiers


async def test_words_of_officers_are_read_for_a_purpose_and_recorded(office: Office, desk: Desk) -> None:
    """A note is shown to its own agency and the one-stop shop, only with a purpose; each such read leaves a row."""
    dossier = await office.open()
    asked = {"reason": "missing-paper", "components": ["declaration"], "note": "Bà Mai chưa ký."}
    assert (await desk.post(CIVIL, f"/cases/{dossier}/supplement-requests", asked)).status_code == 200
    path = f"/cases/{dossier}"
    for reader in (CIVIL, ONE_STOP):
        assert "Bà Mai" not in (await desk.get(reader, path)).text
        assert "Bà Mai" in (await desk.get(reader, path, purpose="supplement")).text
    assert "Bà Mai" not in (await desk.get("portal", path, purpose="supplement")).text
    rows = await office.pool.fetch("SELECT actor, what, purpose FROM http.read_log ORDER BY actor")
    assert [tuple(row) for row in rows] == [
        ("officer-0", "case", "supplement"),
        ("officer-1", "case", "supplement"),
    ]


async def test_a_step_given_back_goes_by_the_one_stop_shop_to_another_agency(
    office: Office, desk: Desk
) -> None:
    """A step returned as not competent lies with the one-stop shop, which assigns it to a competent agency."""
    dossier = await office.open()
    path = f"/cases/{dossier}/steps/register_birth"
    returned = await desk.post(CIVIL, f"{path}/return", {"reason": "wrong-ward"})
    assert (returned.json()["state"], returned.json()["agency"]) == ("returned", ONE_STOP.agency)
    assert (await desk.post(CIVIL, f"{path}/start", {})).status_code == 404
    wrong = await desk.post(ONE_STOP, f"{path}/assign", {"agency": "police-31411-2025"})
    assert wrong.json()["type"].endswith(":not-competent")
    given = await desk.post(ONE_STOP, f"{path}/assign", {"agency": "civil-status-31411-2025"})
    assert given.status_code == 200
    assigned = [e.agency for e in await office.said(dossier) if isinstance(e, StepAssigned)]
    assert assigned == [CIVIL.agency, "civil-status-31411-2025"]


async def test_a_batch_answers_each_item(office: Office, desk: Desk) -> None:
    """An agency's own system completes many births in one request and is told what became of each."""
    dossiers = [await office.open() for _ in range(3)]
    steps = [item(dossier, str(n)) for n, dossier in enumerate([*dossiers, uuid4()], start=1)]
    steps[1]["outcome"]["register_number"] = "1"
    answer = await desk.post(CIVIL, "/steps/complete", {"steps": steps})
    assert answer.status_code == 200, answer.text
    assert [(r["status"], r.get("code", "")) for r in answer.json()["results"]] == [
        (200, ""),
        (409, "number-taken"),
        (200, ""),
        (404, "not-found"),
    ]
    too_many = await desk.post(CIVIL, "/steps/complete", {"steps": steps * 51})
    assert too_many.status_code == 422


async def test_outcomes_are_read_by_services_for_a_purpose_and_recorded(office: Office, desk: Desk) -> None:
    """A service reads outcomes in a batch with a purpose, which leaves a row; officers and others may not."""
    dossier = await office.open()
    await desk.post(CIVIL, "/steps/complete", {"steps": [item(dossier, "1")]})
    body = {"items": [{"dossier_id": str(dossier), "step": "register_birth"}], "purpose": "make-document"}
    answer = await desk.post("results", "/outcomes/read", body)
    assert answer.status_code == 200, answer.text
    [outcome] = answer.json()["outcomes"]
    assert (outcome["agency"], outcome["outcome"]["child_name"]) == (CIVIL.agency, "Nguyễn An")
    logged = await office.pool.fetchrow("SELECT actor, purpose, what, dossier_id FROM http.read_log")
    assert tuple(logged) == ("results", "make-document", "outcome", dossier)
    assert (await desk.post("results", "/outcomes/read", {"items": body["items"]})).status_code == 400
    assert (await desk.post(CIVIL, "/outcomes/read", body)).status_code == 403
    assert (await desk.post("portal", "/outcomes/read", body)).status_code == 403


def item(dossier: UUID, number: str) -> dict[str, Any]:
    outcome = {**BIRTH_OUTCOME, "register_number": number, "personal_id": ""}
    return {"dossier_id": str(dossier), "step": "register_birth", "outcome": outcome}


async def test_no_number_is_taken_before_all_of_before_are_compared(office: Office, desk: Desk) -> None:
    """While older numbers are being compared anew outcomes are answered 503; then the same number is refused."""
    first, second = await office.open(), await office.open()
    await office.complete(actor(CIVIL), birth(first, "7"))
    await office.pool.execute(
        "UPDATE outcome_key SET comparison = 1, digest = '\\x00' WHERE name = 'birth-register'"
    )
    desk.numbers_known.clear()
    url, outcome = f"/cases/{second}/steps/register_birth/complete", birth(second, "07").outcome
    early = await desk.post(CIVIL, url, {"outcome": outcome})
    assert (early.status_code, "Retry-After" in early.headers) == (503, True)
    stop = asyncio.Event()
    writer = Writer(office.pool, lambda: None)
    worker = asyncio.create_task(Renumbering(writer, office.rules, caught_up=desk.numbers_known).run(stop))
    async with asyncio.timeout(10):
        await desk.numbers_known.wait()
    stop.set()
    await worker
    late = await desk.post(CIVIL, url, {"outcome": outcome})
    assert late.status_code == 409
    assert [error["code"] for error in late.json()["errors"]] == ["number-taken"]
