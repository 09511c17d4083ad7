"""What lies in an inbox, read as CloudEvents over NATS and handed to whoever takes events in."""

from collections.abc import Mapping
from typing import Protocol

from libs.contracts.cloudevents import MESSAGE_ID, STRUCTURED, STRUCTURED_JSON
from libs.http.problems import Problem
from services.gateway.inbound.cloudevent import (
    InboundEvent,
    Unreadable,
    nameable,
    read_binary,
    read_structured,
)
from services.gateway.inbound.outcomes import Outcome, refused
from services.gateway.inbound.taking import Came, Inbound
from services.gateway.partners.partner import Partner

NATS = Came(way="nats")
_CONTENT_TYPE, _DATA_TYPE = "content-type", "ce-datacontenttype"


class Taker(Protocol):
    """Takes what partners hand in; the same once more for the same source and id."""

    async def take(self, partner: Partner, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What became of a message. One that is `later` is to be tried again."""
        ...


class HandedIn:
    """Takes messages as `POST /events` takes bodies."""

    def __init__(self, inbound: Inbound) -> None:
        self._inbound = inbound

    async def take(self, partner: Partner, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What became of the event in a message. Raises what is a fault of ours, or the database's absence."""
        try:
            event = read_message(headers, body)
        except Problem as problem:
            await self._inbound.unreadable(partner, problem, NATS)
            # Of an event that cannot be read its sender knows again what it told the server about it.
            named = Unreadable(
                source=nameable(headers.get("ce-source", "")),
                id=nameable(headers.get("ce-id", "")) or nameable(headers.get(MESSAGE_ID, "")),
                problem=problem,
            )
            return refused(named, problem)
        return await self._inbound.take(partner, event, NATS)


def read_message(headers: Mapping[str, str], body: bytes) -> InboundEvent:
    """The event of a message in either mode (CloudEvents' NATS binding). Raises Problem 400, 415 or 422."""
    lower = {name.lower(): value for name, value in headers.items()}
    mode = lower.get(_CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if mode == STRUCTURED_JSON:
        return read_structured(body)
    attributes = {name: value for name, value in lower.items() if name.startswith("ce-")}
    if not attributes or mode.startswith(STRUCTURED):
        raise Problem(415, detail=f"Thông điệp phải là {STRUCTURED_JSON}, hoặc có các tiêu đề ce-*.")
    # Over NATS the type of the data is an attribute like any other; over HTTP it is the Content-Type.
    data_type = attributes.pop(_DATA_TYPE, mode)
    return read_binary(attributes, data_type, body)
