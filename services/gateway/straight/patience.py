"""What all parts of straight NATS wait for, and which errors they are patient with."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

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


async def end(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel tasks until they have ended."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            # Python 3.11's wait_for, inside the libraries, can swallow a cancellation: repeat it.
            task.cancel()
        await asyncio.wait(pending, timeout=1)


def passes(error: BaseException) -> bool:
    """Whether a later try may do: a server is away or has something else, or somebody was in the way."""
    away = (jetstream.ApiError, TopologyRefused, NatsError, JetStreamError, asyncpg.PostgresConnectionError)
    return isinstance(error, away) or is_outage(error) or is_contention(error)
