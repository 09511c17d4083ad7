"""The NATS fixture gives every test a server with an empty store."""

import nats
from nats.js.api import StreamConfig

from deploy.local.nats_server import NatsServer


async def test_the_store_survives_a_restart(embedded_nats: NatsServer) -> None:
    """A message acknowledged before a restart is there after it, under the same URL."""
    url = embedded_nats.url
    client = await nats.connect(url)
    await client.jetstream().add_stream(StreamConfig(name="T", subjects=["t.>"]))
    await client.jetstream().publish("t.a", b"x")
    await client.close()
    await embedded_nats.restart()
    assert embedded_nats.url == url
    client = await nats.connect(url)
    info = await client.jetstream().stream_info("T")
    await client.close()
    assert info.state.messages == 1
