"""All SQL of replays."""

from datetime import datetime
from typing import Any
from uuid import UUID

from libs.database.uuids import plain
from services.gateway.webhooks.endpoint import Replay

_COLUMNS = "id, endpoint, kind, since, after, until, state, total, done"


async def insert(conn: Any, replay: Replay) -> bool:
    """Keep a new replay; False when one of its kind is running for the endpoint."""
    added: str = await conn.execute(
        """
        INSERT INTO replay (id, endpoint, kind, since, after, until, total) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (endpoint, kind) WHERE state = 'running' DO NOTHING
        """,
        replay.id,
        replay.endpoint,
        replay.kind,
        replay.since,
        replay.after,
        replay.until,
        replay.total,
    )
    return added == "INSERT 0 1"


async def find(conn: Any, endpoint: UUID, replay_id: UUID) -> Replay | None:
    """One replay of an endpoint."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM replay WHERE endpoint = $1 AND id = $2",  # noqa: S608 - our own columns
        endpoint,
        replay_id,
    )
    return None if row is None else _replay(row)


async def running(conn: Any) -> list[Replay]:
    """Every replay that is not done, of endpoints that are served, oldest first."""
    rows = await conn.fetch(
        """
        SELECT replay.id, endpoint, kind, since, after, until, replay.state, total, done
        FROM replay JOIN endpoint ON endpoint.id = replay.endpoint
        WHERE replay.state = 'running' AND endpoint.removed_at IS NULL AND endpoint.state IN ('active', 'failing')
        ORDER BY replay.created_at
        """
    )
    return [_replay(row) for row in rows]


async def goes_on(conn: Any, endpoint: UUID) -> bool:
    """Whether a replay of an endpoint has not lined up all it is for."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM replay WHERE endpoint = $1 AND state = 'running' AND after < until)",
            endpoint,
        )
    )


async def note(conn: Any, replay_id: UUID, *, after: int, total: int, done: int, state: str) -> None:
    """How far it is."""
    await conn.execute(
        "UPDATE replay SET after = $2, total = $3, done = $4, state = $5 WHERE id = $1",
        replay_id,
        after,
        total,
        done,
        state,
    )


async def untried(conn: Any, replay: Replay) -> bool:
    """Whether something it has lined up was not attempted yet."""
    return bool(
        await conn.fetchval(
            """
            SELECT EXISTS (SELECT FROM delivery WHERE endpoint = $1 AND state = 'pending' AND replay = $2 AND tries = 0)
            """,
            replay.endpoint,
            replay.id,
        )
    )


async def unsuccessful(conn: Any, endpoint: UUID, since: datetime) -> int:
    """How many events said since then have failed, or are on their retry table."""
    return int(
        await conn.fetchval(
            """
            SELECT count(*) FROM delivery WHERE endpoint = $1 AND occurred_at >= $2 AND position IS NOT NULL
                AND (state = 'failed' OR (state = 'pending' AND tries > 0))
            """,
            endpoint,
            since,
        )
    )


async def recover(conn: Any, replay: Replay, limit: int) -> list[int]:
    """Put the next `limit` unsuccessful ones in line again, in the feed's order; their positions."""
    rows = await conn.fetch(
        """
        UPDATE delivery SET state = 'pending', tries = 0, next_attempt_at = now(), replay = $2
        FROM (
            SELECT event_id FROM delivery
            WHERE endpoint = $1 AND occurred_at >= $3 AND position > $4 AND position <= $5
                AND (state = 'failed' OR (state = 'pending' AND tries > 0))
            ORDER BY position LIMIT $6
        ) AS found
        WHERE delivery.endpoint = $1 AND delivery.event_id = found.event_id
        RETURNING position
        """,
        replay.endpoint,
        replay.id,
        replay.since,
        replay.after,
        replay.until,
        limit,
    )
    return sorted(row[0] for row in rows)


def _replay(row: Any) -> Replay:
    return Replay(**{**row, "id": plain(row["id"]), "endpoint": plain(row["endpoint"])})
