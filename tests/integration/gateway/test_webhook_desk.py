"""What partners do to their endpoints over HTTP: registering, changing, secrets, test events, and what is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from libs.contracts.catalogue import EVENTS
from libs.contracts.cloudevents import decode
from libs.contracts.cloudevents import decode_data as decoded
from libs.http.limits import TokenBuckets
from services.gateway.webhooks.schedule import Schedule
from tests.fixtures.receiver import HANG, always, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import EVERYTHING, HOSPITAL, House, accepted, received
from tests.integration.gateway.webhook_desk import LONG_AGO, QUICK, desk_of, dispatching, has

URL = "http://127.0.0.1:9/hook"


async def test_an_endpoint_is_made_changed_and_removed(house: House) -> None:
    """Each deed is in the audit, by id: a URL may hold a secret."""
    await house.partner()
    desk = await desk_of(house)
    made = await desk.did("POST", "", {"url": URL, "types": ["results.*"], "description": "thử"})
    endpoint = made["endpoint"]["id"]
    assert made["secret"].startswith("whsec_")
    shown = await desk.show(endpoint)
    assert {**shown, "waiting": 0} == {**made["endpoint"], "waiting": 0}
    assert (shown["state"], shown["url"], shown["types"]) == ("active", URL, ["results.*"])
    assert [secret["not_after"] for secret in shown["secrets"]] == [None]
    assert await desk.did("GET", "") == {"endpoints": [shown]}
    changed = await desk.did("PATCH", f"/{endpoint}", {"types": ["*"], "enabled": False})
    assert (changed["types"], changed["state"], changed["description"]) == (["*"], "paused", "thử")
    assert (await desk.did("PATCH", f"/{endpoint}", {"enabled": True}))["state"] == "active"
    assert (await desk.call("DELETE", f"/{endpoint}")).status_code == 204
    assert (await desk.call("GET", f"/{endpoint}")).status_code == 404
    assert await desk.did("GET", "") == {"endpoints": []}
    deeds = [what for what, detail in await house.deeds(HOSPITAL.code) if endpoint in detail]
    assert deeds == ["webhook-added", "webhook-changed", "webhook-changed", "webhook-removed"]
    assert not any("127.0.0.1" in detail for _, detail in await house.deeds(HOSPITAL.code))


async def test_the_secret_is_sealed_and_shown_once(house: House) -> None:
    """To whoever repeats the request under its key as well, whose first answer may be lost. It is stored nowhere."""
    await house.partner()
    desk = await desk_of(house)
    content = {"url": URL, "types": ["*"]}
    first = await desk.call("POST", "", content, key="made-once")
    again = await desk.call("POST", "", content, key="made-once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["secret"] == again.json()["secret"]
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["cache-control"] == "no-store"
    assert len((await desk.did("GET", ""))["endpoints"]) == 1
    secret = first.json()["secret"]
    for table in ("endpoint", "endpoint_secret", "http.idempotency", "audit"):
        rows = await house.pool.fetch(f"SELECT * FROM {table}")
        assert not any(
            secret in str(value) or secret[6:] in str(value) for row in rows for value in row.values()
        )


async def test_both_secrets_sign_during_the_overlap(house: House) -> None:
    """And the old one not a moment longer; with no overlap at once."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there:
        endpoint, old = await desk.add(there.url)
        new = (await desk.did("POST", f"/{endpoint}/secret"))["secret"]
        await desk.did("POST", f"/{endpoint}/test")
        request = there.requests[-1]
        assert len(request.headers["webhook-signature"].split(" ")) == 2
        for secret in (old, new):
            Webhook(secret).verify(request.body, request.headers)
        ends = [each["not_after"] for each in (await desk.show(endpoint))["secrets"]]
        assert ends[1] is None
        left = datetime.fromisoformat(ends[0]) - datetime.now(UTC)
        assert timedelta(hours=23) < left <= timedelta(hours=24)
        newest = (await desk.did("POST", f"/{endpoint}/secret", {"overlap_hours": 0}))["secret"]
        await desk.did("POST", f"/{endpoint}/test")
        signatures = there.requests[-1].headers["webhook-signature"]
        assert len(signatures.split(" ")) == 1
        Webhook(newest).verify(there.requests[-1].body, there.requests[-1].headers)


