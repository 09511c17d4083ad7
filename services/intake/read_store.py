"""SQL of the record of reads: who looked into a dossier."""

from typing import Any
from uuid import UUID

READS_MAX = 500


async def reads_of(
    connection: Any, dossier_id: UUID, *, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """The looks into a dossier, the newest first, those before the row `before`."""
    rows = await connection.fetch(
        """
        SELECT id, read_at AS at, actor_kind, actor, agency, purpose, what FROM http.read_log
        WHERE dossier_id = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3
        """,
        dossier_id,
        before,
        limit,
    )
    return [dict(row) for row in rows]
