"""The hospital's bedside list and where mother and child lie."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.intake.conftest import MORNING, OTHER_HOSPITAL, Intake
from tests.integration.intake.samples import birth, certified_copy

ROOM = {"room": "Phòng 5", "bed": "12"}


async def declared(intake: Intake, stay: dict[str, Any] | None = None) -> dict[str, Any]:
    """A birth of the hospital, with a stay when one is given."""
    body = {**birth(), **({"stay": stay} if stay is not None else {})}
    answer = await intake.post("/births", body, intake.hospital())
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


async def test_the_bedside_list_is_ordered_by_discharge_then_bed(intake: Intake) -> None:
    """The first to leave comes first, who has no hour yet last; another hospital sees nothing of it."""
    unknown = await declared(intake)
    later = await declared(intake, {**ROOM, "discharge_at": "2026-11-24T10:00:00"})
    second_bed = await declared(
        intake, {"room": "Phòng 5", "bed": "13", "discharge_at": "2026-11-23T15:00:00"}
    )
    first_bed = await declared(intake, {**ROOM, "discharge_at": "2026-11-23T15:00:00"})
    listed = (await intake.get("/bedside", intake.hospital())).json()["births"]
    assert [line["code"] for line in listed] == [r["code"] for r in (first_bed, second_bed, later, unknown)]
    first, last = listed[0], listed[-1]
    assert first["stay"] == {"room": "Phòng 5", "bed": "12", "discharge_at": "2026-11-23T15:00:00"}
    assert last["stay"] is None
    assert (first["child"], first["sex"], first["order"]) == ("Trần Canary Bảo Ngọc", "2", 1)
    assert first["birth_time"] == "2026-11-20T08:15:00+07:00"
    assert first["mother"].startswith("Huỳnh Thị Kim Canary")
    assert first["tracking_token"] == first_bed["tracking_token"]
    assert (await intake.get("/bedside", intake.hospital(OTHER_HOSPITAL))).json() == {
        "births": [],
        "more": False,
    }
    assert (await intake.get("/bedside", intake.counter())).status_code == 403
    logged = await intake.rows("SELECT purpose, what, count(*) FROM http.read_log GROUP BY 1, 2")
    assert [tuple(row.values()) for row in logged] == [("bedside", "bedside", 4)]


async def test_a_bed_of_another_mother_is_a_warning_and_no_name(intake: Intake) -> None:
    """A twin is in its mother's bed, who has left is in none, and each hospital has beds of its own."""

    async def warned(body: dict[str, Any], stay: dict[str, Any]) -> list[str]:
        answer = await intake.post("/births", {**body, "stay": stay}, intake.hospital())
        assert answer.status_code == 201, answer.text
        told = [one for one in answer.json()["warnings"] if one["field"] == "stay.bed"]
        assert all("Canary" not in one["message_vi"] and one["severity"] == "warning" for one in told)
        return [one["code"] for one in told]

    first = birth(child__count=2)
    twin = birth(child__count=2, child__order=2, mother=first["mother"])
    leaving = {**ROOM, "discharge_at": "2026-11-23T15:00:00"}
    assert await warned(first, leaving) == []
    assert await warned(twin, leaving) == []
    assert await warned(birth(), {"room": "phòng 5", "bed": "12"}) == ["bed-shared"]
    assert await warned(birth(), {"room": "Phòng 6", "bed": "12"}) == []
    assert await warned(birth(), {"room": "Phòng 5"}) == []
    assert [await warned(birth(), {"bed": "Giường 1"}) for _ in range(2)] == [[], []]
    intake.set_time(MORNING + timedelta(days=20))
    assert await warned(birth(), ROOM) == []


async def test_a_bed_is_free_after_four_days_where_no_discharge_was_told(intake: Intake) -> None:
    """And until the hour that was told where one was; a bed that many name is warned of each time."""

    async def warned(stay: dict[str, Any]) -> list[str]:
        answer = await intake.post("/births", {**birth(), "stay": stay}, intake.hospital())
        assert answer.status_code == 201, answer.text
        return [one["code"] for one in answer.json()["warnings"] if one["field"] == "stay.bed"]

    told = {"room": "Phòng 6", "bed": "3", "discharge_at": "2026-12-03T10:00:00"}
    assert (await warned(ROOM), await warned(told)) == ([], [])
    intake.set_time(MORNING + timedelta(days=4, minutes=-1))
    assert await warned({**ROOM, "discharge_at": "2026-11-27T09:30:00"}) == ["bed-shared"]
    intake.set_time(MORNING + timedelta(days=5))
    assert (await warned(ROOM), await warned(told)) == ([], ["bed-shared"])
    assert [await warned(ROOM) for _ in range(5)] == [["bed-shared"]] * 5


