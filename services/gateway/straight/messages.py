"""What lies in an inbox, read as CloudEvents over NATS and handed to whoever takes events in."""

from collections.abc import Mapping
from typing import Protocol

from libs.contracts.cloudevents import (
    MESSAGE_ID,
    STRUCTURED,
    STRUCTURED_JSON,
    CloudEventError,
    unquote,
)
from libs.http.problems import Problem
from services.gateway.inbound.cloudevent import (
    InboundEvent,
    Unreadable,
    nameable,
    names_in,
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
            return refused(unreadable(headers, body, problem), problem)
        return await self._inbound.take(partner, event, NATS)


def unreadable(headers: Mapping[str, str], body: bytes, problem: Problem) -> Unreadable:
    """A message nothing came of, by the names its sender knows it by: what the event says, or the server was told."""
    lower = {name.lower(): value for name, value in headers.items()}
    source, id_ = names_in(body) if _mode(lower) == STRUCTURED_JSON else ("", "")
    return Unreadable(
        source=source or _attribute(lower, "source"),
        id=id_ or _attribute(lower, "id") or nameable(lower.get(MESSAGE_ID.lower(), "")),
        problem=problem,
    )


def read_message(headers: Mapping[str, str], body: bytes) -> InboundEvent:
    """The event of a message in either mode (CloudEvents' NATS binding). Raises Problem 400, 415 or 422."""
    lower = {name.lower(): value for name, value in headers.items()}
    mode = _mode(lower)
    if mode == STRUCTURED_JSON:
        return read_structured(body)
    attributes = {name: value for name, value in lower.items() if name.startswith("ce-")}
    if not attributes or mode.startswith(STRUCTURED):
        raise Problem(415, detail=f"Thông điệp phải là {STRUCTURED_JSON}, hoặc có các tiêu đề ce-*.")
    # Over NATS the type of the data is an attribute like any other; over HTTP it is the Content-Type.
    data_type = attributes.pop(_DATA_TYPE, mode)
    return read_binary(attributes, data_type, body)


def _mode(lower: Mapping[str, str]) -> str:
    return lower.get(_CONTENT_TYPE, "").partition(";")[0].strip().lower()


def _attribute(lower: Mapping[str, str], name: str) -> str:
    try:
        return nameable(unquote(lower.get(f"ce-{name}", ""), name))
    except CloudEventError:
        return ""
