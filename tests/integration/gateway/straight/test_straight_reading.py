"""Reading by NATS: each partner has exactly its events, once and in order, whatever becomes of the stream."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from libs.contracts.cloudevents import decode
from tests.integration.gateway.conftest import HOSPITAL, POLICE, House, accepted, assigned, received
from tests.integration.gateway.straight.partners_nats import PartnersNats, at_work, ids, take

pytestmark = pytest.mark.timeout(90)


async def test_a_partner_gets_exactly_its_events_in_order(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """What was said before it was switched on and what is said afterwards; nothing of others' dossiers."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.partner(POLICE)
    mine, other = uuid4(), uuid4()
    said = await house.say(mine, received(), accepted())
    await house.say(other, received("93017"), accepted("93017"))
    await partners_nats.admit(house)
    await partners_nats.admit(house, POLICE.code)
    async with at_work(house.process):
        client = await partners_nats.connect()
        first = await take(client, HOSPITAL.code, 2)
        said += await house.say(mine, assigned())
        messages = first + await take(client, HOSPITAL.code, 1)
        assert ids(messages) == said
        police = await take(await partners_nats.connect(POLICE.code), POLICE.code, 2, seconds=3)
    assert ids(police) == said[2:]
    envelope, data = decode(messages[0].headers, messages[0].data)
    assert (envelope.id, envelope.dossier_id, envelope.type) == (said[0], mine, "intake.dossier-received.v1")
    assert messages[0].subject == f"events.{HOSPITAL.code}.intake.dossier-received.v1.{mine}"
    assert b'"facility":"93016"' in data


async def test_the_cursor_of_a_message_is_the_feed_s(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """A partner may go on over HTTP from where it was on NATS."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), received(), accepted(), assigned())
    await partners_nats.admit(house)
    async with at_work(house.process):
        messages = await take(await partners_nats.connect(), HOSPITAL.code, 2)
    answer = await house.read(await house.token(), (messages[1].headers or {})["feed-cursor"])
    assert [event["id"] for event in answer.json()] == [str(said[2])]
