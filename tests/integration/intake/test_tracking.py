"""What a family is told of its dossier, and that nobody else learns a name by trying."""

from typing import Any

import httpx
import pytest

from tests.integration.intake.conftest import Intake
from tests.integration.intake.samples import CANARY_PHONE, birth, certified_copy

LAST_FOUR = CANARY_PHONE[-4:]


async def details(intake: Intake, client: str = "203.0.113.7", **asked: Any) -> httpx.Response:
    """Ask as the portal does for a citizen at an address."""
    return await intake.post("/tracking/details", {"client": client, **asked}, intake.service("portal"))


async def born(intake: Intake, serial: int) -> dict[str, Any]:
    """The receipt of a birth whose mother has the number 093195<serial>."""
    receipt: dict[str, Any] = (await intake.post("/births", birth(serial=serial), intake.hospital())).json()
    return receipt


async def test_the_token_opens_everything_a_family_must_know(intake: Intake) -> None:
    """Names, procedure, where to go, what it costs, and since when it has which status; the read is recorded."""
    receipt = await born(intake, 620_001)
    told = (await details(intake, tracking_token=receipt["tracking_token"])).json()
    assert told["child"] == "Trần Canary Bảo Ngọc"
    assert told["applicant"] == told["mother"] != ""
    assert told["procedure_name"] == receipt["procedure_name"]
    assert told["agency"] == {
        "code": "one-stop-31340-2025",
        "name": "Trung tâm Phục vụ hành chính công phường Ngã Bảy",
        "address": "Phường Ngã Bảy, thành phố Cần Thơ",
        "phone": "",
    }
    assert (told["fee_vnd"], told["fee_text"]) == (receipt["fee_vnd"], receipt["fee_text"])
    assert [(step["status"], step["at"]) for step in told["history"]][-1] == (2, "2026-11-23T02:00:00Z")
    assert told["asked"] is None
    logged = await intake.rows("SELECT actor_kind, actor, purpose, what FROM http.read_log")
    assert [tuple(row.values()) for row in logged] == [
        ("citizen", "tracking-token", "answer-citizen", "details")
    ]


async def test_only_the_portal_learns_the_id_behind_a_code(intake: Intake) -> None:
    """It asks the other services by it; what everybody is told of a code has none."""
    receipt = await born(intake, 620_009)
    path = f"/tracking/status?code={receipt['code']}"
    (told,) = (await intake.get(path, intake.service("portal"))).json()["statuses"]
    assert told["dossier_id"] == receipt["dossier_id"]
    (open_to_all,) = (await intake.get(f"/status?code={receipt['code']}")).json()["statuses"]
    assert told == open_to_all | {"dossier_id": receipt["dossier_id"]}
    assert (await intake.get(path)).status_code == 401


async def test_a_code_needs_the_end_of_a_number(intake: Intake) -> None:
    """The code in any form with the end of an identity or telephone number of the family; nothing without."""
    receipt = await born(intake, 620_002)
    tail = receipt["code"].split("-", 1)[1]
    for code in (receipt["code"], receipt["code"].lower().replace(".", ""), tail, tail.replace("-", " ")):
        for last_four in (LAST_FOUR, "0002"):
            answer = await details(intake, code=code, last_four=last_four)
            assert answer.json()["code"] == receipt["code"], answer.text
    for asked in (
        {"code": tail},
        {"last_four": LAST_FOUR},
        {},
        {"tracking_token": receipt["tracking_token"], "code": tail, "last_four": LAST_FOUR},
    ):
        refused = await details(intake, **asked)
        assert refused.status_code == 422
        assert "Canary" not in refused.text


async def test_a_wrong_answer_says_not_what_was_wrong(intake: Intake) -> None:
    """An unknown code, an unknown token, wrong digits: one answer, and no name in it."""
    receipt = await born(intake, 620_003)
    answers = [
        await details(intake, code=receipt["code"], last_four="9999"),
        await details(intake, code="313.40.00.H13-261123-9999", last_four=LAST_FOUR),
        await details(intake, code="'; --", last_four=LAST_FOUR),
        await details(intake, tracking_token="x" * 24),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.text for answer in answers}) == 1
    assert await intake.rows("SELECT FROM http.read_log") == []


