"""What screens ask of results, on a real database with real papers: summaries, queue, card check, signatures."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.results.desk_store import handover_of
from services.results.domain import Custody
from tests.integration.results.conftest import COUNTER, HOSPITAL, MOTHER, POLICE, WARD
from tests.integration.results.test_api import RECEIVER, Desks, desks, printed
from tests.unit.results.test_signatures import of_png, png

__all__ = ["desks"]
pytestmark = pytest.mark.timeout(120)
STROKES = {"kind": "path", "data": "M10 20 L30 40 C1 2 3 4 5 6", "width": 300, "height": 100}


async def waiting(desks: Desks, *steps: str) -> tuple[Custody, dict[str, UUID], httpx.AsyncClient]:
    """Papers that lie ready at the hospital, and the hospital's client."""
    custody, ids = await printed(desks, *steps)
    hospital = desks.at(HOSPITAL, ("hospital",))
    for code, result in ids.items():
        if code != "residence_notice":
            await hospital.post(f"/results/{result}/arrive", json={})
    return custody, ids, hospital


async def test_lamps_are_what_the_results_are(desks: Desks) -> None:
    """Each result in words with its place and who took it; dossiers of others are left out, names are nowhere."""
    custody, ids, hospital = await waiting(
        desks, "register_birth", "issue_insurance_card", "register_residence"
    )
    body = {"results": [str(ids["birth_certificate"])], "receiver": RECEIVER, "signed_on_paper": True}
    assert (await hospital.post(f"/dossiers/{custody.dossier_id}/hand-over", json=body)).status_code == 200
    asked = {"dossier_ids": [str(custody.dossier_id), str(uuid4())]}
    answer = await hospital.post("/results/summaries", json=asked)
    [dossier] = answer.json()["dossiers"]
    told = {one["code"]: one for one in dossier["results"]}
    certificate = told["birth_certificate"]
    assert (certificate["state"], certificate["receiver_vi"], certificate["name_vi"]) == (
        "handed-over",
        "Mẹ",
        "Giấy khai sinh",
    )
    assert certificate["handed_over_at"]
    assert (told["insurance_card"]["state_vi"], told["insurance_card"]["receiver"]) == (
        "Có kết quả, chờ trao",
        "",
    )
    assert told["residence_notice"]["medium"] == "electronic"
    assert MOTHER.name not in answer.text
    for agency, roles, seen in (
        (COUNTER, ("one_stop",), 1),
        (WARD, ("civil_status",), 1),
        ("x", ("hospital",), 0),
    ):
        async with desks.at(agency, roles) as other:
            found = (await other.post("/results/summaries", json=asked)).json()["dossiers"]
            assert len(found) == seen, agency
    too_many = {"dossier_ids": [str(uuid4()) for _ in range(201)]}
    assert (await hospital.post("/results/summaries", json=too_many)).status_code == 422
    assert (await hospital.post("/results/summaries", json={"dossier_ids": []})).status_code == 422


async def test_the_lamp_says_what_there_is_while_a_replacement_is_made(desks: Desks) -> None:
    """The valid paper counts until the new one is there; a revoked one is told as revoked."""
    custody, ids = await printed(desks, "register_birth")
    asked = {"dossier_ids": [str(custody.dossier_id)]}
    desks.workshop.town.away = True
    async with desks.at(WARD, ("leader",)) as leader:
        url = f"/results/{ids['birth_certificate']}"
        await leader.post(f"{url}/supersede", json={"reason": "misprint"})
        [dossier] = (await leader.post("/results/summaries", json=asked)).json()["dossiers"]
        assert [(r["state"], r["version"], r["replacing"]) for r in dossier["results"]] == [
            ("issued", 1, True)
        ]
        await leader.post(f"{url}/revoke", json={"reason": "forged"})
        [dossier] = (await leader.post("/results/summaries", json=asked)).json()["dossiers"]
        assert [(r["state_vi"], r["replacing"]) for r in dossier["results"]] == [("Đã bị thu hồi", False)]


