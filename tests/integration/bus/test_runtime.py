"""A service on the bus as one: relay, consumer, operators' HTTP and commands, and the order of starting and ending."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog.testing
from fastapi import FastAPI, HTTPException, Request
from nats.aio.client import Client
from typer.testing import CliRunner

from deploy.local.nats_server import NatsServer, NatsUser
from libs.bus import jetstream, topology
from libs.bus.admin import admin_router
from libs.bus.cli import dead_letters_app
from libs.bus.connection import connect
from libs.bus.handling import Service
from libs.bus.ids import new_id
from libs.bus.outbox import Outgoing, emit
from libs.bus.permissions import configuration
from libs.bus.runtime import BusRuntime
from libs.contracts.routing import StepStarted
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.probe_service import (
    HANDLERS,
    QUICK,
    Probe,
    corrected,
    load,
    open_probe,
    save,
    supplemented,
    until,
)


@pytest_asyncio.fixture
async def probe(database: DatabaseFactory, nats_server: Any) -> AsyncIterator[Probe]:
    """A probe service on a fresh database and a fresh server."""
    found = await open_probe(await database("routing"), nats_server.url)
    yield found
    await found.client.close()
    await found.pool.close()


def make_runtime(probe: Probe, *, url: str | None = None, **options: Any) -> BusRuntime:
    """The probe as a service with everything."""
    service = Service(name="routing", handlers=HANDLERS, load=load, save=save, context=probe.context)
    return BusRuntime(
        service,
        database_url=probe.database.app_dsn,
        nats_url=url or probe.url,
        pool_size=4,
        consumer=QUICK,
        **options,
    )


async def test_what_comes_in_goes_out(probe: Probe) -> None:
    """An event is consumed, what it causes is on our own stream, and ending leaves nothing unpublished."""
    commits = []
    runtime = make_runtime(probe, after_commit=lambda: commits.append(1))
    await runtime.start()
    stop = asyncio.Event()
    running = asyncio.create_task(runtime.run(stop))
    for _ in range(5):
        await probe.producer.say(new_id(), supplemented())
    await probe.has("bus.outbox", 5, "published_at IS NOT NULL")
    status = runtime.status()
    assert status.connected
    assert status.relay is not None
    assert status.relay.active
    assert status.consumer is not None
    assert commits
    async with runtime.writer.transaction() as connection:
        said = StepStarted(step="s", agency="a", started_at=supplemented().supplemented_at)
        await emit(connection, "routing", [Outgoing(dossier_id=new_id(), event=said)])
    await probe.has("bus.outbox", 6, "published_at IS NOT NULL", seconds=5)
    stop.set()
    await asyncio.wait_for(running, 20)
    await runtime.close()
    info = await probe.client.jetstream().stream_info("ROUTING")
    assert info.state.messages == 6


async def test_the_writer_works_while_nats_is_away(probe: Probe) -> None:
    """Without a NATS server the database accepts writes, and stopping does not hang."""
    runtime = make_runtime(probe, url="nats://127.0.0.1:9")
    await runtime.start()
    stop = asyncio.Event()
    running = asyncio.create_task(runtime.run(stop))
    async with runtime.writer.transaction() as connection:
        said = StepStarted(step="s", agency="a", started_at=supplemented().supplemented_at)
        await emit(connection, "routing", [Outgoing(dossier_id=new_id(), event=said)])
    assert not runtime.status().connected
    stop.set()
    await asyncio.wait_for(running, 15)
    await runtime.close()
    assert await probe.count("bus.outbox") == 1


async def test_a_connection_that_is_not_answered_is_closed_on_stop(probe: Probe) -> None:
    """As of a server that listens and says nothing."""
    reached, over = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        over.set()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listening:
        runtime = make_runtime(probe, url=f"nats://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        stop = asyncio.Event()
        running = asyncio.create_task(runtime.run(stop))
        await asyncio.wait_for(reached.wait(), 10)
        stop.set()
        await asyncio.wait_for(running, 10)
        await asyncio.wait_for(over.wait(), 5)
    await runtime.close()


async def test_a_connection_made_although_it_was_told_to_stop_is_closed(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11's wait_for may swallow what tells it to stop, and connect."""
    trying, made = asyncio.Event(), list[Client]()

    async def swallowing(url: str, **options: Any) -> Client:
        trying.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        made.append(await connect(url, **options))
        return made[0]

    monkeypatch.setattr("libs.bus.runtime.connect", swallowing)
    runtime = make_runtime(probe)
    stop = asyncio.Event()
    running = asyncio.create_task(runtime.run(stop))
    await asyncio.wait_for(trying.wait(), 10)
    stop.set()
    await asyncio.wait_for(running, 10)
    await runtime.close()
    assert [client.is_closed for client in made] == [True]


async def require_operator(request: Request) -> Any:
    """Stands for libs.http's dependency: who asks, or 403."""
    if request.headers.get("x-actor") != "operator":
        raise HTTPException(403)
    return SimpleNamespace(subject="op-1")