async def test_moving_to_a_bed_of_another_mother_is_warned_of_too(intake: Intake) -> None:
    """As at the declaration; not who only stays in her own bed, nor who has left by now."""
    receipt = await declared(intake, {"room": "Phòng 6", "bed": "3"})
    await declared(intake, ROOM)

    async def warned(stay: dict[str, Any]) -> list[tuple[str, str]]:
        answer = await intake.post(f"/dossiers/{receipt['dossier_id']}/stay", stay, intake.hospital())
        assert answer.status_code == 200, answer.text
        return [(one["code"], one["severity"]) for one in answer.json()["warnings"]]

    assert await warned(ROOM) == [("bed-shared", "warning")]
    assert await warned({"room": "Phòng 6", "bed": "3"}) == []
    assert await warned({**ROOM, "bed": ""}) == []
    assert await warned({**ROOM, "discharge_at": "2026-11-01T10:00:00"}) == []


async def test_who_has_left_is_on_the_other_list(intake: Intake) -> None:
    """Past the planned hour, or two weeks after the declaration where none was planned."""
    planned = await declared(intake, {**ROOM, "discharge_at": "2026-11-24T10:00:00"})
    unplanned = await declared(intake)

    async def codes(state: str) -> list[str]:
        found = (await intake.get(f"/bedside?state={state}", intake.hospital())).json()["births"]
        return [line["code"] for line in found]

    assert (await codes("inside"), await codes("left")) == ([planned["code"], unplanned["code"]], [])
    intake.set_time(MORNING + timedelta(days=2))
    assert (await codes("inside"), await codes("left")) == ([unplanned["code"]], [planned["code"]])
    intake.set_time(MORNING + timedelta(days=20))
    assert (await codes("inside"), await codes("left")) == ([], [planned["code"], unplanned["code"]])
    assert await codes("all") == [planned["code"], unplanned["code"]]
    cut = (await intake.get("/bedside?state=all&limit=1", intake.hospital())).json()
    assert (len(cut["births"]), cut["more"]) == (1, True)
    whole = (await intake.get("/bedside?state=all&limit=2", intake.hospital())).json()
    assert (len(whole["births"]), whole["more"]) == (2, False)
    assert (await intake.get("/bedside?state=gone", intake.hospital())).status_code == 422


async def test_what_was_refused_is_on_a_list_of_its_own_for_two_weeks(intake: Intake) -> None:
    """With the reason of the catalogue and what the desk explained; the bed's own page says it for good."""
    elsewhere = {
        "address": "Nhà ông bà",
        "province_code": "92",
        "commune_code": "31411",
        "as_of": "2026-11-20",
    }
    choices = {"residence_to_register": elsewhere}
    receipt = (await intake.post("/births", birth(choices=choices), intake.hospital())).json()
    where = f"/bedside/{receipt['dossier_id']}"
    assert (await intake.get(where, intake.hospital())).json()["refusal"] == ""
    body = {"reason": "wrong-competence", "explanation": "Mẹ cư trú ở phường khác."}
    refused = await intake.post(f"/dossiers/{receipt['dossier_id']}/refuse", body, intake.counter())
    assert refused.status_code == 200, refused.text
    (line,) = (await intake.get("/bedside?state=refused", intake.hospital())).json()["births"]
    assert (line["code"], line["status"]) == (receipt["code"], 3)
    assert line["refusal"] == "Không thuộc thẩm quyền giải quyết. Mẹ cư trú ở phường khác"
    assert (await intake.get("/bedside", intake.hospital())).json()["births"] == []
    intake.set_time(MORNING + timedelta(days=20))
    assert (await intake.get("/bedside?state=refused", intake.hospital())).json()["births"] == []
    assert (await intake.get(where, intake.hospital())).json()["refusal"] == line["refusal"]


