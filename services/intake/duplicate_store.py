"""Births that may be the same: pairs a human of the receiving agency has to decide on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake.birth_duplicates import likely_duplicate
from services.intake.form_births import filed_traits

# A birth is compared with at most this many others of the same folded name and day, the newest.
CANDIDATES_MAX = 20


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two dossiers to be compared; the first is the newer one."""

    dossier_id: UUID
    code: str
    received_at: datetime
    facility: str
    status: int
    other_id: UUID
    other_code: str
    other_received_at: datetime
    other_facility: str
    other_status: int


async def near(connection: Any, dossier_id: UUID, likely_near: Sequence[str]) -> list[tuple[UUID, UUID]]:
    """Pairs of the dossier with others of these keys that nobody was asked about yet."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT dossier_id FROM likely_key AS near
        WHERE key = ANY($2::text[]) AND dossier_id <> $1 AND NOT EXISTS (
            SELECT FROM likely_duplicate AS pair
            WHERE (pair.dossier_id, pair.other_id) IN (($1, near.dossier_id), (near.dossier_id, $1))
        )
        ORDER BY dossier_id DESC LIMIT $3
        """,
        dossier_id,
        list(likely_near),
        CANDIDATES_MAX,
    )
    return [(dossier_id, row["dossier_id"]) for row in rows]


async def flag(
    connection: Any, pairs: Sequence[tuple[UUID, UUID]], written: Mapping[UUID, tuple[str, bytes, str]]
) -> frozenset[UUID]:
    """Compare candidates as a human would at first glance, keep those to be looked at; the first ones' ids.

    `written` are files (kind, content and the facility that hands in) that are not stored yet.
    """
    rows = await connection.fetch(
        """
        SELECT asked.id AS dossier_id, kind, content, (SELECT facility FROM dossier WHERE dossier.id = asked.id)
        FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (
            SELECT kind, content FROM file WHERE dossier_id = asked.id ORDER BY version DESC LIMIT 1
        ) AS newest
        """,
        list({one for pair in pairs for one in pair} - written.keys()),
    )
    files = {row["dossier_id"]: (row["kind"], row["content"], row["facility"]) for row in rows} | dict(
        written
    )
    births = {one: filed_traits(*files[one]) for one in {one for pair in pairs for one in pair}}
    found = [(one, other) for one, other in pairs if likely_duplicate(births[one], births[other])]
    if found:
        await connection.execute(
            """
            INSERT INTO likely_duplicate (dossier_id, other_id)
            SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING
            """,
            [one for one, _ in found],
            [other for _, other in found],
        )
    return frozenset(one for one, _ in found)


async def open_pairs(
    connection: Any, agencies: Sequence[str], *, after: tuple[UUID, UUID] | None, limit: int
) -> list[Pair]:
    """The pairs not decided yet of which the agencies received one, oldest first, those after the pair `after`."""
    rows = await connection.fetch(
        """
        SELECT one.id AS dossier_id, one.code, one.received_at, one.facility, one.status,
            other.id AS other_id, other.code AS other_code, other.received_at AS other_received_at,
            other.facility AS other_facility, other.status AS other_status
        FROM likely_duplicate AS pair
        JOIN dossier AS one ON one.id = pair.dossier_id
        JOIN dossier AS other ON other.id = pair.other_id
        WHERE pair.decided = '' AND ARRAY[one.receiving_agency, other.receiving_agency] && $1::text[]
            AND ($2::uuid IS NULL OR (pair.dossier_id, pair.other_id) > ($2, $3::uuid))
        ORDER BY pair.dossier_id, pair.other_id LIMIT $4
        """,
        list(agencies),
        *(after or (None, None)),
        limit,
    )
    return [Pair(**dict(row)) for row in rows]


async def compared_with(connection: Any, dossier_id: UUID) -> list[UUID]:
    """The dossiers this one is still to be compared with."""
    rows = await connection.fetch(
        """
        SELECT other_id AS id FROM likely_duplicate WHERE dossier_id = $1 AND decided = ''
        UNION SELECT dossier_id FROM likely_duplicate WHERE other_id = $1 AND decided = ''
        """,
        dossier_id,
    )
    return [row["id"] for row in rows]


async def decide(
    connection: Any, dossier_id: UUID, other_id: UUID, *, decision: str, decided_by: str
) -> bool:
    """Record a decision; False when there is no such pair or it was decided already."""
    done: str = await connection.execute(
        """
        UPDATE likely_duplicate SET decided = $3, decided_by = $4, decided_at = now()
        WHERE dossier_id = $1 AND other_id = $2 AND decided = ''
        """,
        dossier_id,
        other_id,
        decision,
        decided_by,
    )
    return done == "UPDATE 1"


async def still_likely(connection: Any, dossier_id: UUID) -> bool:
    """Whether a pair of the dossier is open or was found to be the same birth."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM likely_duplicate WHERE dossier_id = $1 AND decided <> 'different')",
        dossier_id,
    )
    return found