async def test_operators_settle_dead_letters_over_http(probe: Probe) -> None:
    """List, masked view, retry and discard with reason; nobody else may, and a letter is settled once."""
    probe.context.failing.add("bug")
    for reason in ("bug", "reject"):
        await probe.producer.say(new_id(), corrected(reason))
    async with probe.consumer():
        await probe.has("bus.dead_letter", 2)
    probe.context.failing.clear()
    runtime = make_runtime(probe)
    await runtime.start()
    app = FastAPI()
    app.include_router(admin_router(runtime, require_operator))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://bus", headers={"x-actor": "operator"}
    ) as http:
        assert (await http.get("/bus/dead-letters", headers={"x-actor": "nobody"})).status_code == 403
        listed = (await http.get("/bus/dead-letters")).json()
        by_reason = {letter["reason"]: letter["id"] for letter in listed}
        shown = (await http.get(f"/bus/dead-letters/{by_reason['rejected']}")).json()
        assert shown["payload"]["reason"] == "reject"
        assert shown["headers"]["type"] == "intake.dossier-corrected.v1"
        assert (await http.get("/bus/dead-letters/999")).status_code == 404
        retried = await http.post(f"/bus/dead-letters/{by_reason['exhausted']}/retry")
        assert retried.json()["flaw"] is None
        again = await http.post(f"/bus/dead-letters/{by_reason['exhausted']}/retry")
        assert again.status_code == 409
        refused = (await http.post(f"/bus/dead-letters/{by_reason['rejected']}/retry")).json()
        assert refused["flaw"] == {"reason": "rejected", "code": "no-such-case"}
        discard = f"/bus/dead-letters/{by_reason['rejected']}/discard"
        assert (await http.post(discard, json={})).status_code == 422
        assert (await http.post(discard, json={"reason": "made by a test"})).status_code == 204
        assert (await http.post(discard, json={"reason": "twice"})).status_code == 409
        assert (await http.get("/bus/dead-letters")).json() == []
        assert len((await http.get("/bus/dead-letters", params={"state": "all"})).json()) == 2
        assert (await http.post("/bus/streams/intake/resume")).status_code == 409
        assert (await http.get("/bus/status")).json()["connected"] is False
    await runtime.close()


async def test_operators_settle_dead_letters_by_command(probe: Probe) -> None:
    """The same as commands, which say what they did and exit 1 when they could not."""
    for _ in range(2):
        await probe.producer.say(new_id(), corrected("reject"))
    async with probe.consumer():
        await probe.has("bus.dead_letter", 2)
    app = dead_letters_app(lambda: make_runtime(probe))

    async def run(*arguments: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))

    listed = [json.loads(line) for line in (await run("list")).stdout.splitlines()]
    first, second = (str(letter["id"]) for letter in listed)
    assert json.loads((await run("show", first)).stdout)["letter"]["code"] == "no-such-case"
    refused = await run("retry", first, "--by", "op-2")
    assert refused.exit_code == 1
    assert "still refused: rejected no-such-case" in refused.output
    assert (await run("discard", first, "--by", "op-2", "--reason", "made by a test")).exit_code == 0
    assert (await run("discard", first, "--by", "op-2", "--reason", "twice")).exit_code == 1
    assert (await run("show", "999")).exit_code == 1
    assert (await run("resume", "intake", "--by", "op-2")).exit_code == 1
    assert [json.loads(line)["id"] for line in (await run("list")).stdout.splitlines()] == [int(second)]


async def test_starting_before_nats_is_there_ends_in_consuming(
    database: DatabaseFactory, embedded_nats: NatsServer
) -> None:
    """A service started while NATS is down consumes as soon as it is up."""
    probe = await open_probe(await database("routing"), embedded_nats.url)
    await probe.producer.say(new_id(), supplemented())
    await embedded_nats.stop()
    runtime = make_runtime(probe)
    await runtime.start()
    stop = asyncio.Event()
    running = asyncio.create_task(runtime.run(stop))
    await asyncio.sleep(0)
    await embedded_nats.start()
    await probe.has("probe.effect", 1, seconds=20)
    await until(lambda: runtime.status().connected, 5, "connected")
    stop.set()
    await asyncio.wait_for(running, 20)
    await runtime.close()
    await probe.client.close()
    await probe.pool.close()


async def test_a_service_needs_no_right_beyond_its_own(probe: Probe, embedded_nats: NatsServer) -> None:
    """With only the rights derived from the flows a service consumes, acknowledges, measures and publishes."""
    users = [NatsUser(name="routing", password="secret", permissions=configuration("routing"))]
    await embedded_nats.set_users(users)
    there = await connect(embedded_nats.url, name="test", on_closed=lambda: None)
    await topology.reconcile(there)
    probe.producer.client = there
    runtime = make_runtime(probe, url=embedded_nats.url_for("routing"))
    await runtime.start()
    stop = asyncio.Event()
    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(runtime.run(stop))
        for _ in range(5):
            await probe.producer.say(new_id(), supplemented())
        await probe.has("bus.outbox", 5, "published_at IS NOT NULL")
        await probe.producer.say(new_id(), corrected("reject"))
        await probe.has("bus.dead_letter", 1)
        stop.set()
        await asyncio.wait_for(running, 20)
        refused = [line for line in lines if "ermissions" in str(line)]
    await runtime.close()
    found = await jetstream.consumer_info(there, "INTAKE", "routing-intake")
    await there.close()
    assert refused == []
    assert (found.num_pending, found.num_ack_pending) == (0, 0)
