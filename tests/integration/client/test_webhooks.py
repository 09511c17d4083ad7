"""From a partner's program to its receiver and back: the gateway's own signer, the package's verification."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from deploy.local.ports import LOOPBACK, free_port
from libs.bus.ids import new_id
from mot_cua import AsyncClient
from mot_cua.endpoints import Delivery
from mot_cua.errors import Invalid, NotFound
from mot_cua.events import DossierReceived
from mot_cua.webhooks import SignatureWrong, verify
from services.gateway.webhooks import signing
from tests.fixtures.receiver import Receiver, receiver
from tests.fixtures.servers import ROOT, eventually
from tests.integration.client.conftest import Gateway
from tests.integration.gateway.conftest import accepted, received

pytestmark = pytest.mark.timeout(120)


async def test_a_webhook_is_made_tried_verified_and_its_secret_rotated(gateway: Gateway) -> None:
    """Each delivery is believed under the secret of its time, both during the overlap; nobody else's is."""
    async with gateway.async_client() as client, receiver() as hook:
        created = await client.webhooks.create(hook.url, ["intake.*"], description="máy thử")
        endpoint = created.endpoint
        assert (endpoint.types, endpoint.description, endpoint.state) == (("intake.*",), "máy thử", "active")
        tried = await client.webhooks.test(endpoint.id)
        assert (tried.test, tried.state, tried.attempts[0].status) == (True, "delivered", 204)
        first = hook.requests[-1]
        event = verify(first.headers, first.body, created.secret)
        assert (event.id, event.test) == (tried.event_id, True)

        dossier = new_id()
        said = await gateway.house.say(dossier, received())
        await eventually(lambda: has(hook, said[0]), deadline_seconds=10)
        event = verify(hook.requests[-1].headers, hook.requests[-1].body, [created.secret])
        assert isinstance(event.data, DossierReceived)
        assert (event.dossier_id, event.test) == (dossier, False)

        secret = await client.webhooks.rotate_secret(endpoint.id, overlap_hours=1)
        await client.webhooks.test(endpoint.id, event_type="results.result-ready.v1")
        last = hook.requests[-1]
        assert len(last.headers["webhook-signature"].split()) == 2
        for secrets in (secret, created.secret, [created.secret, secret]):
            assert verify(last.headers, last.body, secrets).type == "results.result-ready.v1"
        with pytest.raises(SignatureWrong):
            verify(last.headers, last.body, signing.new_secret())


async def test_what_failed_is_seen_sent_again_and_recovered(gateway: Gateway) -> None:
    """Each attempt with what was answered; one by one, all since a moment, and all that was before the endpoint."""
    began = datetime.now(UTC) - timedelta(days=3650)
    before = await gateway.house.say(new_id(), received())
    async with gateway.async_client() as client, receiver(lambda _: 500) as hook:
        endpoint = (await client.webhooks.create(hook.url)).endpoint
        said = [(await gateway.house.say(new_id(), received(), accepted())) for _ in range(3)]
        ids = [each for both in said for each in both]

        async def all_failed() -> bool:
            page = await client.webhooks.deliveries(endpoint.id)
            return len([each for each in page.deliveries if each.attempts_made]) >= 3

        await eventually(all_failed, deadline_seconds=10)
        shown = await client.webhooks.delivery(endpoint.id, str(ids[0]))
        assert [(one.status, one.response_body) for one in shown.attempts] == [(500, "because")]
        hook.answering = lambda _: 204
        again = await client.webhooks.resend(endpoint.id, str(ids[0]))
        assert (again.state, again.attempts[-1].manual) == ("delivered", True)
        with pytest.raises(Invalid) as refused:
            await client.webhooks.recover(endpoint.id, since=datetime.now(UTC) + timedelta(days=1))
        assert [(each.field, each.code) for each in refused.value.errors] == [("since", "in-the-future")]
        replay = await client.webhooks.recover(endpoint.id, since=began)
        await eventually(lambda: has(hook, *ids), deadline_seconds=20)
        await eventually(lambda: is_done(client, endpoint.id, replay.id), deadline_seconds=20)
        missing = await client.webhooks.replay_missing(endpoint.id, since=began)
        await eventually(lambda: has(hook, *before), deadline_seconds=20)
        assert missing.kind == "replay-missing"

        async def all_delivered() -> bool:
            deliveries = await all_pages(client, endpoint.id)
            assert {UUID(each.event_id) for each in deliveries} == {*ids, *before}
            return {each.state for each in deliveries} == {"delivered"}

        # What was answered is noted a moment later.
        await eventually(all_delivered, deadline_seconds=10)
        assert (await client.webhooks.get(endpoint.id)).waiting == 0


