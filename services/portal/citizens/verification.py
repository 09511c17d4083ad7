"""Is this paper genuine: where the QR code on a result leads. Names nobody; a file is compared in the browser."""

import re
from datetime import datetime

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal.citizens import tries
from services.portal.rendering import page

router = APIRouter()
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,64}")
HEADERS = {"Referrer-Policy": "strict-origin", "X-Robots-Tag": "noindex, nofollow"}


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What results says of a paper."""

    status: str
    result_vi: str
    version: int
    agency_vi: str
    issued_at: datetime | None
    changed_at: datetime | None = None
    sha256: str = ""


@router.get("/xac-minh/{token}")
async def verify(request: Request, token: str) -> Response:
    """Valid, superseded, revoked or unknown, and what to do."""
    found = await _ask(request, token) if TOKEN.fullmatch(token) else None
    status = 200 if found else 404
    return page(request, "citizens/verification.html", status=status, headers=HEADERS, found=found)


@router.get("/verify/{token}")
async def printed_link(token: str) -> Response:
    """The link as papers print it."""
    if not TOKEN.fullmatch(token):
        raise Problem(404)
    return RedirectResponse(f"/xac-minh/{token}", 303, headers=HEADERS)


async def _ask(request: Request, token: str) -> Verification | None:
    caller = request.app.state.city.citizen(tries.address_of(request))
    try:
        found: Verification = await caller.get("results", f"/verify/{token}", Verification)
    except Refused as refused:
        if refused.status == 404:
            return None
        if refused.status == 429:
            raise tries.too_many(max(1, round(refused.retry_after_seconds))) from None
        raise
    return found
