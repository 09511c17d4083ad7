"""Of requests that send by hand under one Idempotency-Key one sends at a time, whichever processes they came to.

libs.http.idempotency keeps the answer with the write, and a second request waits for the first's transaction. What is
sent cannot be rolled back and takes seconds, in which no transaction may stay open: the key is claimed by a row.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from libs.database.transactions import Transactions
from libs.http.problems import Problem
from services.gateway.partners.at_once import AtOnce
from services.gateway.webhooks import by_hand_store

# Longer than anything by hand takes (sending.ATTEMPT_SECONDS): whoever has a key so long has died.
LEASE = timedelta(seconds=60)
# How long the second request waits for the first, and how often it looks.
WAIT_SECONDS, PAUSE_SECONDS = 20.0, 0.25
# Requests of one partner that send or wait, at one process.
OF_ONE_MAX = 4


class ByHand:
    """Keys under which is being sent, of one process's requests."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._at_once = AtOnce(OF_ONE_MAX)

    @asynccontextmanager
    async def alone(self, partner: str, client: str, key: str) -> AsyncIterator[None]:
        """Nobody else is in such a block under this key; whoever is first is waited for.

        Raises Problem 429 when the partner has too many under way, 409 when the first takes too long.
        """
        async with self._at_once.place(partner, wait_seconds=0):
            until = None
            for _ in range(int(WAIT_SECONDS / PAUSE_SECONDS)):
                async with self._transactions.transaction() as conn:
                    until = await by_hand_store.claim(conn, client, key, LEASE)
                if until is not None:
                    break
                await asyncio.sleep(PAUSE_SECONDS)
            if until is None:
                raise Problem(409, "retry", "Hãy gửi lại yêu cầu", headers={"Retry-After": "10"})
            try:
                yield
            finally:
                async with self._transactions.transaction() as conn:
                    await by_hand_store.release(conn, client, key, until)
