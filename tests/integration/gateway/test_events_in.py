"""What partners say is handed to its owner once, and answered with what the owner said, or with the reasons why not."""

import asyncio
import base64
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from libs.http.auth import GATEWAY, TokenSigner
from services.gateway.inbound import taken_store, taking
from services.gateway.inbound.cloudevent import BATCH_JSON
from services.gateway.partners.partner import Partner
from tests.integration.gateway.conftest import HOSPITAL, House
from tests.integration.gateway.owner import DOSSIER, SOURCE, STRUCTURED, Owner, event, rows, say

OTHER = Partner(code="bv-khac", name_vi="Khác", agency="hospital-93016", roles=("hospital",))


# -- once ---------------------------------------------------------------------------------------------------------


async def test_an_event_is_handed_to_its_owner_in_the_partners_name(city: House, owner: Owner) -> None:
    """The step stands in the path, the rest of the data is the body; the answer is the owner's."""
    given = event()
    answer = await say(city, given)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["source"], told["id"], told["type"], told["state"]) == (
        SOURCE,
        given["id"],
        given["type"],
        "taken",
    )
    assert told["result"]["dossier_id"] == str(DOSSIER)
    assert answer.headers["location"] == told["location"] == f"/city/routing/cases/{DOSSIER}"
    [call] = owner.calls
    assert call.path == f"/cases/{DOSSIER}/steps/register_birth/start"
    assert json.loads(call.body) == {"version": 3}
    assert (call.actor.subject, call.actor.kind, call.actor.facility) == (HOSPITAL.code, "system", "93016")
    assert await rows(city) == [("partner.step-started.v1", DOSSIER, "taken", 200, "")]


async def test_a_birth_has_no_subject_and_is_201(city: House, owner: Owner) -> None:
    """What came of it is where the partner may look it up; the audit knows the dossier it became."""
    given = event("partner.birth-declared.v1", data={"any": "thing"})
    del given["subject"]
    answer = await say(city, given)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/city/intake/dossiers/{DOSSIER}"
    assert (owner.calls[0].path, json.loads(owner.calls[0].body)) == ("/births", {"any": "thing"})
    assert await rows(city) == [("partner.birth-declared.v1", DOSSIER, "taken", 201, "")]


async def test_a_paper_goes_on_as_the_bytes_it_is(city: House, owner: Owner) -> None:
    """In binary mode, up to the size of a scan; and in base64 within JSON."""
    content = b"%PDF-1.7 " + b"x" * (3 << 20)
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "p-1",
        "ce-source": SOURCE,
        "ce-type": "partner.paper-attached.v1",
        "ce-subject": str(DOSSIER),
        "ce-component": "declaration",
        "Content-Type": "application/pdf",
    }
    answer = await city.http.post("/events", content=content, headers=await city.token() | headers)
    assert answer.status_code == 201, answer.text
    small = event(
        "partner.paper-attached.v1",
        datacontenttype="image/png",
        component="declaration",
        data_base64=base64.b64encode(b"\x89PNG").decode(),
    )
    del small["data"]
    assert (await say(city, small)).status_code == 201
    assert [call.path for call in owner.calls] == [
        f"/dossiers/{DOSSIER}/attachments?component=declaration"
    ] * 2
    assert [call.media_type for call in owner.calls] == ["application/pdf", "image/png"]
    assert [call.body for call in owner.calls] == [content, b"\x89PNG"]


async def test_the_same_again_gets_the_same_answer(city: House, owner: Owner) -> None:
    """Written otherwise it is the same; the owner is asked under the same key and has done it once."""
    given = event()
    first = (await say(city, given)).json()
    again = await say(city, dict(reversed(given.items())))
    assert again.status_code == 200
    assert again.json() == first | {"replayed": True}
    assert len(owner.done) == 1
    assert len({call.key for call in owner.calls}) == 1
    assert [row[4] for row in await rows(city)] == ["", "replayed"]


