"""The scans of a dossier, shown beside its data as what they are and nothing else."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from services.portal.case.reading import dossier_id_of, purpose_of
from services.portal.sessions import Person, requires

router = APIRouter()
Officer = Annotated[Person, Depends(requires())]
Named = Annotated[str, Path(alias="ma", max_length=100)]
_MAGIC = ((b"%PDF-", "application/pdf"), (b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n", "image/png"))
# A picture runs in a box of its own; the browser's reader of PDF does not start in one.
_FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'"


@router.get("/ho-so/{ma}/tep/{number}")
async def scan(person: Officer, ma: Named, number: Annotated[int, Path(ge=1, le=50)]) -> Response:
    """A scanned paper, to be seen beside the data."""
    dossier_id = await dossier_id_of(person, ma)
    purpose = purpose_of(person)
    content = await person.desk.get_bytes(
        "intake", f"/dossiers/{dossier_id}/attachments/{number}", purpose=purpose
    )
    kind = next((kind for magic, kind in _MAGIC if content.startswith(magic)), "application/octet-stream")
    policy = _FILE_POLICY if kind == "application/pdf" else f"{_FILE_POLICY}; sandbox"
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Content-Disposition": "attachment" if kind == "application/octet-stream" else "inline",
    }
    return Response(content, 200, headers, kind)
