"""The queues over HTTP on a real database: who sees which, what is in each, and that it is the same as was counted."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.routing import queue_store
from services.routing.case import Officer
from tests.integration.routing.conftest import Office, actor, birth
from tests.integration.routing.http_desk import ONE_STOP, Desk, desk
from tests.integration.routing.test_timers import fire, long_ago
from tests.unit.routing.samples import BIRTH, CIVIL, INSURANCE, POLICE, accepted

__all__ = ["desk"]
pytestmark = pytest.mark.timeout(90)

WARD_OFFICE = Officer(subject="officer-7", agency="ward-office-31340-2025", role="ward_office")
LEADER_OF_COUNTER = Officer(subject="officer-8", agency=ONE_STOP.agency, role="leader")


def promised() -> Any:
    """An acceptance of this moment: nothing is due for days."""
    now = datetime.now(UTC)
    return accepted(now, appointment_at=now + timedelta(days=9))


async def counts(desk: Desk, by: Officer) -> dict[str, int]:
    """What the actor's list says of each queue of routing."""
    queues = (await desk.get(by, "/queues")).json()["queues"]
    return {one["slug"]: one["count"] for one in queues if one["service"] == "routing"}


async def rows(desk: Desk, by: Officer, slug: str, more: str = "") -> list[tuple[str, str]]:
    """The dossiers and steps of a queue."""
    answer = await desk.get(by, f"/queues/{slug}{more}")
    assert answer.status_code == 200, answer.text
    return [(row["dossier_id"], row["step"]) for row in answer.json()["rows"]]


async def test_everybody_sees_the_queues_of_their_roles_in_one_order(desk: Desk) -> None:
    """The counter and its leader see what came back and what to hand over, a ward officer neither."""
    by_role = {
        who: [one["slug"] for one in (await desk.get(who, "/queues")).json()["queues"]]
        for who in (CIVIL, ONE_STOP, LEADER_OF_COUNTER, WARD_OFFICE)
    }
    own = ["cua-toi", "cho-xu-ly", "sap-den-han", "qua-han", "cho-bo-sung"]
    assert by_role[CIVIL] == [*own, "xin-loi"]
    assert by_role[ONE_STOP] == [*own, "cho-tra-ket-qua", "tra-lai", "xin-loi", "phan-anh"]
    assert by_role[LEADER_OF_COUNTER] == by_role[ONE_STOP]
    assert by_role[WARD_OFFICE] == [*own, "xin-loi", "phan-anh"]
    assert (await desk.get("portal", "/queues")).status_code == 403
    for slug in ("tra-lai", "cho-tra-ket-qua", "khong-co"):
        assert (await desk.get(CIVIL, f"/queues/{slug}")).status_code == 404
    assert (await desk.get(CIVIL, "/queues/cua-toi?after=x")).status_code == 422
    assert (await desk.get(CIVIL, "/queues/cua-toi?limit=101")).status_code == 422


async def test_a_step_goes_through_the_queues(office: Office, desk: Desk) -> None:
    """Assigned it waits for all, begun it is its officer's, with papers missing the family's, with nobody twice."""
    dossier = await office.open(promised())
    assert await counts(desk, CIVIL) | {"sap-den-han": 0} == {
        "cua-toi": 0, "cho-xu-ly": 1, "sap-den-han": 0, "qua-han": 0, "cho-bo-sung": 0, "xin-loi": 0
    }  # fmt: skip
    [row] = (await desk.get(CIVIL, "/queues/cho-xu-ly")).json()["rows"]
    assert (row["step_name_vi"], row["procedure"], row["agency"]) == (
        "Đăng ký khai sinh",
        "2.002621",
        CIVIL.agency,
    )
    # Only what the list has a button for: every row would try a dozen moves, and all but three for nothing.
    assert [(act["act"], act["allowed"]) for act in row["acts"]] == [("start", True)]
    await desk.post(CIVIL, f"/cases/{dossier}/steps/{BIRTH}/start", {"version": row["version"]})
    assert await rows(desk, CIVIL, "cho-xu-ly") == []
    assert await rows(desk, CIVIL, "cua-toi") == [(str(dossier), BIRTH)]
    [mine] = (await desk.get(CIVIL, "/queues/cua-toi")).json()["rows"]
    assert mine["holder"] == CIVIL.subject
    assert [act["act"] for act in mine["acts"]] == ["start", "complete"]
    colleague = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
    assert await rows(desk, colleague, "cua-toi") == []
    await desk.post(
        CIVIL, f"/cases/{dossier}/supplement-requests", {"reason": "missing-paper", "fields": ["mother.name"]}
    )
    for who in (CIVIL, colleague, ONE_STOP, LEADER_OF_COUNTER):
        assert await rows(desk, who, "cho-bo-sung") == [(str(dossier), BIRTH)]
        assert (await counts(desk, who))["cho-bo-sung"] == 1
    [waiting] = (await desk.get(ONE_STOP, "/queues/cho-bo-sung")).json()["rows"]
    assert (waiting["deadline"]["word"], waiting["acts"], waiting["holder"]) == ("stopped", [], "")
    assert await rows(desk, POLICE, "cho-bo-sung") == []


