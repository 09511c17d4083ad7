"""The transaction of an HTTP write: commit, then wake the relay."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from libs.database.transactions import ACQUIRE_TIMEOUT_SECONDS, Transactions

__all__ = ["ACQUIRE_TIMEOUT_SECONDS", "Writer"]


class Writer(Transactions):
    """Transactions of one service's database; after each commit the relay is woken."""

    def __init__(self, pool: "asyncpg.Pool[Any]", wake: Callable[[], None]) -> None:
        super().__init__(pool)
        self._wake = wake

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """BEGIN … COMMIT around the block. Raises TimeoutError when no connection becomes free in time."""
        async with super().transaction() as connection:
            yield connection
        self._wake()
