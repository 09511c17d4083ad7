"""What the tests of refilling work with: one relay with its database and server, and ways to damage a stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from nats.aio.client import Client

from deploy.local.nats_server import NatsServer
from libs.bus import jetstream
from libs.bus.relay import Relay
from libs.bus.topology import plan
from tests.integration.bus.relay_rig import connected, outbox_ids, say, session, stream_messages, until


class City:
    """One relay, its database and its server, with a consumer that remembers every event it was given."""

    def __init__(self, server: NatsServer, connection: Any, relay: Relay, client: Client, dsn: str) -> None:
        self.server = server
        self.connection = connection
        self.relay = relay
        self.client = client
        self.dsn = dsn

    @property
    def files(self) -> Path:
        """The stream's folder on disk."""
        return self.server.store_dir / "jetstream/$G/streams/INTAKE"

    async def epoch(self) -> int:
        """The newest epoch."""
        return int(await self.connection.fetchval("SELECT coalesce(max(epoch), 0) FROM bus.stream_epoch"))

    async def reason(self) -> str:
        """Why the newest epoch began."""
        return str(
            await self.connection.fetchval("SELECT reason FROM bus.stream_epoch ORDER BY epoch DESC LIMIT 1")
        )

    async def settled(self) -> bool:
        """Whether the newest epoch is whole and everything is published in it."""
        row = await self.connection.fetchrow(
            "SELECT epoch, state FROM bus.stream_epoch ORDER BY epoch DESC LIMIT 1"
        )
        if row is None or row["state"] != "current":
            return False
        return not await self.connection.fetchval(
            "SELECT count(*) FROM bus.outbox WHERE stream_epoch IS DISTINCT FROM $1", row["epoch"]
        )

    async def refilled(self, after: int, *, seconds: float = 18) -> None:
        """Wait until a later epoch than `after` is whole, and check that the stream is the outbox."""

        async def done() -> bool:
            return await self.epoch() > after and await self.settled()

        await until(done, seconds=seconds, what=f"refill after epoch {after}")
        await self.is_the_outbox()

    async def is_the_outbox(self) -> None:
        """The stream holds every event of the outbox once, in its order."""
        found = [message.event_id for message in await stream_messages(self.client)]
        assert found == await outbox_ids(self.connection)
        # The status follows the database by a moment.
        await until(self.is_well, what="a status without complaint")

    def is_well(self) -> bool:
        """Whether the relay has nothing to complain of and nothing left to do."""
        status = self.relay.status()
        return (status.refilling, status.last_error_code, status.unpublished) == (False, "", 0)


@asynccontextmanager
async def writing(city: City) -> AsyncIterator[None]:
    """Events are said all through the block."""
    ended = asyncio.Event()

    async def write() -> None:
        async with session(city.dsn) as connection:
            while not ended.is_set():
                await say(connection, 2)
                city.relay.wake()
                await asyncio.sleep(0.02)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        ended.set()
        await task


@asynccontextmanager
async def unprotected(server: NatsServer) -> AsyncIterator[Client]:
    """An administrator, and a stream that anyone with rights may purge; no keeper is there."""
    async with connected(server.url, "admin") as client:
        config = {**plan()[0].config, "deny_purge": False, "deny_delete": False}
        await jetstream.create_stream(client, config)
        yield client


def block_of(city: City) -> Path:
    """The newest block file with messages."""
    return max(city.files.glob("msgs/*.blk"), key=lambda path: int(path.stem))


def flip_middle_bit(path: Path) -> None:
    """Change one bit in the middle of a file, in place."""
    with path.open("r+b") as file:
        place = path.stat().st_size // 2
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