@pytest.mark.parametrize("type_", ["", "results.result-ready.v1"])
async def test_a_test_event_says_that_it_is_one(house: House, type_: str) -> None:
    """Of its own type, or the golden example of another; the answer shows what the receiver said."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there:
        endpoint, _ = await desk.add(there.url)
        shown = await desk.did("POST", f"/{endpoint}/test", {"type": type_})
        assert (shown["state"], shown["test"], shown["attempts"][0]["status"]) == ("delivered", True, 204)
        event = there.requests[0].event
        assert event["test"] is True
        assert event["type"] == (type_ or "gateway.webhook-tested.v1")
        assert event["id"] == shown["event_id"] == there.requests[0].headers["webhook-id"]
        if type_:
            envelope, data = decode({"Content-Type": "application/cloudevents+json"}, there.requests[0].body)
            assert isinstance(decoded(envelope.type, data), EVENTS[type_])
        there.answering = lambda _request: 500
        failed = await desk.did("POST", f"/{endpoint}/test")
        assert (failed["state"], failed["attempts"][0]["response_body"]) == ("failed", "because")
        assert [each["test"] for each in await desk.deliveries(endpoint)] == [True, True]


async def test_an_event_is_sent_again_by_hand(house: House) -> None:
    """Under the same id, also when it was delivered; the attempt is marked, and the deed is audited."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        dossier = uuid4()
        said = await house.say(dossier, received())
        await eventually(has(there, said))
        for asked, count in ((dossier, 1), (uuid4(), 0)):
            assert len(await desk.deliveries(endpoint, dossier=str(asked))) == count

        async def delivered() -> bool:
            return [each["state"] for each in await desk.deliveries(endpoint)] == ["delivered"]

        await eventually(delivered)
        shown = await desk.did("POST", f"/{endpoint}/deliveries/{said[0]}/resend")
        assert there.ids == [said[0], said[0]]
        assert [each["manual"] for each in shown["attempts"]] == [False, True]
        there.answering = lambda _request: 500
        shown = await desk.did("POST", f"/{endpoint}/deliveries/{said[0]}/resend")
        assert (shown["state"], shown["attempts_made"]) == ("delivered", 3)
        assert (await desk.call("POST", f"/{endpoint}/deliveries/{uuid4()}/resend")).status_code == 404


async def test_what_holds_up_the_rest_of_its_dossier_is_named(house: House) -> None:
    """At the endpoint and at what waits behind it, until it is taken; an event of another dossier waits for nothing."""
    await house.partner()
    desk = await desk_of(house)
    patient = msgspec.structs.replace(QUICK, schedule=Schedule(table=(0.0, 600.0), failures_max=60))
    async with receiver(always(500)) as there, dispatching(house, patient):
        endpoint, _ = await desk.add(there.url)
        said = await house.say(uuid4(), received(), accepted())
        (other,) = await house.say(uuid4(), received())

        async def both_refused() -> bool:
            made = {each["event_id"]: each["attempts_made"] for each in await desk.deliveries(endpoint)}
            return made == {str(said[0]): 1, str(said[1]): 0, str(other): 1}

        await eventually(both_refused)
        assert (await desk.show(endpoint))["failing_event"] == str(said[0])
        for event, first in ((said[0], None), (said[1], str(said[0])), (other, None)):
            assert (await desk.did("GET", f"/{endpoint}/deliveries/{event}"))["waits_for"] == first
        there.answering = always(204)
        await desk.did("POST", f"/{endpoint}/recover", {"since": LONG_AGO})
        await eventually(has(there, [*said, other]))

        async def none_is_named() -> bool:
            return (await desk.show(endpoint))["failing_event"] is None

        await eventually(none_is_named)
        assert (await desk.did("GET", f"/{endpoint}/deliveries/{said[1]}"))["waits_for"] is None


async def test_another_partners_endpoint_is_not_there(house: House) -> None:
    """Whatever is asked: 404, as for one that never was."""
    await house.partner()
    await house.partner(EVERYTHING)
    mine, theirs = await desk_of(house), await desk_of(house, EVERYTHING.code)
    endpoint, _ = await theirs.add(URL)
    since = {"since": "2026-01-01T00:00:00Z"}
    for method, path, content in (
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("POST", "/secret", None),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{uuid4()}", None),
        ("POST", f"/deliveries/{uuid4()}/resend", None),
        ("POST", "/recover", since),
        ("POST", "/replay-missing", since),
        ("GET", f"/replays/{uuid4()}", None),
    ):
        answer = await mine.call(method, f"/{endpoint}{path}", content)
        assert answer.status_code == 404, path
    assert await theirs.state_is(endpoint, "active")


