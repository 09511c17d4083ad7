"""What nobody will ask for any more is deleted, every few minutes."""

import asyncio

from libs.database.transactions import Transactions
from libs.process.repeating import repeat
from services.identity import attempt_store, device_store, openid_store, session_store
from services.identity.domain import Lifetime
from services.identity.lockout import LIMITS

PAUSE_SECONDS = 300.0
KEEP_TRIES_SECONDS = max(limit.forgotten_seconds for limit in LIMITS.values())


class Housekeeping:
    """A background task of every process."""

    def __init__(
        self, transactions: Transactions, lifetime: Lifetime, *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._transactions = transactions
        self._lifetime = lifetime
        self._pause_seconds = pause_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Clean up until told to stop. Raises what is neither an outage nor a lock met."""
        await repeat(self._turn, stop, name="housekeeping", pause_seconds=self._pause_seconds)

    async def _turn(self) -> None:
        async with self._transactions.transaction() as conn:
            await session_store.delete_old(conn, self._lifetime.age)
            await openid_store.delete_old(conn)
            await device_store.delete_old_pairings(conn)
            await attempt_store.delete_old(conn, KEEP_TRIES_SECONDS)