async def test_endpoints_are_listed_changed_and_deleted(gateway: Gateway) -> None:
    """What cannot be is refused with the field that is wrong; what is gone is not found."""
    async with gateway.async_client() as client, receiver() as hook:
        endpoint = (await client.webhooks.create(hook.url)).endpoint
        assert [each.id for each in await client.webhooks.list()] == [endpoint.id]
        paused = await client.webhooks.update(endpoint.id, enabled=False, types=["results.*"])
        assert (paused.state, paused.types) == ("paused", ("results.*",))
        assert (await client.webhooks.update(endpoint.id, enabled=True)).state == "active"
        with pytest.raises(Invalid) as refused:
            await client.webhooks.create("http://10.0.0.1/", ["rooting.*"])
        assert {error.field.partition("[")[0] for error in refused.value.errors} <= {"url", "types"}
        await client.webhooks.delete(endpoint.id)
        for gone in (client.webhooks.get(endpoint.id), client.webhooks.get(str(uuid4()))):
            with pytest.raises(NotFound):
                await gone
        assert await client.webhooks.list() == ()


async def test_the_example_receiver_takes_what_is_genuine(gateway: Gateway) -> None:
    """As a partner starts it; forged ones get 400, ones that came before 204 and are not handled again."""
    async with gateway.async_client() as client:
        port = free_port()
        created = await client.webhooks.create(f"http://{LOOPBACK}:{port}/", ["intake.*"])
        async with example(port, created.secret) as lines:
            await eventually(lambda: delivered(client, created.endpoint.id), deadline_seconds=20)
            assert (await anext(lines)).startswith("gateway.webhook-tested.v1")
            said = await gateway.house.say(new_id(), received())
            assert (await anext(lines)).startswith("intake.dossier-received.v1")
            again = await client.webhooks.resend(created.endpoint.id, str(said[0]))
            assert again.attempts[-1].status == 204
            await client.webhooks.rotate_secret(created.endpoint.id, overlap_hours=0)
            forged = await client.webhooks.test(created.endpoint.id)
            assert forged.attempts[-1].status == 400


@asynccontextmanager
async def example(port: int, secret: str) -> AsyncIterator[AsyncIterator[str]]:
    """The example of a receiver, and the lines it prints."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "clients/python/examples/receiver.py"),
        str(port),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "clients/python/src"),
            "MOT_CUA_WEBHOOK_SECRETS": secret,
        },
        stdout=asyncio.subprocess.PIPE,
    )

    async def lines() -> AsyncIterator[str]:
        assert child.stdout is not None
        while line := await asyncio.wait_for(child.stdout.readline(), 20):
            yield line.decode()

    try:
        yield lines()
    finally:
        child.kill()
        await child.wait()


async def delivered(client: AsyncClient, endpoint_id: str) -> bool:
    """Whether a test event arrives now: a receiver takes a moment to start."""
    return (await client.webhooks.test(endpoint_id)).state == "delivered"


async def is_done(client: AsyncClient, endpoint_id: str, replay_id: str) -> bool:
    """Whether a replay is."""
    return (await client.webhooks.replay(endpoint_id, replay_id)).state == "done"


async def all_pages(client: AsyncClient, endpoint_id: str) -> list[Delivery]:
    """Every delivery, page by page."""
    found: list[Delivery] = []
    before: str | None = None
    while True:
        page = await client.webhooks.deliveries(endpoint_id, before=before, limit=3)
        found += page.deliveries
        before = page.before
        if before is None:
            return found


async def has(hook: Receiver, *ids: UUID) -> bool:
    """Whether a receiver has taken these."""
    return set(ids) <= set(hook.ids)