@pytest.mark.parametrize(
    ("content", "field", "code"),
    [
        ({"url": "http://example.vn/", "types": ["*"]}, "url", "name-not-resolved"),
        ({"url": "https://10.0.0.1/", "types": ["*"]}, "url", "address-not-allowed"),
        ({"url": "https://[::ffff:127.0.0.1]/", "types": ["*"]}, "url", "address-not-allowed"),
        ({"url": "https://169.254.169.254/latest", "types": ["*"]}, "url", "address-not-allowed"),
        ({"url": "http://1.1.1.1/", "types": ["*"]}, "url", "scheme-not-allowed"),
        ({"url": "https://1.1.1.1:25/", "types": ["*"]}, "url", "port-not-allowed"),
        ({"url": "ftp://1.1.1.1/", "types": ["*"]}, "url", "scheme-not-allowed"),
        ({"url": "https://a:b@1.1.1.1/", "types": ["*"]}, "url", "credentials-in-url"),
        ({"url": "không phải", "types": ["*"]}, "url", "url-malformed"),
        ({"url": URL, "types": []}, "types", "count"),
        ({"url": URL, "types": ["result.*"]}, "types", "unknown"),
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused(
    house: House, content: dict[str, object], field: str, code: str
) -> None:
    """With the field and why; nothing was kept."""
    await house.partner()
    desk = await desk_of(house)
    answer = await desk.call("POST", "", content)
    assert answer.status_code == 422, answer.text
    found = [(each["field"], each["code"]) for each in answer.json()["errors"]]
    if code == "name-not-resolved":
        # A name server of the place the test runs at may answer for anything.
        assert found[0][0] == "url"
    else:
        assert found == [(field, code)]
    assert await desk.did("GET", "") == {"endpoints": []}


async def test_there_are_twenty_endpoints_at_most_and_floods_are_told_to_wait(house: House) -> None:
    """The twenty-first is refused; so is the thirty-first test event, with Retry-After."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there:
        endpoint, _ = await desk.add(there.url)
        for _ in range(19):
            await desk.add(URL)
        assert (await desk.call("POST", "", {"url": URL, "types": ["*"]})).status_code == 409
        answers = [await desk.call("POST", f"/{endpoint}/test") for _ in range(32)]
        assert answers[29].status_code == 200
        assert (answers[-1].status_code, int(answers[-1].headers["retry-after"]) > 0) == (429, True)
        assert len(there.requests) == len([each for each in answers if each.status_code == 200])


async def test_who_looks_too_often_is_told_to_wait_and_nobody_else(house: House) -> None:
    """At webhooks, keys and audit together: 429 with Retry-After."""
    await house.partner()
    await house.partner(EVERYTHING)
    mine, theirs = await desk_of(house), await desk_of(house, EVERYTHING.code)
    house.process._counted._buckets = TokenBuckets(rate_per_second=0.01, burst=20)
    answers = [(await mine.call("GET", "")).status_code for _ in range(10)]
    assert answers == [200] * 10
    codes = [(await house.http.get("/partner", headers=mine.headers)).status_code for _ in range(11)]
    assert codes == [200] * 10 + [429]
    refused = await mine.call("GET", "")
    assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
    assert (await theirs.call("GET", "")).status_code == 200


async def test_endpoints_made_at_once_are_twenty_at_most_too(house: House) -> None:
    """Each counts those before it."""
    await house.partner()
    desk = await desk_of(house)
    for _ in range(17):
        await desk.add(URL)
    made = await asyncio.gather(*(desk.call("POST", "", {"url": URL, "types": ["*"]}) for _ in range(8)))
    assert sorted(each.status_code for each in made) == [201] * 3 + [409] * 5


async def test_a_partner_whose_receiver_hangs_leaves_room_for_others(house: House) -> None:
    """Four of one at once; the fifth is told to wait, and another partner's is sent."""
    await house.partner()
    await house.partner(EVERYTHING)
    mine, theirs = await desk_of(house), await desk_of(house, EVERYTHING.code)
    house.process.sender._seconds = 1.5
    async with receiver(always(HANG)) as hanging, receiver() as there:
        endpoint, _ = await mine.add(hanging.url)
        other, _ = await theirs.add(there.url)
        crowd = [asyncio.create_task(mine.call("POST", f"/{endpoint}/test")) for _ in range(5)]
        await eventually(lambda: hanging.open == 4)
        assert (await theirs.did("POST", f"/{other}/test"))["state"] == "delivered"
        answers = [each.status_code for each in await asyncio.gather(*crowd)]
        assert sorted(answers) == [200] * 4 + [429]


async def test_who_is_no_partner_has_no_endpoints(house: House) -> None:
    """Without a token 401; a partner that was suspended is out, as everywhere."""
    assert (await house.http.get("/webhooks")).status_code == 401
    await house.partner()
    desk = await desk_of(house)
    await house.pool.execute("UPDATE partner SET state = 'suspended'")
    house.process.access._known.clear()
    assert (await desk.call("GET", "")).status_code == 401
