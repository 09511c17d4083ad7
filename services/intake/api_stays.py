"""The hospital's own view of its births: who lies where, when they leave, what is still wanted for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from libs.contracts.intake import ChosenResult
from libs.http.auth import Actor, require
from libs.http.bodies import MsgspecResponse, body, described_answers, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import Problem
from libs.http.reads import record_reads
from services.intake import file_store, stay_store
from services.intake.asked import Asked, asked_of
from services.intake.beds import doubts_about
from services.intake.births import Problem as Doubt
from services.intake.dossier import NOT_TAKEN, STATUS_NAMES, Dossier
from services.intake.file_store import FileVersion
from services.intake.office import Office, field_errors
from services.intake.people import people_record
from services.intake.stay_store import LIST_ROWS_MAX, Bedside
from services.intake.stays import LEFT_AFTER, BedsideState, Stay, stay_problems, written_stay

HOSPITAL = require("hospital")
PURPOSE = "bedside"


class BedsideLine(msgspec.Struct, frozen=True, kw_only=True):
    """One birth of the hospital: the people at the bed, where they lie, where their dossier is.

    `sex` is 1 male, 2 female, 3 not determined; `birth_time` is RFC 3339 with +07:00; `order` of `count` children;
    `results` is how each result is received; `refusal` why it was not taken (status 3), in the desk's own words.
    """

    dossier_id: UUID
    code: str
    tracking_token: str
    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    mother: str
    child: str
    sex: str
    birth_time: str
    order: int
    count: int
    stay: Stay | None
    asked: Asked | None
    likely_duplicate: bool
    results: tuple[ChosenResult, ...]
    refusal: str = ""


class BedsideList(msgspec.Struct, frozen=True, kw_only=True):
    """The births of a hospital, by discharge; `more` when the list was cut at its limit."""

    births: tuple[BedsideLine, ...]
    more: bool


class StayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where they lie from now on; `warnings` is what the ward should look at again, such as a bed of another mother."""

    dossier_id: UUID
    stay: Stay
    warnings: tuple[Doubt, ...] = ()


def router(office: Office) -> APIRouter:
    """The endpoints GET /bedside, GET /bedside/{dossier_id} and POST /dossiers/{dossier_id}/stay."""
    routes = APIRouter(tags=["bedside"])

    @routes.get("/bedside", openapi_extra=described_answers({200: BedsideList}))
    async def bedside(
        actor: Annotated[Actor, Depends(HOSPITAL)],
        state: BedsideState = "inside",
        limit: Annotated[int, Query(ge=1, le=LIST_ROWS_MAX)] = 100,
    ) -> Response:
        """The births of my hospital by planned discharge (unknown last), then by bed. Every line is a recorded read."""
        facility = _facility(office, actor)
        now = office.now()
        async with office.recording() as connection:
            found = await stay_store.bedside(
                connection,
                facility,
                state,
                wall_clock=office.desk.wall_clock(now),
                left_before=now - LEFT_AFTER,
                limit=limit + 1,
            )
            found, more = found[:limit], len(found) > limit
            ids = [each.dossier.id for each in found]
            files = await file_store.newest(connection, ids)
            refusals = await _refusals(office, connection, [each.dossier for each in found])
            await record_reads(connection, actor, PURPOSE, "bedside", ids)
        lines = (
            _line(office, each, files[each.dossier.id], refusals.get(each.dossier.id, "")) for each in found
        )
        return MsgspecResponse(BedsideList(births=tuple(lines), more=more))

    @routes.get("/bedside/{dossier_id}", openapi_extra=described_answers({200: BedsideLine}))
    async def one_bedside(dossier_id: UUID, actor: Annotated[Actor, Depends(HOSPITAL)]) -> Response:
        """One birth of my hospital, however old; 404 for another's. A recorded read."""
        facility = _facility(office, actor)
        async with office.recording() as connection:
            found = await stay_store.bedside_of(connection, facility, dossier_id)
            if found is None:
                raise Problem(404)
            files = await file_store.newest(connection, [dossier_id])
            refusals = await _refusals(office, connection, [found.dossier])
            await record_reads(connection, actor, PURPOSE, "bedside", [dossier_id])
        return MsgspecResponse(_line(office, found, files[dossier_id], refusals.get(dossier_id, "")))

    @routes.post("/dossiers/{dossier_id}/stay", openapi_extra=body(Stay, answers={200: StayAnswer}))
    async def change_stay(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(HOSPITAL)]
    ) -> Response:
        """Say where mother and child lie and when they leave. Only the hospital that declared the birth."""
        stay = written_stay(await read_body(request, Stay))
        now = office.now()
        wall_clock = office.desk.wall_clock(now)
        problems = list(stay_problems(stay, wall_clock))
        if problems:
            raise Problem(422, errors=field_errors(problems))

        async def work(connection: Any) -> Answer:
            dossier = await office.readable(connection, actor, dossier_id)
            if dossier.facility != office.facility_of(actor):
                raise Problem(403)
            await stay_store.put(connection, {dossier_id: stay}, [actor.subject])
            doubts = await doubts_about(connection, dossier_id, stay, now=now, wall_clock=wall_clock)
            return Answer(200, StayAnswer(dossier_id=dossier_id, stay=stay, warnings=doubts))

        return await once(request, actor, office.writer, work)

    return routes


def _facility(office: Office, actor: Actor) -> str:
    """The hospital of who asks. Raises Problem 403 for who has none."""
    facility = office.facility_of(actor)
    if not facility:
        raise Problem(403)
    return facility


async def _refusals(office: Office, connection: Any, dossiers: Sequence[Dossier]) -> dict[UUID, str]:
    """Why those that were not taken were not: the reason of the catalogue and what the desk explained."""
    refused = {dossier.id: dossier.reason for dossier in dossiers if dossier.status == NOT_TAKEN}
    if not refused:
        return {}
    names = {reason.code: reason.name_vi for reason in office.catalogue.reasons["refuse"]}
    explained = await file_store.newest_reasons(connection, list(refused))
    return {
        dossier_id: ". ".join(
            words.rstrip(".") for words in (names.get(code, ""), explained.get(dossier_id, "")) if words
        )
        for dossier_id, code in refused.items()
    }


def _line(office: Office, bedside: Bedside, file: FileVersion, refusal: str) -> BedsideLine:
    dossier = bedside.dossier
    people = people_record(dossier, file.kind, file.content, contact_only=False)
    child = people.child
    return BedsideLine(
        dossier_id=dossier.id,
        code=dossier.code,
        tracking_token=dossier.token,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        received_at=dossier.received_at,
        appointment_at=dossier.appointment_at,
        mother=people.mother.name if people.mother else people.applicant.name,
        child=child.name if child else "",
        sex=child.sex if child else "",
        birth_time=child.birth_time if child else "",
        order=child.order if child else 1,
        count=child.count if child else 1,
        stay=bedside.stay,
        asked=asked_of(dossier, office.catalogue),
        likely_duplicate=dossier.likely_duplicate,
        results=dossier.results,
        refusal=refusal,
    )
