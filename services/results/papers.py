"""Stored papers given out: unchanged, or not at all."""

from typing import Any

from starlette.responses import Response

from libs.http.problems import Problem
from libs.storage.archive import Archive
from libs.telemetry.logs import log


class Papers:
    """The signed documents in the archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def content(self, row: Any) -> bytes:
        """The signed PDF of a result row. Raises Problem 500 for a damaged one, and the archive's errors."""
        try:
            return await self._archive.get(row["document_key"], row["document_sha256"])
        except (FileNotFoundError, ValueError):
            # Lost or changed: an alarm, not a detail. Ordering a new version makes a sound one.
            log.error("document-damaged", result_id=str(row["id"]))
            raise Problem(
                500, "document-damaged", "Bản lưu của kết quả này bị hỏng, cần phát hành lại"
            ) from None


def pdf_answer(content: bytes, name: str) -> Response:
    """A PDF to be saved under `name`, kept by nobody on the way."""
    return Response(
        content,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
