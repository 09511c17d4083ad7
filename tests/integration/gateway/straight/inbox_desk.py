"""A partner that hands in by NATS, and who takes what it hands in."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus import jetstream
from libs.contracts.gateway import EventRefused, EventTaken
from libs.http.problems import FieldError, Problem
from services.gateway.inbound.cloudevent import InboundEvent
from services.gateway.inbound.outcomes import Outcome, later, refused, taken
from services.gateway.partners.partner import Partner
from services.gateway.straight.layout import inbox_stream
from tests.integration.gateway.conftest import HOSPITAL, House
from tests.integration.gateway.owner import STRUCTURED, event
from tests.integration.gateway.straight.partners_nats import PartnersNats, take

SUBJECT = f"inbox.{HOSPITAL.code}.birth-declared"


class Recorder:
    """Takes whatever says `"good"`; keeps what it was given. It is away, or breaks, as long as it is told to."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        # What goes wrong with the next ones: an error of ours, or (None) an owner that is away.
        self.fails: list[Exception | None] = []

    async def take(self, partner: Partner, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Remember it."""
        event_id = headers.get("ce-id", "")
        if self.fails:
            failure = self.fails.pop(0)
            if failure is None:
                return later(InboundEvent(source="", id=event_id, type=""))
            raise failure
        self.taken.append((partner.code, event_id, body))
        event = InboundEvent(source=partner.code, id=event_id, type="")
        if b"good" not in body:
            errors = [FieldError("data.mother", "missing", "Thiếu thông tin người mẹ")]
            return refused(event, Problem(422, errors=errors))
        return taken(event, 200, result=b'{"dossier_id":"d","tracking_token":"t"}', location="/births/d")


class Desk:
    """A partner that hands in."""

    def __init__(self, house: House, partners_nats: PartnersNats, recorder: Recorder, client: Client) -> None:
        self.house = house
        self.partners_nats = partners_nats
        self.recorder = recorder
        self.client = client

    async def publish(self, event_id: str, body: bytes) -> bool:
        """Publish as a partner's program does; whether the server had it before."""
        headers = {"Nats-Msg-Id": event_id, "ce-id": event_id, "ce-source": HOSPITAL.code}
        ack = await self.client.jetstream().publish(SUBJECT, body, headers=headers)
        return bool(ack.duplicate)

    async def hand_in(self, event_id: str) -> None:
        """Publish an event that is one, in structured mode."""
        given = event("partner.birth-declared.v1", data={"good": event_id}) | {"id": event_id}
        headers = {"Content-Type": STRUCTURED, "Nats-Msg-Id": event_id, "ce-id": event_id}
        await self.client.jetstream().publish(SUBJECT, json.dumps(given).encode(), headers=headers)

    async def flood(self) -> None:
        """Publish more than an inbox holds."""
        for _ in range(200):
            await self.client.jetstream().publish(SUBJECT, b"x" * 200_000)

    async def answers(self, count: int, *, seconds: float = 10.0) -> list[EventTaken | EventRefused]:
        """What the partner is told."""
        told = await take(self.client, HOSPITAL.code, count, seconds=seconds)
        return [_said(message) for message in told]

    async def reader(self) -> str:
        """The name by which the gateway reads the inbox."""
        admin = await self.partners_nats.admin()
        names: list[str] = []
        while not names:
            told = await jetstream.request(admin, f"CONSUMER.NAMES.{inbox_stream(HOSPITAL.code)}")
            names = json.loads(told)["consumers"]
        return names[0]

    async def is_empty(self) -> bool:
        """Whether nothing of what was handed in is left."""
        info = await jetstream.stream_info(await self.partners_nats.admin(), inbox_stream(HOSPITAL.code))
        messages: int = info.state.messages
        return messages == 0

    async def is_open(self) -> bool:
        """Whether there is an inbox yet."""
        gone: bool = await self.partners_nats.is_gone(inbox_stream(HOSPITAL.code))
        return not gone

    async def waiting(self) -> int:
        """How many answers are kept in the database."""
        return int(await self.house.pool.fetchval("SELECT count(*) FROM straight_answer"))


def _said(message: Msg) -> EventTaken | EventRefused:
    headers = message.headers or {}
    assert (headers["ce-specversion"], headers["ce-source"]) == ("1.0", "gateway")
    kinds: dict[str, Any] = {kind.SUBJECT: kind for kind in (EventTaken, EventRefused)}
    assert message.subject == f"events.{HOSPITAL.code}.{headers['ce-type']}"
    said: EventTaken | EventRefused = msgspec.json.decode(message.data, type=kinds[headers["ce-type"]])
    return said
