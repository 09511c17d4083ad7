"""Streams, durables and rights: made from FLOWS, kept so by the keeper, and nothing allowed beside them."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

import msgspec
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from deploy.local.nats_server import NatsServer, NatsUser
from libs.bus import jetstream
from libs.bus.connection import NatsNotReached, api_level, connect
from libs.bus.permissions import USERS, configuration, permissions_of
from libs.bus.refill import RebuildAnswer, RebuildRequest
from libs.bus.stored import read
from libs.bus.topology import (
    ACK_PENDING_MAX,
    API_LEVEL_MIN,
    NAME_CHARACTERS_MAX,
    TopologyRefused,
    TopologySettings,
    plan,
    reconcile,
)
from libs.contracts.catalogue import FLOWS
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.relay_rig import (
    FAST_KEEPER,
    all_published,
    connected,
    keeping,
    relaying,
    say,
    session,
    stream_messages,
    until,
)


def test_every_flow_has_its_stream_and_its_durable() -> None:
    """One stream per producer, one durable per consumer and producer, names short enough for file systems."""
    streams = {stream.name: stream for stream in plan()}
    assert set(streams) == {flow.by.upper() for flow in FLOWS}
    durables = {durable.name for stream in plan() for durable in stream.durables}
    assert durables == {f"{consumer}-{flow.by}" for flow in FLOWS for consumer in flow.to}
    assert all(len(name) <= NAME_CHARACTERS_MAX for name in durables)
    assert all("filter_subject" not in durable.config for stream in plan() for durable in stream.durables)


async def test_reconcile_makes_everything_and_then_finds_nothing_to_do(nats_server: NatsServer) -> None:
    """The server returns exactly the configs that were asked for."""
    async with connected(nats_server.url, "keeper") as client:
        assert await api_level(client) >= API_LEVEL_MIN
        done = await reconcile(client)
        assert len(done) == len(plan()) + sum(len(stream.durables) for stream in plan())
        assert await reconcile(client) == []
        config = (await jetstream.stream_info(client, "INTAKE")).config
    assert (config["discard"], config["retention"], config["storage"]) == ("new", "limits", "file")
    assert config["deny_delete"]
    assert config["deny_purge"]
    assert config.get("max_age", 0) == 0


async def test_reconcile_changes_what_can_be_changed(nats_server: NatsServer) -> None:
    """Sizes of streams and limits of durables are brought to what the code says; messages stay."""
    async with connected(nats_server.url, "keeper") as client:
        await reconcile(client)
        await client.jetstream().publish("intake.dossier-refused.v1", b"{}")
        durable = plan()[0].durables[0]
        await jetstream.write_consumer(
            client, "INTAKE", {**durable.config, "max_ack_pending": 7}, action="update"
        )
        done = await reconcile(client, TopologySettings(stream_bytes_max=1024**3))
        info = await jetstream.stream_info(client, "INTAKE")
        assert (info.config["max_bytes"], info.state.messages) == (1024**3, 1)
        assert (
            f"durable INTAKE/{durable.name}: updated (max_ack_pending: has 7, asked {ACK_PENDING_MAX})"
            in done
        )


@pytest.mark.parametrize(("field", "value"), [("storage", "memory"), ("retention", "workqueue")])
async def test_reconcile_refuses_what_it_cannot_change(
    nats_server: NatsServer, field: str, value: str
) -> None:
    """A stream of another kind is named field by field, left alone, and the command ends non-zero."""
    async with connected(nats_server.url, "keeper") as client:
        asked = {**plan()[0].config, "deny_purge": False, "max_bytes": 1024**2, field: value}
        await jetstream.create_stream(client, asked)
        with pytest.raises(TopologyRefused, match=f"stream INTAKE: .*{field}: has '{value}'"):
            await reconcile(client)
        assert (await jetstream.stream_info(client, "INTAKE")).config[field] == value
        code, text = await _command(nats_server.url)
    assert code != 0
    assert f"{field}: has '{value}'" in text
    assert "Traceback" not in text


async def test_the_command_reconciles_and_says_what_it_did(nats_server: NatsServer) -> None:
    """`python -m libs.bus topology` prints one line per change and none the second time."""
    code, text = await _command(nats_server.url)
    assert (code, text.count("created")) == (0, len(plan()) + sum(len(stream.durables) for stream in plan()))
    assert await _command(nats_server.url) == (0, "")


async def test_a_bad_setting_is_one_clear_line() -> None:
    """Without NATS_URL the command says so and ends non-zero."""
    code, text = await _command(None)
    assert code != 0
    assert "NATS_URL" in text
    assert "Traceback" not in text


async def test_nobody_there_is_said_after_the_deadline() -> None:
    """The first connection has a deadline; the endless patience comes after it."""
    with pytest.raises(NatsNotReached):
        await connect("nats://127.0.0.1:1", name="intake", on_closed=lambda: None, first_deadline_seconds=0.5)


async def test_a_client_that_is_closed_says_so(guarded: NatsServer) -> None:
    """A process whose connection is over for good learns of it and can exit; until then it reconnects."""
    closed = asyncio.Event()
    client = await connect(guarded.url_for("intake"), name="intake", on_closed=closed.set)
    guarded.kill()
    await guarded.start()
    await until(lambda: client.is_connected)
    assert not closed.is_set()
    await client.close()
    assert closed.is_set()


async def test_the_keeper_makes_again_what_vanished(nats_server: NatsServer) -> None:
    """A deleted durable and a deleted stream are back within seconds."""
    async with keeping(nats_server.url), connected(nats_server.url, "admin") as client:
        await jetstream.delete_consumer(client, "INTAKE", "routing-intake")
        await jetstream.delete_stream(client, "NOTIFY")

        async def back() -> bool:
            try:
                await jetstream.consumer_info(client, "INTAKE", "routing-intake")
                await jetstream.stream_info(client, "NOTIFY")
            except jetstream.NotFound:
                return False
            return True

        await until(back, seconds=5)


async def test_the_keeper_rebuilds_only_the_stream_it_was_asked_about_and_not_too_often(
    nats_server: NatsServer,
) -> None:
    """The request names the creation time it means: asking twice, or too late, or again at once changes nothing."""
    settings = msgspec.structs.replace(FAST_KEEPER, rebuild_seconds_min=30.0)
    async with keeping(nats_server.url, settings), connected(nats_server.url, "intake") as client:
        first = (await jetstream.stream_info(client, "INTAKE")).created
        other = (await jetstream.stream_info(client, "ROUTING")).created
        assert (await _ask(client, "INTAKE", first)).done
        second = (await jetstream.stream_info(client, "INTAKE")).created
        assert second != first
        assert (await _ask(client, "INTAKE", first)).done
        assert (await jetstream.stream_info(client, "INTAKE")).created == second
        refused = await _ask(client, "INTAKE", second)
        assert not refused.done
        assert 0 < refused.wait_seconds <= 30
        assert (await jetstream.stream_info(client, "INTAKE")).created == second
        assert (await jetstream.stream_info(client, "ROUTING")).created == other
        assert (await jetstream.consumer_info(client, "INTAKE", "routing-intake")).num_pending == 0


async def test_the_keeper_survives_nats_restarts(embedded_nats: NatsServer) -> None:
    """After a kill -9 of the server the keeper goes on watching."""
    async with keeping(embedded_nats.url), connected(embedded_nats.url, "admin") as client:
        embedded_nats.kill()
        await embedded_nats.start()

        async def gone() -> bool:
            try:
                await jetstream.delete_stream(client, "NOTIFY")
            except jetstream.NoAnswer:
                return False
            return True

        await until(gone)

        async def back() -> bool:
            try:
                await jetstream.stream_info(client, "NOTIFY")
            except jetstream.ApiError:
                return False
            return True

        await until(back)


@pytest.fixture
async def guarded(embedded_nats: NatsServer) -> AsyncIterator[NatsServer]:
    """A server that knows only the users and rights of permissions.py, with the topology made by its keeper."""
    await embedded_nats.set_users(
        [NatsUser(name=user, password=f"{user}-secret", permissions=configuration(user)) for user in USERS]
    )
    async with keeping(embedded_nats.url_for("keeper")):
        yield embedded_nats


async def test_the_rights_suffice_for_the_whole_way(database: DatabaseFactory, guarded: NatsServer) -> None:
    """As `intake` the relay publishes, proves and has its stream rebuilt; as `routing` a consumer pulls and acks."""
    dsn = (await database("intake")).app_dsn
    url = guarded.url_for("intake")
    async with session(dsn) as connection, relaying(dsn, url) as relay:
        await say(connection, 300)
        await all_published(connection)
        async with connected(guarded.url, "admin") as admin:
            await jetstream.delete_stream(admin, "INTAKE")
        await until(lambda: relay.status().epoch == 2 and not relay.status().refilling, seconds=15)
        await all_published(connection)
        async with connected(url) as own:
            assert len(await stream_messages(own)) == 300
    async with connected(guarded.url_for("routing"), "routing") as client:
        subscription = await client.jetstream().pull_subscribe_bind("routing-intake", stream="INTAKE")
        messages = await subscription.fetch(100, timeout=5)
        for message in messages:
            await message.ack_sync(timeout=5)
        info = await jetstream.consumer_info(client, "INTAKE", "routing-intake")
        assert info.num_ack_pending == 0


FORBIDDEN = [
    ("intake", "routing.case-opened.v1"),
    ("intake", "intake.never-heard-of.v1"),
    ("intake", "$JS.API.STREAM.PURGE.INTAKE"),
    ("intake", "$JS.API.STREAM.DELETE.INTAKE"),
    ("intake", "$JS.API.STREAM.CREATE.INTAKE"),
    ("intake", "$JS.API.STREAM.UPDATE.INTAKE"),
    ("intake", "$JS.API.STREAM.MSG.DELETE.INTAKE"),
    ("intake", "$JS.API.STREAM.INFO.ROUTING"),
    ("intake", "$JS.API.DIRECT.GET.ROUTING"),
    ("intake", "$JS.API.STREAM.MSG.GET.ROUTING"),
    ("intake", "$JS.API.STREAM.SNAPSHOT.INTAKE"),
    ("intake", "$JS.API.CONSUMER.CREATE.INTAKE.spy"),
    ("intake", "$JS.API.CONSUMER.DURABLE.CREATE.INTAKE.spy"),
    ("intake", "$JS.API.CONSUMER.DELETE.INTAKE.routing-intake"),
    ("intake", "$JS.API.CONSUMER.MSG.NEXT.INTAKE.routing-intake"),
    ("intake", "$JS.ACK.INTAKE.routing-intake.1.1.1.1.0"),
    ("intake", "keeper.rebuild.ROUTING"),
    ("intake", "_INBOX_routing.forged"),
    ("routing", "$JS.API.CONSUMER.MSG.NEXT.INTAKE.notify-intake"),
    ("routing", "$JS.ACK.INTAKE.notify-intake.1.1.1.1.0"),
    ("routing", "$JS.API.DIRECT.GET.INTAKE"),
    ("keeper", "intake.dossier-accepted.v1"),
    ("keeper", "$JS.API.STREAM.MSG.GET.INTAKE"),
    ("keeper", "$JS.API.DIRECT.GET.INTAKE"),
    ("keeper", "$JS.API.STREAM.PURGE.INTAKE"),
    ("keeper", "$JS.API.STREAM.CREATE.OTHER"),
    ("keeper", "$JS.API.CONSUMER.MSG.NEXT.INTAKE.routing-intake"),
]


async def test_each_forbidden_publication_is_denied(guarded: NatsServer) -> None:
    """Other services' subjects, streams, durables, acks and inboxes, and every administrative act."""
    for user in sorted({user for user, _ in FORBIDDEN}):
        client, denied = await _listening(guarded.url_for(user), user)
        try:
            for subject in [subject for each, subject in FORBIDDEN if each == user]:
                await client.publish(subject, b"{}", reply=f"_INBOX_{user}.x")
                await client.flush(timeout=5)
                await until(lambda: bool(denied), what=f"the denial of {subject} to {user}")  # noqa: B023
                assert subject.lower() in denied.pop()
        finally:
            await client.close()


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("intake", "intake.>"),
        ("intake", "_INBOX_routing.>"),
        ("intake", "_INBOX.>"),
        ("intake", ">"),
        ("intake", "keeper.rebuild.*"),
        ("intake", "$JS.EVENT.ADVISORY.>"),
        ("keeper", "intake.>"),
        ("keeper", "_INBOX_intake.>"),
    ],
)
async def test_each_forbidden_subscription_is_denied(guarded: NatsServer, user: str, subject: str) -> None:
    """Nobody can listen to what is said or answered to others."""
    client, denied = await _listening(guarded.url_for(user), user)
    try:
        await client.subscribe(subject)
        await client.flush(timeout=5)
        await until(lambda: bool(denied))
        assert subject.lower() in denied.pop()
    finally:
        await client.close()


