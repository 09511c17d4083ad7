"""What an older gateway has left on partners' server is brought to what this one makes, with all it holds."""

import io
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from libs.bus import jetstream
from libs.telemetry.logs import configure_logs
from services.gateway.straight.layout import (
    ACK_PENDING_MAX,
    FORMER_INBOX_DURABLE,
    events_stream,
    inbox_stream,
)
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import HOSPITAL, House, received
from tests.integration.gateway.straight.inbox_desk import Desk, Recorder
from tests.integration.gateway.straight.partners_nats import PartnersNats, ids, take

EVENTS, INBOX = events_stream(HOSPITAL.code), inbox_stream(HOSPITAL.code)
# As gateways made it that read inboxes by a durable.
FORMER = {
    "name": FORMER_INBOX_DURABLE,
    "durable_name": FORMER_INBOX_DURABLE,
    "ack_policy": "explicit",
    "max_ack_pending": ACK_PENDING_MAX,
}


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    """What the gateway logs."""
    stream = io.BytesIO()
    configure_logs("gateway", "INFO", stream=stream)
    yield stream
    configure_logs("gateway", "ERROR")


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


async def test_streams_that_cannot_be_brought_up_to_date_serve_as_they_are(
    houses: Callable[..., Any], partners_nats: PartnersNats, written: io.BytesIO
) -> None:
    """What is said is read, what was handed in is answered, and the log names what the server would not change."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        await eventually(lambda: partners_nats.holds(HOSPITAL.code, 0))
    admin = await partners_nats.admin()
    for stream in (EVENTS, INBOX):
        made = await jetstream.stream_info(admin, stream)
        # Nobody can take that back.
        await jetstream.update_stream(admin, made.config | {"allow_msg_ttl": True})

    recorder = Recorder()
    now: House = await houses(taker=recorder, **partners_nats.settings)
    async with partners_nats.at_work(now.process):
        desk = Desk(now, partners_nats, recorder, await partners_nats.connect())
        await desk.publish("e1", b"good")
        (answer,) = await desk.answers(1)
        await eventually(desk.is_empty)
    assert answer.id == "e1"
    lines = [msgspec.json.decode(line) for line in written.getvalue().splitlines()]
    told = [line for line in lines if line["event"].endswith("-differs")]
    assert {(line["event"], line["partner"], line["settings"]) for line in told} == {
        (event, HOSPITAL.code, "allow_msg_ttl")
        for event in ("partner-stream-differs", "partner-inbox-differs")
    }
    assert all(int(line["error_code"]) > 10_000 for line in told)


async def _has_no(admin: Any, durable: str) -> bool:
    try:
        await jetstream.consumer_info(admin, INBOX, durable)
    except jetstream.NotFound:
        return True
    return False
