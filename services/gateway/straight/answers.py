"""What an event that came in by NATS is answered with: an event to the partner alone.

It names what it answers by `source` and `id`; a partner that sends again is answered again, and finds the same.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from libs.bus.ids import new_id
from libs.contracts.cloudevents import JSON, MESSAGE_ID, SPECVERSION
from libs.contracts.gateway import EventRefused, EventTaken
from libs.http.auth import GATEWAY
from services.gateway.inbound.outcomes import Outcome
from services.gateway.straight.store import Answer

# What of an owner's answer lies in a partner's stream until it is confirmed: ids, codes, states and times. What opens
# a family's page, or is about people, is fetched at `location` (decision 4).
KEPT = frozenset(
    (
        "dossier_id",
        "code",
        "step",
        "state",
        "agency",
        "version",
        "status",
        "due_at",
        "appointment_at",
        "missing",
        "number",
        "result_id",
        "handover_id",
        "receipt",
    )
)


def answer_of(outcome: Outcome) -> Answer:
    """The event that tells what became of one of the partner's."""
    said: EventTaken | EventRefused
    if outcome.problem is None:
        said = EventTaken(
            source=outcome.source,
            id=outcome.id,
            replayed=outcome.replayed,
            location=outcome.location,
            result=_kept(outcome.result),
        )
    else:
        said = EventRefused(source=outcome.source, id=outcome.id, problem=outcome.problem)
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


def _kept(result: Any) -> Any:
    answered = msgspec.json.decode(result) if isinstance(result, msgspec.Raw) else result
    if not isinstance(answered, dict):
        return None
    return {name: value for name, value in answered.items() if name in KEPT}
