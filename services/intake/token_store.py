"""SQL of tracking tokens: which dossier one belongs to."""

from typing import Any
from uuid import UUID


async def dossier_of(connection: Any, token: str) -> UUID | None:
    """The dossier with this tracking token, or None."""
    found: UUID | None = await connection.fetchval("SELECT id FROM dossier WHERE token = $1", token)
    return found
