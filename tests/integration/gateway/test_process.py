"""The gateway as it runs: processes on real NATS and PostgreSQL, killed at will; partners that wait and stream."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

from deploy.local.nats_server import NatsServer
from deploy.local.ports import LOOPBACK, free_port
from libs.bus import topology
from libs.bus.connection import connect
from libs.bus.ids import new_id
from libs.contracts.cloudevents import encode_data
from services.gateway.__main__ import cli
from services.gateway.partners.tokens import ASSERTION_TYPE
from services.gateway.settings import Settings
from tests.fixtures.servers import ROOT, eventually
from tests.fixtures.shell import typed
from tests.integration.bus.probe_service import Producer, shorten_ack_wait
from tests.integration.gateway.conftest import (
    EVERYTHING,
    HOSPITAL,
    House,
    accepted,
    assigned,
    ids_of,
    ready,
    received,
)

pytestmark = pytest.mark.timeout(180)


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a process with these settings."""
    given = {name.upper(): str(value) for name, value in msgspec.to_builtins(settings).items() if value != ""}
    return {"PATH": os.environ["PATH"], "UNREADY_SECONDS": "0", **given}


@contextmanager
def running(settings: Settings, log: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The process and its address; killed at the end if it still runs."""
    port = free_port()
    changed = msgspec.structs.replace(settings, http_port=port, unready_seconds=0)
    with log.open("ab") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "services.gateway", "serve"],
            cwd=ROOT,
            env=environment(changed),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield child, f"http://{LOOPBACK}:{port}"
    finally:
        child.kill()
        child.wait(10)


def command(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A command of the operator's shell."""
    return subprocess.run(
        [sys.executable, "-m", "services.gateway", *arguments],
        cwd=ROOT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def until_ready(url: str) -> None:
    """Wait until the process answers and is on the bus."""
    # Another client for each question would keep a core busy, reading the machine's certificates.
    async with httpx.AsyncClient(base_url=url, timeout=2) as client:

        async def is_ready() -> bool:
            try:
                answer = await client.get("/health/ready")
            except httpx.HTTPError:
                return False
            return answer.status_code == 200 and bool(answer.json()["checks"]["bus"])

        await eventually(is_ready, deadline_seconds=40)


@pytest_asyncio.fixture
async def producer(nats_server: NatsServer) -> AsyncIterator[Producer]:
    """Says what the services say, on streams and durables as the keeper makes them."""
    client = await connect(nats_server.url, name="test", on_closed=lambda: None)
    await topology.reconcile(client)
    yield Producer(client)
    await client.close()


async def say(producer: Producer, dossier_id: UUID, event: object, cause: UUID | None = None) -> UUID:
    """Publish an event, of a cause or of none."""
    envelope = msgspec.structs.replace(
        producer.envelope(dossier_id, event),  # type: ignore[arg-type]
        causation_id=cause,
    )
    await producer.publish(envelope, encode_data(event))  # type: ignore[arg-type]
    return envelope.id


@asynccontextmanager
async def served(
    house: House, settings: Callable[..., Settings], url: str, log: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """One process of the house's gateway, and a partner's client before it."""
    with running(settings(nats_url=url), log) as (_, address):
        await until_ready(address)
        headers = await house.token()
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=40) as client:
            yield client


async def test_two_replicas_killed_at_will_record_everything_once_and_in_order(
    house: House,
    settings: Callable[..., Settings],
    producer: Producer,
    nats_server: NatsServer,
    tmp_path: Path,
) -> None:
    """What was said stands in the feed once, in order per dossier, every event after the one it came of."""
    given = settings(nats_url=nats_server.url)
    # What a killed process had in its hands comes again after this, and not only after 30 seconds.
    await shorten_ack_wait(producer.client, "gateway", 2)
    said: dict[UUID, list[UUID]] = {}

    async def one_dossier() -> None:
        dossier = new_id()
        first = await say(producer, dossier, received())
        second = await say(producer, dossier, accepted(), first)
        step = await say(producer, dossier, assigned(), second)
        said[dossier] = [first, second, step, await say(producer, dossier, ready(), step)]

    draw = random.Random(7)  # noqa: S311 - kills at the same moments each time
    with running(given, tmp_path / "a.log") as (first, url):
        await until_ready(url)
        for number in range(3):
            with running(given, tmp_path / "b.log") as (second, other):
                await until_ready(other)
                saying = asyncio.gather(*(one_dossier() for _ in range(60)))
                await asyncio.sleep(draw.uniform(0.05, 0.3))
                second.kill()
                await saying
            if number == 1:
                first.send_signal(signal.SIGSTOP)
                await asyncio.sleep(1)
                first.send_signal(signal.SIGCONT)
        count = sum(len(events) for events in said.values())

        async def all_there() -> bool:
            return bool(await house.pool.fetchval("SELECT count(*) >= $1 FROM feed", count))

        await eventually(all_there, deadline_seconds=90)
    rows = await house.pool.fetch("SELECT position, event_id, dossier_id FROM feed ORDER BY position")
    assert [row[0] for row in rows] == list(range(1, count + 1))
    recorded: dict[UUID, list[UUID]] = {}
    for row in rows:
        recorded.setdefault(UUID(int=row[2].int), []).append(UUID(int=row[1].int))
    assert recorded == said
    assert await house.pool.fetchval("SELECT count(*) FROM bus.dead_letter") == 0


async def test_an_effect_that_arrives_first_waits_for_its_cause(
    house: House,
    settings: Callable[..., Settings],
    producer: Producer,
    nats_server: NatsServer,
    tmp_path: Path,
) -> None:
    """Across producers: routing's event overtook intake's on the way."""
    await house.partner()
    dossier, cause = new_id(), new_id()
    async with served(house, settings, nats_server.url, tmp_path / "log") as client:
        effect = await say(producer, dossier, assigned(), cause)
        # Two of other dossiers, of the same producer and said later, are recorded one after the other meanwhile.
        for count in (1, 2):
            await say(producer, new_id(), assigned())

            async def recorded(count: int = count) -> bool:
                return bool(await house.pool.fetchval("SELECT count(*) = $1 FROM feed", count))

            await eventually(recorded)
        assert not await house.pool.fetchval("SELECT count(*) FROM feed WHERE event_id = $1", effect)
        envelope = msgspec.structs.replace(
            producer.envelope(dossier, received()), id=cause, causation_id=None
        )
        await producer.publish(envelope, encode_data(received()))
        seen: list[UUID] = []
        cursor = ""
        while len(seen) < 2:
            answer = await client.get("/events", params={"after": cursor, "wait": 30})
            seen += ids_of(answer)
            cursor = answer.headers["next-cursor"]
    assert seen == [cause, effect]


async def test_who_waits_is_woken_within_a_second_of_the_saying(
    house: House,
    settings: Callable[..., Settings],
    producer: Producer,
    nats_server: NatsServer,
    tmp_path: Path,
) -> None:
    """Also by an event that another replica has recorded: this process only asks the table."""
    await house.partner()
    async with served(house, settings, nats_server.url, tmp_path / "log") as client:
        waits: list[float] = []
        cursor = "latest"
        for by_bus in (True, False, True, False):
            waiting = asyncio.create_task(client.get("/events", params={"after": cursor, "wait": 30}))
            await asyncio.sleep(0.6)
            began = time.monotonic()
            if by_bus:
                await say(producer, new_id(), received())
            else:
                await house.say(new_id(), received())
            answer = await waiting
            waits.append(time.monotonic() - began)
            assert len(answer.json()) == 1
            cursor = answer.headers["next-cursor"]
    assert max(waits) < 1, waits


async def test_a_stream_resumes_where_it_was_cut(
    house: House,
    settings: Callable[..., Settings],
    nats_server: NatsServer,
    tmp_path: Path,
    producer: Producer,
) -> None:
    """Each event once over two connections, by Last-Event-ID; what is said meanwhile is not missed."""
    await house.partner()
    said = await house.say(new_id(), received(), accepted(), assigned())
    async with served(house, settings, nats_server.url, tmp_path / "log") as client:
        seen: list[UUID] = []
        last = ""
        for wanted in (2, 5):
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
            async with client.stream("GET", "/events", headers=headers) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                async for line in answer.aiter_lines():
                    if line.startswith("id: "):
                        last = line[4:]
                    if line.startswith("data: "):
                        seen.append(UUID(msgspec.json.decode(line[6:])["id"]))
                        if len(seen) == wanted:
                            break
                        if len(seen) == 4:
                            said += await house.say(new_id(), received())
            if wanted == 2:
                said += await house.say(new_id(), received())
    assert seen == said


async def test_a_revoked_partner_is_out_within_a_minute_with_its_stream(
    house: House,
    settings: Callable[..., Settings],
    nats_server: NatsServer,
    tmp_path: Path,
    producer: Producer,
) -> None:
    """By the operator's shell, in a process that knew it as active; the stream ends, and no event is sent after."""
    await house.partner()
    given = settings(nats_url=nats_server.url)
    async with served(house, settings, nats_server.url, tmp_path / "log") as client:
        async with client.stream(
            "GET", "/events", headers={"Accept": "text/event-stream"}, params={"after": "latest"}
        ) as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            began = time.monotonic()
            assert command(given, "partners", "revoke", HOSPITAL.code).returncode == 0
            rest = [line async for line in lines]
        assert time.monotonic() - began < 60
        assert "event: ended" in rest
        assert (await client.get("/events")).status_code == 401
    assert (await house.deeds(HOSPITAL.code))[-1] == ("revoked", "")


async def test_a_request_that_offers_http_2_is_read_whole(
    house: House, settings: Callable[..., Settings], nats_server: NatsServer, tmp_path: Path
) -> None:
    """As Java's own client does with every request: the offer is not taken, and the body counts."""
    await house.partner()
    offered = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAEAAEAAAAIAAAAB",
    }
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": house.assertion(HOSPITAL.code),
    }
    async with served(house, settings, nats_server.url, tmp_path / "log") as client:
        del client.headers["Authorization"]
        answer = await client.post("/oauth/token", data=form, headers=offered)
    assert answer.status_code == 200, answer.text


