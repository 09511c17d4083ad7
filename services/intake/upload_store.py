"""XML9 uploads and their reports."""

from typing import Any
from uuid import UUID

import msgspec

from services.intake.store import RELEASING
from services.intake.uploads import UploadAnswer

_decode = msgspec.json.Decoder(UploadAnswer).decode


async def same_before(connection: Any, facility: str, fingerprint: str) -> UploadAnswer | None:
    """The report of the same file sent before, if it still stands.

    It does not when a record was refused or could not be stored (what refused it may have been the day, or a commune
    the catalogue did not know yet), or a dossier of it came to nothing since: that birth may be declared again.
    """
    stored = await connection.fetchval(
        "SELECT report FROM upload WHERE facility = $1 AND fingerprint = $2", facility, fingerprint
    )
    if stored is None:
        return None
    report = _decode(stored)
    if report.failed or report.refused:
        return None
    ended = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM dossier WHERE id = ANY($1::uuid[]) AND status = ANY($2::smallint[]))",
        [record.dossier_id for record in report.records if record.dossier_id],
        sorted(RELEASING),
    )
    return None if ended else report


async def id_of(connection: Any, facility: str, fingerprint: str) -> UUID | None:
    """The id of the report of the same file sent before: its address stays when the report is replaced."""
    found: UUID | None = await connection.fetchval(
        "SELECT id FROM upload WHERE facility = $1 AND fingerprint = $2", facility, fingerprint
    )
    return found


async def keep(connection: Any, report: UploadAnswer, fingerprint: str, uploaded_by: str) -> UploadAnswer:
    """Store a report and give it back; that of the same file sent before is replaced and leaves it its id, which
    somebody may have been answered with.
    """
    upload_id: UUID = await connection.fetchval(
        """
        INSERT INTO upload (id, facility, fingerprint, report, uploaded_by) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (facility, fingerprint) DO UPDATE
            SET report = excluded.report, uploaded_by = excluded.uploaded_by, uploaded_at = now()
        RETURNING id
        """,
        report.upload_id,
        report.facility_code,
        fingerprint,
        msgspec.json.encode(report),
        uploaded_by,
    )
    if upload_id == report.upload_id:
        return report
    kept = msgspec.structs.replace(report, upload_id=upload_id)
    await connection.execute(
        "UPDATE upload SET report = $2 WHERE id = $1", upload_id, msgspec.json.encode(kept)
    )
    return kept


async def find(connection: Any, upload_id: UUID) -> UploadAnswer | None:
    """The report with this id, or None."""
    stored = await connection.fetchval("SELECT report FROM upload WHERE id = $1", upload_id)
    return None if stored is None else _decode(stored)
