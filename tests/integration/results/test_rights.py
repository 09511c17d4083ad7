"""Who may do and see what: attackers, strangers, desks, leaders, carriers, and whoever verifies."""

import asyncio
import shutil
from uuid import UUID, uuid4

import pytest

from services.results import desk_store
from services.results.domain import Custody
from services.results.people import Person
from tests.fixtures.servers import eventually
from tests.integration.results.conftest import HOSPITAL, MOTHER, POLICE, WARD
from tests.integration.results.test_api import RECEIVER, Desks, desks, printed
from tests.integration.results.test_press import until_printed

__all__ = ["desks"]
pytestmark = pytest.mark.timeout(120)
LEADER = ("leader",)


async def superseded(desks: Desks) -> tuple[Custody, UUID, UUID]:
    """A dossier whose certificate was replaced: the old and the new version."""
    custody, ids = await printed(desks, "register_birth")
    async with desks.at(WARD) as ward:
        await ward.post(f"/results/{ids['birth_certificate']}/supersede", json={"reason": "misprint"})

    async def replaced() -> bool:
        now = await desks.workshop.custody(custody.dossier_id)
        return [r.state for r in now.results] == ["superseded", "issued"]

    await eventually(replaced, deadline_seconds=60)
    now = await desks.workshop.custody(custody.dossier_id)
    return now, now.results[0].id, now.results[1].id


async def test_each_act_belongs_to_one_side(desks: Desks) -> None:
    """The hospital does not send off the ward's papers nor revoke them; the ward's leader and operators may revoke."""
    _, ids = await printed(desks, "register_birth", "issue_insurance_card")
    certificate, card = ids["birth_certificate"], ids["insurance_card"]
    async with (
        desks.at(HOSPITAL, ("hospital", "leader")) as hospital,
        desks.at(WARD, LEADER) as ward,
        desks.at("", ("operator",)) as operator,
    ):
        assert (await hospital.post(f"/results/{certificate}/dispatch", json={})).status_code == 403
        revoke = {"reason": "forged"}
        assert (await hospital.post(f"/results/{certificate}/revoke", json=revoke)).status_code == 403
        assert (await operator.post(f"/results/{certificate}/arrive", json={})).status_code == 403
        assert (await ward.post(f"/results/{card}/revoke", json=revoke)).status_code == 404
        assert (await ward.post(f"/results/{certificate}/revoke", json=revoke)).status_code == 200
        assert (await operator.post(f"/results/{card}/revoke", json=revoke)).status_code == 200


async def test_a_stranger_learns_nothing_of_the_people(desks: Desks) -> None:
    """Trying identity numbers at a dossier of others reads no data and gives the same answer, right or wrong."""
    custody, ids = await printed(desks, "register_birth")
    reads = desks.workshop.town.reads
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    async with desks.at(POLICE, ("police_residence",)) as police, desks.at(WARD) as ward:
        for number in (MOTHER.identity_number, "093196009999"):
            body = {
                "results": [str(ids["birth_certificate"])],
                "receiver": RECEIVER | {"identity_number": number},
                "signed_on_paper": True,
            }
            assert (await police.post(url, json=body)).status_code == 404
            assert (await ward.post(url, json=body)).status_code == 403
        assert (await police.post(f"/dossiers/{uuid4()}/hand-over", json=body)).status_code == 404
    assert desks.workshop.town.reads == reads


async def test_trying_numbers_at_a_desk_ends_after_five(desks: Desks) -> None:
    """However many ask at once: five refusals an hour, counted in the database and recorded with who asked."""
    custody, ids = await printed(desks, "register_birth")
    other, other_ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    pool = desks.workshop.pool
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        for one in (result_id, other_ids["birth_certificate"]):
            await hospital.post(f"/results/{one}/arrive", json={})
        guesses = [RECEIVER | {"identity_number": f"09319600{n:04d}"} for n in range(9000, 9012)]
        answers = await asyncio.gather(
            *(
                hospital.post(
                    url, json={"results": [str(result_id)], "receiver": guess, "signed_on_paper": True}
                )
                for guess in guesses
            )
        )
        assert sorted(answer.status_code for answer in answers) == [422] * 5 + [429] * 7
        right = {"results": [str(result_id)], "receiver": RECEIVER, "signed_on_paper": True}
        late = await hospital.post(url, json=right)
        assert late.status_code == 429
        assert 3500 < int(late.headers["Retry-After"]) <= 3600
        elsewhere = {
            "results": [str(other_ids["birth_certificate"])],
            "receiver": RECEIVER,
            "signed_on_paper": True,
        }
        done = await hospital.post(f"/dossiers/{other.dossier_id}/hand-over", json=elsewhere)
        assert done.status_code == 200
        tries = await pool.fetch("SELECT dossier_id, kind, actor, agency FROM refused_try")
        assert [tuple(row) for row in tries] == [(custody.dossier_id, "receiver", "o1", HOSPITAL)] * 5
        reads = await pool.fetch(
            "SELECT actor, purpose, what FROM http.read_log WHERE dossier_id = $1", custody.dossier_id
        )
        assert set(map(tuple, reads)) == {("o1", "hand-over", "people")}


