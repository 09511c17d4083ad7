"""The window publisher: every message ends in exactly one typed outcome, by its deadline."""

import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from nats.aio.client import Client

from deploy.local.nats_server import NatsServer
from libs.bus import jetstream
from libs.bus.outbox import emit
from libs.bus.publisher import WINDOW_MESSAGES_MAX, Message, Publisher, Refused, Stored
from libs.bus.topology import plan
from libs.contracts.cloudevents import encode_block
from libs.contracts.event import Envelope
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.relay_rig import (
    AT,
    all_published,
    connected,
    keeping,
    outbox_ids,
    outgoing,
    relaying,
    say,
    session,
    stream_messages,
    until,
)

SUBJECT = "intake.dossier-refused.v1"


def messages(count: int, size: int = 50) -> list[Message]:
    """New events of one dossier."""
    return [
        Message(
            SUBJECT,
            encode_block(
                Envelope(
                    id=uuid4(),
                    source="intake",
                    type=SUBJECT,
                    dossier_id=uuid4(),
                    time=AT,
                    sequence=number + 1,
                )
            ),
            b"x" * size,
        )
        for number in range(count)
    ]


async def create(client: Client, **changes: Any) -> None:
    """The stream of intake, with changes."""
    await jetstream.create_stream(client, {**plan()[0].config, **changes})


@pytest.fixture
async def client(embedded_nats: NatsServer) -> AsyncIterator[Client]:
    """An administrator's connection."""
    async with connected(embedded_nats.url, "admin") as opened:
        yield opened


@pytest.fixture
async def publisher(client: Client) -> AsyncIterator[Publisher]:
    """An open publisher for INTAKE; the stream is the test's to make."""
    opened = Publisher(client, "INTAKE")
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize("atomic", [False, True])
async def test_outcomes_come_in_the_order_of_the_messages(
    client: Client, publisher: Publisher, atomic: bool
) -> None:
    """Three windows under way at once: each message gets its own sequence, contents and headers arrive whole."""
    await create(client)
    batches = [messages(300), messages(1), messages(WINDOW_MESSAGES_MAX)]
    windows = [await publisher.send(batch, atomic=atomic) for batch in batches]
    outcomes = [outcome for window in windows for outcome in await publisher.outcomes(window, 10)]
    assert outcomes == [Stored(sequence) for sequence in range(1, 1302)]
    sent = [message for batch in batches for message in batch]
    for found, message in zip(await stream_messages(client), sent, strict=True):
        assert f"ce-id: {found.event_id}\r\n".encode() in message.header
    last = await client.jetstream().get_msg("INTAKE", seq=1301)
    assert last.headers is not None
    assert last.headers["ce-sequence"] == "1000"
    assert last.data == b"x" * 50


async def test_a_repeated_message_is_a_duplicate(client: Client, publisher: Publisher) -> None:
    """The server names the sequence of the first copy."""
    await create(client)
    batch = messages(2)
    await publisher.publish(batch, deadline_seconds=5)
    again = await publisher.publish([*batch, *messages(1)], deadline_seconds=5)
    assert again == [Stored(1, duplicate=True), Stored(2, duplicate=True), Stored(3)]


async def test_an_atomic_batch_is_stored_whole_or_not_at_all(client: Client, publisher: Publisher) -> None:
    """One duplicate in it, and nothing of it is stored."""
    await create(client)
    known = messages(1)
    await publisher.publish(known, deadline_seconds=5)
    outcomes = await publisher.publish([*messages(10), *known], deadline_seconds=5, atomic=True)
    assert outcomes == [Refused("refused-10201")] * 11
    assert (await jetstream.stream_info(client, "INTAKE")).state.messages == 1


async def test_a_full_stream_says_so(client: Client, publisher: Publisher) -> None:
    """What fits is stored, the rest is refused with a code of its own."""
    await create(client, max_bytes=20_000)
    outcomes = await publisher.publish(messages(100), deadline_seconds=5)
    stored = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert 0 < len(stored) < 100
    assert set(outcomes) - set(stored) == {Refused("stream-full")}


async def test_no_stream_is_no_responders(publisher: Publisher) -> None:
    """It is known at once, not after the deadline."""
    began = time.monotonic()
    assert await publisher.publish(messages(3), deadline_seconds=5) == [Refused("no-responders")] * 3
    assert time.monotonic() - began < 2


async def test_another_stream_is_not_ours(client: Client, publisher: Publisher) -> None:
    """An ack of a stream that somebody put on our subjects does not count."""
    await create(client, name="OTHER")
    assert await publisher.publish(messages(1), deadline_seconds=5) == [Refused("wrong-stream")]


async def test_a_lost_connection_ends_the_wait(
    embedded_nats: NatsServer, client: Client, publisher: Publisher
) -> None:
    """Acks that died with the connection are not waited for; while it is down nothing is written or kept."""
    await create(client)
    os.kill(embedded_nats.pid, signal.SIGSTOP)
    window = await publisher.send(messages(5))
    embedded_nats.kill()
    assert await publisher.outcomes(window, 30) == [Refused("disconnected")] * 5
    assert await publisher.publish(messages(5), deadline_seconds=30) == [Refused("disconnected")] * 5
    await embedded_nats.start()
    await until(lambda: client.is_connected)
    await create(client)
    assert await publisher.publish(messages(2), deadline_seconds=5) == [Stored(1), Stored(2)]


async def test_a_silent_server_is_a_timeout(
    embedded_nats: NatsServer, client: Client, publisher: Publisher
) -> None:
    """A frozen server costs one deadline, and its late acks disturb nobody."""
    await create(client)
    os.kill(embedded_nats.pid, signal.SIGSTOP)
    try:
        assert await publisher.publish(messages(5), deadline_seconds=0.5) == [Refused("timeout")] * 5
    finally:
        os.kill(embedded_nats.pid, signal.SIGCONT)
    outcomes = await publisher.publish(messages(2), deadline_seconds=5)
    assert outcomes == [Stored(6), Stored(7)]


async def test_the_relay_sends_one_by_one_what_an_atomic_batch_cannot_hold(
    database: DatabaseFactory, nats_server: NatsServer
) -> None:
    """A duplicate among a hundred new rows (a mark that was lost) holds nothing up and is not stored twice."""
    dsn = (await database("intake")).app_dsn
    async with (
        keeping(nats_server.url),
        session(dsn) as connection,
        relaying(dsn, nats_server.url) as relay,
        connected(nats_server.url, "admin") as client,
    ):
        await say(connection, 50)
        await all_published(connection)
        async with connection.transaction():
            await connection.execute(
                "UPDATE bus.outbox SET published_at = NULL, stream_epoch = NULL, stream_seq = NULL WHERE id = 25"
            )
            await emit(connection, "intake", outgoing([uuid4() for _ in range(100)]))
        await all_published(connection)
        assert await outbox_ids(connection) == [message.event_id for message in await stream_messages(client)]
        assert (relay.status().epoch, relay.status().last_error_code) == (1, "")
