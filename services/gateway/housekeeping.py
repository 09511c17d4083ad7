"""What nobody will ask for any more is deleted: used assertions, and events beyond their retention where one is set."""

import asyncio
from datetime import timedelta

from libs.database.transactions import Transactions
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from services.gateway import feed_store, partner_store

PAUSE_SECONDS = 300.0
# Rows deleted in one transaction.
ROWS_MAX = 5_000


class Housekeeping:
    """A background task of every process. `keep_days` 0 keeps every event."""

    def __init__(
        self, transactions: Transactions, keep_days: float, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._transactions = transactions
        self._keep_days = keep_days
        self._pause_seconds = pause_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Clean up until told to stop. Raises what is neither an outage nor a lock met."""
        await repeat(self.turn, stop, name="housekeeping", pause_seconds=self._pause_seconds)

    async def turn(self) -> bool:
        """Clean up once; whether there is more to do at once."""
        async with self._transactions.transaction() as conn:
            await partner_store.forget_assertions(conn)
            if self._keep_days <= 0:
                return False
            deleted = await feed_store.forget(conn, timedelta(days=self._keep_days), ROWS_MAX)
        if deleted:
            log.info("events-forgotten", count=deleted)
        return deleted == ROWS_MAX
