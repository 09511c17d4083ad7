"""Housekeeping: answers to writes that nobody will repeat any more are deleted, every hour."""

import asyncio

from libs.bus.outages import is_contention, is_outage
from libs.bus.runtime import BusRuntime
from libs.http.idempotency import purge_answers
from libs.telemetry.logs import log

SWEEP_SECONDS = 3600.0


class Sweeper:
    """A background task of every process that answers writes."""

    def __init__(self, bus: BusRuntime, *, sweep_seconds: float = SWEEP_SECONDS) -> None:
        self._bus = bus
        self._sweep_seconds = sweep_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until told to stop. Raises what is neither an outage nor a lock met."""
        while not stop.is_set():
            try:
                async with self._bus.pool.acquire() as connection:
                    while deleted := await purge_answers(connection):
                        log.info("answers-purged", count=deleted)
            except Exception as error:
                if not (is_outage(error) or is_contention(error)):
                    raise
            try:
                await asyncio.wait_for(stop.wait(), self._sweep_seconds)
            except TimeoutError:
                continue
