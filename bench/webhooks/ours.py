"""Our dispatcher, as a process of the gateway runs it, without the rest of the gateway."""

import asyncio
import base64
import ipaddress
import os

from bench.hop.starting import Start, contest
from libs.database.pool import open_pool
from libs.database.transactions import Transactions
from libs.process.sealing import Sealer
from services.gateway.webhooks.connecting import tls_context
from services.gateway.webhooks.dispatching import Dispatcher
from services.gateway.webhooks.resolving import NameServers
from services.gateway.webhooks.sending import Sender


async def main(start: Start) -> None:
    """Dispatch until told to stop."""
    pool = await open_pool(start.dsn, application_name="bench webhooks")
    sealer = Sealer(base64.b64decode(os.environ["BENCH_WEBHOOK_KEY"]))
    sender = Sender(NameServers(), [ipaddress.ip_network("127.0.0.0/8")], tls_context())
    dispatcher = Dispatcher(start.dsn, Transactions(pool), sender, sealer)
    stop = asyncio.Event()
    await start.ready()
    running = asyncio.create_task(dispatcher.run(stop))
    await start.over()
    stop.set()
    await running
    await sender.close()
    await pool.close()


if __name__ == "__main__":
    contest(main)
