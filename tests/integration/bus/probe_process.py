"""The probe's consumer as a process: `python -m tests.integration.bus.probe_process <database> <nats>`."""

import asyncio
import signal
import sys
from functools import partial

import asyncpg

from libs.bus.connection import connect
from libs.bus.consumer import Consumer
from libs.database.pool import limit_transactions
from tests.integration.bus.probe_service import HANDLERS, QUICK, Context, load, save


async def main(dsn: str, url: str) -> None:
    """Consume until SIGTERM, then drain."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    client = await connect(url, name="routing", on_closed=stop.set)
    # A frozen process must lose its locks while the test still waits for the other to go on.
    short = {"idle_in_transaction_session_timeout": "1000", "lock_timeout": "2000"}
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=4,
        server_settings=short,
        init=partial(limit_transactions, milliseconds=3000),
    )
    context = Context()
    context.exits = True
    consumer = Consumer(
        service="routing",
        pool=pool,
        client=client,
        handlers=HANDLERS,
        load=load,
        save=save,
        context=context,
        wake=lambda: None,
        settings=QUICK,
    )
    await consumer.run(stop)
    await client.close()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
