"""What partners say is handed to its owner once, and answered; what goes wrong is told, and decides nothing."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from services.gateway.inbound.cloudevent import BATCH_JSON
from services.gateway.partner import Partner
from tests.integration.gateway.conftest import HOSPITAL, House
from tests.integration.gateway.owner import DOSSIER, Owner

SOURCE = f"urn:mot-cua:partner:{HOSPITAL.code}"
OTHER = Partner(code="bv-khac", name_vi="Khác", agency="hospital-93016", roles=("hospital",))
STRUCTURED = "application/cloudevents+json"


@pytest_asyncio.fixture
async def owner(settings: Callable[..., Any]) -> AsyncIterator[Owner]:
    """The services' place."""
    async with Owner(settings().public_keys).running() as running:
        yield running


@pytest_asyncio.fixture
async def city(houses: Callable[..., Any], owner: Owner) -> House:
    """A gateway beside them, with a partner."""
    house: House = await houses(**{f"{name}_url": owner.url for name in ("intake", "routing", "results")})
    await house.partner()
    return house


def event(type_: str = "partner.step-started.v1", **changes: Any) -> dict[str, Any]:
    """An event as the partner writes it."""
    given: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": SOURCE,
        "type": type_,
        "subject": str(DOSSIER),
        "data": {"step": "register_birth", "version": 3},
    }
    return given | changes


async def say(house: House, *events: Any, batch: bool = False, **headers: str) -> httpx.Response:
    """POST /events as the hospital."""
    signed = {**({} if "Authorization" in headers else await house.token()), **headers}
    content = json.dumps(list(events) if batch else events[0])
    signed.setdefault("Content-Type", BATCH_JSON if batch else STRUCTURED)
    return await house.http.post("/events", content=content, headers=signed)


async def rows(house: House) -> list[tuple[Any, ...]]:
    """What the audit says of what was said."""
    found = await house.pool.fetch("SELECT type, dossier_id, state, status, code FROM said ORDER BY id")
    return [tuple(row) for row in found]


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


async def test_a_process_that_died_after_the_owners_commit_does_it_once(city: House, owner: Owner) -> None:
    """The note is lost, the owner's answer is not: the event sent again is taken with the same answer."""
    given = event()
    first = (await say(city, given)).json()
    async with city.pool.acquire() as conn, conn.transaction():
        owner_asked = len(owner.calls)
        assert owner_asked == 1
    # As if the note had not been written: another source of the same hash cannot be made, another gateway can.
    found = await city.process.acting.act(
        HOSPITAL, "routing", owner.calls[0].path, owner.calls[0].body, key=owner.calls[0].key
    )
    assert json.loads(found) == first["result"]
    assert len(owner.done) == 1


async def test_what_its_owner_no_longer_remembers_is_not_done_again(city: House, owner: Owner) -> None:
    """Answers are kept for thirty days by whoever gave them; the note that it was taken is kept for ever."""
    given = event()
    await say(city, given)
    owner.refuse(403, "not-allowed")
    owner.done.clear()
    answer = await say(city, given)
    assert answer.status_code == 200
    assert answer.json()["state"] == "taken"
    assert answer.json()["replayed"] is True


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
    """No token, a forged one, and one of a partner that was suspended since."""
    content, media = json.dumps(event()), {"Content-Type": STRUCTURED}
    headers = await city.token()
    forged = {"Authorization": headers["Authorization"][:-6] + "AAAAAA"}
    for given in ({}, forged, {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}):
        answer = await city.http.post("/events", content=content, headers=given | media)
        assert answer.status_code == 401
    assert owner.calls == []


# -- later --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "told"), [(500, 503), (502, 503), (401, 503), (302, 503)])
async def test_a_fault_of_the_owner_decides_nothing(
    city: House, owner: Owner, status: int, told: int
) -> None:
    """503 with Retry-After; the same event is taken when it is well again."""
    owner.refuse(status)
    given = event()
    answer = await say(city, given)
    assert (answer.status_code, answer.json()["state"]) == (told, "later")
    assert int(answer.headers["retry-after"]) >= 1
    assert (await say(city, given)).json()["state"] == "taken"
    assert [row[2] for row in await rows(city)] == ["later", "taken"]


async def test_an_owner_that_is_away_decides_nothing(houses: Callable[..., Any]) -> None:
    """Nobody listens where it should be."""
    house: House = await houses()
    await house.partner()
    answer = await say(house, event())
    assert (answer.status_code, answer.json()["state"]) == (503, "later")
    assert "retry-after" in answer.headers
    assert await house.pool.fetchval("SELECT count(*) FROM taken") == 0


async def test_an_owner_that_has_had_enough_says_when_to_come_back(city: House, owner: Owner) -> None:
    """Too many tries for one dossier are the owner's to count."""
    owner.refuse(429, "too-many-tries", headers={"Retry-After": "600"})
    answer = await say(city, event("partner.receiver-checked.v1", data={}))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")
    assert answer.json()["state"] == "later"


