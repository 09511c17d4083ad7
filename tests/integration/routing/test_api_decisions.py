"""Refusals, supplements, stops and apologies over HTTP: in words of the catalogue, by who may decide them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from libs.bus.handling import Change
from libs.contracts.routing import AppointmentMoved, DossierSettled, SupplementRequested
from services.routing import store, timers
from services.routing.case import Officer
from tests.integration.routing.conftest import BIRTH_OUTCOME, Office, actor, birth
from tests.integration.routing.http_desk import ONE_STOP, Desk, desk
from tests.integration.routing.test_timers import fire, long_ago
from tests.unit.routing.samples import CIVIL, INSURANCE, POLICE, accepted

__all__ = ["desk"]

pytestmark = pytest.mark.timeout(60)


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


async def test_an_apology_is_signed_by_who_may_speak_for_the_agency(office: Office, desk: Desk) -> None:
    """An officer of the agency in another role is 403; a leader may sign, and the log says in which role."""
    await office.open(accepted(long_ago(20)))
    await fire(office)
    [draft] = (await desk.get(CIVIL, "/apologies")).json()["apologies"]
    path = f"/apologies/{draft['id']}/sign"
    clerk = Officer(subject="officer-8", agency=CIVIL.agency, role="justice")
    assert (await desk.post(clerk, path, {})).status_code == 403
    leader = Officer(subject="officer-10", agency=CIVIL.agency, role="leader")
    assert (await desk.post(leader, path, {})).status_code == 200
    assert await office.pool.fetchval("SELECT role FROM case_log WHERE move = 'sign-apology'") == "leader"


async def test_a_draft_overtaken_by_a_finding_leaves_the_list(office: Office, desk: Desk) -> None:
    """When a finding moves the appointment the draft is void: not listed, not signable."""
    dossier = await office.open(accepted(datetime.now(UTC) - timedelta(days=1)))
    case = await office.case(dossier)
    drafted = timers.fire_due(case, case.clock.near_at or case.clock.due_at, office.rules)[0]
    async with office.pool.acquire() as connection, connection.transaction():
        await store.save(office.rules, connection, [Change(dossier_id=dossier, before=case, after=drafted)])
    [draft] = (await desk.get(CIVIL, "/apologies")).json()["apologies"]
    found = {"option": "residence_verification", "value": True}
    answer = await desk.post(CIVIL, f"/cases/{dossier}/steps/register_birth/findings", found)
    assert answer.status_code == 200, answer.text
    assert (await desk.get(CIVIL, "/apologies")).json()["apologies"] == []
    refused = await desk.post(CIVIL, f"/apologies/{draft['id']}/sign", {})
    assert refused.json()["type"].endswith(":apology-void")


async def test_an_agency_reads_again_what_it_entered(office: Office, desk: Desk) -> None:
    """The newest revision, for a purpose, recorded; to nobody else, and 404 where there is none."""
    dossier = await office.open()
    path = f"/cases/{dossier}/steps/register_birth/outcome"
    assert (await desk.get(CIVIL, path, purpose="settle-step")).status_code == 404
    await office.complete(actor(CIVIL), birth(dossier))
    assert (await desk.get(CIVIL, path)).status_code == 400
    seen = await desk.get(CIVIL, path, purpose="settle-step")
    assert (seen.status_code, seen.json()["outcome"]["child_name"]) == (200, "Nguyễn An")
    assert (await desk.get(ONE_STOP, path, purpose="settle-step")).status_code == 404
    read = await office.pool.fetch("SELECT actor, what, purpose FROM http.read_log")
    assert [tuple(row) for row in read] == [(CIVIL.subject, "outcome", "settle-step")]


async def test_the_family_s_page_says_what_to_hand_in_and_what_was_promised_anew(
    office: Office, desk: Desk
) -> None:
    """Names of papers, words of reasons, dates; nothing an officer wrote, and for nobody but who answers them."""
    dossier = await office.open(accepted(datetime.now(UTC)))
    path = f"/cases/{dossier}/family"
    body = {
        "reason": "missing-paper",
        "fields": ["mother.name"],
        "note": "gọi bà Mai",
        "step": "register_birth",
    }
    await desk.post(CIVIL, f"/cases/{dossier}/supplement-requests", body)
    page = (await desk.get("portal", path)).json()
    assert (page["stopped"], page["asked"]["reason_vi"]) == (True, "Thiếu giấy tờ")
    assert [one["code"] for one in page["asked"]["missing"]] == ["mother.name"]
    assert "Mai" not in str(page)
    assert (await desk.get(ONE_STOP, path)).status_code == 200
    assert (await desk.get(CIVIL, path)).status_code == 403
    late = await office.open(accepted(long_ago(20)))
    await fire(office)
    drafts = (await desk.get(CIVIL, "/apologies")).json()["apologies"]
    signed = await desk.post(
        CIVIL,
        f"/apologies/{drafts[0]['id']}/sign",
        {"appointment_at": (datetime.now(UTC) + timedelta(days=3)).isoformat()},
    )
    assert signed.status_code == 200, signed.text
    page = (await desk.get("portal", f"/cases/{late}/family")).json()
    assert [one["reason_vi"] for one in page["apologies"]] == ["Cơ quan giải quyết chưa hoàn thành đúng hạn"]
    assert page["apologies"][0]["appointment_at"] == page["appointment_at"]


async def test_the_family_s_page_says_which_step_stands_still_and_for_what(
    office: Office, desk: Desk
) -> None:
    """While it does: step, agency and what is waited for, in words; a request for papers is told by itself."""
    dossier = await office.open(accepted(datetime.now(UTC)))
    path = f"/cases/{dossier}/family"
    assert (await desk.get("portal", path)).json()["waits"] == []
    wait = {"reason": "fee", "step": "register_birth"}
    assert (await desk.post(CIVIL, f"/cases/{dossier}/pauses", wait)).status_code == 200
    page = (await desk.get("portal", path)).json()
    (told,) = page["waits"]
    assert page["stopped"]
    assert (told["step"], told["reason"]) == ("register_birth", "fee")
    assert told["reason_vi"] == "Thực hiện nghĩa vụ tài chính"
    assert "" not in (told["step_vi"], told["agency_vi"])
    assert (await desk.post(CIVIL, f"/cases/{dossier}/pauses/end", wait)).status_code == 200
    assert (await desk.get("portal", path)).json()["waits"] == []


async def test_screens_have_one_table_of_words(desk: Desk) -> None:
    """Officers' screens and the portal read the same words."""
    for who in (CIVIL, "portal"):
        words = (await desk.get(who, "/glossary")).json()
        assert words["timeline"]["undo-return"] == "Hoàn tác chuyển trả"
        assert words["step_states"]["returned"]
