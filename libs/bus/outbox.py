"""Saying something: events become outbox rows in the transaction of the change they tell of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.ids import new_id
from libs.contracts.catalogue import FLOWS
from libs.contracts.event import Envelope, Event
from libs.telemetry.traces import current_traceparent, tracing

# The streams take messages of 256 KiB including headers (topology.py); a larger row could never be published.
PAYLOAD_BYTES_MAX = 240 * 1024

_PRODUCER = {flow.event: flow.by for flow in FLOWS}
_encode = msgspec.json.Encoder().encode

# One statement. The sequence rows are locked in the order of dossier ids, so two writers never wait for each
# other in a circle; the ids of the outbox are drawn after that lock, so they rise with a dossier's sequence.
_EMIT = """
WITH advanced AS (
    INSERT INTO bus.dossier_sequence AS known (dossier_id, last)
    SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS more (dossier_id, events)
    ON CONFLICT (dossier_id) DO UPDATE SET last = known.last + excluded.last
    RETURNING dossier_id, last
), stored AS (
    INSERT INTO bus.outbox
        (event_id, dossier_id, sequence, subject, occurred_at, causation_id, traceparent, payload)
    SELECT said.event_id, said.dossier_id, advanced.last - said.back, said.subject,
        coalesce(said.occurred_at, now()), said.causation_id, said.traceparent, said.payload
    FROM unnest(
        $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::timestamptz[], $8::uuid[], $9::bytea[],
        $10::text[]
    ) WITH ORDINALITY
        AS said (event_id, dossier_id, back, subject, occurred_at, causation_id, payload, traceparent, place)
    JOIN advanced USING (dossier_id)
    ORDER BY said.place
)
SELECT dossier_id, last, now() AS written_at FROM advanced
"""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One event to say.

    `occurred_at` defaults to the transaction's time by the database clock, `traceparent` to that of the emit.
    """

    dossier_id: UUID
    event: Event
    causation_id: UUID | None = None
    occurred_at: datetime | None = None
    traceparent: str | None = None


class NotOurEvent(Exception):
    """The event is not one that FLOWS lets this service publish."""


class TooLarge(Exception):
    """The event's JSON is larger than a stream takes."""


async def emit(
    connection: "asyncpg.Connection[Any] | Any",
    source: str,
    outgoing: Sequence[Outgoing],
    *,
    traceparent: str | None = None,
) -> list[Envelope]:
    """Store `outgoing` for publication, in the caller's transaction, and return their envelopes in order.

    `traceparent` defaults to the span we are in, so that whoever hears of it can link to what caused it.
    Gives each event the next sequence of its dossier; that dossier's row stays locked until the commit.
    Raises NotOurEvent and TooLarge before anything is written.
    """
    if not outgoing:
        return []
    if traceparent is None and tracing():
        traceparent = current_traceparent()
    counts: dict[UUID, int] = {}
    payloads = []
    places = []
    for item in outgoing:
        if _PRODUCER.get(type(item.event)) != source:
            raise NotOurEvent(f"{source} may not publish {type(item.event).__name__}")
        payload = _encode(item.event)
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise TooLarge(f"{type(item.event).__name__} has {len(payload)} bytes")
        payloads.append(payload)
        place = counts.get(item.dossier_id, 0) + 1
        counts[item.dossier_id] = place
        places.append(place)
    ids = [new_id() for _ in outgoing]
    dossiers = sorted(counts)
    rows = await connection.fetch(
        _EMIT,
        dossiers,
        [counts[dossier] for dossier in dossiers],
        ids,
        [item.dossier_id for item in outgoing],
        [counts[item.dossier_id] - place for item, place in zip(outgoing, places, strict=True)],
        [item.event.SUBJECT for item in outgoing],
        [item.occurred_at for item in outgoing],
        [item.causation_id for item in outgoing],
        payloads,
        [item.traceparent or traceparent for item in outgoing],
    )
    last = {row["dossier_id"]: row["last"] for row in rows}
    written_at = rows[0]["written_at"]
    return [
        Envelope(
            id=event_id,
            source=source,
            type=item.event.SUBJECT,
            dossier_id=item.dossier_id,
            time=item.occurred_at or written_at,
            sequence=last[item.dossier_id] - counts[item.dossier_id] + place,
            causation_id=item.causation_id,
            traceparent=item.traceparent or traceparent,
        )
        for event_id, item, place in zip(ids, outgoing, places, strict=True)
    ]
