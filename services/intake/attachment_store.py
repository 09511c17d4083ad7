"""What is known of the papers attached to a dossier; their content is in the archive."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One attached paper. `number` counts from 1 in its dossier; `also_for` are further components it serves."""

    number: int
    component: str
    media_type: str
    bytes: int
    sha256: str
    added_at: datetime
    also_for: tuple[str, ...] = ()


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment and where its content lies."""

    attachment: Attachment
    key: str


_COLUMNS = "number, component, media_type, bytes, encode(sha256, 'hex') AS sha256, added_at, also_for"


async def listing(connection: Any, dossier_id: UUID) -> tuple[Attachment, ...]:
    """The attachments of a dossier, in order."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM attachment WHERE dossier_id = $1 ORDER BY number",  # noqa: S608 - a constant
        dossier_id,
    )
    return tuple(_attachment(dict(row)) for row in rows)


async def add(
    connection: Any,
    dossier_id: UUID,
    *,
    component: str,
    media_type: str,
    size_bytes: int,
    sha256: bytes,
    key: str,
    added_by: str,
) -> Stored:
    """Add an attachment; the same content again gives the one that is there, which serves its component too from now
    on. The caller holds the dossier's lock.
    """
    row = await connection.fetchrow(
        f"""
        INSERT INTO attachment (dossier_id, number, component, media_type, bytes, sha256, key, added_by)
        SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7 FROM attachment WHERE dossier_id = $1
        ON CONFLICT (dossier_id, sha256) DO UPDATE SET also_for = CASE
            WHEN excluded.component = ANY (attachment.also_for || attachment.component) THEN attachment.also_for
            ELSE attachment.also_for || excluded.component
        END
        RETURNING {_COLUMNS}, key
        """,  # noqa: S608 - a constant
        dossier_id,
        component,
        media_type,
        size_bytes,
        sha256,
        key,
        added_by,
    )
    return _stored(row)


async def find(connection: Any, dossier_id: UUID, number: int) -> Stored | None:
    """One attachment of a dossier, or None."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS}, key FROM attachment WHERE dossier_id = $1 AND number = $2",  # noqa: S608 - a constant
        dossier_id,
        number,
    )
    return None if row is None else _stored(row)


def _stored(row: Any) -> Stored:
    found = dict(row)
    return Stored(key=found.pop("key"), attachment=_attachment(found))


def _attachment(row: dict[str, Any]) -> Attachment:
    return Attachment(**{**row, "also_for": tuple(row["also_for"])})
