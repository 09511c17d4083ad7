"""Housekeeping: answers to writes that nobody will repeat any more are deleted, every hour."""

import asyncio

from libs.bus.runtime import BusRuntime
from libs.http.idempotency import purge_answers
from libs.process.repeating import repeat
from libs.telemetry.logs import log

SWEEP_SECONDS = 3600.0


class Sweeper:
    """A background task of every process that answers writes."""

    def __init__(self, bus: BusRuntime, *, sweep_seconds: float = SWEEP_SECONDS) -> None:
        self._bus = bus
        self._sweep_seconds = sweep_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until told to stop. Raises what is neither an outage nor a lock met."""
        await repeat(self._sweep, stop, name="sweeper", pause_seconds=self._sweep_seconds)

    async def _sweep(self) -> int:
        async with self._bus.pool.acquire() as connection:
            deleted = await purge_answers(connection)
        if deleted:
            log.info("answers-purged", count=deleted)
        return deleted
