"""The gateway's HTTP interface and the events' AsyncAPI, as pages and as the documents themselves."""

import time
from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.contracts.documents import asyncapi
from services.portal.city import City
from services.portal.developers import described
from services.portal.developers.door import gateway_url, show
from services.portal.developers.event_list import EVENTS
from services.portal.developers.event_words import SERVICES
from services.portal.developers.field_words import ATTRIBUTES
from services.portal.sessions import visitor

router = APIRouter()
# The gateway's description changes with its version only.
KEPT_SECONDS = 60.0
ASYNCAPI = asyncapi()


class Described:
    """The gateway's own description, asked for when somebody reads it."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._document: dict[str, Any] = {}
        self._until = 0.0

    async def document(self) -> dict[str, Any]:
        """The OpenAPI document of the gateway that answers now. Raises Unavailable or Refused when none does."""
        if time.monotonic() >= self._until:
            self._document = await self._city.portal.get("gateway", "/openapi.json", dict[str, Any])
            self._until = time.monotonic() + KEPT_SECONDS
        return self._document


async def _document(request: Request) -> dict[str, Any]:
    known: Described = request.app.state.described
    return await known.document()


@router.get("/dev/api")
async def api(request: Request) -> Response:
    """Every call of the gateway that is for partners."""
    document = await _document(request)
    groups = described.groups(document)
    return show(
        request,
        "api.html",
        await visitor(request),
        groups=groups,
        shapes=described.shapes(document, groups),
    )


@router.get("/dev/openapi.json")
async def openapi(request: Request) -> Response:
    """The same for programs."""
    found = described.public(await _document(request), gateway_url(request))
    return Response(msgspec.json.encode(found), media_type="application/json")


@router.get("/dev/asyncapi")
async def channels(request: Request) -> Response:
    """Who says and who hears what, and how an event travels."""
    return show(
        request,
        "asyncapi.html",
        await visitor(request),
        events=EVENTS.values(),
        services=SERVICES,
        attributes=ATTRIBUTES,
        version=ASYNCAPI["asyncapi"],
    )


@router.get("/dev/asyncapi.json")
async def asyncapi_document() -> Response:
    """The AsyncAPI document, made from the contracts."""
    return Response(msgspec.json.encode(ASYNCAPI), media_type="application/json")