async def test_twenty_at_once_are_one(city: House, owner: Owner) -> None:
    """One effect, one answer, one row of what was taken."""
    owner.wait_seconds = 0.02
    given = event()
    answers = await asyncio.gather(*(say(city, given) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({json.dumps(answer.json()["result"]) for answer in answers}) == 1
    assert sum("replayed" not in answer.json() for answer in answers) == 1
    assert await city.pool.fetchval("SELECT count(*) FROM taken") == 1


async def test_other_content_under_a_used_id_is_refused(city: House, owner: Owner) -> None:
    """Whether it would go to the same owner or another; of another partner the same id is another event."""
    given = event()
    await say(city, given)
    asked = len(owner.calls)
    for changed in (given | {"data": {"step": "other"}}, given | {"type": "partner.step-completed.v1"}):
        answer = await say(city, changed)
        assert answer.status_code == 422
        assert answer.json()["type"].endswith(":event-id-reused")
    assert len(owner.calls) == asked
    await city.partner(OTHER)
    theirs = given | {"source": f"urn:mot-cua:partner:{OTHER.code}"}
    answer = await city.http.post(
        "/events", json=theirs, headers=await city.token(OTHER.code) | {"Content-Type": STRUCTURED}
    )
    assert answer.json().get("replayed") is None
    assert answer.json()["state"] == "taken"


async def test_a_process_that_died_after_the_owners_commit_does_it_once(
    city: House, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is lost, the owner's answer is not: the event sent again is taken with the same answer."""
    given = event()
    with monkeypatch.context() as dying:

        async def gone(*_: object) -> bool:
            raise ConnectionError

        dying.setattr(taken_store, "take", gone)
        assert (await say(city, given)).status_code == 503
    [done] = owner.done.values()
    answer = (await say(city, given)).json()
    assert (answer["state"], answer["result"]) == ("taken", json.loads(done))
    assert len(owner.done) == 1


async def test_what_its_owner_no_longer_remembers_is_not_done_again(
    city: House, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers are kept for thirty days by whoever gave them; the note that it was taken is kept for ever."""
    given = event()
    first = (await say(city, given)).json()
    monkeypatch.setattr(taking, "ANSWERS_KEPT", timedelta(0))
    answer = await say(city, given)
    assert answer.status_code == 200
    del first["result"], first["location"]
    assert answer.json() == first | {"replayed": True}
    assert len(owner.calls) == 1


async def test_what_was_taken_stays_taken_when_the_partner_may_do_less(city: House, owner: Owner) -> None:
    """A role that is gone since does not make a repetition a refusal: it was done."""
    given = event()
    await say(city, given)
    owner.done.clear()
    owner.refuse(403, "not-allowed")
    answer = (await say(city, given)).json()
    assert (answer["state"], answer["replayed"]) == ("taken", True)


# -- refused ------------------------------------------------------------------------------------------------------


async def test_a_refusal_says_what_is_wrong_with_which_part_of_the_data(city: House, owner: Owner) -> None:
    """The owner's own problem, with JSON pointers; corrected, the event may be sent under the same id."""
    errors = [{"field": "children[1].name", "code": "required", "message": "Thiếu"}]
    owner.refuse(422, "invalid-content", title="Dữ liệu không hợp lệ", errors=errors)
    given = event()
    answer = await say(city, given)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["errors"] == [errors[0] | {"pointer": "/children/1/name"}]
    assert (told["source"], told["id"], told["state"]) == (SOURCE, given["id"], "refused")
    assert await rows(city) == [("partner.step-started.v1", DOSSIER, "refused", 422, "invalid-content")]
    better = await say(city, given | {"data": {"step": "register_birth"}})
    assert better.json()["state"] == "taken"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "partner.unheard-of.v1"}, "type-unknown"),
        ({"type": "intake.dossier-received.v1"}, "type-unknown"),
        ({"source": "urn:mot-cua:partner:bv-9301"}, "source-not-yours"),
        ({"source": "urn:mot-cua:partner:bv-93016x"}, "source-not-yours"),
        ({"source": "intake"}, "source-not-yours"),
        ({"subject": ""}, "invalid-content"),
        ({"subject": "../../people"}, "invalid-content"),
        ({"data": {"step": "../../../people"}}, "invalid-content"),
        ({"data": {"step": "a/b"}}, "invalid-content"),
        ({"data": {"step": {"a": 1}}}, "invalid-content"),
        ({"data": {}}, "invalid-content"),
        ({"data": [1]}, "invalid-content"),
        ({"data": "text"}, "invalid-content"),
        ({"datacontenttype": "text/xml"}, "invalid-content"),
    ],
)
async def test_what_can_be_no_event_of_the_partner_reaches_nobody(
    city: House, owner: Owner, changes: dict[str, Any], code: str
) -> None:
    """Unknown types, other people's names, and paths that lead elsewhere are refused before anybody is asked."""
    answer = await say(city, event() | changes)
    assert answer.status_code == 422
    assert answer.json()["type"] == f"urn:mot-cua:problem:{code}"
    assert owner.calls == []
    assert [(row[2], row[4]) for row in await rows(city)] == [("refused", code)]


