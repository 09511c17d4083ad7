"""FastStream (NATS JetStream pull) as its users write it: a decorated handler, one transaction per message.

Handler and messages are those of naive.py; `BENCH_WORKERS` above 1 uses FastStream's `max_workers`.
"""

import asyncio
from typing import Any

import asyncpg
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.js.api import ConsumerConfig

from bench.hop import naive
from bench.hop.starting import Start, contest

PULLED = 100


async def main(start: Start) -> None:
    """Run until told to stop."""
    broker = NatsBroker(start.nats_url, logger=None)
    pool = await asyncpg.create_pool(
        start.dsn, min_size=start.workers, max_size=max(2, start.workers), server_settings={"jit": "off"}
    )
    workers: dict[str, Any] = {"max_workers": start.workers} if start.workers > 1 else {}

    @broker.subscriber(
        "intake.>",
        durable="routing-intake",
        stream=JStream("INTAKE", declare=False),
        pull_sub=PullSub(batch_size=PULLED),
        config=ConsumerConfig(durable_name="routing-intake"),
        ack_policy=AckPolicy.NACK_ON_ERROR,
        **workers,
    )
    async def on_message(message: NatsMessage) -> None:
        subject, headers = message.raw_message.subject, message.raw_message.headers
        async with pool.acquire() as connection:
            said = await naive.handle(connection, subject, headers, message.body)
        if said is not None:
            await broker.publish(said.payload, said.event.SUBJECT, headers=said.headers, stream="ROUTING")

    await broker.connect()
    await start.ready()
    await broker.start()
    await start.over()
    async with asyncio.timeout(20):
        await broker.stop()


if __name__ == "__main__":
    contest(main)
