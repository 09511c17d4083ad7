"""A pool's connections cannot wait for ever."""

import asyncio
from typing import Any

import asyncpg
import pytest

from libs.database import open_pool
from libs.database.pool import (
    IDLE_IN_TRANSACTION_TIMEOUT_MS,
    KEEPALIVES,
    TRANSACTION_TIMEOUT_MS,
    TRANSACTION_TIMEOUT_SINCE,
)
from tests.fixtures.database import DatabaseFactory


async def test_connections_carry_their_deadlines(database: DatabaseFactory) -> None:
    """The server knows who is connected and when to give up on each kind of wait."""
    made = await database("pool", lines=[])
    expected = {
        "application_name": "intake",
        "statement_timeout": "7000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
        "TimeZone": "UTC",
        **KEEPALIVES,
    }
    async with await open_pool(made.app_dsn, application_name="intake", command_timeout_seconds=7) as pool:
        rows = await pool.fetch(
            "SELECT name, setting FROM pg_settings WHERE name = ANY($1::text[])",
            [*expected, "transaction_timeout"],
        )
        if await _ends_transactions(pool):
            expected["transaction_timeout"] = str(TRANSACTION_TIMEOUT_MS)
    assert {row["name"]: row["setting"] for row in rows} == expected


async def test_a_client_frozen_between_two_parts_of_a_statement_loses_its_locks_where_that_can_be(
    database: DatabaseFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new statement is parsed before it is run; one who stops there holds nobody up for ever (17 and later)."""
    monkeypatch.setattr("libs.database.pool.TRANSACTION_TIMEOUT_MS", 5_000)
    made = await database("pool", lines=[])
    pool = await open_pool(made.app_dsn, application_name="t", size_max=1, command_timeout_seconds=1)
    # Without a deadline of its own: it is to see the other's.
    other = await asyncpg.connect(made.app_dsn, server_settings={"lock_timeout": "15000"})
    try:
        frozen = await pool.acquire()
        await frozen.execute("BEGIN")
        await frozen.execute("SELECT pg_advisory_xact_lock(7)")
        await frozen.prepare("SELECT 1")
        await _until_between_two_parts(other, frozen.get_server_pid())
        if await _ends_transactions(other):
            await other.fetchval("SELECT pg_advisory_xact_lock(7)", timeout=30)
        else:
            # PostgreSQL 15 and 16 have no means against it: docs/runbook.md says what a person does.
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.fetchval("SELECT pg_advisory_xact_lock(7)", timeout=30)
    finally:
        other.terminate()
        pool.terminate()


async def _until_between_two_parts(observer: Any, pid: int) -> None:
    """Until a session has run the first part of a statement and waits for the second."""
    query = "SELECT state, wait_event FROM pg_stat_activity WHERE pid = $1"
    for _ in range(200):
        if tuple(await observer.fetchrow(query, pid) or ()) == ("active", "ClientRead"):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the session does not stand between two parts of a statement")


async def _ends_transactions(asked: Any) -> bool:
    """Whether the server asked over a pool or connection knows a deadline for transactions."""
    return int(await asked.fetchval("SHOW server_version_num")) >= TRANSACTION_TIMEOUT_SINCE * 10_000


async def test_a_slow_statement_ends_and_the_connection_lives(database: DatabaseFactory) -> None:
    """The server cancels a statement at its deadline, and the same connection serves the next one."""
    made = await database("pool", lines=[])
    async with await open_pool(
        made.app_dsn, application_name="t", size_max=1, command_timeout_seconds=0.2
    ) as pool:
        before = await pool.fetchval("SELECT pg_backend_pid()")
        with pytest.raises(asyncpg.QueryCanceledError):
            await pool.fetchval("SELECT pg_sleep(30)")
        assert await pool.fetchval("SELECT pg_backend_pid()") == before


async def test_it_never_has_more_connections_than_asked(database: DatabaseFactory) -> None:
    """Work beyond the limit queues for a connection."""
    made = await database("pool", lines=[])
    async with await open_pool(made.app_dsn, application_name="t", size_max=2) as pool:
        pids = await asyncio.gather(
            *(pool.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.02)") for _ in range(10))
        )
    assert len(set(pids)) == 2


async def test_a_wrong_password_is_reported(database: DatabaseFactory) -> None:
    """A pool that cannot connect fails when it is opened, not at the first request."""
    made = await database("pool", lines=[])
    with pytest.raises(asyncpg.InvalidPasswordError):
        await open_pool(made.app_dsn.replace("test-app", "wrong"), application_name="t")


async def test_rows_are_looked_up_by_key_whatever_the_statistics(database: DatabaseFactory) -> None:
    """A kept plan made while the table was empty, which would rather read it whole, still uses the index."""
    made = await database("pool", lines=[])
    owner = await asyncpg.connect(made.migrator_dsn)
    await owner.execute(
        "CREATE TABLE kept (id bigint PRIMARY KEY, x int) WITH (autovacuum_enabled = off); ANALYZE kept"
    )
    await owner.close()
    query = "SELECT x FROM unnest($1::bigint[]) AS asked (id) JOIN kept USING (id)"
    async with await open_pool(made.app_dsn, application_name="t", size_max=1) as pool:
        plan = await pool.fetch(f"EXPLAIN {query}", [1, 2, 3])
    text = "\n".join(row[0] for row in plan)
    assert "kept_pkey" in text
    assert "Seq Scan on kept" not in text
