"""The database fixture gives every test a database of its own."""

import asyncpg

from tests.fixtures.database import DatabaseFactory


async def test_two_databases_are_apart(database: DatabaseFactory) -> None:
    """What one database holds the next one made from the same template does not."""
    first = await database("intake")
    second = await database("intake")
    one = await asyncpg.connect(first.migrator_dsn)
    other = await asyncpg.connect(second.migrator_dsn)
    try:
        await one.execute("CREATE TABLE leftover (x int)")
        assert await other.fetchval("SELECT to_regclass('leftover')") is None
    finally:
        await one.close()
        await other.close()
