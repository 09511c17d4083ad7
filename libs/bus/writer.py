"""The transaction of an HTTP write: commit, then wake the relay."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

# How long a request waits for a free connection before it is told to come back (503).
ACQUIRE_TIMEOUT_SECONDS = 2.0


class Writer:
    """Transactions of one service's database; after each commit the relay is woken."""

    def __init__(self, pool: "asyncpg.Pool[Any]", wake: Callable[[], None]) -> None:
        self._pool = pool
        self._wake = wake

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """BEGIN … COMMIT around the block. Raises TimeoutError when no connection becomes free in time."""
        async with (
            self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection,
            connection.transaction(),
        ):
            yield connection
        self._wake()
