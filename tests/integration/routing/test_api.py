"""The officers' API over HTTP on a real database: who may do what, said in which words, once per key."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from libs.bus.writer import Writer
from libs.contracts.routing import AppointmentMoved, DossierSettled, StepAssigned, SupplementRequested
from libs.http.app import Readiness, build_app
from libs.http.auth import TokenSigner, TokenVerifier
from libs.http.public_keys import JWKS_NAME, make_key
from services.routing import api, reading
from services.routing.case import Officer
from tests.integration.routing.conftest import BIRTH_OUTCOME, Office
from tests.integration.routing.test_timers import fire, long_ago
from tests.unit.routing.samples import CIVIL, INSURANCE, POLICE, accepted

pytestmark = pytest.mark.timeout(60)

ONE_STOP = Officer(subject="officer-0", agency="one-stop-31340-2025", role="one_stop")


class Desk:
    """HTTP as officers and services use it."""

    def __init__(self, http: httpx.AsyncClient, signers: dict[str, TokenSigner]) -> None:
        self._http = http
        self._signers = signers

    def _headers(self, by: Officer | str, key: str = "") -> dict[str, str]:
        if isinstance(by, str):
            token = self._signers[by].token("routing")
        else:
            token = self._signers["identity"].token(
                "routing", subject=by.subject, kind="officer", agency=by.agency, roles=[by.role]
            )
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(uuid4())}

    async def post(
        self, by: Officer | str, path: str, body: Any, *, key: str = "", purpose: str = ""
    ) -> httpx.Response:
        headers = self._headers(by, key) | ({"X-Purpose": purpose} if purpose else {})
        return await self._http.post(path, json=body, headers=headers)

    async def get(self, by: Officer | str, path: str, *, purpose: str = "") -> httpx.Response:
        headers = self._headers(by) | ({"X-Purpose": purpose} if purpose else {})
        return await self._http.get(path, headers=headers)


@pytest_asyncio.fixture
async def desk(office: Office, tmp_path: Path) -> AsyncIterator[Desk]:
    """The application on the office's database, called in process."""
    signers = {
        issuer: TokenSigner.from_file(issuer, make_key(issuer, tmp_path))
        for issuer in ("identity", "results", "routing", "portal")
    }

    async def ready() -> Readiness:
        return Readiness(ready=True)

    app = build_app(
        service="routing",
        version="0",
        lifespan=None,
        ready=ready,
        verifier=TokenVerifier(tmp_path / JWKS_NAME, "routing"),
    )
    app.include_router(api.router)
    app.include_router(reading.router)
    app.state.pool, app.state.writer = office.pool, Writer(office.pool, lambda: None)
    app.state.rules = office.rules
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://routing") as http:
        yield Desk(http, signers)


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


async def test_the_second_officer_is_told_who_was_first(office: Office, desk: Desk) -> None:
    """A colleague who begins the same step gets 409 with the time and the role of the first, not the name."""
    dossier = await office.open()
    path = f"/cases/{dossier}/steps/register_birth/start"
    await desk.post(CIVIL, path, {})
    other = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
    refused = await desk.post(other, path, {})
    problem = refused.json()
    assert refused.status_code == 409
    assert problem["type"].endswith(":step-taken")
    assert problem["role"] == "civil_status"
    assert problem["at"]
    assert "officer-1" not in refused.text


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
    assert (await desk.get("results", f"/cases/{dossier}")).status_code == 200


async def test_missing_papers_are_asked_for_once_and_all_together(office: Office, desk: Desk) -> None:
    """A supplement request stops the clocks (status 5); a second open one and unknown papers are refused."""
    # Accepted now: a clock that has run out does not stop any more.
    dossier = await office.open(accepted(datetime.now(UTC)))
    path = f"/cases/{dossier}/supplement-requests"
    unknown = await desk.post(CIVIL, path, {"reason": "incomplete", "components": ["no_such_paper"]})
    assert unknown.status_code == 422
    asked = await desk.post(
        CIVIL, path, {"reason": "incomplete", "components": ["declaration"], "note": "Ký tên."}
    )
    assert (asked.status_code, asked.json()["status"], asked.json()["due_at"]) == (200, 5, None)
    again = await desk.post(CIVIL, path, {"reason": "incomplete", "components": ["medical_certificate"]})
    assert again.json()["type"].endswith(":supplement-open")
    requested = [e for e in await office.said(dossier) if isinstance(e, SupplementRequested)]
    assert [(e.request, e.components) for e in requested] == [(1, ("declaration",))]
    refused = await desk.post(
        CIVIL, f"/cases/{dossier}/steps/register_birth/complete", {"outcome": BIRTH_OUTCOME}
    )
    assert refused.json()["type"].endswith(":supplement-open")


