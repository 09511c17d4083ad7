"""What everybody may ask with a code or a tracking token: the status and days of a dossier, no person.

Codes count upwards, so a stranger can try them: answers are few per address, say nothing of people or procedures, and
take equally long whether a dossier exists or not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from libs.http.auth import Actor
from libs.http.bodies import MsgspecResponse, described_answers
from libs.http.limits import RateLimit
from libs.http.problems import Problem
from services.intake import search_store, store
from services.intake.api_tracking import PORTAL, desk_address
from services.intake.dossier import STATUS_NAMES
from services.intake.dossier_codes import read_code
from services.intake.office import Office
from services.intake.store import PublicStatus, public_status

# Longer than the look-up takes, found or not; its spread cannot be measured behind it.
ANSWER_SECONDS = 0.05

T = TypeVar("T")


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The national status of a dossier, its days, and whether something is still to be handed in (`lacking`)."""

    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    lacking: bool


class CodeStatus(StatusAnswer, frozen=True, kw_only=True):
    """The same with the whole code it belongs to, and the one-stop shop that gave the code."""

    code: str
    agency: str


class FoundStatus(CodeStatus, frozen=True, kw_only=True):
    """The same for our own pages, which ask the other services by the dossier's id."""

    dossier_id: UUID


class FoundStatuses(msgspec.Struct, frozen=True, kw_only=True):
    """Every dossier a code can stand for, in the order of their codes."""

    statuses: tuple[FoundStatus, ...]


class Statuses(msgspec.Struct, frozen=True, kw_only=True):
    """Every dossier a code can stand for, in the order of their codes."""

    statuses: tuple[CodeStatus, ...]


Lookup = Callable[[Any, str], Awaitable[PublicStatus | None]]


def router(office: Office) -> APIRouter:
    """The endpoints GET /status, GET /status/{code}, GET /track/{token} and, for the portal, GET /tracking/status."""
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

    @routes.get("/status", openapi_extra=described_answers({200: Statuses}))
    async def by_typed_code(code: Annotated[str, Query()]) -> Response:
        """Where the dossiers are that a code, or its end alone, can stand for: `211130-0001` is one at each agency."""
        found = await _timed(_statuses(office, code))
        return MsgspecResponse(Statuses(statuses=tuple(status for _, status in found)))

    @routes.get("/tracking/status", openapi_extra=described_answers({200: FoundStatuses}))
    async def for_the_portal(
        code: Annotated[str, Query()], _portal: Annotated[Actor, Depends(PORTAL)]
    ) -> Response:
        """The same for the portal, with the dossiers' ids."""
        found = await _timed(_statuses(office, code))
        return MsgspecResponse(
            FoundStatuses(
                statuses=tuple(
                    FoundStatus(dossier_id=dossier_id, **msgspec.structs.asdict(status))
                    for dossier_id, status in found
                )
            )
        )

    @routes.get("/track/{token}", openapi_extra=described)
    async def by_token(token: Annotated[str, Path(max_length=64)]) -> Response:
        """Where the dossier with this tracking token is."""
        return await _answer(office, store.status_by_token, token)

    return routes


async def _by_code(connection: Any, typed: str) -> PublicStatus | None:
    """The status by a whole code, or by its end where one dossier only ends so."""
    code = read_code(typed)
    found = await search_store.by_code(connection, code) if code else []
    return public_status(found[0]) if len(found) == 1 else None


async def _answer(office: Office, look_up: Lookup, key: str) -> Response:
    return MsgspecResponse(await _timed(_status(office, look_up, key)))


async def _timed(asked: Awaitable[T]) -> T:
    """The answer, or the Problem, no sooner than ANSWER_SECONDS after the question."""
    loop = asyncio.get_running_loop()
    answer_at = loop.time() + ANSWER_SECONDS
    try:
        return await asked
    finally:
        await asyncio.sleep(max(0.0, answer_at - loop.time()))


async def _status(office: Office, look_up: Lookup, key: str) -> StatusAnswer:
    async with office.reading() as connection:
        found = await look_up(connection, key)
    if found is None:
        raise Problem(404)
    return StatusAnswer(**_told(found))


async def _statuses(office: Office, typed: str) -> list[tuple[UUID, CodeStatus]]:
    code = read_code(typed)
    async with office.reading() as connection:
        found = await search_store.by_code(connection, code) if code else []
    return [
        (
            dossier.id,
            CodeStatus(
                code=dossier.code,
                agency=desk_address(office, dossier.receiving_agency).name,
                **_told(public_status(dossier)),
            ),
        )
        for dossier in sorted(found, key=lambda dossier: dossier.code)
    ]


def _told(found: PublicStatus) -> dict[str, Any]:
    return {**msgspec.structs.asdict(found), "status_name": STATUS_NAMES[found.status]}
