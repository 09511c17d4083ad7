"""What goes wrong: processes killed and frozen, servers away, stores lost, damaged and rolled back, repeats."""

import asyncio
import os
import random
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec
from nats.js.errors import Error as JetStreamError

from deploy.local.city import City
from deploy.local.nats_server import NatsServer
from deploy.local.ports import free_port
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.server_folder import ServerError
from libs.bus.topology import stream_of
from libs.contracts.catalogue import PRODUCERS, SERVICES
from tests.faults.dump import TESTER, read_messages
from tests.faults.leftovers import admin

REPEATED_MAX = 400
POISON_PER_STREAM = 3


class Faults:
    """Faults on a running city. Each is a coroutine that ends when the fault is over (not when it is healed)."""

    def __init__(self, city: City, seed: int, urls: dict[str, list[str]]) -> None:
        self._city = city
        self._random = random.Random(seed)  # noqa: S311 - a seed must repeat the round
        self._urls = urls
        self.done: list[str] = []
        self.nats_away: list[tuple[int, int]] = []
        """Times (monotonic nanoseconds) in which NATS was away."""

    @property
    def nats(self) -> NatsServer:
        """The city's own NATS server."""
        if self._city.nats is None:
            raise RuntimeError("faults need the city's own NATS server")
        return self._city.nats

    @property
    def postgres(self) -> EmbeddedPostgres:
        """The city's own PostgreSQL."""
        if self._city.postgres is None:
            raise RuntimeError("faults need the city's own PostgreSQL")
        return self._city.postgres

    async def kill(self, name: str) -> None:
        """kill -9 of a process, or of a server; the supervisor starts it again."""
        self.done.append(f"kill -9 {name}")
        try:
            if name == "nats":
                self.nats.kill()
            elif name == "postgres":
                self.postgres.kill()
            else:
                self._city.supervisor.signal(name, signal.SIGKILL)
        except ServerError:
            self.done[-1] += " (was down already)"

    async def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP a process, and let it go on later, convinced that no time has passed."""
        self.done.append(f"freeze {name} for {seconds:.0f} s")
        try:
            self._city.supervisor.signal(name, signal.SIGSTOP)
        except ServerError:
            self.done[-1] += " (was down)"
            return
        await asyncio.sleep(seconds)
        try:
            self._city.supervisor.signal(name, signal.SIGCONT)
        except ServerError:
            self.done[-1] += " (was killed meanwhile)"

    async def take_nats_away(self, seconds: float, *, meanwhile: Callable[[], None] | None = None) -> None:
        """Stop NATS, do something to its store, and start it again after a while."""
        self.done.append(f"nats away for {seconds:.0f} s")
        await self._city.supervisor.leave(self.nats.name)
        await self.nats.stop()
        began = time.monotonic_ns()
        if meanwhile is not None:
            meanwhile()
        await asyncio.sleep(seconds)
        self.nats_away.append((began, time.monotonic_ns()))
        await self.nats.start()
        self._city.supervisor.keep(self.nats)

    async def lose_store(self) -> None:
        """The store is gone when NATS comes back."""
        self.done.append("nats store lost while stopped")
        await self.take_nats_away(1, meanwhile=lambda: shutil.rmtree(self.nats.store_dir, ignore_errors=True))

    async def lose_store_while_running(self) -> None:
        """The store's files are deleted under the running server, which goes on acknowledging."""
        self.done.append("nats store deleted while running")
        shutil.rmtree(self.nats.store_dir / "jetstream", ignore_errors=True)

    async def flip_bit(self) -> None:
        """One bit in the middle of the newest block file of a stream."""
        blocks = [block for block in self._blocks() if block.stat().st_size > 200]
        if not blocks:
            return
        block = self._random.choice(blocks)
        self.done.append(f"bit flipped in {block.parents[1].name}")
        content = bytearray(block.read_bytes())
        content[len(content) // 2] ^= 1 << self._random.randrange(8)
        # In place, as a disk does it: the server keeps its open file.
        with block.open("r+b") as file:
            file.write(content)

    def _blocks(self) -> list[Path]:
        return sorted(self.nats.store_dir.glob("jetstream/*/streams/*/msgs/*.blk"))

    async def roll_back_store(self, seconds: float) -> None:
        """The store of some seconds ago comes back after a crash, as after the restore of a machine."""
        self.done.append(f"nats store rolled back by {seconds:.0f} s")
        copy = self.nats.folder.path / "store-before"
        shutil.rmtree(copy, ignore_errors=True)
        os.kill(self.nats.pid, signal.SIGSTOP)
        try:
            shutil.copytree(self.nats.store_dir, copy)
        finally:
            os.kill(self.nats.pid, signal.SIGCONT)
        await asyncio.sleep(seconds)
        await self._city.supervisor.leave(self.nats.name)
        self.nats.kill()
        shutil.rmtree(self.nats.store_dir)
        copy.rename(self.nats.store_dir)
        await self.nats.stop()
        await self.nats.start()
        self._city.supervisor.keep(self.nats)

    async def empty_stream(self) -> None:
        """An administrator deletes a stream; the keeper makes it anew, empty."""
        source = self._random.choice(PRODUCERS)
        self.done.append(f"stream {stream_of(source)} deleted")
        async with admin(self._city) as client:
            await client.jetstream().delete_stream(stream_of(source))

    async def restart_postgres(self) -> None:
        """PostgreSQL is restarted in order, under load."""
        self.done.append("postgres restarted")
        await self._city.supervisor.leave(self.postgres.name)
        await self.postgres.restart()
        self._city.supervisor.keep(self.postgres)

    async def repeat_messages(self) -> None:
        """What is on the streams is published again, one to three times, shuffled, also from long ago.

        Without Nats-Msg-Id, so that the server takes them; with a few that no service can read.
        """
        self.done.append("messages repeated and shuffled, some unreadable")
        for source in PRODUCERS:
            try:
                messages = await read_messages(self._city, source)
            except (JetStreamError, OSError):
                continue
            chosen = self._random.sample(messages, min(len(messages), REPEATED_MAX))
            again = [each for each in chosen for _ in range(self._random.randrange(1, 4))]
            self._random.shuffle(again)
            async with admin(self._city) as client:
                for message in again:
                    headers = {**(message.headers or {}), TESTER: "repeat"}
                    headers.pop("Nats-Msg-Id", None)
                    await client.publish(message.subject, message.data, headers=headers)
                for number in range(POISON_PER_STREAM if messages else 0):
                    await client.publish(messages[0].subject, b"{", headers={TESTER: f"poison {number}"})
                await client.flush(timeout=10)

    async def add_replica(self, service: str) -> None:
        """A second process of a service, on the same database and durables."""
        self.done.append(f"second replica of {service}")
        command = self._city.command(service)
        port = free_port()
        environment = {**command.environment, "HTTP_PORT": str(port)}
        replica = msgspec.structs.replace(command, name=f"{service}-2", environment=environment)
        await self._city.supervisor.start(replica)
        self._urls[service].append(f"http://127.0.0.1:{port}")


def all_faults(
    faults: Faults, *, freeze_seconds: float, away_seconds: float
) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """Every fault that can be drawn, by name."""
    victims = (*SERVICES, "keeper", "nats", "postgres")
    return {
        **{f"kill {name}": lambda name=name: faults.kill(name) for name in victims},  # type: ignore[misc]
        **{f"freeze {s}": lambda s=s: faults.freeze(s, freeze_seconds) for s in SERVICES},  # type: ignore[misc]
        "nats away": lambda: faults.take_nats_away(away_seconds),
        "store lost": faults.lose_store,
        "store deleted under it": faults.lose_store_while_running,
        "bit flipped": faults.flip_bit,
        "store rolled back": lambda: faults.roll_back_store(20),
        "stream deleted": faults.empty_stream,
        "postgres restarted": faults.restart_postgres,
        "repeats": faults.repeat_messages,
    }
