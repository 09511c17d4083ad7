"""The obvious way: one message, one transaction, one awaited publish, one ack. `BENCH_WORKERS` of them at once.

It does less than our library: no positions, no sequence row, no mark in the outbox, nothing published again after a
crash between commit and publish.
"""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import nats
from nats.errors import TimeoutError as NatsTimeoutError

from bench.hop import work
from bench.hop.starting import Start, contest
from bench.hop.work import State
from libs.bus.ids import new_id
from libs.contracts.event import Event
from libs.contracts.intake import DossierAccepted, DossierSupplemented

_DECODERS: dict[str, Any] = {
    event.SUBJECT: msgspec.json.Decoder(event) for event in (DossierAccepted, DossierSupplemented)
}
_encode = msgspec.json.Encoder().encode
_state = msgspec.json.Decoder(State).decode


class Said(msgspec.Struct, frozen=True):
    """One event to publish."""

    id: UUID
    event: Event
    payload: bytes
    headers: dict[str, str]


async def handle(connection: Any, subject: str, headers: dict[str, str], payload: bytes) -> Said | None:
    """Inbox, state and outbox in one transaction; None when the event was there before."""
    event_id, dossier_id = UUID(headers["ce-id"]), UUID(headers["ce-subject"])
    sequence = int(headers["ce-sequence"])
    event = _DECODERS[subject].decode(payload)
    async with connection.transaction():
        fresh = await connection.fetchval(
            "INSERT INTO bus.inbox (event_id, source, dossier_id, sequence) VALUES ($1, 'intake', $2, $3)"
            " ON CONFLICT DO NOTHING RETURNING event_id",
            event_id,
            dossier_id,
            sequence,
        )
        if fresh is None:
            return None
        row = await connection.fetchrow(
            "SELECT state FROM dossier WHERE dossier_id = $1 FOR UPDATE", dossier_id
        )
        decision = work.decide(_state(row[0]) if row else None, event, datetime.now(UTC))
        await connection.execute(
            "INSERT INTO dossier AS known (dossier_id, version, state) VALUES ($1, 1, $2)"
            " ON CONFLICT (dossier_id) DO UPDATE SET version = known.version + 1, state = excluded.state",
            dossier_id,
            _encode(decision.state),
        )
        said = said_of(event_id, dossier_id, sequence, decision.events[0], headers["ce-traceparent"])
        await connection.execute(
            "INSERT INTO bus.outbox"
            " (event_id, dossier_id, sequence, subject, occurred_at, causation_id, traceparent, payload)"
            " VALUES ($1, $2, $3, $4, now(), $5, $6, $7)",
            said.id,
            dossier_id,
            sequence,
            said.event.SUBJECT,
            event_id,
            headers["ce-traceparent"],
            said.payload,
        )
    return said


def said_of(cause: UUID, dossier_id: UUID, sequence: int, event: Event, traceparent: str) -> Said:
    """An event with the same headers as our relay gives it."""
    event_id = new_id()
    headers = {
        "Nats-Msg-Id": str(event_id),
        "ce-specversion": "1.0",
        "ce-id": str(event_id),
        "ce-source": "routing",
        "ce-type": event.SUBJECT,
        "ce-subject": str(dossier_id),
        "ce-time": datetime.now(UTC).isoformat(),
        "ce-datacontenttype": "application/json",
        "ce-sequence": str(sequence),
        "ce-causationid": str(cause),
        "ce-traceparent": traceparent,
    }
    return Said(event_id, event, _encode(event), headers)


async def _worker(subscription: Any, context: Any, pool: "asyncpg.Pool[Any]") -> None:
    while True:
        with contextlib.suppress(NatsTimeoutError):
            for message in await subscription.fetch(1, timeout=5):
                async with pool.acquire() as connection:
                    said = await handle(connection, message.subject, message.headers, message.data)
                if said is not None:
                    await context.publish(said.event.SUBJECT, said.payload, headers=said.headers)
                await message.ack()


async def main(start: Start) -> None:
    """Run until told to stop."""
    client = await nats.connect(start.nats_url)
    context = client.jetstream()
    pool = await asyncpg.create_pool(
        start.dsn, min_size=start.workers, max_size=start.workers, server_settings={"jit": "off"}
    )
    subscriptions = [
        await context.pull_subscribe_bind(durable="routing-intake", stream="INTAKE")
        for _ in range(start.workers)
    ]
    await start.ready()
    tasks = [asyncio.create_task(_worker(each, context, pool)) for each in subscriptions]
    over = asyncio.create_task(start.over())
    await asyncio.wait([over, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()


if __name__ == "__main__":
    contest(main)
