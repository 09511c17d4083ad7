"""The transaction of an HTTP write, for a service without a bus; libs.bus.writer is the same with a relay to wake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

# How long a request waits for a free connection before it is told to come back (503).
ACQUIRE_TIMEOUT_SECONDS = 2.0


class Transactions:
    """Transactions of one service's database."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self.pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """BEGIN … COMMIT around the block. Raises TimeoutError when no connection becomes free in time."""
        async with (
            self.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection,
            connection.transaction(),
        ):
            yield connection