async def test_a_step_that_waits_may_go_on_from_its_list(office: Office, desk: Desk) -> None:
    """Beside what the list is for, its rows tell that the clock of a stopped step may run on."""
    dossier = await office.open(promised())
    await desk.post(CIVIL, f"/cases/{dossier}/steps/{BIRTH}/start", {})
    await desk.post(CIVIL, f"/cases/{dossier}/pauses", {"reason": "fee"})
    [row] = (await desk.get(CIVIL, "/queues/cua-toi")).json()["rows"]
    assert row["deadline"]["word"] == "stopped"
    assert [act["act"] for act in row["acts"]] == ["start", "resume"]


async def test_late_steps_are_seen_where_they_lie_and_where_they_were_handed_in(
    office: Office, desk: Desk
) -> None:
    """The agency and the counter that received the dossier see what is late; other agencies do not."""
    late = await office.open(accepted(long_ago(20)))
    await office.open(promised())
    for who in (CIVIL, ONE_STOP):
        assert await rows(desk, who, "qua-han") == [(str(late), BIRTH)]
        assert (await counts(desk, who))["qua-han"] == 1
    [row] = (await desk.get(ONE_STOP, "/queues/qua-han")).json()["rows"]
    assert row["deadline"]["word"] == "missed"
    assert row["deadline"]["left_minutes"] < 0
    assert row["deadline"]["left_days"] < 0
    assert await rows(desk, INSURANCE, "qua-han") == []


async def test_what_is_soon_due_is_near_and_not_late(office: Office, desk: Desk) -> None:
    """Within the last working hours a step is near: told as such, and counted once."""
    dossier = await office.open(promised())
    later = timedelta(hours=1)
    await office.pool.execute(
        "UPDATE step SET warn_at = now() - interval '1 minute', due_at = now() + $2 WHERE dossier_id = $1",
        dossier,
        later,
    )
    for who in (CIVIL, ONE_STOP):
        assert await rows(desk, who, "sap-den-han") == [(str(dossier), BIRTH)]
        assert await rows(desk, who, "qua-han") == []


async def test_a_step_without_a_term_of_its_own_is_due_with_its_dossier(office: Office) -> None:
    """Where no text gives a step a term, the row says the dossier's."""
    dossier = await office.open(
        accepted(
            procedure="1.000894", first_day=date(2016, 1, 1), options={}, results=("marriage_certificate",)
        )
    )
    case = await office.case(dossier)
    for step in case.steps:
        due = await office.pool.fetchval(
            "SELECT due_at FROM step WHERE dossier_id = $1 AND step = $2", dossier, step.code
        )
        assert due == (step.clock or case.clock).due_at


async def test_what_came_back_waits_at_the_counter(office: Office, desk: Desk) -> None:
    """A step given back lies with the counter, which may give it to an agency that does such steps today."""
    dossier = await office.open()
    await desk.post(CIVIL, f"/cases/{dossier}/steps/{BIRTH}/return", {"reason": "wrong-ward"})
    [row] = (await desk.get(ONE_STOP, "/queues/tra-lai")).json()["rows"]
    assign = next(act for act in row["acts"] if act["act"] == "assign")
    assert not {"start", "complete", "return"} & {act["act"] for act in row["acts"]}
    choices = {one["code"] for one in assign["choices"]}
    assert {"civil-status-31340-2025", "civil-status-31411-2025"} <= choices
    assert "civil-status-31341" not in choices
    assert (await counts(desk, ONE_STOP))["tra-lai"] == 1


async def test_reports_of_citizens_are_a_queue_of_their_own(office: Office, desk: Desk) -> None:
    """Only dossiers of the procedure stand there, at the ward office and the counter that took them."""
    event = accepted(procedure="NB.24H", first_day=date(2023, 1, 1), options={}, results=("report_answer",))
    report = await office.open(event)
    await office.open()
    for who in (WARD_OFFICE, ONE_STOP):
        assert await rows(desk, who, "phan-anh") == [(str(report), "handle_report")]
        assert (await counts(desk, who))["phan-anh"] == 1


async def test_apologies_to_be_signed_come_with_their_dossier(office: Office, desk: Desk) -> None:
    """The queue shows the draft with the step the dossier waits for."""
    dossier = await office.open(accepted(long_ago(20)))
    await fire(office)
    assert (await counts(desk, CIVIL))["xin-loi"] == 1
    [row] = (await desk.get(CIVIL, "/queues/xin-loi")).json()["rows"]
    assert (row["dossier_id"], row["step"], row["apology"]["number"]) == (str(dossier), BIRTH, 1)


async def test_pages_go_on_where_the_last_ended(office: Office, desk: Desk) -> None:
    """Every row comes once, in one order, though some are done between the pages."""
    dossiers = {str(await office.open(accepted(long_ago(40 - n)))) for n in range(7)}
    seen: list[str] = []
    after = ""
    while True:
        page = (await desk.get(CIVIL, f"/queues/qua-han?limit=3&after={after}")).json()
        seen += [row["dossier_id"] for row in page["rows"]]
        if page["next"] is None:
            break
        after = page["next"]
        done = UUID(page["rows"][0]["dossier_id"])
        await office.complete(actor(CIVIL), birth(done, number=str(len(seen))))
    assert (len(seen), set(seen)) == (7, dossiers)


async def test_counting_ends_at_a_bound(office: Office, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a queue with more rows than anybody can work through it is only said that there are more."""
    monkeypatch.setattr(queue_store, "COUNTED_MAX", 2)
    for _ in range(4):
        await office.open(promised())
    queues = (await desk.get(CIVIL, "/queues")).json()["queues"]
    shown = next(one for one in queues if one["slug"] == "cho-xu-ly")
    assert (shown["count"], shown["more"]) == (2, True)
