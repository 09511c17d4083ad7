"""What an event that came in by NATS is answered with: an event to the partner alone.

Who takes events in is `services.gateway.inbound`; here they only arrive. An answer names what it answers by `source`
and `id`, so a partner that sends again is answered again and finds the same.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from libs.bus.ids import new_id
from libs.contracts.cloudevents import JSON, MESSAGE_ID, SPECVERSION
from libs.contracts.gateway import EventRefused, EventTaken
from libs.http.auth import GATEWAY
from libs.http.problems import Problem
from services.gateway.partner import Partner
from services.gateway.straight.store import Answer


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event: of which it is (as far as it could be read), its problem, or what the service said."""

    source: str
    id: str
    problem: Problem | None = None
    # The service's answer, as JSON.
    said: bytes = b""


class Taker(Protocol):
    """Takes events of partners in; the same once more for the same source and id."""

    async def take(self, partner: Partner, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What became of it. Raises libs.http.client.Unavailable when trying later is right."""
        ...


def answer_of(outcome: Outcome) -> Answer:
    """The event that says so."""
    said: EventTaken | EventRefused
    if outcome.problem is None:
        said = EventTaken(
            source=outcome.source, id=outcome.id, said=_decoded(outcome.said) if outcome.said else None
        )
    else:
        said = EventRefused(
            source=outcome.source, id=outcome.id, problem=_decoded(outcome.problem.document())
        )
    return Answer(
        id=0,
        event_id=new_id(),
        type=said.SUBJECT,
        answered_at=datetime.now(UTC),
        data=msgspec.json.encode(said),
    )


def block_of(answer: Answer) -> bytes:
    """The header block of an answer, a CloudEvent in binary mode as all events are."""
    lines = {
        MESSAGE_ID: str(answer.event_id),
        "ce-specversion": SPECVERSION,
        "ce-id": str(answer.event_id),
        "ce-source": GATEWAY,
        "ce-type": answer.type,
        "ce-time": answer.answered_at.isoformat().replace("+00:00", "Z"),
        "ce-datacontenttype": JSON,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"NATS/1.0\r\n{text}\r\n".encode("ascii")


def _decoded(content: bytes) -> Any:
    return msgspec.json.decode(content)
