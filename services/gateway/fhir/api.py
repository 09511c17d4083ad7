"""HTTP of FHIR: `POST /fhir` and `POST /fhir/$process-message`, whose answers all are, or carry, an OperationOutcome.

And `GET /fhir/metadata`, which says so to programs.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import Actor
from libs.http.bodies import read_bytes
from libs.http.idempotency import keyed
from libs.http.limits import TokenBuckets
from libs.http.problems import Problem
from services.gateway.fhir.bundles import BYTES_MAX
from services.gateway.fhir.desk import RETRY_SECONDS, Answered, FhirDesk
from services.gateway.fhir.issues import (
    MEDIA_TYPE,
    error,
    message_response,
    outcome,
    transaction_response,
)
from services.gateway.inbound.desk import SayingDesk
from services.gateway.partners.access import SYSTEM, Access

_TAKEN = (MEDIA_TYPE, "application/json")
_ANSWER = {
    "description": "OperationOutcome; to a message or a taken transaction a Bundle that carries it",
    "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
}
_DESCRIBED: dict[str, Any] = {
    "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "object"}}}},
    "responses": {str(status): _ANSWER for status in (200, 201, 400, 403, 404, 409, 413, 415, 422, 429, 503)},
}
_STATEMENT: dict[str, Any] = {
    "responses": {
        "200": {
            "description": "CapabilityStatement",
            "content": {MEDIA_TYPE: {"schema": {"type": "object"}}},
        }
    }
}


def build_router(
    desk: FhirDesk, access: Access, calls: TokenBuckets, saying: SayingDesk, statement: dict[str, Any]
) -> APIRouter:
    """The endpoints; `statement` says what they can.

    `calls` bounds how often one partner may ask, `saying` how many Bundles of one lie in memory.
    """
    router = APIRouter(prefix="/fhir", tags=["fhir"])

    async def taken(request: Request, actor: Actor) -> Response:
        partner = await access.partner(actor)
        try:
            wait_seconds = calls.take(partner.code)
            if wait_seconds > 0:
                raise Problem(429, headers={"Retry-After": str(math.ceil(wait_seconds))})
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type not in _TAKEN:
                raise Problem(415, detail=f"Nội dung phải là {MEDIA_TYPE}; XML không được nhận.")
            async with saying.place(partner, paper=False):
                content = await read_bytes(request, limit_bytes=BYTES_MAX)
                answered = await desk.submit(partner, content, "http")
        except Problem as problem:
            text = f"{problem.title}. {problem.detail}".strip()
            issue = error(problem.slug, text)
            return _response(problem.status, outcome([issue]), problem.headers)
        return answer(answered)

    @router.post("", status_code=201, openapi_extra=keyed(_DESCRIBED, needed=False))
    async def bundle(request: Request, actor: Annotated[Actor, Depends(SYSTEM)]) -> Response:
        """Take a Bundle of births (document, message, transaction, collection): new, update, or void.

        201 when a dossier came of it, 200 when one was changed or nothing was new, 422 with every problem at once.
        """
        return await taken(request, actor)

    @router.post("/$process-message", status_code=201, openapi_extra=keyed(_DESCRIBED, needed=False))
    async def message(request: Request, actor: Annotated[Actor, Depends(SYSTEM)]) -> Response:
        """As POST /fhir: FHIR's own address for messages."""
        return await taken(request, actor)

    @router.get("/metadata", openapi_extra=_STATEMENT)
    async def metadata() -> Response:
        """What is taken here, as a CapabilityStatement; without a token, as FHIR's clients ask for it first."""
        return _response(200, statement, {})

    return router


def answer(answered: Answered) -> Response:
    """The response to a Bundle, in the shape its type asks for."""
    headers = {"Retry-After": str(RETRY_SECONDS)} if answered.status == 503 else {}
    dossiers = [said.dossier for said in answered.births if said.dossier is not None]
    if dossiers:
        headers["Location"] = f"/city/intake/dossiers/{dossiers[0].id}"
    bundle = answered.bundle
    document = outcome(answered.issues)
    if bundle is not None and bundle.type == "message":
        header = next((one.value for one in bundle.of_kind("MessageHeader")), {})
        document = message_response(header, answered.issues, answered.status, datetime.now(UTC))
    elif bundle is not None and bundle.type == "transaction" and answered.status < 300:
        document = transaction_response(bundle.entries, answered.issues, answered.status)
    return _response(answered.status, document, headers)


def _response(status: int, document: dict[str, Any], headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)
