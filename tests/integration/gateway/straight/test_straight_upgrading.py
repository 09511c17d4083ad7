"""What an older gateway has left on partners' server is brought to what this one makes, with all it holds."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from libs.bus import jetstream
from services.gateway.straight.topology import (
    ACK_PENDING_MAX,
    FORMER_INBOX_DURABLE,
    events_stream,
    inbox_stream,
)
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import HOSPITAL, House, received
from tests.integration.gateway.straight.partners_nats import PartnersNats, ids, take

EVENTS, INBOX = events_stream(HOSPITAL.code), inbox_stream(HOSPITAL.code)
# As gateways made it that read inboxes by a durable.
FORMER = {
    "name": FORMER_INBOX_DURABLE,
    "durable_name": FORMER_INBOX_DURABLE,
    "ack_policy": "explicit",
    "max_ack_pending": ACK_PENDING_MAX,
}


async def test_streams_of_an_older_gateway_are_kept_and_brought_up_to_date(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """They take batches, have the size that is set now, and an inbox has no reader that nobody reads by."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), *(received() for _ in range(3)))
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        await eventually(lambda: partners_nats.holds(HOSPITAL.code, 3))
    admin = await partners_nats.admin()
    made = await jetstream.stream_info(admin, EVENTS)
    await jetstream.update_stream(admin, made.config | {"allow_atomic": False})
    await jetstream.write_consumer(admin, INBOX, FORMER, action="create")

    said += await house.say(uuid4(), *(received() for _ in range(30)))
    now: House = await houses(**partners_nats.settings, partners_stream_bytes=1 << 20)
    async with partners_nats.at_work(now.process):
        found = await take(await partners_nats.connect(), HOSPITAL.code, 33)
        await eventually(lambda: _has_no(admin, FORMER_INBOX_DURABLE))
    brought = await jetstream.stream_info(admin, EVENTS)
    assert ids(found) == said
    assert [bool((each.headers or {}).get("Nats-Batch-Id")) for each in found] == [False] * 3 + [True] * 30
    assert brought.created == made.created
    assert brought.config == made.config | {"max_bytes": 1 << 20}


async def _has_no(admin: Any, durable: str) -> bool:
    try:
        await jetstream.consumer_info(admin, INBOX, durable)
    except jetstream.NotFound:
        return True
    return False