async def test_one_bed_is_read_by_the_hospital_that_declared_the_birth(intake: Intake) -> None:
    """As it stands on the list, and alone in the log; for everybody else there is no such bed."""
    receipt = await declared(intake, ROOM)
    await declared(intake)
    listed = (await intake.get("/bedside", intake.hospital())).json()["births"]
    (line,) = (line for line in listed if line["code"] == receipt["code"])
    where = f"/bedside/{receipt['dossier_id']}"
    before = await intake.rows("SELECT dossier_id FROM http.read_log")
    assert (await intake.get(where, intake.hospital())).json() == line
    assert (await intake.get(where, intake.hospital(OTHER_HOSPITAL))).status_code == 404
    assert (await intake.get(where, intake.counter())).status_code == 403
    assert (await intake.get(f"/bedside/{uuid4()}", intake.hospital())).status_code == 404
    assert (await intake.get("/bedside/phong-5", intake.hospital())).status_code == 422
    of_a_counter = (await intake.post("/dossiers", certified_copy(), intake.counter())).json()
    unseen = f"/bedside/{of_a_counter['dossier_id']}"
    assert (await intake.get(unseen, intake.hospital())).status_code == 404
    logged = await intake.rows(
        "SELECT dossier_id::text, purpose, what FROM http.read_log WHERE what = 'bedside'"
    )
    assert len(logged) == len(before) + 1
    assert [tuple(row.values()) for row in logged].count((receipt["dossier_id"], "bedside", "bedside")) == 2


async def test_a_stay_changes_without_touching_the_file_or_saying_anything(intake: Intake) -> None:
    """It is no part of the legal file: no version, no event; the same key twice changes nothing."""
    receipt = await declared(intake, ROOM)
    said = await intake.events(receipt["dossier_id"])
    where = f"/dossiers/{receipt['dossier_id']}/stay"
    moved = {"room": "Phòng  7", "bed": "3", "discharge_at": "2026-11-25T09:30:00"}
    for _ in range(2):
        answer = await intake.post(where, moved, intake.hospital(), key="move-1")
        assert answer.json()["stay"] == {"room": "Phòng 7", "bed": "3", "discharge_at": "2026-11-25T09:30:00"}
    assert await intake.events(receipt["dossier_id"]) == said
    assert len(await intake.rows("SELECT FROM file")) == 1
    (line,) = (await intake.get("/bedside", intake.hospital())).json()["births"]
    assert (line["stay"]["room"], line["stay"]["bed"]) == ("Phòng 7", "3")
    assert (await intake.post(where, moved, intake.hospital(OTHER_HOSPITAL))).status_code == 404
    assert (await intake.post(where, moved, intake.counter())).status_code == 403


@pytest.mark.parametrize(
    "stay",
    [
        {"room": "x" * 41},
        {"room": "5\u202e"},
        {"discharge_at": "2036-01-01T10:00:00"},
        {"discharge_at": "2026-11-24T10:00:00+07:00"},
        {"nurse": "Lan"},
    ],
)
async def test_a_wrong_stay_is_refused_with_the_birth(intake: Intake, stay: dict[str, Any]) -> None:
    """Too long, hidden signs, years away, an offset, an unknown field: nothing is stored."""
    answer = await intake.post("/births", {**birth(), "stay": stay}, intake.hospital())
    assert answer.status_code == 422, answer.text
    assert await intake.rows("SELECT FROM dossier") == []


async def test_what_is_wanted_stands_in_the_words_of_the_procedure(intake: Intake) -> None:
    """A dossier that lacks a paper says which, by name."""
    away = birth(choices__residence_to_register={
        "address": "Ấp 1, xã Tân Phước", "province_code": "92", "commune_code": "31411", "as_of": "2026-11-20",
    })  # fmt: skip
    answer = await intake.post("/births", away, intake.hospital())
    assert answer.status_code == 201, answer.text
    (line,) = (await intake.get("/bedside", intake.hospital())).json()["births"]
    assert line["asked"]["respond_by"] is None
    assert (
        [thing["code"] for thing in line["asked"]["things"]]
        == answer.json()["missing"]
        == ["residence_papers"]
    )
    assert line["asked"]["things"][0]["label"].startswith("Giấy tờ đăng ký thường trú")


async def test_only_hospitals_say_where_somebody_lies(intake: Intake) -> None:
    """A counter that declares a birth has no beds, and a dossier of the counter has no hospital."""
    answer = await intake.post("/births", {**birth(), "stay": ROOM}, intake.counter())
    assert answer.status_code == 422
    assert [error["code"] for error in answer.json()["errors"]] == ["hospitals-only"]
    receipt = (await intake.post("/dossiers", certified_copy(), intake.counter())).json()
    assert (
        await intake.post(f"/dossiers/{receipt['dossier_id']}/stay", ROOM, intake.hospital())
    ).status_code == 404
