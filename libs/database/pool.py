"""The one way a service opens its connections: every wait inside PostgreSQL gets a deadline."""

from collections.abc import Mapping
from typing import Any

import asyncpg

CONNECT_TIMEOUT_SECONDS = 10.0
# A row lock is held for one batch's transaction, well under a second; a longer wait means a stuck holder.
LOCK_TIMEOUT_MS = 5_000
# A process frozen or cut off inside a transaction keeps its row locks. The bus redelivers its batch after
# ack_wait (30 s), and the next worker must find those rows free by then.
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000
# asyncpg sends a statement new to its connection in two parts. To a client frozen between them PostgreSQL applies no
# deadline but that of the transaction. Longer than any statement, whose deadline would be void; shorter than ack_wait.
TRANSACTION_TIMEOUT_MS = 25_000
STATEMENT_TIMEOUT_SECONDS = 20.0
TRANSACTION_TIMEOUT_SINCE = 17
IDLE_CONNECTION_LIFETIME_SECONDS = 300.0
# A host that vanished must not keep its locks for the two hours of the usual TCP keepalive.
KEEPALIVES: Mapping[str, str] = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

# Our statements look rows up by their keys. A plan that reads whole tables, made while they were small or before their
# first statistics, is kept by its connection: PostgreSQL's work for a dossier tripled within six thousand dossiers.
PLANNER: Mapping[str, str] = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # Short statements only: compiling a plan costs more than running it.
    "jit": "off",
}


async def _nothing_to_reset(_connection: object) -> None:
    """Save the round trip of asyncpg's reset query after every use.

    Nothing of ours changes a session: settings are given at connecting, locks are of transactions. asyncpg itself still
    rolls back a transaction that was left open. Whoever needs a session lock or LISTEN opens a connection of its own.
    """


async def limit_transactions(connection: "asyncpg.Connection[Any]", milliseconds: int) -> None:
    """End the session when one of its transactions is older than that, whatever its client does or does not.

    PostgreSQL 15 and 16 have no such deadline: there a client frozen inside a transaction in the middle of a statement
    keeps its locks until its process ends (see docs/runbook.md).
    """
    if connection.get_server_version().major >= TRANSACTION_TIMEOUT_SINCE:
        await connection.execute(f"SET transaction_timeout = {milliseconds}")


async def _limit(connection: "asyncpg.Connection[Any]") -> None:
    await limit_transactions(connection, TRANSACTION_TIMEOUT_MS)


async def open_pool(
    dsn: str,
    *,
    application_name: str,
    size_max: int = 8,
    command_timeout_seconds: float = STATEMENT_TIMEOUT_SECONDS,
) -> asyncpg.Pool:
    """Open a pool of at most `size_max` connections, each with deadlines on the server and in the client.

    `application_name` is what an operator sees in pg_stat_activity. Raises OSError or
    asyncpg.PostgresError when the server cannot be reached or refuses the role.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size_max,
        timeout=CONNECT_TIMEOUT_SECONDS,
        max_inactive_connection_lifetime=IDLE_CONNECTION_LIFETIME_SECONDS,
        reset=_nothing_to_reset,
        init=_limit,
        # The client gives up one second after the server should have: the server's own refusal leaves a
        # healthy connection, the client's leaves one that has to be cancelled and closed.
        command_timeout=command_timeout_seconds + 1,
        server_settings={
            "application_name": application_name,
            "statement_timeout": str(round(command_timeout_seconds * 1000)),
            "lock_timeout": str(LOCK_TIMEOUT_MS),
            "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
            # Casts between timestamptz and date must not depend on how a server was set up.
            "timezone": "UTC",
            **KEEPALIVES,
            **PLANNER,
        },
    )