def test_only_known_users_have_rights() -> None:
    """No wildcard lets anyone publish events of another, and unknown users get nothing."""
    for user in USERS:
        allowed = permissions_of(user).publish.allow
        assert not any(
            subject in (">", "*") or subject.startswith(("$JS.API.>", "$JS.>")) for subject in allowed
        )
    with pytest.raises(KeyError):
        permissions_of("stranger")


async def test_reading_back_leaves_out_what_is_not_there(nats_server: NatsServer) -> None:
    """Asked for sequences beyond the end, the stream gives those it has."""
    async with keeping(nats_server.url), connected(nats_server.url, "admin") as client:
        ids = [uuid4() for _ in range(3)]
        for event_id in ids:
            await client.jetstream().publish(
                "intake.dossier-refused.v1", b"{}", headers={"Nats-Msg-Id": str(event_id)}
            )
        found = await read(client, "INTAKE", 2, 10)
        assert {sequence: message.event_id for sequence, message in found.items()} == {2: ids[1], 3: ids[2]}
        assert await read(client, "INTAKE", 100, 10) == {}


async def _listening(url: str, name: str) -> tuple[Client, list[str]]:
    """A client and the list into which the server's denials come."""
    denied: list[str] = []
    client = Client()

    async def note(error: Exception) -> None:
        if isinstance(error, NatsError) and "permissions violation" in str(error):
            denied.append(str(error).lower())

    await client.connect(url, error_cb=note, inbox_prefix=f"_INBOX_{name}")
    return client, denied


async def _ask(client: Client, stream: str, created: str) -> RebuildAnswer:
    request = msgspec.json.encode(RebuildRequest(created))
    answer = await client.request(f"keeper.rebuild.{stream}", request, timeout=5)
    return msgspec.json.decode(answer.data, type=RebuildAnswer)


async def _command(url: str | None) -> tuple[int, str]:
    """Exit code and output of `python -m libs.bus topology`."""
    environment = {name: value for name, value in os.environ.items() if name != "NATS_URL"}
    if url is not None:
        environment["NATS_URL"] = url
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "libs.bus",
        "topology",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 20)
    # Log lines are JSON; what the command itself says is not.
    said = [line for line in output.decode().splitlines() if not line.startswith("{")]
    return process.returncode or 0, "\n".join(said)
