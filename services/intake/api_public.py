"""What everybody may ask with a code or a tracking token: the status and days of a dossier, no person.

Codes count upwards, so a stranger can try them: answers are few per address, say nothing of people or procedures, and
take equally long whether a dossier exists or not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Response

from libs.http.bodies import MsgspecResponse, described_answers
from libs.http.limits import RateLimit
from libs.http.problems import Problem
from services.intake import search_store, store
from services.intake.dossier import STATUS_NAMES
from services.intake.dossier_codes import read_code
from services.intake.office import Office
from services.intake.store import PublicStatus

# Longer than the look-up takes, found or not; its spread cannot be measured behind it.
ANSWER_SECONDS = 0.05


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The national status of a dossier and its days."""

    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None


Lookup = Callable[[Any, str], Awaitable[PublicStatus | None]]


def router(office: Office) -> APIRouter:
    """The endpoints GET /status/{code} and GET /track/{token}."""
    routes = APIRouter(
        tags=["public"],
        dependencies=[
            Depends(RateLimit(rate_per_second=office.public_per_second, burst=office.public_burst).check)
        ],
    )
    described = described_answers({200: StatusAnswer})

    @routes.get("/status/{code}", openapi_extra=described)
    async def by_code(code: Annotated[str, Path(max_length=40)]) -> Response:
        """Where the dossier with this code is; the code in any form people write it (dossier_codes.read_code)."""
        return await _answer(office, _by_code, code)

    @routes.get("/track/{token}", openapi_extra=described)
    async def by_token(token: Annotated[str, Path(max_length=64)]) -> Response:
        """Where the dossier with this tracking token is."""
        return await _answer(office, store.status_by_token, token)

    return routes


async def _by_code(connection: Any, typed: str) -> PublicStatus | None:
    """The status by a whole code, or by its end where one dossier only ends so."""
    code = read_code(typed)
    found = await search_store.by_code(connection, code) if code else []
    if len(found) != 1:
        return None
    (dossier,) = found
    return PublicStatus(
        status=dossier.status,
        received_at=dossier.received_at,
        appointment_at=dossier.appointment_at,
        ended_at=dossier.ended_at,
    )


async def _answer(office: Office, look_up: Lookup, key: str) -> Response:
    loop = asyncio.get_running_loop()
    answer_at = loop.time() + ANSWER_SECONDS
    async with office.reading() as connection:
        found = await look_up(connection, key)
    await asyncio.sleep(max(0.0, answer_at - loop.time()))
    if found is None:
        raise Problem(404)
    return MsgspecResponse(
        StatusAnswer(
            status=found.status,
            status_name=STATUS_NAMES[found.status],
            received_at=found.received_at,
            appointment_at=found.appointment_at,
            ended_at=found.ended_at,
        )
    )
