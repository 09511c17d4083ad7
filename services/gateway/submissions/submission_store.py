"""All SQL of what partners hand in as files: the births they know by a certificate, and the audit of submissions."""

from typing import Any, Literal
from uuid import UUID

import msgspec

SENDING, TAKEN, VOID = "sending", "taken", "void"


class KnownBirth(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a birth by its certificate; the columns of fhir_birth say what each part means."""

    state: str
    dossier_id: UUID | None
    declared: bytes
    document: bytes | None
    voids: int


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One Bundle or file and what became of its births, in numbers."""

    partner: str
    way: Literal["http", "folder"]
    format: Literal["fhir", "xml9"]
    sha256: bytes
    status: int
    taken: int = 0
    known: int = 0
    refused: int = 0


async def find(conn: Any, partner: str, certificate: bytes) -> KnownBirth | None:
    """The birth of a certificate, as far as this partner has told of it."""
    row = await conn.fetchrow(
        """
        SELECT state, dossier_id, declared, document, voids FROM fhir_birth
        WHERE partner = $1 AND certificate = $2
        """,
        partner,
        certificate,
    )
    return None if row is None else KnownBirth(**dict(row))


async def claim(conn: Any, partner: str, certificate: bytes, declared: bytes) -> None:
    """Note that a declaration is about to be handed in, before it is: what is not known after a crash can be asked."""
    await conn.execute(
        """
        INSERT INTO fhir_birth (partner, certificate, declared) VALUES ($1, $2, $3)
        ON CONFLICT (partner, certificate)
        DO UPDATE SET state = 'sending', declared = excluded.declared, changed_at = now()
        WHERE fhir_birth.state <> 'taken'
        """,
        partner,
        certificate,
        declared,
    )


async def unclaim(conn: Any, partner: str, certificate: bytes) -> None:
    """It was refused: nothing is on its way any more. One that was void before stays so."""
    await conn.execute(
        """
        UPDATE fhir_birth SET state = 'void'
        WHERE partner = $1 AND certificate = $2 AND state = 'sending' AND dossier_id IS NOT NULL
        """,
        partner,
        certificate,
    )
    await conn.execute(
        """
        DELETE FROM fhir_birth
        WHERE partner = $1 AND certificate = $2 AND state = 'sending' AND dossier_id IS NULL
        """,
        partner,
        certificate,
    )


async def taken(
    conn: Any, partner: str, certificate: bytes, dossier_id: UUID, declared: bytes, document: bytes
) -> None:
    """It has this dossier, which says what was declared."""
    await conn.execute(
        """
        UPDATE fhir_birth
        SET state = 'taken', dossier_id = $3, declared = $4, document = $5, changed_at = now()
        WHERE partner = $1 AND certificate = $2
        """,
        partner,
        certificate,
        dossier_id,
        declared,
        document,
    )


async def void(conn: Any, partner: str, certificate: bytes) -> None:
    """Its dossier was withdrawn because it was entered in error."""
    await conn.execute(
        """
        UPDATE fhir_birth SET state = 'void', voids = voids + 1, changed_at = now()
        WHERE partner = $1 AND certificate = $2 AND state = 'taken'
        """,
        partner,
        certificate,
    )


async def record(conn: Any, submission: Submission) -> None:
    """Add to the audit."""
    await conn.execute(
        """
        INSERT INTO submission (partner, way, format, sha256, status, taken, known, refused)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        *msgspec.structs.astuple(submission),
    )