async def test_partners_are_kept_at_the_shell(
    house: House, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Added, shown, listed, their keys changed; mistakes are one line, and everything is audited with who and where."""
    given = settings()

    async def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return await typed(cli, arguments, environment(given))

    key = tmp_path / "public.json"
    await house.partner(EVERYTHING)
    key.write_text(msgspec.json.encode(house.keys[EVERYTHING.code].as_dict(private=False)).decode())
    scope = ("--types", "results.*", "--reads", "facility/93016")
    acts = ("--agency", "hospital-93016", "--role", " hospital,", "--contact", "CNTT (it@bv.example)")
    assert command(given, "partners", "add", "bv", "Bệnh viện", *scope, *acts).returncode == 0
    added = await run("partners", "key", "add", "bv", str(key), "--kid", "mine")
    assert (added.returncode, added.stdout.strip()) == (0, "mine")
    for arguments in (
        ("suspend", "bv"),
        ("resume", "bv"),
        ("scope", "bv", "--types", "*", "--reads", "*"),
        ("key", "retire", "bv", "mine", "--last"),
        ("revoke", "bv"),
    ):
        if "--last" in arguments:
            # Its only key: not without saying so.
            kept = await run("partners", *arguments[:-1])
            assert (kept.returncode, "--last" in kept.stderr) == (1, True), kept.stderr
        assert (await run("partners", *arguments)).returncode == 0, arguments
    assert "bv\trevoked\thospital-93016\t*\t*" in (await run("partners", "list")).stdout
    shown = (await run("partners", "show", "bv")).stdout
    assert "hospital-93016 93016 hospital" in shown
    assert "key       mine" in shown
    assert "contact   CNTT (it@bv.example)" in shown
    deeds = ["added", "key-added", "suspended", "resumed", "scope-changed", "key-retired", "revoked"]
    assert [what for what, _ in await house.deeds("bv")] == deeds
    who = await house.pool.fetch("SELECT DISTINCT who, came_from <> '' FROM audit WHERE partner = 'bv'")
    assert [(row[0].split(":")[0], row[1]) for row in who] == [("shell", True)]
    wrong = (
        "partners",
        "add",
        "x1",
        "Tên",
        "--types",
        "result.*",
        "--reads",
        "ward/1",
        "--agency",
        "nowhere",
    )
    # Nobody could be told by telephone that webhooks were given up.
    unreachable = ("partners", "add", "x2", "Tên", *scope, "--contact", "0912 345 678")
    refusals: list[tuple[str, ...]] = [
        ("partners", "resume", "bv"),
        ("partners", "show", "nobody"),
        ("partners", "contact", "bv", "0912 345 678"),
        unreachable,
        wrong,
    ]
    for words in refusals:
        refused = await run(*words)
        assert (refused.returncode, len(refused.stderr.strip().splitlines())) == (1, 1), refused.stderr