async def test_a_repeated_hand_over_is_answered_as_before(desks: Desks) -> None:
    """Too many refusals since then do not matter: the same key gets the stored answer."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    body, key = (
        {"results": [str(result_id)], "receiver": RECEIVER, "signed_on_paper": True},
        {"Idempotency-Key": "once-only"},
    )
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        first = await hospital.post(url, json=body, headers=key)
        assert first.status_code == 200
        await desks.workshop.pool.execute(
            """
            INSERT INTO refused_try (dossier_id, kind, actor, agency)
            SELECT $1, 'receiver', 'o1', $2 FROM generate_series(1, 5)
            """,
            custody.dossier_id,
            HOSPITAL,
        )
        again = await hospital.post(url, json=body, headers=key)
        assert (again.status_code, again.content) == (200, first.content)
        assert (await hospital.post(url, json=body)).status_code == 429


async def test_what_a_desk_forgot_to_write_is_no_try(desks: Desks) -> None:
    """A missing authorisation tells a stranger nothing; the desk may go on asking."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    forgot = {"name": "Trần Văn Cường", "relation": "relative", "identity_number": "093080001111"}
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        body = {"results": [str(result_id)], "receiver": forgot, "signed_on_paper": True}
        assert {(await hospital.post(url, json=body)).status_code for _ in range(7)} == {422}
        body = {"results": [str(result_id)], "receiver": RECEIVER, "signed_on_paper": True}
        assert (await hospital.post(url, json=body)).status_code == 200


async def test_words_that_become_events_are_codes(desks: Desks) -> None:
    """A relation or a reason that is a person's name is refused before it could travel in an event."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    async with desks.at(HOSPITAL, ("hospital",)) as hospital, desks.at(WARD, LEADER) as ward:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        body = {
            "results": [str(result_id)],
            "receiver": RECEIVER | {"relation": "bà ngoại Trần Thị Bé"},
            "signed_on_paper": True,
        }
        refused = await hospital.post(f"/dossiers/{custody.dossier_id}/hand-over", json=body)
        assert refused.status_code == 422
        for named in ("Nguyễn Thị Mai khai sai", "nguyen-thi-mai-khai-sai", "093196001234"):
            for act in ("revoke", "supersede"):
                refused = await ward.post(f"/results/{result_id}/{act}", json={"reason": named})
                assert refused.status_code == 422
        long = {"reason": "lost", "note": "x" * 1001}
        assert (await ward.post(f"/results/{result_id}/supersede", json=long)).status_code == 422


async def test_one_illegal_paper_hands_over_none(desks: Desks) -> None:
    """The certificate is ready, the card has not arrived: both are refused together, and nothing has happened."""
    custody, ids = await printed(desks, "register_birth", "issue_insurance_card")
    certificate, card = ids["birth_certificate"], ids["insurance_card"]
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{certificate}/arrive", json={})
        both = {"results": [str(certificate), str(card)], "receiver": RECEIVER, "signed_on_paper": True}
        assert (await hospital.post(url, json=both)).status_code == 409
        twice = {
            "results": [str(certificate), str(certificate)],
            "receiver": RECEIVER,
            "signed_on_paper": True,
        }
        assert (await hospital.post(url, json=twice)).status_code == 422
        foreign = {"results": [str(certificate), str(uuid4())], "receiver": RECEIVER, "signed_on_paper": True}
        assert (await hospital.post(url, json=foreign)).status_code == 404
        assert (
            await hospital.post(url, json={"results": [], "receiver": RECEIVER, "signed_on_paper": True})
        ).status_code == 422
    states = {r.code: r.state for r in (await desks.workshop.custody(custody.dossier_id)).results}
    assert states == {"birth_certificate": "ready", "insurance_card": "issued"}
    assert await desks.workshop.pool.fetchval("SELECT count(*) FROM handover") == 0
    assert "results.result-handed-over.v1" not in await desks.workshop.said(custody.dossier_id)


async def test_a_posted_result_is_handed_over_by_the_carrier_s_proof(desks: Desks) -> None:
    """The ward sends it off and records the carrier's proof of delivery; the receipt names the proof."""
    custody = await desks.workshop.completed("register_birth", delivery="post")
    await until_printed(desks.workshop, custody)
    result_id = custody.results[0].id
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    proof = {"relation": "carrier", "authorisation": "RR123456789VN"}
    body = {"results": [str(result_id)], "receiver": proof, "signed_on_paper": True}
    async with desks.at(WARD) as ward, desks.at(HOSPITAL, ("hospital",)) as hospital:
        assert (await ward.post(url, json=body)).status_code == 409
        assert (await ward.post(f"/results/{result_id}/dispatch", json={})).status_code == 200
        assert (await ward.post(f"/results/{result_id}/arrive", json={})).status_code == 409
        assert (await hospital.post(url, json=body)).status_code == 404
        done = await ward.post(url, json=body)
        assert done.status_code == 200
        receipt = await ward.get(done.json()["receipt"])
        assert receipt.content.startswith(b"%PDF")


