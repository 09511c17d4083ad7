"""Work that one process of many does at a time: it leads while a session of its own holds an advisory lock.

The lock is no fence: whoever froze may go on for a moment after another took over. What it saves is the work of two;
what must happen once is held by what is written, as in the relay (libs/bus/ledger.py).
"""

from typing import Any, Self

import asyncpg

from libs.database.pool import KEEPALIVES, PLANNER

CONNECT_TIMEOUT_SECONDS = 10.0
COMMAND_TIMEOUT_SECONDS = 10.0
# A frozen process must not keep the lock: the server ends its session, and a standby takes over.
IDLE_SECONDS_MAX = 30.0


class Lead:
    """The session that holds the lock, or waits to; not through a transaction pooler."""

    def __init__(self, connection: "asyncpg.Connection[Any]", lock: int) -> None:
        self._connection = connection
        self._lock = lock

    @classmethod
    async def open(cls, dsn: str, *, name: str, work: str) -> Self:
        """Connect as `name`, for `work`: at most eight ASCII letters that no other lock of the database is named by.

        Raises OSError, TimeoutError or asyncpg.PostgresError.
        """
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_SECONDS,
            command_timeout=COMMAND_TIMEOUT_SECONDS,
            server_settings={
                "application_name": f"{name} {work}",
                "idle_session_timeout": str(round(IDLE_SECONDS_MAX * 1000)),
                **KEEPALIVES,
                **PLANNER,
            },
        )
        return cls(connection, int.from_bytes(work.encode("ascii"), "big"))

    async def take(self) -> bool:
        """Take the lock if nobody holds it."""
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", self._lock))

    async def alive(self) -> None:
        """Say that this process still leads. Raises what the database raises when the session is gone."""
        await self._connection.execute("SELECT 1")

    async def close(self) -> None:
        """Give the lock back by ending the session."""
        try:
            await self._connection.close(timeout=CONNECT_TIMEOUT_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()
