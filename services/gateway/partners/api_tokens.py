"""HTTP of the token endpoint, and where it is found (RFC 8414)."""

import math
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.http.bodies import MsgspecResponse, answers, read_bytes
from libs.http.idempotency import keyed
from libs.http.limits import client_network
from libs.http.problems import Problem
from services.gateway.partners.keys import ALGORITHMS
from services.gateway.partners.tokens import GRANT, TOKEN_PATH, Granted, Refusal, TokenDesk, TooMany

FORM = "application/x-www-form-urlencoded"
FORM_BYTES_MAX = 16 << 10
FORM_FIELDS_MAX = 16


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a client must know (RFC 8414 2)."""

    issuer: str
    token_endpoint: str
    grant_types_supported: tuple[str, ...] = (GRANT,)
    response_types_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("private_key_jwt",)
    token_endpoint_auth_signing_alg_values_supported: tuple[str, ...] = tuple(ALGORITHMS)


def build_router(desk: TokenDesk) -> APIRouter:
    """The endpoints for whoever has no token yet."""
    router = APIRouter()
    metadata = Metadata(issuer=desk.issuer_url, token_endpoint=f"{desk.issuer_url}{TOKEN_PATH}")

    @router.get("/.well-known/oauth-authorization-server", openapi_extra=answers({200: Metadata}))
    async def described() -> Response:
        """Where to ask for a token, and how to prove oneself there."""
        return MsgspecResponse(metadata)

    @router.post("/oauth/token", openapi_extra=keyed(answers({200: Granted}, takes=(FORM,)), needed=False))
    async def token(request: Request) -> Response:
        """A token of five minutes, for a partner that proves itself with an assertion signed by its own key."""
        try:
            if "authorization" in request.headers:
                raise Refusal("invalid_client", "private_key_jwt is the only way to authenticate", 401)
            form = await _form(request)
            granted = await desk.token(form, client_network(request))
        except Refusal as refusal:
            return _refusal(refusal)
        except TooMany as too_many:
            raise Problem(429, headers={"Retry-After": str(math.ceil(too_many.seconds))}) from None
        return MsgspecResponse(granted, headers={"Pragma": "no-cache"})

    return router


async def _form(request: Request) -> dict[str, str]:
    """The form's fields. Raises Refusal."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Refusal("invalid_request", f"the body must be {FORM}")
    content = await read_bytes(request, limit_bytes=FORM_BYTES_MAX)
    try:
        fields = parse_qsl(content.decode("ascii"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    except ValueError:
        raise Refusal("invalid_request", "the form cannot be read") from None
    twice = [name for name, count in Counter(name for name, _ in fields).items() if count > 1]
    if twice:
        # RFC 6749 3.2: parameters MUST NOT be included more than once.
        raise Refusal("invalid_request", "a parameter appears twice")
    return dict(fields)


def _refusal(refusal: Refusal) -> Response:
    content: dict[str, Any] = {"error": refusal.error}
    if refusal.description:
        content["error_description"] = refusal.description
    # RFC 6749 5.2: a client that used the header learns which scheme that was.
    headers = {"Pragma": "no-cache"} | (
        {"WWW-Authenticate": 'Basic realm="oauth"'} if refusal.status == 401 else {}
    )
    return MsgspecResponse(content, refusal.status, headers=headers)
