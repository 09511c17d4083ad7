"""SQL of wrong tries by people without an account."""

from datetime import timedelta
from typing import Any
from uuid import UUID

# How many wrong answers within which time, per dossier and per address.
# Four characters can be found by trying for months: a dossier opens no more to them after EVER_TRIES.
PER_DOSSIER = ((timedelta(hours=1), 5), (timedelta(days=1), 10))
PER_CLIENT = ((timedelta(hours=1), 5),)
EVER_TRIES = 30
# Tries that lead to no dossier are only counted by address.
KEPT = timedelta(days=2)


async def lock(connection: Any, dossier_id: UUID | None, client: str) -> None:
    """Hold dossier and address until the transaction ends: tries at the same time are counted one after the other."""
    names = sorted({f"dossier {dossier_id}", f"client {client}"} if dossier_id else {f"client {client}"})
    await connection.execute(
        """
        SELECT pg_advisory_xact_lock(hashtextextended('citizen_try ' || asked.name, 0))
        FROM (SELECT name FROM unnest($1::text[]) AS asked (name) ORDER BY name) AS asked
        """,
        names,
    )


async def wait_seconds(connection: Any, dossier_id: UUID | None, client: str) -> float:
    """How long dossier and address must be left alone; 0 when they may be tried."""
    seconds: float = await connection.fetchval(
        """
        SELECT coalesce(max(extract(epoch FROM first + span - now())), 0)::float8 FROM (
            SELECT span, allowed, count(*) AS tries, min(at) AS first
            FROM unnest($3::interval[], $4::int[]) AS kept (span, allowed)
            JOIN citizen_try ON dossier_id = $1 AND at > now() - span GROUP BY span, allowed
            UNION ALL
            SELECT span, allowed, count(*), min(at)
            FROM unnest($5::interval[], $6::int[]) AS kept (span, allowed)
            JOIN citizen_try ON client = $2 AND at > now() - span GROUP BY span, allowed
        ) AS counted WHERE tries >= allowed
        """,
        dossier_id,
        client,
        *([limit[column] for limit in limits] for limits in (PER_DOSSIER, PER_CLIENT) for column in (0, 1)),
    )
    return seconds


async def closed(connection: Any, dossier_id: UUID) -> bool:
    """Whether the dossier has had so many wrong answers that only its counter opens it."""
    query = "SELECT count(*) >= $2 FROM (SELECT FROM citizen_try WHERE dossier_id = $1 LIMIT $2) AS tries"
    return bool(await connection.fetchval(query, dossier_id, EVER_TRIES))


async def add(connection: Any, dossier_id: UUID | None, client: str) -> None:
    """Count one more; forget the addresses of old ones, and those that count no longer."""
    await connection.execute(
        """
        WITH forgotten AS (DELETE FROM citizen_try WHERE at < now() - $3::interval AND dossier_id IS NULL),
        nameless AS (
            UPDATE citizen_try SET client = ''
            WHERE at < now() - $3::interval AND dossier_id IS NOT NULL AND client <> ''
        )
        INSERT INTO citizen_try (dossier_id, client) VALUES ($1, $2)
        """,
        dossier_id,
        client,
        KEPT,
    )
