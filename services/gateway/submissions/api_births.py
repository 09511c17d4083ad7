"""HTTP of `POST /births/xml9` for partners: the file goes on to intake, and its report comes back."""

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.http import problems
from libs.http.auth import Actor
from libs.http.bodies import read_bytes
from libs.http.client import Refused
from libs.http.idempotency import keyed
from libs.http.limits import TokenBuckets
from libs.http.problems import Problem
from services.gateway.inbound.desk import SayingDesk
from services.gateway.partners.access import SYSTEM, Access
from services.gateway.submissions.xml9 import FILE_BYTES_MAX, Uploads

XML = ("application/xml", "text/xml")
_DESCRIBED: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
    },
    "responses": {
        "200": {
            "description": "Report on each record, as intake's POST /births/xml9 gives it",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
}


def build_router(uploads: Uploads, access: Access, calls: TokenBuckets, desk: SayingDesk) -> APIRouter:
    """The endpoint; `calls` bounds how often one partner may ask, `desk` how many files of one lie in memory."""
    router = APIRouter(tags=["births"])

    @router.post("/births/xml9", openapi_extra=keyed(_DESCRIBED, needed=False))
    async def upload(request: Request, actor: Annotated[Actor, Depends(SYSTEM)]) -> Response:
        """Take an XML9 file (QĐ 4750/QĐ-BYT) of the partner's facility; the same file again gets the same report."""
        partner = await access.partner(actor)
        wait_seconds = calls.take(partner.code)
        if wait_seconds > 0:
            raise Problem(429, headers={"Retry-After": str(math.ceil(wait_seconds))})
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in XML:
            raise Problem(415, detail="Nội dung phải là application/xml.")
        if not partner.facility:
            raise Problem(403)
        async with desk.place(partner, paper=True):
            content = await read_bytes(request, limit_bytes=FILE_BYTES_MAX)
            try:
                report = await uploads.send(partner, content, "http")
            except Refused as refused:
                if refused.answer:
                    return Response(refused.answer, refused.status, media_type=problems.MEDIA_TYPE)
                raise Problem(refused.status, refused.slug) from None
        return Response(report, media_type="application/json")

    return router
