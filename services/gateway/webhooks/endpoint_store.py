"""All SQL of endpoints and their secrets."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.database.uuids import plain
from services.gateway.webhooks.endpoint import Endpoint, Secret

# Longer than any dispatcher goes on without hearing what was done: a frozen one loses its lock after half a minute.
REMOVED_KEPT = timedelta(minutes=10)
_COLUMNS = """id, partner, url, types, description, state, reason, cursor, version, created_at, last_success_at,
    last_failure_at, failing_since"""
_SELECT = f"SELECT {_COLUMNS} FROM endpoint WHERE removed_at IS NULL"  # noqa: S608 - our own column names


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What the dispatcher notes of an endpoint from time to time; None: nothing new."""

    endpoint: UUID
    cursor: int
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None


async def insert(conn: Any, endpoint: Endpoint) -> None:
    """Keep a new endpoint, without its secrets."""
    await conn.execute(
        "INSERT INTO endpoint (id, partner, url, types, description, cursor) VALUES ($1, $2, $3, $4, $5, $6)",
        endpoint.id,
        endpoint.partner,
        endpoint.url,
        list(endpoint.types),
        endpoint.description,
        endpoint.cursor,
    )


async def find(conn: Any, partner: str, endpoint_id: UUID, *, lock: bool = False) -> Endpoint | None:
    """An endpoint of a partner with its secrets; `lock` keeps others from changing it."""
    row = await conn.fetchrow(
        f"{_SELECT} AND partner = $1 AND id = $2 {'FOR UPDATE' if lock else ''}", partner, endpoint_id
    )
    return None if row is None else (await _with_secrets(conn, [row]))[0]


async def of_partner(conn: Any, partner: str) -> list[Endpoint]:
    """A partner's endpoints, oldest first."""
    return await _with_secrets(
        conn, await conn.fetch(f"{_SELECT} AND partner = $1 ORDER BY created_at, id", partner)
    )


async def some(conn: Any, ids: Collection[UUID]) -> list[Endpoint]:
    """The endpoints with these ids that are still there."""
    return await _with_secrets(conn, await conn.fetch(f"{_SELECT} AND id = ANY($1::uuid[])", list(ids)))


async def count(conn: Any, partner: str) -> int:
    """How many endpoints a partner has."""
    return int(
        await conn.fetchval(
            "SELECT count(*) FROM endpoint WHERE partner = $1 AND removed_at IS NULL", partner
        )
    )


async def versions(conn: Any) -> dict[UUID, int]:
    """Every endpoint that may be served, and its version."""
    rows = await conn.fetch(
        "SELECT id, version FROM endpoint WHERE removed_at IS NULL AND state IN ('active', 'failing')"
    )
    return {plain(row[0]): row[1] for row in rows}


async def change(
    conn: Any, endpoint_id: UUID, url: str, types: Sequence[str], description: str, state: str, reason: str
) -> None:
    """What a partner has decided; the dispatcher hears of it."""
    await conn.execute(
        """
        UPDATE endpoint SET url = $2, types = $3, description = $4, state = $5, reason = $6, version = version + 1,
            failing_since = CASE WHEN $5 = 'failing' THEN failing_since END
        WHERE id = $1
        """,
        endpoint_id,
        url,
        list(types),
        description,
        state,
        reason,
    )


async def touch(conn: Any, endpoint_id: UUID) -> None:
    """Let the dispatcher look at it again."""
    await conn.execute("UPDATE endpoint SET version = version + 1 WHERE id = $1", endpoint_id)


async def answered(conn: Any, endpoint_id: UUID, at: datetime) -> None:
    """A receiver has taken something a person sent: one that was failing is served again; one given up stays so."""
    await conn.execute(
        """
        UPDATE endpoint SET last_success_at = $2, version = version + 1,
            failing_since = CASE state WHEN 'disabled' THEN failing_since END,
            state = CASE state WHEN 'failing' THEN 'active' ELSE state END
        WHERE id = $1
        """,
        endpoint_id,
        at,
    )


async def set_state(
    conn: Any,
    endpoint_id: UUID,
    state: str,
    reason: str,
    *,
    expected: Collection[str],
    version: int,
    since: datetime,
) -> bool:
    """What the dispatcher has found, unless a partner has decided otherwise meanwhile; whether it was kept.

    `since`: when the attempt began that says so; one that was refused is the endpoint's last failure from then on, for
    an endpoint that is given up leaves the dispatcher before its progress is noted.
    """
    changed: str = await conn.execute(
        """
        UPDATE endpoint SET state = $2, reason = $3, to_tell = $2 = 'disabled',
            failing_since = CASE WHEN $2 = 'active' THEN NULL ELSE coalesce(failing_since, $5) END,
            last_failure_at = CASE WHEN $2 = 'active' THEN last_failure_at ELSE greatest(last_failure_at, $5) END
        WHERE id = $1 AND state = ANY($4::text[]) AND version = $6 AND removed_at IS NULL
        """,
        endpoint_id,
        state,
        reason,
        list(expected),
        since,
        version,
    )
    return changed == "UPDATE 1"


