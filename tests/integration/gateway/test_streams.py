"""Streams and their limits, over real connections to a gateway in this process, with shorter times than the city's."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn

from deploy.local.ports import LOOPBACK, free_port
from services.gateway.feed import streams
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import EVERYTHING, House, received

STREAM = {"Accept": "text/event-stream"}
# More bytes than the kernel keeps for a connection (4 MiB).
EVENTS = 16_000


class Listening(uvicorn.Server):
    """uvicorn that leaves signals to the test runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[int]:
    """The gateway's port, while it answers there with its background work."""
    port, stop = free_port(), asyncio.Event()
    config = uvicorn.Config(house.app, host=LOOPBACK, port=port, http="httptools", ws="none", log_config=None)
    server = Listening(config)
    tasks = [asyncio.ensure_future(work(stop)) for work in house.process.background]
    serving = asyncio.create_task(server.serve())
    try:
        await eventually(lambda: server.started)
        yield port
    finally:
        server.should_exit = server.force_exit = True
        stop.set()
        await serving
        await asyncio.gather(*tasks)


@asynccontextmanager
async def connected(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway while it answers."""
    async with listening(house) as port, httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}") as client:
        yield client


def places(house: House) -> int:
    """How many places for streams are taken."""
    taken: int = house.process._desk._waiting.total()
    return taken


async def test_a_quiet_stream_shows_that_it_lives(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing comes for its reader: the cursor goes on, so that nothing is looked through twice."""
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.3)
    await house.partner()
    headers = STREAM | await house.token()
    async with connected(house) as client, client.stream("GET", "/events", headers=headers) as answer:
        ids: list[str] = []
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                ids.append(line)
                await house.say(uuid4(), received(facility="93001"))
            if len(ids) == 4:
                break
    assert len(set(ids)) > 1


async def test_a_partner_has_so_many_streams_and_gets_a_place_back(houses: Callable[..., Any]) -> None:
    """One too many is told when to come back; another partner has its own."""
    house: House = await houses(streams_max=2)
    await house.partner()
    await house.partner(EVERYTHING)
    headers = STREAM | await house.token()
    other = STREAM | await house.token(EVERYTHING.code)
    async with connected(house) as client:
        first, second = (client.stream("GET", "/events", headers=headers) for _ in range(2))
        async with first, second:
            refused = await client.get("/events", headers=headers)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            async with client.stream("GET", "/events", headers=other) as answer:
                assert answer.status_code == 200
        await eventually(lambda: places(house) == 0)
        async with client.stream("GET", "/events", headers=headers) as answer:
            assert answer.status_code == 200


async def test_a_client_that_takes_nothing_is_let_go_and_delays_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its place is free again; another reads everything meanwhile."""
    monkeypatch.setattr(streams, "WRITE_SECONDS_MAX", 1.0)
    await house.partner()
    await house.partner(EVERYTHING)
    for _ in range(10):
        await house.say(uuid4(), *[received()] * (EVENTS // 10))
    async with listening(house) as port:
        with socket.socket() as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(silent, (LOOPBACK, port))
            token = (await house.token())["Authorization"]
            asked = f"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: {token}\r\n\r\n"
            await loop.sock_sendall(silent, asked.encode())
            await eventually(lambda: places(house) == 1)
            async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}") as client:
                headers = await house.token(EVERYTHING.code)
                answer = await client.get("/events", headers=headers, params={"limit": 1000})
                assert len(json.loads(answer.content)) == 1000
            await eventually(lambda: places(house) == 0, deadline_seconds=20)
