"""Which process fills the streams: one at a time, by an advisory lock on a session of its own.

The lock is not a fence; what a lane stores is (`lane`). It only saves the work of two.
"""

from typing import Any, Self

import asyncpg

from libs.database.pool import KEEPALIVES, PLANNER

CONNECT_TIMEOUT_SECONDS = 10.0
COMMAND_TIMEOUT_SECONDS = 10.0
# A frozen process must not keep the lock; a live one shows itself every few seconds.
IDLE_SECONDS_MAX = 30.0
# "straight" in ASCII, as an integer that nothing else locks in this database.
ADVISORY_LOCK_KEY = int.from_bytes(b"straight", "big")


class Lead:
    """The session that holds the lock, or waits to."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Connect. Raises OSError, TimeoutError or asyncpg.PostgresError."""
        return cls(
            await asyncpg.connect(
                dsn,
                timeout=CONNECT_TIMEOUT_SECONDS,
                command_timeout=COMMAND_TIMEOUT_SECONDS,
                server_settings={
                    "application_name": "gateway straight",
                    "idle_session_timeout": str(round(IDLE_SECONDS_MAX * 1000)),
                    **KEEPALIVES,
                    **PLANNER,
                },
            )
        )

    async def close(self) -> None:
        """Give the lock back by ending the session."""
        try:
            await self._connection.close(timeout=CONNECT_TIMEOUT_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()

    async def take(self) -> bool:
        """Take the lock if nobody holds it."""
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK_KEY))

    async def still(self) -> None:
        """Raises what the database raises when the session, and with it the lock, is gone."""
        await self._connection.execute("SELECT 1")