async def note(conn: Any, progress: Sequence[Progress]) -> None:
    """Note how far the endpoints are. A cursor never goes back."""
    await conn.execute(
        """
        UPDATE endpoint SET cursor = greatest(cursor, noted.at),
            last_success_at = greatest(last_success_at, noted.success),
            last_failure_at = greatest(last_failure_at, noted.failure)
        FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[]) AS noted (id, at, success, failure)
        WHERE endpoint.id = noted.id
        """,
        [each.endpoint for each in progress],
        [each.cursor for each in progress],
        [each.last_success_at for each in progress],
        [each.last_failure_at for each in progress],
    )


async def remove(conn: Any, endpoint_id: UUID) -> None:
    """Take an endpoint away, and its secrets at once."""
    await conn.execute("UPDATE endpoint SET removed_at = now() WHERE id = $1", endpoint_id)
    await conn.execute("DELETE FROM endpoint_secret WHERE endpoint = $1", endpoint_id)


async def add_secret(conn: Any, endpoint_id: UUID, secret_id: UUID, sealed: bytes) -> None:
    """Keep one more secret."""
    await conn.execute(
        "INSERT INTO endpoint_secret (id, endpoint, sealed) VALUES ($1, $2, $3)",
        secret_id,
        endpoint_id,
        sealed,
    )


async def end_secrets(conn: Any, endpoint_id: UUID, not_after: datetime) -> None:
    """Let the secrets that count end at `not_after` at the latest; those that are over go."""
    await conn.execute("DELETE FROM endpoint_secret WHERE endpoint = $1 AND not_after <= now()", endpoint_id)
    await conn.execute(
        "UPDATE endpoint_secret SET not_after = least(not_after, $2) WHERE endpoint = $1",
        endpoint_id,
        not_after,
    )


async def forget(conn: Any, rows_max: int) -> int:
    """Delete rows of endpoints that were removed a while ago, at most `rows_max`; how many.

    A dispatcher that has not heard of it yet may still line events up, which nobody would find without the endpoint.
    """
    deleted: str = await conn.execute(
        """
        DELETE FROM delivery USING (
            SELECT d.endpoint, d.event_id FROM endpoint CROSS JOIN LATERAL (
                SELECT endpoint, event_id FROM delivery WHERE delivery.endpoint = endpoint.id LIMIT $1
            ) AS d WHERE endpoint.removed_at < now() - $2::interval LIMIT $1
        ) AS gone WHERE delivery.endpoint = gone.endpoint AND delivery.event_id = gone.event_id
        """,
        rows_max,
        REMOVED_KEPT,
    )
    rows = int(deleted.rpartition(" ")[2])
    if rows < rows_max:
        await conn.execute(
            """
            DELETE FROM replay USING endpoint
            WHERE replay.endpoint = endpoint.id AND endpoint.removed_at < now() - $1::interval
            """,
            REMOVED_KEPT,
        )
        await conn.execute("DELETE FROM endpoint WHERE removed_at < now() - $1::interval", REMOVED_KEPT)
    return rows


async def _with_secrets(conn: Any, rows: Sequence[Any]) -> list[Endpoint]:
    found = await conn.fetch(
        """
        SELECT endpoint, id, sealed, added_at, not_after FROM endpoint_secret
        WHERE endpoint = ANY($1::uuid[]) AND (not_after IS NULL OR not_after > now()) ORDER BY added_at, id
        """,
        [row["id"] for row in rows],
    )
    secrets: dict[UUID, list[Secret]] = {}
    for row in found:
        secrets.setdefault(plain(row[0]), []).append(
            Secret(id=plain(row[1]), sealed=row[2], added_at=row[3], not_after=row[4])
        )
    return [_endpoint(row, tuple(secrets.get(plain(row["id"]), ()))) for row in rows]


def _endpoint(row: Any, secrets: tuple[Secret, ...]) -> Endpoint:
    return Endpoint(
        **{**row, "id": plain(row["id"]), "types": tuple(row["types"])},
        secrets=secrets,
    )
