"""Papers attached to a dossier: the raw bytes in, the same bytes out as a download."""

import asyncio
import hashlib
import secrets
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from libs.http.auth import Actor, require
from libs.http.bodies import described_answers, read_bytes
from libs.http.idempotency import Answer, idempotency_key, once
from libs.http.problems import FieldError, Problem
from libs.http.reads import purpose_of, record_reads
from services.intake import attachment_store
from services.intake import dossier as rules
from services.intake.attachment_store import Attachment
from services.intake.attachments import BYTES_MAX, EXTENSIONS, NotTaken, media_type_of
from services.intake.dossier import IllegalMove
from services.intake.office import ENTRANCES, Office, not_now

KINDS = ("officer", "system", "service")
ANYONE = require(kinds=KINDS, services=ENTRANCES)
HANDLER = require("hospital", "one_stop", kinds=KINDS, services=ENTRANCES)
PER_DOSSIER_MAX = 50
Number = Annotated[int, Path(ge=1, le=PER_DOSSIER_MAX)]


def router(office: Office) -> APIRouter:
    """Endpoints under /dossiers/{dossier_id}/attachments."""
    routes = APIRouter(prefix="/dossiers/{dossier_id}/attachments", tags=["attachments"])

    @routes.post(
        "", status_code=201, openapi_extra=described_answers({201: Attachment}, takes=tuple(EXTENSIONS))
    )
    async def attach(
        request: Request,
        dossier_id: UUID,
        component: Annotated[str, Query(pattern="^[a-z][a-z0-9_]{0,63}$")],
        actor: Annotated[Actor, Depends(HANDLER)],
    ) -> Response:
        """Attach a paper for a component of the procedure (raw PDF, JPEG or PNG as the body). The same content for
        another component stays one paper that serves both.
        """
        idempotency_key(request)
        content = await read_bytes(request, limit_bytes=BYTES_MAX)
        try:
            media_type = media_type_of(content)
        except NotTaken as error:
            status = 413 if error.code == "too-large" else 415
            raise Problem(status, f"attachment-{error.code}", "Tệp không được nhận", error.text) from None
        async with office.reading() as connection:
            # Before anything is stored for somebody who may not.
            dossier = await office.readable(connection, actor, dossier_id)
        _check_component(office, dossier.procedure, component, dossier.procedure_from)
        sha256 = await asyncio.to_thread(lambda: hashlib.sha256(content).digest())
        key = f"attachments/{secrets.token_hex(16)}.{EXTENSIONS[media_type]}"
        await office.archive.put(key, content, durable=True)

        unused: list[str] = []

        async def work(connection: Any) -> Answer:
            try:
                rules.take_paper(await office.locked(connection, actor, dossier_id))
            except IllegalMove as illegal:
                not_now(illegal)
            added = await attachment_store.add(
                connection,
                dossier_id,
                component=component,
                media_type=media_type,
                size_bytes=len(content),
                sha256=sha256,
                key=key,
                added_by=actor.subject,
            )
            if added.key != key:
                unused.append(key)
            if (number := added.attachment.number) > PER_DOSSIER_MAX:
                raise Problem(409, "too-many-attachments", "Hồ sơ đã có quá nhiều tệp đính kèm")
            return Answer(201, added.attachment, f"/dossiers/{dossier_id}/attachments/{number}")

        # Deleted only when the database has certainly not kept the key: a commit without an answer may have.
        try:
            return await once(request, actor, office.writer, work)
        except Problem:
            unused.append(key)
            raise
        finally:
            for one in unused:
                await office.archive.delete(one)

    @routes.get("/{number}")
    async def download(
        request: Request, dossier_id: UUID, number: Number, actor: Annotated[Actor, Depends(ANYONE)]
    ) -> Response:
        """The content, always as a download. The purpose (X-Purpose) is recorded."""
        purpose = purpose_of(request)
        async with office.recording() as connection:
            await office.comparable(connection, actor, dossier_id)
            found = await attachment_store.find(connection, dossier_id, number)
            if found is None:
                raise Problem(404)
            await record_reads(connection, actor, purpose, "attachment", [dossier_id])
        content = await office.archive.get(found.key, bytes.fromhex(found.attachment.sha256))
        name = f"{dossier_id}-{number}.{EXTENSIONS[found.attachment.media_type]}"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-site",
        }
        return Response(content, 200, headers, found.attachment.media_type)

    return routes


def _check_component(office: Office, procedure: str, component: str, on: Any) -> None:
    known = {c.code for c in office.catalogue.procedure(procedure, on).components}
    if component not in known:
        message = "Thủ tục không có thành phần hồ sơ này."
        raise Problem(422, errors=[FieldError("component", "unknown", message)])