async def test_a_part_of_the_partner_may_speak(city: House) -> None:
    """Below its own name a partner names its parts as it likes."""
    assert (await say(city, event(source=f"{SOURCE}/khoa-san/1"))).json()["state"] == "taken"


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"[" * 200_000, STRUCTURED, 400),
        (b'{"specversion":"1.0","specversion":"1.0"}', STRUCTURED, 400),
        (b"x" * (10 << 20), STRUCTURED, 413),
        (b"x" * (10 << 20), BATCH_JSON, 413),
        (b"x" * (1 + (10 << 20)), "application/pdf", 413),
        (b"{}", "application/json", 415),
        (b"<a/>", "application/xml", 415),
        (b"{}", "application/cloudevents+avro", 415),
        (b"{}", "", 415),
    ],
    ids=["deep", "duplicate-key", "10-MB", "10-MB-batch", "paper", "plain-json", "xml", "avro", "nothing"],
)
async def test_bodies_made_to_harm_are_turned_away(
    city: House, owner: Owner, content: bytes, media_type: str, status: int
) -> None:
    """Depth, size and kinds nobody asked for end as the caller's mistake."""
    headers = await city.token() | {"Content-Type": media_type}
    answer = await city.http.post("/events", content=content, headers=headers)
    assert answer.status_code == status
    assert owner.calls == []


async def test_nobody_speaks_without_the_partners_token(city: House, owner: Owner) -> None:
    """No token, a forged one, one that is over, one for another service, and one of an officer."""
    signer = TokenSigner.from_file(GATEWAY, city.settings.service_key)
    old = TokenSigner.from_file(GATEWAY, city.settings.service_key)
    old._now = lambda: time.time() - 600
    officers = TokenSigner.from_file("identity", Path(city.settings.service_key).with_name("identity.pem"))
    given: dict[str, Any] = {"subject": HOSPITAL.code, "kind": "system", "more": {"credential": "k1"}}
    good = (await city.token())["Authorization"]
    bearers = {
        "": 401,
        good[:-6] + "AAAAAA": 401,
        "Bearer eyJhbGciOiJub25lIn0.e30.": 401,
        f"Bearer {old.token(GATEWAY, **given)}": 401,
        f"Bearer {signer.token('intake', **given | {'ttl_seconds': 60})}": 401,
        f"Bearer {officers.token(GATEWAY, subject='ho-tich-1', kind='officer')}": 403,
    }
    for bearer, status in bearers.items():
        headers = {"Authorization": bearer, "Content-Type": STRUCTURED}
        answer = await city.http.post("/events", content=json.dumps(event()), headers=headers)
        assert answer.status_code == status, bearer
    assert owner.calls == []
    headers = {"Authorization": f"Bearer {signer.token(GATEWAY, **given)}", "Content-Type": STRUCTURED}
    answer = await city.http.post("/events", content=json.dumps(event()), headers=headers)
    assert answer.status_code == 200
