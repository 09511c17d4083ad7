"""All SQL of the end of the audit: what was done, read, said and handed in, after its retention."""

from typing import Any

# By law (Nghị định 53/2022 on cyber security) what users leave is kept 24 months at least; the database deletes nothing
# younger, whatever is asked for.
MONTHS_MIN = 24
TABLES = ("audit", "reading", "said", "submission")


async def forget(conn: Any, months: int, rows_max: int) -> int:
    """Delete what is older than `months` of each table, `rows_max` rows at most; the most of one table.

    Raises asyncpg.RaiseError for less than MONTHS_MIN.
    """
    deleted = 0
    for table in TABLES:
        found = await conn.fetchval(
            "SELECT forget_audit($1::text::regclass, $2, $3)", table, months, rows_max
        )
        deleted = max(deleted, int(found))
    return deleted
