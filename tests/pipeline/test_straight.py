"""A hospital's software that only speaks NATS: it declares a birth, is answered, and hears what becomes of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from deploy.local.partners import HOSPITAL_PARTNER, NATS_ADDRESS_FILE
from services.gateway.straight.layout import DURABLE, events_stream
from tests.pipeline.papers import birth_body, of_the_ward
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]
HEARD_SECONDS = 60.0


@asynccontextmanager
async def program(town: Town) -> AsyncIterator[Client]:
    """The hospital's program, as `python -m deploy.local partner benh-vien-thu nats` tells how."""
    folder = town.city.partners
    client = await nats.connect(
        (folder / NATS_ADDRESS_FILE).read_text().strip(),
        nkeys_seed=str(folder / f"{HOSPITAL_PARTNER}.nk"),
        inbox_prefix=f"_INBOX_{HOSPITAL_PARTNER}",
    )
    try:
        yield client
    finally:
        await client.close()


async def hear(client: Client, wanted: Any) -> Msg:
    """Confirm message after message until the one that is waited for."""
    subscription = await client.jetstream().pull_subscribe_bind(
        durable=DURABLE, stream=events_stream(HOSPITAL_PARTNER)
    )
    async with asyncio.timeout(HEARD_SECONDS):
        while True:
            try:
                messages = await subscription.fetch(100, timeout=2)
            except TimeoutError:
                continue
            for message in messages:
                await message.ack()
                if wanted(message):
                    return message


async def test_a_birth_is_declared_answered_and_followed_over_nats(town: Town) -> None:
    """The answer names the dossier; then the counter's acceptance of that dossier comes, as the feed has it."""
    event_id = str(uuid4())
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"urn:mot-cua:partner:{HOSPITAL_PARTNER}",
        "type": "partner.birth-declared.v1",
        "data": birth_body(of_the_ward(town.births, "single")[0], town.today),
    }
    headers = {"Content-Type": "application/cloudevents+json", "Nats-Msg-Id": event_id}
    async with program(town) as client:
        subject = f"inbox.{HOSPITAL_PARTNER}.birth-declared"
        await client.jetstream().publish(subject, json.dumps(event).encode(), headers=headers)
        answer = await hear(
            client,
            lambda message: (
                message.subject.endswith(".gateway.event-taken.v1")
                and json.loads(message.data)["id"] == event_id
            ),
        )
        dossier = json.loads(answer.data)["result"]["dossier_id"]
        received = f"events.{HOSPITAL_PARTNER}.intake.dossier-received.v1.{dossier}"
        heard = await hear(client, lambda message: message.subject == received)
        assert (heard.headers or {})["ce-subject"] == dossier
        wrong = dict(event, id=str(uuid4()), data={})
        await client.jetstream().publish(
            subject, json.dumps(wrong).encode(), headers={**headers, "Nats-Msg-Id": wrong["id"]}
        )
        refused = await hear(client, lambda message: message.subject.endswith(".gateway.event-refused.v1"))
        assert json.loads(refused.data)["problem"]["status"] == 422
