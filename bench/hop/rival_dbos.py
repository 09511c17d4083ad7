"""DBOS: one durable workflow per message, a transaction step and a publish step; `BENCH_WORKERS` under way at once.

The workflow's id is the event's: DBOS itself then runs each once, so there is no inbox table. An ack follows when
the workflow is stored, as DBOS advises for queues it consumes.
"""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import nats
from dbos import DBOS, SetWorkflowID
from dbos._datasource_postgres import PostgresAsyncDatasource
from nats.errors import TimeoutError as NatsTimeoutError
from sqlalchemy import text

from bench.hop import naive, work
from bench.hop.starting import Start, contest
from bench.hop.work import State
from libs.contracts.cloudevents import decode_data

_encode = msgspec.json.Encoder().encode
_state = msgspec.json.Decoder(State).decode


class Parts:
    """What the workflow's steps use."""

    source: Any = None
    context: Any = None


async def store(subject: str, headers: dict[str, str], payload: str) -> tuple[str, str, dict[str, str]]:
    """State and outbox in the transaction of the step's checkpoint."""
    session = Parts.source.sql_session()
    dossier_id, event_id = UUID(headers["ce-subject"]), UUID(headers["ce-id"])
    event = decode_data(subject, payload.encode())
    found = await session.execute(
        text("SELECT state FROM dossier WHERE dossier_id = :dossier FOR UPDATE"), {"dossier": dossier_id}
    )
    row = found.first()
    decision = work.decide(_state(bytes(row[0])) if row else None, event, datetime.now(UTC))
    await session.execute(
        text(
            "INSERT INTO dossier AS known (dossier_id, version, state) VALUES (:dossier, 1, :state)"
            " ON CONFLICT (dossier_id) DO UPDATE SET version = known.version + 1, state = excluded.state"
        ),
        {"dossier": dossier_id, "state": _encode(decision.state)},
    )
    sequence = int(headers["ce-sequence"])
    said = naive.said_of(event_id, dossier_id, sequence, decision.events[0], headers["ce-traceparent"])
    await session.execute(
        text(
            "INSERT INTO bus.outbox (event_id, dossier_id, sequence, subject, occurred_at, causation_id, payload)"
            " VALUES (:id, :dossier, :sequence, :subject, now(), :cause, :payload)"
        ),
        {
            "id": said.id,
            "dossier": dossier_id,
            "sequence": sequence,
            "subject": said.event.SUBJECT,
            "cause": event_id,
            "payload": said.payload,
        },
    )
    return said.event.SUBJECT, said.payload.decode(), said.headers


@DBOS.step()
async def publish(subject: str, payload: str, headers: dict[str, str]) -> None:
    """One awaited publish."""
    await Parts.context.publish(subject, payload.encode(), headers=headers)


@DBOS.workflow()
async def hop(subject: str, headers: dict[str, str], payload: str) -> None:
    """The durable workflow: store, then publish."""
    said = await Parts.source.run_tx_step_async(
        {"isolation_level": "READ COMMITTED"}, store, subject, headers, payload
    )
    await publish(*said)


async def _worker(subscription: Any) -> None:
    while True:
        with contextlib.suppress(NatsTimeoutError):
            for message in await subscription.fetch(1, timeout=5):
                with SetWorkflowID(message.headers["ce-id"]):
                    handle = await DBOS.start_workflow_async(
                        hop, message.subject, dict(message.headers), message.data.decode()
                    )
                await message.ack()
                await handle.get_result()


async def main(start: Start) -> None:
    """Run until told to stop."""
    DBOS(
        config={
            "name": "hop",
            "system_database_url": start.dsn,
            "log_level": "ERROR",
            "sys_db_pool_size": 20,
            "run_admin_server": False,
        }
    )
    Parts.source = await PostgresAsyncDatasource.create(start.dsn, engine_kwargs={"pool_size": start.workers})
    DBOS.launch()
    client = await nats.connect(start.nats_url)
    Parts.context = client.jetstream()
    subscriptions = [
        await Parts.context.pull_subscribe_bind(durable="routing-intake", stream="INTAKE")
        for _ in range(start.workers)
    ]
    await start.ready()
    tasks = [asyncio.create_task(_worker(each)) for each in subscriptions]
    over = asyncio.create_task(start.over())
    await asyncio.wait([over, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    DBOS.destroy()
    await client.close()


if __name__ == "__main__":
    contest(main)
