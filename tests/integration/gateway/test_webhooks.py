"""Webhooks to real receivers over loopback: order, failure and recovery, and what partners see of it."""

from uuid import uuid4

from standardwebhooks.webhooks import Webhook

from tests.fixtures.receiver import receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import House, accepted, assigned, ready, received
from tests.integration.gateway.webhook_desk import desk_of, dispatching, has


async def test_an_event_is_pushed_signed_in_order_and_shown(house: House) -> None:
    """As a CloudEvent, verified by the specification's own library; each once; the partner sees what became of it."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        endpoint, secret = await desk.add(there.url)
        dossier = uuid4()
        said = await house.say(dossier, received(), accepted(), assigned(), ready())
        await eventually(has(there, said))
        assert there.ids == said
        for request in there.requests:
            event = Webhook(secret).verify(request.body, request.headers)
            assert event["id"] == request.headers["webhook-id"]
            assert request.headers["content-type"] == "application/cloudevents+json"

        async def recorded() -> bool:
            return [each["state"] for each in await desk.deliveries(endpoint)] == ["delivered"] * 4

        await eventually(recorded)
        shown = await desk.did("GET", f"/{endpoint}/deliveries/{said[0]}")
        assert (shown["attempts"][0]["status"], shown["attempts_made"]) == (204, 1)
        assert shown["request"]["body"].encode() == there.requests[0].body
        assert (
            shown["request"]["headers"]["webhook-signature"] == there.requests[0].headers["webhook-signature"]
        )
        assert await desk.state_is(endpoint, "active")
        assert (await desk.show(endpoint))["waiting"] == 0
