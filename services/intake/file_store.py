"""The file of a dossier: every version of what was declared, and the keys that make a birth unique."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.intake.reception_store import Known


class FileVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a file; `kind` says how to read `content` (birth: BirthDeclaration, form: the form's JSON).

    `provenance` is JSON: where the value of a field came from, by path, as far as it was said.
    """

    dossier_id: UUID
    version: int
    kind: str
    content: bytes
    provenance: str
    read_back: bool


class Writing(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote a version of a file, when and why."""

    version: int
    written_at: datetime
    written_by: str
    reason: str


async def writings(connection: Any, dossier_id: UUID) -> tuple[Writing, ...]:
    """How a file came about, first version to last."""
    rows = await connection.fetch(
        "SELECT version, written_at, written_by, reason FROM file WHERE dossier_id = $1 ORDER BY version",
        dossier_id,
    )
    return tuple(Writing(**dict(row)) for row in rows)


async def newest(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, FileVersion]:
    """The newest version of each file; unknown dossiers are absent."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (dossier_id) dossier_id, version, kind, content, provenance, read_back FROM file
        WHERE dossier_id = ANY($1::uuid[]) ORDER BY dossier_id, version DESC
        """,
        list(dossier_ids),
    )
    return {row["dossier_id"]: FileVersion(**dict(row)) for row in rows}


async def newest_reasons(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Why the newest version of each file was written."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (dossier_id) dossier_id, reason FROM file
        WHERE dossier_id = ANY($1::uuid[]) ORDER BY dossier_id, version DESC
        """,
        list(dossier_ids),
    )
    return {row["dossier_id"]: row["reason"] for row in rows}


async def content_of(connection: Any, dossier_id: UUID, version: int) -> bytes | None:
    """What a file said in one version; None where there is no such version."""
    content: bytes | None = await connection.fetchval(
        "SELECT content FROM file WHERE dossier_id = $1 AND version = $2", dossier_id, version
    )
    return content


async def add_version(
    connection: Any,
    old: FileVersion,
    content: bytes,
    *,
    written_by: str,
    reason: str,
    changed: Sequence[str] = (),
) -> None:
    """Add what the file says from now on; the caller holds the dossier's lock.

    Where the values of `changed` paths came from is forgotten, and what was changed was not read back.
    """
    await connection.execute(
        """
        INSERT INTO file (dossier_id, version, kind, content, written_by, reason, provenance, read_back)
        SELECT dossier_id, version + 1, kind, $3, $4, $5, provenance - ARRAY(
            SELECT path FROM jsonb_object_keys(provenance) AS known (path), unnest($6::text[]) AS changed (part)
            WHERE path = part OR starts_with(path, part || '.') OR starts_with(part, path || '.')
        ), read_back AND cardinality($6::text[]) = 0
        FROM file WHERE dossier_id = $1 AND version = $2
        """,
        old.dossier_id,
        old.version,
        content,
        written_by,
        reason,
        list(changed),
    )


async def replace_keys(connection: Any, dossier_id: UUID, keys: Sequence[str], likely: str) -> Known | None:
    """Give the dossier the keys of its corrected data; the other dossier when one of them is that one's."""
    await connection.execute(
        """
        WITH likely AS (DELETE FROM likely_key WHERE dossier_id = $1 AND key <> $3),
        near AS (
            INSERT INTO likely_key (key, dossier_id) SELECT $3, $1 WHERE $3 <> '' ON CONFLICT DO NOTHING
        )
        DELETE FROM natural_key WHERE dossier_id = $1 AND key <> ALL($2::text[])
        """,
        dossier_id,
        list(keys),
        likely,
    )
    await connection.execute(
        """
        INSERT INTO natural_key (key, dossier_id) SELECT key, $1 FROM unnest($2::text[]) AS k (key) ORDER BY key
        ON CONFLICT DO NOTHING
        """,
        dossier_id,
        list(keys),
    )
    row = await connection.fetchrow(
        """
        SELECT dossier.id, dossier.code FROM natural_key JOIN dossier ON dossier.id = natural_key.dossier_id
        WHERE natural_key.key = ANY($1::text[]) AND natural_key.dossier_id <> $2 LIMIT 1
        """,
        list(keys),
        dossier_id,
    )
    return None if row is None else Known(dossier_id=row["id"], code=row["code"])
