"""Streams and durables that somebody made otherwise: set right, or refused by name."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client

from deploy.local.nats_server import NatsServer
from libs.bus import jetstream
from libs.bus.keeper import Keeper
from libs.bus.permissions import REBUILD_SUBJECT
from libs.bus.refill import RebuildAnswer, RebuildRequest
from libs.bus.topology import TopologyRefused, plan, reconcile
from tests.integration.bus.relay_rig import FAST_KEEPER, connected, running, until

REPUBLISHED = {"src": ">", "dest": "spy.>"}
TRANSFORMED = {"src": "intake.>", "dest": "elsewhere.>"}


@pytest.mark.parametrize(
    ("what", "field", "value"),
    [
        ("durable", "filter_subject", "intake.dossier-accepted.v1"),
        ("durable", "filter_subjects", ["intake.dossier-accepted.v1", "intake.dossier-refused.v1"]),
        ("durable", "headers_only", True),
        ("durable", "inactive_threshold", 5_000_000_000),
        ("stream", "republish", REPUBLISHED),
        ("stream", "subject_transform", TRANSFORMED),
        ("stream", "no_ack", True),
        ("stream", "compression", "s2"),
        ("stream", "consumer_limits", {"max_ack_pending": 9000}),
    ],
)
async def test_reconcile_takes_out_what_nobody_asked_for(
    nats_server: NatsServer, what: str, field: str, value: Any
) -> None:
    """A filter, a republishing, a silent stream: fields the code never sets are found and set back."""
    async with connected(nats_server.url, "keeper") as client:
        await reconcile(client)
        if what == "stream":
            await jetstream.update_stream(client, {**plan()[0].config, field: value})
        else:
            config = {**plan()[0].durables[0].config, field: value}
            await jetstream.write_consumer(client, "INTAKE", config, action="update")
        (done,) = await reconcile(client)
        assert f"{field}: has " in done
        assert await reconcile(client) == []


async def test_a_paused_durable_is_refused_until_the_pause_is_over(nats_server: NatsServer) -> None:
    """Only an operator's own call ends a pause, so it is named; a pause that is over is nothing."""
    durable = plan()[0].durables[0].name
    async with connected(nats_server.url, "keeper") as client:
        await reconcile(client)
        await _pause(client, durable, timedelta(hours=1))
        with pytest.raises(TopologyRefused, match=f"durable INTAKE/{durable}: .*pause_until"):
            await reconcile(client)
        await _pause(client, durable, timedelta(hours=-1))
        assert await reconcile(client) == []


async def test_a_paused_durable_ends_no_keeper(nats_server: NatsServer) -> None:
    """A keeper that starts beside a pause keeps everything else, and is ready when the pause is over."""
    durable = plan()[0].durables[0].name
    async with connected(nats_server.url, "keeper") as client, connected(nats_server.url, "intake") as relay:
        await reconcile(client)
        await _pause(client, durable, timedelta(hours=1))
        await jetstream.delete_consumer(client, "INTAKE", plan()[0].durables[-1].name)
        keeper = Keeper(client, FAST_KEEPER)
        async with running(keeper.run):
            await until(lambda: _exists(client, plan()[0].durables[-1].name))
            created = (await jetstream.stream_info(relay, "ROUTING")).created
            request = msgspec.json.encode(RebuildRequest(created))
            answer = await relay.request(f"{REBUILD_SUBJECT}.ROUTING", request, timeout=5)
            assert msgspec.json.decode(answer.data, type=RebuildAnswer).done
            assert not keeper.ready.is_set()
            await _pause(client, durable, timedelta(hours=-1))
            await asyncio.wait_for(keeper.ready.wait(), 10)


async def test_a_keeper_does_not_start_on_what_it_cannot_change(nats_server: NatsServer) -> None:
    """Another difference beside a pause: the keeper says so and ends."""
    async with connected(nats_server.url, "keeper") as client:
        await jetstream.create_stream(client, {**plan()[0].config, "max_bytes": 1024**2, "storage": "memory"})
        with pytest.raises(TopologyRefused):
            await reconcile(client)
        await _pause(client, plan()[1].durables[0].name, timedelta(hours=1), stream=plan()[1].name)
        with pytest.raises(TopologyRefused, match=r"storage.*pause_until"):
            await asyncio.wait_for(Keeper(client, FAST_KEEPER).run(asyncio.Event()), 10)


async def test_a_sealed_stream_is_refused(nats_server: NatsServer) -> None:
    """A stream that takes nothing more cannot be opened again: it is named, not taken for ours."""
    async with connected(nats_server.url, "keeper") as client:
        asked = {**plan()[0].config, "deny_purge": False, "deny_delete": False}
        await jetstream.create_stream(client, asked)
        await jetstream.update_stream(client, {**asked, "sealed": True})
        with pytest.raises(TopologyRefused, match=r"stream INTAKE: .*sealed"):
            await reconcile(client)


async def _pause(client: Client, durable: str, how_long: timedelta, *, stream: str = "INTAKE") -> None:
    until_when = (datetime.now(UTC) + how_long).isoformat()
    await jetstream.request(client, f"CONSUMER.PAUSE.{stream}.{durable}", {"pause_until": until_when})


async def _exists(client: Client, durable: str) -> bool:
    try:
        await jetstream.consumer_info(client, "INTAKE", durable)
    except jetstream.NotFound:
        return False
    return True