async def test_a_name_written_as_a_code_reaches_no_event(office: Office, desk: Desk) -> None:
    """A reason outside the catalogue and a field outside the form are 422; nothing is said and no clock stands."""
    dossier = await office.open(accepted(datetime.now(UTC)))
    said = len(await office.said(dossier))
    name, number = "nguyen-thi-mai-093196001234", "093196001234"
    path = f"/cases/{dossier}"
    for call, body, slug in (
        ("supplement-requests", {"reason": name, "components": ["declaration"]}, "unknown-reason"),
        ("supplement-requests", {"reason": "missing-paper", "fields": [number]}, "unknown-field"),
        ("refusal", {"reason": name}, "unknown-reason"),
        ("steps/register_birth/return", {"reason": name}, "unknown-reason"),
    ):
        refused = await desk.post(CIVIL, f"{path}/{call}", body)
        assert refused.status_code == 422
        assert refused.json()["type"].endswith(f":{slug}")
        assert number not in refused.text
    assert len(await office.said(dossier)) == said


async def test_nobody_ends_or_stops_what_a_colleague_holds(office: Office, desk: Desk) -> None:
    """Refusing, asking for papers and pausing a step another officer has in hand are 409, as is a stale view of it."""
    dossier = await office.open(accepted(datetime.now(UTC)))
    await desk.post(CIVIL, f"/cases/{dossier}/steps/register_birth/start", {})
    other = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
    missing = {"reason": "missing-paper", "components": ["declaration"]}
    calls: dict[str, dict[str, Any]] = {
        "refusal": {"reason": "not-eligible"},
        "supplement-requests": missing,
        "pauses": {"reason": "fee"},
    }
    for call, body in calls.items():
        taken = await desk.post(other, f"/cases/{dossier}/{call}", body)
        assert (taken.status_code, taken.json()["type"].split(":")[-1]) == (409, "step-taken")
        stale = await desk.post(CIVIL, f"/cases/{dossier}/{call}", body | {"version": 1})
        assert (stale.status_code, stale.json()["type"].split(":")[-1]) == (409, "version-changed")
    assert (
        await desk.post(CIVIL, f"/cases/{dossier}/pauses", {"reason": "fee", "version": 2})
    ).status_code == 200
    leader = Officer(subject="officer-10", agency=CIVIL.agency, role="leader")
    assert (
        await desk.post(leader, f"/cases/{dossier}/refusal", {"reason": "not-eligible"})
    ).status_code == 200


async def test_refusing_the_first_step_ends_the_dossier(office: Office, desk: Desk) -> None:
    """When the birth is refused nothing else can be done: status 8, settled as refused."""
    dossier = await office.open()
    refused = await desk.post(
        CIVIL, f"/cases/{dossier}/refusal", {"reason": "not-eligible", "note": "Lý do."}
    )
    assert (refused.status_code, refused.json()["status"]) == (200, 8)
    settled = (await office.said(dossier))[-1]
    assert isinstance(settled, DossierSettled)
    assert (settled.outcome, settled.status, settled.reason) == ("refused", 8, "not-eligible")


async def test_a_refused_branch_leaves_the_family_the_rest(office: Office, desk: Desk) -> None:
    """When only the residence is refused the certificate and the card are granted still."""
    dossier = await office.open()
    path = f"/cases/{dossier}/steps"
    await desk.post(CIVIL, f"{path}/register_birth/complete", {"outcome": BIRTH_OUTCOME})
    refused = await desk.post(POLICE, f"/cases/{dossier}/refusal", {"reason": "no-consent"})
    assert refused.json()["status"] == 4
    card = {
        "card_number": "TE1929200000001",
        "valid_from": "2026-11-23",
        "valid_to": "2032-09-30",
        "first_care_facility": "93016",
    }
    done = await desk.post(INSURANCE, f"{path}/issue_insurance_card/complete", {"outcome": card})
    assert done.json()["status"] == 9
    settled = (await office.said(dossier))[-1]
    assert isinstance(settled, DossierSettled)
    assert (settled.outcome, settled.reason) == ("granted", "partial")
    assert set(settled.results) == {"birth_certificate", "insurance_card"}


