"""What is still to be done in a city, and the tester's own ways into its databases and its NATS server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import nats
from nats.js.errors import Error as JetStreamError

from deploy.local.city import City
from libs.bus.topology import durable_of, stream_of
from libs.contracts.catalogue import SERVICES, sources_of
from tests.faults.record import Waiting

# What must not be there any more when everybody has had time: (service, what, query giving keys).
_LEFT_OVER: tuple[tuple[str, str, str], ...] = (
    *(
        (s, "outbox row unpublished", "SELECT event_id FROM bus.outbox WHERE published_at IS NULL")
        for s in SERVICES
    ),
    *(
        (s, "consumer stopped", "SELECT source FROM bus.consumer_state WHERE stopped_at IS NOT NULL")
        for s in SERVICES
    ),
    *(
        (s, "stream not current", "SELECT epoch FROM bus.stream_epoch WHERE finished_at IS NULL")
        for s in SERVICES
    ),
    ("intake", "dossier without an end", "SELECT id FROM dossier WHERE ended_at IS NULL"),
    ("intake", "dossier granted and never returned", "SELECT id FROM dossier WHERE status = 9"),
    (
        "routing",
        "step open",
        "SELECT dossier_id FROM step WHERE state IN ('assigned', 'started', 'returned')",
    ),
    (
        "routing",
        "timer overdue",
        """
        SELECT dossier_id || '/' || kind || '/' || label FROM timer
        WHERE state = 'armed' AND due_at < now() - interval '10 seconds'
        """,
    ),
    ("results", "document not made", "SELECT id FROM result WHERE state = 'pending'"),
    (
        "results",
        "paper not handed over",
        "SELECT id FROM result WHERE state IN ('issued', 'dispatched', 'ready') AND delivery <> 'electronic'",
    ),
    ("notify", "message not sent", "SELECT id FROM message WHERE state = 'queued' AND not_before < now()"),
    (
        "notify",
        "message being sent",
        "SELECT id FROM message WHERE state = 'sending' AND lease_until < now()",
    ),
    (
        "notify",
        "desk never told",
        "SELECT id FROM message WHERE audience = 'desk' AND state IN ('unknown', 'failed')",
    ),
)


@asynccontextmanager
async def database(city: City, service: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection to a service's database as its owner."""
    connection = await asyncpg.connect(city.dsn(service, "migrator"), timeout=10)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


async def watch_closely(city: City) -> None:
    """Let each inbox row carry its own moment instead of its transaction's beginning: that shows the order of work.

    A row is written while the dossier's position is locked, so these moments are in the order of the locks.
    """
    for service in SERVICES:
        async with database(city, service) as connection:
            await connection.execute(
                "ALTER TABLE bus.inbox ALTER COLUMN received_at SET DEFAULT clock_timestamp()"
            )


async def outstanding(city: City) -> list[Waiting]:
    """What somebody still has to do."""
    found: list[Waiting] = []
    for service in SERVICES:
        async with database(city, service) as connection:
            for owner, what, query in _LEFT_OVER:
                if owner == service:
                    rows = await connection.fetch(query)
                    found += [Waiting(service=service, what=what, key=str(row[0])) for row in rows]
    return found + await _undelivered(city)


async def _undelivered(city: City) -> list[Waiting]:
    found: list[Waiting] = []
    async with admin(city) as client:
        js = client.jetstream()
        for service in SERVICES:
            for source in sources_of(service):
                try:
                    info = await js.consumer_info(stream_of(source), durable_of(service, source))
                except JetStreamError as error:
                    found.append(
                        Waiting(service=service, what=f"no durable: {type(error).__name__}", key=source)
                    )
                    continue
                left = (info.num_pending or 0) + (info.num_ack_pending or 0)
                if left:
                    found.append(Waiting(service=service, what=f"{left} messages not settled", key=source))
    return found


@asynccontextmanager
async def admin(city: City) -> AsyncIterator[Any]:
    """A NATS connection that may do everything."""
    if city.nats is None:
        raise RuntimeError("the tests of faults need the city's own NATS server")
    client = await nats.connect(city.nats.url, max_reconnect_attempts=5, connect_timeout=5)
    try:
        yield client
    finally:
        await client.close()
