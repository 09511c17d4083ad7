"""Background work of a service: done again and again until told to stop, with patience for the database."""

import asyncio
from collections.abc import Awaitable, Callable

from libs.bus.outages import is_contention, is_outage
from libs.telemetry.logs import log

RETRY_SECONDS = 1.0


async def repeat(
    turn: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    name: str,
    pause_seconds: float,
    retry_seconds: float = RETRY_SECONDS,
) -> None:
    """Do turns until `stop`: at once again after one that returns something true, else after `pause_seconds`.

    A database that is away, or a lock somebody else holds, costs `retry_seconds`; `name` says in the log what waits.
    Raises whatever else a turn raises: then the process should end.
    """
    while not stop.is_set():
        wait_seconds = pause_seconds
        try:
            if await turn():
                continue
        except Exception as error:
            if not (is_outage(error) or is_contention(error)):
                raise
            log.warning("work-waits-for-database", name=name, exc_info=error)
            wait_seconds = retry_seconds
        try:
            async with asyncio.timeout(wait_seconds):
                await stop.wait()
        except TimeoutError:
            continue