async def test_the_family_is_told_why_through_those_who_answer_it(office: Office, desk: Desk) -> None:
    """The portal and the one-stop shop read the reason in words and the officer's note, for a purpose, recorded."""
    dossier = await office.open()
    await desk.post(
        CIVIL, f"/cases/{dossier}/refusal", {"reason": "not-eligible", "note": "Đã đăng ký năm 2020."}
    )
    path = f"/cases/{dossier}/refusals"
    for reader in ("portal", ONE_STOP):
        answer = await desk.get(reader, path, purpose="answer-citizen")
        assert answer.status_code == 200, answer.text
        birth, residence, _ = answer.json()["refused"]
        assert (birth["step"], birth["outcome"], birth["reason"]) == (
            "register_birth",
            "refused",
            "not-eligible",
        )
        assert birth["reason_text"] == "Không đủ điều kiện giải quyết theo quy định"
        assert (birth["note"], residence["note"]) == ("Đã đăng ký năm 2020.", "")
        assert birth["refused_at"]
    read = await office.pool.fetch(
        "SELECT actor, purpose, what, dossier_id FROM http.read_log ORDER BY actor"
    )
    assert [tuple(row) for row in read] == [
        ("officer-0", "answer-citizen", "refusal", dossier),
        ("portal", "answer-citizen", "refusal", dossier),
    ]
    assert (await desk.get("portal", path)).status_code == 400
    assert (await desk.get("results", path, purpose="answer-citizen")).status_code == 403
    assert (await desk.get(POLICE, path, purpose="answer-citizen")).status_code == 403
    elsewhere = Officer(subject="x", agency="one-stop-31411-2025", role="one_stop")
    assert (await desk.get(elsewhere, path, purpose="answer-citizen")).status_code == 404


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


async def test_a_wait_for_the_household_head_stops_the_clock(office: Office, desk: Desk) -> None:
    """While the household head has not confirmed, nothing is due and the step cannot be completed."""
    dossier = await office.open()
    await desk.post(CIVIL, f"/cases/{dossier}/steps/register_birth/complete", {"outcome": BIRTH_OUTCOME})
    wait = {"reason": "household_head_confirmation"}
    paused = await desk.post(POLICE, f"/cases/{dossier}/pauses", wait)
    assert (paused.status_code, paused.json()["due_at"], paused.json()["status"]) == (200, None, 4)
    outcome = {"residence_number": "1", "registered_on": "2026-11-24"}
    path = f"/cases/{dossier}/steps/register_residence/complete"
    assert (await desk.post(POLICE, path, {"outcome": outcome})).status_code == 409
    resumed = await desk.post(POLICE, f"/cases/{dossier}/pauses/end", wait)
    assert resumed.json()["due_at"]
    assert (await desk.post(POLICE, path, {"outcome": outcome})).status_code == 200


async def test_an_apology_is_signed_once_and_moves_the_appointment(office: Office, desk: Desk) -> None:
    """The late agency lists the draft, another does not; signing moves the appointment and says it is our delay."""
    dossier = await office.open(accepted(long_ago(20)))
    await fire(office)
    assert (await desk.get(POLICE, "/apologies")).json()["apologies"] == []
    [draft] = (await desk.get(CIVIL, "/apologies")).json()["apologies"]
    path = f"/apologies/{draft['id']}/sign"
    assert (await desk.post(POLICE, path, {})).status_code == 404
    signed = await desk.post(CIVIL, path, {"note": "Hệ thống gián đoạn."})
    assert signed.status_code == 200, signed.text
    moved = [e for e in await office.said(dossier) if isinstance(e, AppointmentMoved)]
    assert [(e.apology, e.appointment_at.isoformat()) for e in moved] == [
        (True, draft["proposed_at"].replace("Z", "+00:00"))
    ]
    assert (await desk.post(CIVIL, path, {})).json()["type"].endswith(":apology-signed")
    assert (await desk.get(CIVIL, "/apologies")).json()["apologies"] == []


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


def item(dossier: UUID, number: str) -> dict[str, Any]:
    outcome = {**BIRTH_OUTCOME, "register_number": number, "personal_id": ""}
    return {"dossier_id": str(dossier), "step": "register_birth", "outcome": outcome}
