"""An XML9 file of the hospital's own software, sent whole: a report for each record of it."""

import hashlib
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from libs.http.client import Refused
from services.portal.guard import form_of
from services.portal.rendering import page
from services.portal.sessions import Person, requires
from services.portal.wording import Tag

router = APIRouter()
HOSPITAL = Annotated[Person, Depends(requires("hospital"))]
TAGS = {
    "accepted": Tag("Đã nhận", "ready"),
    "known": Tag("Đã có", "calm"),
    "refused": Tag("Có lỗi", "late"),
    "failed": Tag("Chưa lưu được, gửi lại tệp", "near"),
}


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a tag of a record."""

    field: str
    message_vi: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record."""

    index: int
    certificate_number: str
    status: str
    text: str
    problems: tuple[Doubt, ...] = ()
    dossier_id: UUID | None = None
    code: str = ""

    @property
    def tag(self) -> Tag:
        """Its fate in a word."""
        return TAGS.get(self.status, TAGS["failed"])


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a file."""

    summary: str
    records: tuple[Record, ...]
    warnings: tuple[Doubt, ...] = ()


@router.post("/bv/xml9")
async def upload(request: Request, person: HOSPITAL) -> Response:
    """Take a file in. The same file again gives the same report: its key is made of its content."""
    form = await form_of(request, person.csrf)
    given = form.get("tep")
    content = await given.read() if isinstance(given, UploadFile) else b""
    if not content:
        return _show(request, person, None, [("tep", "Hãy chọn tệp XML9 để gửi")], 422)
    # A report with failed records is made anew on the next try: the hospital's key must not keep the old one.
    key = f"xml9-{hashlib.sha256(content).hexdigest()[:32]}-{form.get('khoa', '')!s}"[:200]
    try:
        report = await person.desk.send_file(
            "intake", "/births/xml9", content, "application/xml", Report, key=key
        )
    except Refused as refused:
        if refused.status not in (413, 415, 422):
            raise
        words = ". ".join(word.rstrip(".") for word in (refused.told.title, refused.told.detail) if word)
        return _show(request, person, None, [("tep", words)], refused.status)
    return _show(request, person, report, [], 200)


def _show(
    request: Request, person: Person, report: Report | None, problems: list[tuple[str, str]], status: int
) -> Response:
    headers = {"Cache-Control": "no-store"}
    return page(
        request,
        "hospital/upload.html",
        person,
        status=status,
        headers=headers,
        report=report,
        problems=problems,
    )
