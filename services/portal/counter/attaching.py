"""Scans of a dossier's papers: sent to intake after the dossier, each once by a key of its own."""

import hashlib
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from libs.http.client import Refused, Unavailable
from libs.http.problems import Problem
from services.portal.guard import form_of
from services.portal.rendering import part
from services.portal.sessions import Person, requires

router = APIRouter()
FILE = "tep."
# intake looks at the content; what the browser calls it is not believed.
MEDIA_TYPE = "application/octet-stream"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A scan that was sent, or why it was not taken."""

    component: str
    name: str
    problem: str = ""


async def attach(person: Person, dossier_id: UUID, key: str, component: str, file: UploadFile) -> Sent:
    """Send one scan. The same content for the same paper is sent once, however often it is tried."""
    content = await file.read()
    once = f"{key}.{component}.{hashlib.sha256(content).hexdigest()[:16]}"
    name = (file.filename or "")[:100]
    path = f"/dossiers/{dossier_id}/attachments?component={component}"
    try:
        await person.desk.send_file("intake", path, content, MEDIA_TYPE, msgspec.Raw, key=once)
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        words = [refused.told.title, refused.told.detail, *(one.message for one in refused.told.errors)]
        problem = ". ".join(dict.fromkeys(word.rstrip(".") for word in words if word))
        return Sent(component=component, name=name, problem=f"{problem}.")
    except Unavailable:
        return Sent(component=component, name=name, problem="Chưa gửi được tệp, hãy gửi lại.")
    return Sent(component=component, name=name)


async def attach_all(
    person: Person, dossier_id: UUID, key: str, files: Mapping[str, UploadFile]
) -> tuple[Sent, ...]:
    """Send scans one after the other, by the paper they are of."""
    return tuple([await attach(person, dossier_id, key, code, file) for code, file in files.items()])


@router.post("/quay/tep/{dossier_id}/{component}")
async def attach_later(
    request: Request,
    dossier_id: UUID,
    component: str,
    person: Annotated[Person, Depends(requires("one_stop"))],
) -> Response:
    """One scan for a dossier that has been received; the answer is its line on the screen."""
    form = await form_of(request, person.csrf)
    file, key = form.get("tep"), form.get("khoa")
    if not isinstance(file, UploadFile) or not isinstance(key, str) or not component.isidentifier():
        raise Problem(422)
    sent = await attach(person, dossier_id, key, component, file)
    status = 422 if sent.problem else 200
    return part(
        request,
        "counter/desk.html",
        "file_line",
        person,
        status=status,
        file=sent,
        key=key,
        dossier_id=dossier_id,
    )
