"""All SQL of refused tries: how many there were lately, and that there was one more."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from services.results.store import Connection


async def lock(conn: Connection, dossier_ids: Sequence[UUID]) -> None:
    """Hold these dossiers until the end of the transaction: tries at the same time are counted one after the other."""
    await conn.execute(
        """
        SELECT pg_advisory_xact_lock(hashtextextended('refused_try' || sorted.id, 0))
        FROM (SELECT id::text FROM unnest($1::uuid[]) AS asked (id) ORDER BY id) AS sorted
        """,
        list(dossier_ids),
    )


async def recent(
    conn: Connection, kind: str, dossier_ids: Sequence[UUID], spans: Sequence[timedelta]
) -> Mapping[tuple[UUID, timedelta], tuple[int, float]]:
    """By dossier and span that has some: refused tries within it, and the seconds until the first has left it."""
    rows = await conn.fetch(
        """
        SELECT dossier_id, span, count(*) AS tries, extract(epoch FROM min(at) + span - now())::float8 AS wait_seconds
        FROM refused_try JOIN unnest($3::interval[]) AS within (span) ON at > now() - span
        WHERE dossier_id = ANY($2::uuid[]) AND kind = $1 GROUP BY dossier_id, span
        """,
        kind,
        list(dossier_ids),
        list(spans),
    )
    return {(row["dossier_id"], row["span"]): (row["tries"], row["wait_seconds"]) for row in rows}


async def add(conn: Connection, kind: str, refused: Sequence[tuple[UUID, str, str]]) -> None:
    """Append refused tries: (dossier, actor, agency)."""
    await conn.execute(
        """
        INSERT INTO refused_try (dossier_id, kind, actor, agency)
        SELECT tried.dossier_id, $1, tried.actor, tried.agency
        FROM unnest($2::uuid[], $3::text[], $4::text[]) AS tried (dossier_id, actor, agency)
        """,
        kind,
        [dossier_id for dossier_id, _, _ in refused],
        [actor for _, actor, _ in refused],
        [agency for _, _, agency in refused],
    )