async def test_five_wrong_answers_close_a_dossier_for_the_hour(intake: Intake) -> None:
    """Wherever they come from, and whatever process is asked; the token goes on opening it."""
    receipt = await born(intake, 620_004)
    for number in range(5):
        wrong = await details(intake, f"203.0.113.{number}", code=receipt["code"], last_four="9999")
        assert wrong.status_code == 403
    for process in (intake, intake.beside()):
        closed = await details(process, "203.0.113.99", code=receipt["code"], last_four=LAST_FOUR)
        assert closed.status_code == 429
        assert 0 < int(closed.headers["retry-after"]) <= 3600
    assert (await details(intake, tracking_token=receipt["tracking_token"])).status_code == 200
    await intake.rows("UPDATE citizen_try SET at = at - interval '61 minutes' RETURNING 1")
    assert (await details(intake, code=receipt["code"], last_four=LAST_FOUR)).status_code == 200
    for number in range(5):
        await details(intake, f"198.51.100.{number}", code=receipt["code"], last_four="9999")
    await intake.rows("UPDATE citizen_try SET at = at - interval '61 minutes' RETURNING 1")
    tenth = await details(intake, code=receipt["code"], last_four=LAST_FOUR)
    assert tenth.status_code == 429
    assert int(tenth.headers["retry-after"]) > 3600


async def test_a_dossier_that_is_tried_for_months_opens_by_its_token_only(intake: Intake) -> None:
    """Four characters can be found with patience: after thirty wrong answers the code opens nothing any more."""
    receipt = await born(intake, 620_006)
    for number in range(30):
        wrong = await details(intake, f"203.0.113.{number}", code=receipt["code"], last_four="9999")
        assert wrong.status_code == 403
        await intake.rows("UPDATE citizen_try SET at = at - interval '9 days' RETURNING 1")
    closed = await details(intake, "198.51.100.1", code=receipt["code"], last_four=LAST_FOUR)
    assert (closed.status_code, closed.json()["type"].rpartition(":")[2]) == (403, "only-at-the-counter")
    assert (await details(intake, tracking_token=receipt["tracking_token"])).status_code == 200
    addresses = await intake.rows("SELECT client FROM citizen_try WHERE client <> ''")
    assert len(addresses) == 1


async def test_an_address_that_tries_many_codes_is_stopped(intake: Intake) -> None:
    """Five wrong answers of one address, over any codes; others are not touched. Addresses are forgotten."""
    receipt = await born(intake, 620_005)
    for number in range(5):
        await details(intake, "192.0.2.1", code=f"313.40.00.H13-261123-{900 + number}", last_four="9999")
    assert (await details(intake, "192.0.2.1", code=receipt["code"], last_four=LAST_FOUR)).status_code == 429
    assert (await details(intake, "192.0.2.2", code=receipt["code"], last_four=LAST_FOUR)).status_code == 200
    await intake.rows("UPDATE citizen_try SET at = at - interval '3 days' RETURNING 1")
    await details(intake, "192.0.2.3", code=receipt["code"], last_four="9999")
    kept = await intake.rows("SELECT client FROM citizen_try")
    assert [row["client"] for row in kept] == ["192.0.2.3"]


async def test_only_the_portal_asks_for_citizens(intake: Intake) -> None:
    """Officers have their own way, other services none."""
    asked = {"client": "x", "tracking_token": "y"}
    for headers in (intake.counter(), intake.hospital(), intake.service("results"), {}):
        assert (await intake.post("/tracking/details", asked, headers)).status_code in (401, 403)


async def test_what_the_family_must_do_is_named(intake: Intake) -> None:
    """Papers by their names."""
    receipt = (await intake.post("/dossiers", certified_copy(components=[]), intake.counter())).json()
    told = (await details(intake, tracking_token=receipt["tracking_token"])).json()
    (thing,) = told["asked"]["things"]
    assert (thing["kind"], thing["code"]) == ("component", "original")
    assert thing["label"] != "original"
    assert [step["status"] for step in told["history"]] == [1]


@pytest.mark.parametrize("form", ["{whole}", "{lower}", "{bare}", "{tail}", "{blank}"])
async def test_the_public_status_reads_codes_as_people_write_them(intake: Intake, form: str) -> None:
    """The same answer for every form, still without a name."""
    code = (await born(intake, 620_006))["code"]
    tail = code.split("-", 1)[1]
    typed = form.format(
        whole=code, lower=code.lower(), bare=code.replace(".", ""), tail=tail, blank=tail.replace("-", "%20")
    )
    answer = await intake.get(f"/status/{typed}")
    assert answer.status_code == 200, answer.text
    assert answer.json() == (await intake.get(f"/status/{code}")).json()
    assert "Canary" not in answer.text