async def test_a_mother_without_papers_gets_her_child_s(desks: Desks) -> None:
    """The dossier knows no number of hers: her name and the hospital's certificate of birth do."""
    custody = await desks.workshop.completed("register_birth", mother=Person(name="Thạch Thị Sô Phia"))
    await until_printed(desks.workshop, custody)
    result_id = custody.results[0].id
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    receiver = {"name": "Thạch Thị Sô Phia", "relation": "mother"}
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        refused = await hospital.post(
            url, json={"results": [str(result_id)], "receiver": receiver, "signed_on_paper": True}
        )
        assert [e["field"] for e in refused.json()["errors"]] == ["receiver.evidence"]
        shown = receiver | {"evidence": "Giấy chứng sinh số 12/2026"}
        assert (
            await hospital.post(
                url, json={"results": [str(result_id)], "receiver": shown, "signed_on_paper": True}
            )
        ).status_code == 200
    async with desks.workshop.pool.acquire() as conn:
        handover = await desk_store.handover_of(conn, result_id)
    assert handover is not None
    assert handover.receiver.checked == "name-and-paper"


@pytest.mark.parametrize("delivery", ["electronic", "post"])
async def test_who_works_nowhere_holds_nothing(desks: Desks, delivery: str) -> None:
    """Electronic and posted results lie at no desk; an account without an agency neither lists, sees nor moves them."""
    custody = await desks.workshop.completed("register_birth", delivery=delivery)
    await until_printed(desks.workshop, custody)
    result_id, dossier_id = custody.results[0].id, custody.dossier_id
    async with desks.at("", ("civil_status", "leader")) as nowhere, desks.at("", ("operator",)) as operator:
        assert (await nowhere.get("/results")).status_code == 403
        for path in (f"/dossiers/{dossier_id}/results", f"/dossiers/{dossier_id}/custody"):
            assert (await nowhere.get(path)).status_code == 404
            assert (await operator.get(path)).status_code == 200
        for act in ("dispatch", "arrive", "supersede", "revoke"):
            why = {"reason": "other"} if act in ("supersede", "revoke") else {}
            assert (await nowhere.post(f"/results/{result_id}/{act}", json=why)).status_code == 404
        hand = {
            "results": [str(result_id)],
            "receiver": {"relation": "carrier", "authorisation": "RR1VN"},
            "signed_on_paper": True,
        }
        assert (await nowhere.post(f"/dossiers/{dossier_id}/hand-over", json=hand)).status_code == 404
    (result,) = (await desks.workshop.custody(dossier_id)).results
    assert result.state == ("ready" if delivery == "electronic" else "issued")


async def test_old_versions_stay_with_the_agency_that_issued_them(desks: Desks) -> None:
    """The ward reads the superseded certificate; the hospital only the valid one; an operator no paper at all."""
    _, old, new = await superseded(desks)
    async with (
        desks.at(WARD) as ward,
        desks.at(HOSPITAL, ("hospital",)) as hospital,
        desks.at("", ("operator",)) as operator,
    ):
        statuses = [
            [(await who.get(f"/results/{which}/document")).status_code for which in (old, new)]
            for who in (ward, hospital, operator)
        ]
    assert statuses == [[200, 200], [404, 200], [404, 404]]


