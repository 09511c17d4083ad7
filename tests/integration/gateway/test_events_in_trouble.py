"""Events in when something is wrong: owners that fail, batches half good, floods; and what may be looked up."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.gateway.partners.partner import Partner
from tests.integration.gateway.conftest import House
from tests.integration.gateway.owner import DOSSIER, STRUCTURED, Owner, event, rows, say

OTHER = Partner(code="bv-khac", name_vi="Khác", agency="hospital-93016", roles=("hospital",))


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


async def test_what_waits_for_an_event_that_is_to_come_later_comes_later(city: House, owner: Owner) -> None:
    """Its owner was away for the first: nothing is decided of the second either, and it is not tried."""
    owner.refuse(503)
    owner.refuse(503)
    owner.refuse(503)
    answer = await say(city, event(), event("partner.step-completed.v1"), batch=True)
    told = answer.json()["outcomes"]
    assert [each["state"] for each in told] == ["later", "later"]
    assert all(each["retry_after_seconds"] >= 1 for each in told)
    assert {call.path.rpartition("/")[2] for call in owner.calls} == {"start"}
    assert [row[2] for row in await rows(city)] == ["later", "later"]


# -- floods -------------------------------------------------------------------------------------------------------


async def test_who_floods_is_slowed_and_nobody_else(houses: Callable[..., Any], owner: Owner) -> None:
    """429 with Retry-After beyond the burst; a batch counts as its events; another partner is answered at once."""
    house: House = await houses(events_per_second=0.1, events_burst=100, routing_url=owner.url)
    await house.partner()
    await house.partner(OTHER)
    owner.wait_seconds = 0.05
    theirs = await house.token(OTHER.code) | {"Content-Type": STRUCTURED}
    ours = await house.token()
    flood = [asyncio.create_task(say(house, event(), headers=ours)) for _ in range(60)]
    await asyncio.sleep(0.1)
    content = json.dumps(event(source=f"urn:mot-cua:partner:{OTHER.code}"))
    answer = await house.http.post("/events", content=content, headers=theirs)
    assert answer.json()["state"] == "taken"
    assert not all(said.done() for said in flood), "beside the flood and not after it"
    await asyncio.gather(*flood)
    assert owner.most_at_once <= 9
    answer = await say(house, *(event(subject=str(UUID(int=n))) for n in range(60)), batch=True, headers=ours)
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