# -- many ---------------------------------------------------------------------------------------------------------


async def test_a_batch_is_answered_event_by_event(city: House, owner: Owner) -> None:
    """Good ones, a bad one, an unreadable one, in the order they were sent."""
    others = [str(uuid4()) for _ in range(3)]
    answer = await say(
        city,
        event(subject=others[0]),
        event(subject=others[1], type="partner.unheard-of.v1"),
        {"specversion": "1.0", "id": "9"},
        event(subject=others[2]),
        batch=True,
    )
    assert answer.status_code == 200
    outcomes = answer.json()["outcomes"]
    assert [each["state"] for each in outcomes] == ["taken", "refused", "refused", "taken"]
    assert outcomes[1]["problem"]["type"].endswith(":type-unknown")
    assert outcomes[2]["problem"]["type"].endswith(":event-malformed")
    assert outcomes[2]["id"] == "9"


async def test_events_of_one_dossier_are_done_in_order_and_stop_at_a_refusal(
    city: House, owner: Owner
) -> None:
    """Completing what could not be begun is not tried; another dossier goes on."""
    owner.refuse(409, "step-not-ready")
    owner.wait_seconds = 0.01
    free = str(uuid4())
    answer = await say(
        city,
        event(),
        event("partner.step-completed.v1"),
        event(subject=free, data={"step": "one"}),
        event("partner.step-completed.v1", subject=free.upper(), data={"step": "one"}),
        batch=True,
    )
    told = answer.json()["outcomes"]
    assert [each["state"] for each in told] == ["refused", "refused", "taken", "taken"]
    assert told[1]["problem"]["type"].endswith(":earlier-refused")
    assert [call.path.rpartition("/")[2] for call in owner.calls if free in call.path] == [
        "start",
        "complete",
    ]
    assert len(owner.calls) == 3


# -- floods -------------------------------------------------------------------------------------------------------


async def test_who_floods_is_slowed_and_nobody_else(houses: Callable[..., Any], owner: Owner) -> None:
    """429 with Retry-After beyond the burst; a batch counts as its events; another partner is answered at once."""
    house: House = await houses(events_per_second=0.1, events_burst=100, routing_url=owner.url)
    await house.partner()
    await house.partner(OTHER)
    owner.wait_seconds = 0.05
    theirs = await house.token(OTHER.code) | {"Content-Type": STRUCTURED}
    ours = await house.token()
    flood = [asyncio.create_task(say(house, event(), **ours)) for _ in range(60)]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    content = json.dumps(event(source=f"urn:mot-cua:partner:{OTHER.code}"))
    answer = await house.http.post("/events", content=content, headers=theirs)
    assert answer.json()["state"] == "taken"
    assert time.monotonic() - began < 1
    await asyncio.gather(*flood)
    assert owner.most_at_once <= 9
    answer = await say(house, *(event(subject=str(UUID(int=n))) for n in range(60)), batch=True, **ours)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 1


# -- look-ups -----------------------------------------------------------------------------------------------------


async def test_a_partner_looks_up_what_its_agency_may(city: House, owner: Owner) -> None:
    """The service's own answer, asked for in the partner's name and for the purpose it states; noted here as well."""
    headers = await city.token() | {"X-Purpose": "hand-over"}
    answer = await city.http.get(f"/city/intake/dossiers/{DOSSIER}", headers=headers)
    assert answer.status_code == 200
    answer = await city.http.get("/city/routing/steps?state=started&limit=5", headers=headers)
    assert answer.status_code == 200
    assert [(call.path, call.purpose) for call in owner.calls] == [
        (f"/dossiers/{DOSSIER}", "hand-over"),
        ("/steps?state=started&limit=5", "hand-over"),
    ]
    await city.process.reading_log.flush()
    found = await city.pool.fetch("SELECT way, calls FROM reading ORDER BY way")
    assert [tuple(row) for row in found] == [("dossier", 1), ("steps", 1)]


@pytest.mark.parametrize(
    "path",
    [
        "intake/search",
        "intake/people/read",
        "notify/inbox",
        "routing/cases/x",
        "intake/dossiers/../people",
        "x/y",
    ],
)
async def test_what_is_not_on_the_list_is_not_found(city: House, owner: Owner, path: str) -> None:
    """The gateway is no way round the services' own doors."""
    assert (await city.http.get(f"/city/{path}", headers=await city.token())).status_code == 404
    assert owner.calls == []


async def test_a_services_refusal_of_a_look_up_is_passed_on(city: House, owner: Owner) -> None:
    """With its reasons; a fault of ours is 503."""
    owner.refuse(400, "purpose-required", allowed=["hand-over"])
    owner.refuse(500)
    headers = await city.token()
    first = await city.http.get(f"/city/intake/dossiers/{DOSSIER}", headers=headers)
    assert (first.status_code, first.json()["allowed"]) == (400, ["hand-over"])
    second = await city.http.get(f"/city/intake/dossiers/{DOSSIER}", headers=headers)
    assert (second.status_code, "retry-after" in second.headers) == (503, True)
