"""Housekeeping: answers to writes that nobody will repeat any more are deleted, every hour."""

import asyncio
from typing import Any

import asyncpg

from libs.http.idempotency import purge_answers
from libs.process.repeating import repeat
from libs.telemetry.logs import log

SWEEP_SECONDS = 3600.0


class Sweeper:
    """A background task of every process that answers writes."""

    def __init__(self, pool: "asyncpg.Pool[Any]", *, sweep_seconds: float = SWEEP_SECONDS) -> None:
        self._pool = pool
        self._sweep_seconds = sweep_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until told to stop. Raises what is neither an outage nor a lock met."""
        await repeat(self._sweep, stop, name="sweeper", pause_seconds=self._sweep_seconds)

    async def _sweep(self) -> int:
        async with self._pool.acquire() as connection:
            deleted = await purge_answers(connection)
        if deleted:
            log.info("answers-purged", count=deleted)
        return deleted