async def test_the_queue_of_papers_counts_and_pages(desks: Desks) -> None:
    """What is on its way and what lies there, at the desk it goes to; others have no such queue or an empty one."""
    _, ids, hospital = await waiting(desks, "register_birth", "issue_insurance_card")
    await printed(desks, "register_birth")
    [queue] = (await hospital.get("/queues")).json()["queues"]
    assert (queue["slug"], queue["count"], queue["to_take_in"], queue["to_hand_over"], queue["more"]) == (
        "cho-tra-ket-qua",
        3,
        1,
        2,
        False,
    )
    seen: list[Any] = []
    after = ""
    while True:
        page = (await hospital.get(f"/queues/cho-tra-ket-qua?limit=1{after}")).json()
        seen += page["rows"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(row["act"] for row in seen) == ["arrive", "hand-over", "hand-over"]
    assert {row["result"]["id"] for row in seen if row["act"] == "hand-over"} == set(map(str, ids.values()))
    only = (await hospital.get("/queues/cho-tra-ket-qua?state=to-take-in")).json()["rows"]
    assert [row["act"] for row in only] == ["arrive"]
    assert (await hospital.get("/queues/cho-tra-ket-qua?state=x")).status_code == 422
    assert (await hospital.get("/queues/qua-han")).status_code == 404
    async with desks.at(WARD) as ward, desks.at(COUNTER, ("one_stop",)) as counter:
        assert (await ward.get("/queues")).json() == {"queues": []}
        assert (await ward.get("/queues/cho-tra-ket-qua")).status_code == 404
        assert (await counter.get("/queues")).json()["queues"][0]["count"] == 0


async def test_a_card_is_checked_before_anything_is_handed_over(desks: Desks) -> None:
    """Whose it is, recorded as a read; nobody's counts as a try, and five are enough for the hand-over too."""
    custody, ids, hospital = await waiting(desks, "register_birth")
    url = f"/dossiers/{custody.dossier_id}/receiver-check"
    results = [str(ids["birth_certificate"])]
    card = {"results": results, "name": "NGUYEN THI MAI", "identity_number": "093196001234"}
    found = (await hospital.post(url, json=card)).json()
    assert (found["relation"], found["relation_vi"], found["checked"]) == ("mother", "Mẹ", "identity-number")
    assert (await desks.workshop.custody(custody.dossier_id)).results[0].state == "ready"
    for _ in range(5):
        nobody = await hospital.post(url, json=card | {"identity_number": "093196009999"})
        assert (nobody.status_code, nobody.json()["relation"]) == (200, "")
        assert "093196" not in nobody.text
    assert (await hospital.post(url, json=card)).status_code == 429
    body = {"results": results, "receiver": RECEIVER, "signed_on_paper": True}
    assert (await hospital.post(f"/dossiers/{custody.dossier_id}/hand-over", json=body)).status_code == 429
    reads = await desks.workshop.pool.fetch("SELECT DISTINCT actor, purpose, what FROM http.read_log")
    assert [tuple(row) for row in reads] == [("o1", "hand-over", "people")]
    async with desks.at(POLICE) as police, desks.at(WARD) as ward:
        assert (await police.post(url, json=card)).status_code == 404
        assert (await ward.post(url, json=card)).status_code == 403


async def test_a_signature_goes_into_the_archive_and_the_receipt(desks: Desks) -> None:
    """The picture is kept under its hash, the receipt shows it; a repeated request leaves one."""
    custody, ids, hospital = await waiting(desks, "register_birth")
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    body = {"results": [str(ids["birth_certificate"])], "receiver": RECEIVER}
    wrong = STROKES | {"data": "<svg onload=x>"}
    refused = await hospital.post(url, json=body | {"signature": wrong})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "signature.data")
    for signed in ({"signature": STROKES, "signed_on_paper": True}, {}, {"signed_on_paper": False}):
        refused = await hospital.post(url, json=body | signed)
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["signed_on_paper"]
    headers = {"Idempotency-Key": str(uuid4())}
    for _ in range(2):
        done = await hospital.post(url, json=body | {"signature": STROKES}, headers=headers)
        assert done.status_code == 200, done.text
    [key] = await desks.workshop.archive.keys("signatures/")
    async with desks.workshop.pool.acquire() as conn:
        handover = await handover_of(conn, ids["birth_certificate"])
    assert handover is not None
    assert (handover.receiver.signature_key, handover.receiver.signed_on_paper) == (key, False)
    assert b"M 10 20 L 30 40" in await desks.workshop.archive.get(key)
    receipt = await hospital.get(done.json()["receipt"])
    assert receipt.content.startswith(b"%PDF")


