"""How all parts of straight NATS rest, and which errors they are patient with."""

import asyncio
from contextlib import suppress

import asyncpg
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from libs.bus import jetstream
from libs.bus.outages import is_contention, is_outage
from libs.bus.topology import TopologyRefused


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """Wait, or until told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()


def passes(error: BaseException) -> bool:
    """Whether a later try may do: a server is away or has something else, or somebody was in the way."""
    away = (jetstream.ApiError, TopologyRefused, NatsError, JetStreamError, asyncpg.PostgresConnectionError)
    return isinstance(error, away) or is_outage(error) or is_contention(error)