async def test_a_paper_in_the_family_s_hands_is_replaced_by_its_issuer_only(desks: Desks) -> None:
    """The hospital that handed it over orders no new version; when the ward has, the hospital keeps its receipt."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    body = {"results": [str(result_id)], "receiver": RECEIVER, "signed_on_paper": True}
    async with desks.at(HOSPITAL, ("hospital",)) as hospital, desks.at(WARD) as ward:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        assert (
            await hospital.post(f"/dossiers/{custody.dossier_id}/hand-over", json=body)
        ).status_code == 200
        lost = {"reason": "lost"}
        assert (await hospital.post(f"/results/{result_id}/supersede", json=lost)).status_code == 403
        assert (await ward.post(f"/results/{result_id}/supersede", json=lost)).status_code == 200

        async def replaced() -> bool:
            now = await desks.workshop.custody(custody.dossier_id)
            return [r.state for r in now.results] == ["superseded", "issued"]

        await eventually(replaced, deadline_seconds=60)
        for desk in (hospital, ward):
            assert (await desk.get(f"/results/{result_id}/receipt")).status_code == 200
        assert (await hospital.get(f"/results/{result_id}/document")).status_code == 404
    async with desks.at(POLICE, ("police_residence",)) as police:
        assert (await police.get(f"/results/{result_id}/receipt")).status_code == 404


async def test_the_chain_of_custody_is_shown_to_each_for_its_papers(desks: Desks) -> None:
    """The ward sees what happened to the certificate and not the card's journey; an operator sees both."""
    custody, ids = await printed(desks, "register_birth", "issue_insurance_card")
    async with (
        desks.at(HOSPITAL, ("hospital",)) as hospital,
        desks.at(WARD) as ward,
        desks.at("", ("operator",)) as operator,
    ):
        for result_id in ids.values():
            await hospital.post(f"/results/{result_id}/arrive", json={})
        url = f"/dossiers/{custody.dossier_id}/custody"
        seen = {act["result_id"] for act in (await ward.get(url)).json()}
        assert seen == {str(ids["birth_certificate"])}
        assert len((await operator.get(url)).json()) == 2


async def test_lists_show_what_is_under_way_only(desks: Desks) -> None:
    """An unknown state, or one that would read the whole history, is refused."""
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        for state in ("handed-over", "no-such-state"):
            assert (await hospital.get("/results", params={"state": state})).status_code == 422
        assert (await hospital.get("/results", params={"state": ["ready", "pending"]})).status_code == 200


async def test_verification_names_the_paper_and_the_agency(desks: Desks) -> None:
    """Whoever scans the code reads Vietnamese names, and no token is found in any list of desks."""
    custody, _ = await printed(desks, "register_birth")
    async with desks.workshop.pool.acquire() as conn:
        (row,) = await desk_store.results_of(conn, custody.dossier_id)
    async with desks.anybody() as anybody, desks.at(WARD) as ward:
        answer = (await anybody.get(f"/verify/{row['verify_token']}")).json()
        listed = (await ward.get(f"/dossiers/{custody.dossier_id}/results")).text
    assert answer["result_vi"] == "Giấy khai sinh"
    assert answer["agency_vi"] == "Tư pháp – hộ tịch UBND phường Ngã Bảy"
    assert row["verify_token"] not in listed


@pytest.mark.parametrize("token", ["%00", "a", "'; DROP TABLE result; --", "x" * 23, "%F0%9F%98%80" * 5])
async def test_what_is_no_code_is_no_document(desks: Desks, token: str) -> None:
    """Whatever is put in the place of a code is answered 404 or 400, never 500."""
    async with desks.anybody() as anybody:
        assert (await anybody.get(f"/verify/{token}")).status_code in (400, 404)


async def test_a_damaged_document_is_an_alarm_and_not_given_out(desks: Desks) -> None:
    """Changed or lost in the store: the answer says that it has to be issued anew."""
    _, ids = await printed(desks, "register_birth")
    url = f"/results/{ids['birth_certificate']}/document"
    (path,) = desks.workshop.folder.glob("results/*/*.pdf")
    async with desks.at(WARD) as ward:
        path.write_bytes(b"%PDF-forged")
        assert (await ward.get(url)).json()["type"].endswith("document-damaged")
        path.unlink()
        assert (await ward.get(url)).json()["type"].endswith("document-damaged")
        shutil.rmtree(desks.workshop.folder / "results")
        (desks.workshop.folder / "results").write_text("no folder any more")
        assert (await ward.get(url)).status_code == 503


async def test_two_who_ask_for_the_receipt_at_once_get_the_same(desks: Desks) -> None:
    """The receipt is printed on the first request; two first requests agree on one document."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        body = {"results": [str(result_id)], "receiver": RECEIVER, "signed_on_paper": True}
        await hospital.post(f"/dossiers/{custody.dossier_id}/hand-over", json=body)
        receipts = await asyncio.gather(*(hospital.get(f"/results/{result_id}/receipt") for _ in range(4)))
    assert {receipt.status_code for receipt in receipts} == {200}
    assert len({receipt.content for receipt in receipts}) == 1
