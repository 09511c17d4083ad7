"""The embedded nats-server keeps its store, knows its users, and takes new ones while it runs."""

import asyncio
from pathlib import Path

import nats
import nats.errors
import pytest
from nats.js.api import StreamConfig

from deploy.local.nats_server import NatsServer, NatsUser
from deploy.local.server_folder import FolderBusy

SPEAKER = NatsUser(
    name="speaker",
    password="of-the.speaker",
    permissions={"publish": {"allow": ["said.>"]}, "subscribe": {"allow": ["_INBOX_speaker.>"]}},
)


async def fill(url: str) -> None:
    """Store one message in a stream of its own."""
    client = await nats.connect(url)
    await client.jetstream().add_stream(StreamConfig(name="T", subjects=["t.>"]))
    await client.jetstream().publish("t.a", b"x")
    await client.close()


async def stored(url: str) -> int:
    """How many messages the stream has."""
    client = await nats.connect(url)
    try:
        return (await client.jetstream().stream_info("T")).state.messages
    finally:
        await client.close()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_the_store_survives(embedded_nats: NatsServer, how: str) -> None:
    """An acknowledged message is there after a stop or a kill -9, under the same URL."""
    url = embedded_nats.url
    await fill(url)
    if how == "kill":
        embedded_nats.kill()
    else:
        await embedded_nats.stop()
    assert not embedded_nats.is_running()
    await embedded_nats.start()
    assert embedded_nats.url == url
    assert await stored(url) == 1
    assert (embedded_nats.store_dir / "jetstream" / "$G" / "streams" / "T").is_dir()


async def test_every_fixture_server_starts_empty(embedded_nats: NatsServer, nats_server: NatsServer) -> None:
    """The server of a test has no streams of another, and JetStream is on."""
    await fill(embedded_nats.url)
    client = await nats.connect(nats_server.url)
    assert await client.jetstream().streams_info() == []
    await client.close()


async def test_the_settings_reach_the_server(folder: Path) -> None:
    """What we ask of JetStream is what the server says it does."""
    async with NatsServer(folder, sync_interval="always", max_file_store_bytes=5_000_000) as server:
        jetstream = (await server.monitor("/varz"))["jetstream"]["config"]
        assert jetstream["max_storage"] == 5_000_000
        assert jetstream["sync_always"] is True


async def test_a_user_may_do_only_what_the_data_say(folder: Path) -> None:
    """A user with permissions publishes where allowed, and is refused elsewhere."""
    async with NatsServer(folder, users=[SPEAKER]) as server:
        refused: asyncio.Queue[Exception] = asyncio.Queue()
        client = await nats.connect(
            server.url_for("speaker"), error_cb=refused.put, inbox_prefix=b"_INBOX_speaker"
        )
        await client.publish("said.hello", b"")
        await client.publish("other.hello", b"")
        error = await asyncio.wait_for(refused.get(), 5)
        assert "other.hello" in str(error).lower()
        assert refused.empty()
        await client.close()


async def test_nobody_enters_without_a_password(embedded_nats: NatsServer) -> None:
    """A connection without a user is refused."""
    with pytest.raises((nats.errors.Error, OSError)):
        await nats.connect(
            f"nats://127.0.0.1:{embedded_nats.port}",
            allow_reconnect=False,
            connect_timeout=5,
            error_cb=ignore,
        )


def test_a_password_that_no_url_carries_is_refused() -> None:
    """A password with characters that need escapes in a URL cannot be given to a user."""
    with pytest.raises(ValueError, match="speaker"):
        NatsUser(name="speaker", password="a@b")


async def test_users_change_while_it_runs(embedded_nats: NatsServer) -> None:
    """A new user may enter at once, and one taken away may not; the administrator stays connected."""
    admin = await nats.connect(embedded_nats.url)
    await embedded_nats.set_users([SPEAKER])
    client = await nats.connect(embedded_nats.url_for("speaker"))
    await client.close()
    url = embedded_nats.url_for("speaker")
    await embedded_nats.set_users([])
    with pytest.raises(nats.errors.Error):
        await nats.connect(url, allow_reconnect=False, connect_timeout=5, error_cb=ignore)
    assert admin.is_connected
    await admin.close()


async def test_its_folder_serves_one_process_at_a_time(embedded_nats: NatsServer) -> None:
    """A second server object on a running folder is refused."""
    with pytest.raises(FolderBusy):
        await NatsServer(embedded_nats.folder.path).start()
    assert embedded_nats.is_running()


async def test_its_passwords_are_private(embedded_nats: NatsServer) -> None:
    """The files with passwords can be read by their owner only."""
    for name in ("nats-server.json", "server.json"):
        assert (embedded_nats.folder.path / name).stat().st_mode & 0o077 == 0


async def ignore(_error: Exception) -> None:
    """Errors of a connection that is meant to fail."""
