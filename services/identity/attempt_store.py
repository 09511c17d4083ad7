"""Failed tries in the database, counted before they are made: many at once cannot be more than one after another."""

from collections.abc import Sequence
from typing import Any

from services.identity.lockout import LIMITS, Tries, after_failure, after_success, wait_seconds

Key = tuple[str, str]


async def begin(conn: Any, keys: Sequence[Key]) -> int:
    """Count a try at each of `keys` (kind, key) as failed; the seconds to wait if one of them is locked, else 0.

    In a transaction of its own that ends before the try is made; `succeeded` takes the count back.
    """
    known = await _lock(conn, keys)
    now = await conn.fetchval("SELECT clock_timestamp()")
    wait = max(wait_seconds(tries, now) for tries in known.values())
    if wait == 0:
        for key, tries in known.items():
            await _save(conn, key, after_failure(tries, LIMITS[key[0]], now))
    return wait


async def succeeded(conn: Any, keys: Sequence[Key]) -> None:
    """The try counted by `begin` was right."""
    for key, tries in (await _lock(conn, keys)).items():
        await _save(conn, key, after_success(tries, key[0]))


async def locked(conn: Any, key: Key) -> bool:
    """Whether further tries have to wait."""
    found: bool | None = await conn.fetchval(
        "SELECT locked_until > clock_timestamp() FROM attempt WHERE kind = $1 AND key = $2", *key
    )
    return bool(found)


async def clear(conn: Any, key: Key) -> None:
    """Forget the failures at one key: somebody has vouched for the person."""
    await conn.execute("DELETE FROM attempt WHERE kind = $1 AND key = $2", *key)


async def delete_old(conn: Any, keep_seconds: int) -> int:
    """Delete counts whose last failure is older; how many."""
    deleted: str = await conn.execute(
        "DELETE FROM attempt WHERE failed_at IS NULL OR failed_at < now() - make_interval(secs => $1)",
        keep_seconds,
    )
    return int(deleted.rpartition(" ")[2])


async def _lock(conn: Any, keys: Sequence[Key]) -> dict[Key, Tries]:
    """What is remembered at each key, held until the transaction ends; always in the same order, against deadlocks."""
    ordered = sorted(set(keys))
    kinds, names = [kind for kind, _ in ordered], [name for _, name in ordered]
    await conn.execute(
        """
        INSERT INTO attempt (kind, key) SELECT * FROM unnest($1::text[], $2::text[]) ORDER BY 1, 2
        ON CONFLICT DO NOTHING
        """,
        kinds,
        names,
    )
    found: dict[Key, Tries] = {}
    for key in ordered:
        row = await conn.fetchrow(
            "SELECT failures, failed_at, locked_until FROM attempt WHERE kind = $1 AND key = $2 FOR UPDATE",
            *key,
        )
        # Swept away between the two statements: as if it had never been.
        found[key] = Tries() if row is None else Tries(row["failures"], row["failed_at"], row["locked_until"])
    return found


async def _save(conn: Any, key: Key, tries: Tries) -> None:
    await conn.execute(
        """
        INSERT INTO attempt (kind, key, failures, failed_at, locked_until) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (kind, key) DO UPDATE
        SET failures = excluded.failures, failed_at = excluded.failed_at, locked_until = excluded.locked_until
        """,
        *key,
        tries.failures,
        tries.failed_at,
        tries.locked_until,
    )
