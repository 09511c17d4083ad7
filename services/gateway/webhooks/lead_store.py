"""The session whose lock makes one dispatcher of a database's many the active one; the server ends a silent one."""

from typing import Any, Self

import asyncpg

from libs.database.pool import KEEPALIVES

CONNECT_TIMEOUT_SECONDS = 10.0
COMMAND_TIMEOUT_SECONDS = 10.0
# A frozen process must not keep the lock: a standby takes over.
IDLE_SECONDS_MAX = 30.0
# Any fixed number nothing else locks in the gateway's database: "webhook" in ASCII, as an integer.
ADVISORY_LOCK_KEY = int.from_bytes(b"webhook", "big")


class Lead:
    """A connection of its own, not through a transaction pooler."""

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
                    "application_name": "gateway webhooks",
                    "idle_session_timeout": str(round(IDLE_SECONDS_MAX * 1000)),
                    **KEEPALIVES,
                },
            )
        )

    async def take(self) -> bool:
        """Take the lock if nobody holds it."""
        return bool(await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", ADVISORY_LOCK_KEY))

    async def alive(self) -> None:
        """Say that this process still leads. Raises what the database raises when it does not."""
        await self._connection.execute("SELECT 1")

    async def close(self) -> None:
        """Give the lock back by ending the session."""
        try:
            await self._connection.close(timeout=CONNECT_TIMEOUT_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()