async def test_a_picture_is_shown_on_the_receipt_and_paper_is_said(desks: Desks) -> None:
    """A PNG within the receipt, and on another one that the receiver signed on paper."""

    for signed in ({"signature": {"kind": "png", "data": of_png(png()).data}}, {"signed_on_paper": True}):
        custody, ids, hospital = await waiting(desks, "register_birth")
        body = {"results": [str(ids["birth_certificate"])], "receiver": RECEIVER} | signed
        done = await hospital.post(f"/dossiers/{custody.dossier_id}/hand-over", json=body)
        assert done.status_code == 200, done.text
        assert (await hospital.get(done.json()["receipt"])).status_code == 200


async def test_who_differs_from_the_dossier_is_on_the_officer_s_word(desks: Desks) -> None:
    """Without a reason refused; with one handed over, and the chain of custody says why and by whom."""
    custody, ids, hospital = await waiting(desks, "register_birth")
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    results = [str(ids["birth_certificate"])]
    renewed = RECEIVER | {"identity_number": "093196009999"}
    assert (
        await hospital.post(url, json={"results": results, "receiver": renewed, "signed_on_paper": True})
    ).status_code == 422
    unknown = renewed | {"mismatch": "because", "evidence": "Căn cước"}
    assert (
        await hospital.post(url, json={"results": results, "receiver": unknown, "signed_on_paper": True})
    ).status_code == 422
    told = renewed | {"mismatch": "document-renewed", "evidence": "Căn cước cấp 2026"}
    done = await hospital.post(url, json={"results": results, "receiver": told, "signed_on_paper": True})
    assert done.status_code == 200, done.text
    acts = (await hospital.get(f"/dossiers/{custody.dossier_id}/custody")).json()
    assert [(act["actor"], act["note"]) for act in acts if act["act"] == "hand-over"] == [
        ("o1", "mother: officer-responsibility (document-renewed)")
    ]
    assert (await hospital.get(done.json()["receipt"])).status_code == 200


async def test_the_family_learns_where_to_go(desks: Desks) -> None:
    """The desk of each paper with its name; an office with its hours, and a stranger's desk learns nothing."""
    custody, _, hospital = await waiting(desks, "register_birth", "register_residence")
    url = f"/dossiers/{custody.dossier_id}/whereabouts"
    told = (await hospital.get(url)).json()
    assert told["places"][HOSPITAL]["name_vi"] == "Bệnh viện đa khoa khu vực Ngã Bảy"
    assert told["places"][HOSPITAL]["hours"] == {}
    assert {(r["code"], r["medium"], r["place"]) for r in told["results"]} == {
        ("birth_certificate", "paper", HOSPITAL),
        ("residence_notice", "electronic", ""),
    }
    async with desks.at("civil-status-31411-2025") as stranger:
        assert (await stranger.get(url)).status_code == 404
    async with desks.service("portal") as portal, desks.service("routing") as other:
        assert (await portal.get(url)).json() == told
        assert (await other.get(url)).status_code == 403
        asked = {"dossier_ids": [str(custody.dossier_id)]}
        assert len((await portal.post("/results/summaries", json=asked)).json()["dossiers"]) == 1
        assert (await other.post("/results/summaries", json=asked)).status_code == 403
    assert MOTHER.name not in str(told)
