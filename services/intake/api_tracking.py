"""A dossier in full for the family it belongs to, through the portal: by the token of the receipt, or by the code and
what a number of theirs ends with. A code alone says nothing of anybody.
"""

import math
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from libs.catalogue import UnknownAgency
from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.problems import FieldError, Problem
from libs.http.reads import record_reads
from libs.telemetry.metrics import counter
from services.intake import file_store, search_store, store, token_store, try_store
from services.intake.asked import Asked, asked_of
from services.intake.dossier import STATUS_NAMES, Dossier
from services.intake.dossier_codes import TYPED_LENGTH_MAX, read_code
from services.intake.file_store import FileVersion
from services.intake.history import StatusChange, history
from services.intake.office import Office
from services.intake.people import PeopleRecord, people_record
from services.intake.receipts import fees_text, fixed_amount
from services.intake.recognising import recognised

PORTAL = require(kinds=("service",), services=("portal",))
# No account stands behind a citizen's read.
BY_TOKEN = Actor(subject="tracking-token", kind="citizen")
BY_DIGITS = Actor(subject="code-and-digits", kind="citizen")
PURPOSE = "answer-citizen"
_REFUSED = counter("tries_refused_total")


class TrackingQuery(Body, frozen=True, kw_only=True):
    """The token, or a code in any form with the last four signs of a number; `client` is the citizen's address."""

    client: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    tracking_token: Annotated[str, msgspec.Meta(max_length=64)] = ""
    code: Annotated[str, msgspec.Meta(max_length=TYPED_LENGTH_MAX)] = ""
    last_four: Annotated[str, msgspec.Meta(pattern="^([0-9A-Za-z]{4})?$")] = ""


class DeskAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Where to go; address and telephone are empty when the catalogue has none."""

    code: str
    name: str
    address: str
    phone: str


class TrackingDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What a family is told of its dossier. `fee_vnd` is None when the amount depends or is not known."""

    dossier_id: UUID
    code: str
    procedure: str
    procedure_name: str
    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    channel: str
    applicant: str
    mother: str
    child: str
    agency: DeskAddress
    asked: Asked | None
    fee_vnd: int | None
    fee_text: str
    history: tuple[StatusChange, ...]


def router(office: Office) -> APIRouter:
    """The endpoint POST /tracking/details."""
    routes = APIRouter(prefix="/tracking", tags=["people"])

    @routes.post("/details", openapi_extra=body(TrackingQuery, answers={200: TrackingDetails}))
    async def details(request: Request, _portal: Annotated[Actor, Depends(PORTAL)]) -> Response:
        """Names, course and what is to be done. 403 says that something is wrong, not what; a few of these, and 429."""
        wanted = await read_body(request, TrackingQuery)
        by_token = bool(wanted.tracking_token)
        if by_token == bool(wanted.code) or bool(wanted.code) != bool(wanted.last_four):
            message = "Cần mã tra cứu trên giấy hẹn, hoặc mã hồ sơ cùng 4 ký tự cuối của số giấy tờ hay số điện thoại."
            raise Problem(422, errors=[FieldError("code", "token-or-code", message)])
        async with office.recording() as connection:
            found = await (_by_token if by_token else _by_digits)(connection, wanted)
            if not isinstance(found, Problem):
                actor = BY_TOKEN if by_token else BY_DIGITS
                await record_reads(connection, actor, PURPOSE, "details", [found[0].id])
        # Raised only now: what was counted is committed.
        if isinstance(found, Problem):
            raise found
        return MsgspecResponse(_details(office, *found))

    return routes


_Found = tuple[Dossier, PeopleRecord] | Problem


async def _by_token(connection: Any, wanted: TrackingQuery) -> _Found:
    """A token cannot be guessed; who has one is not kept waiting for what others tried."""
    dossier_id = await token_store.dossier_of(connection, wanted.tracking_token)
    dossier = await store.find(connection, dossier_id) if dossier_id else None
    if dossier is None:
        return _not_recognised()
    return dossier, await _people(connection, dossier)


async def _by_digits(connection: Any, wanted: TrackingQuery) -> _Found:
    code = read_code(wanted.code)
    dossiers = await search_store.by_code(connection, code) if code else []
    # Of several dossiers that end alike nobody can say which is meant.
    dossier = dossiers[0] if len(dossiers) == 1 else None
    await try_store.lock(connection, dossier.id if dossier else None, wanted.client)
    if dossier is not None and await try_store.closed(connection, dossier.id):
        _REFUSED.labels("tracking", "too-many").inc()
        return _only_at_the_counter()
    wait = await try_store.wait_seconds(connection, dossier.id if dossier else None, wanted.client)
    if wait > 0:
        _REFUSED.labels("tracking", "too-many").inc()
        return _too_many(wait)
    people = await _people(connection, dossier) if dossier else None
    if dossier is None or people is None or not recognised(people, wanted.last_four):
        _REFUSED.labels("tracking", "mismatch").inc()
        await try_store.add(connection, dossier.id if dossier else None, wanted.client)
        return _not_recognised()
    return dossier, people


async def _people(connection: Any, dossier: Dossier) -> PeopleRecord:
    file: FileVersion = (await file_store.newest(connection, [dossier.id]))[dossier.id]
    return people_record(dossier, file.kind, file.content, contact_only=False)


def _details(office: Office, dossier: Dossier, people: PeopleRecord) -> TrackingDetails:
    procedure = office.catalogue.procedure(dossier.procedure, dossier.procedure_from)
    fees = procedure.fees_for(dossier.options)
    return TrackingDetails(
        dossier_id=dossier.id,
        code=dossier.code,
        procedure=procedure.code,
        procedure_name=procedure.name_vi,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        received_at=dossier.received_at,
        appointment_at=dossier.appointment_at,
        ended_at=dossier.ended_at,
        channel=dossier.channel,
        applicant=people.applicant.name,
        mother=people.mother.name if people.mother else "",
        child=people.child.name if people.child else "",
        agency=desk_address(office, dossier.receiving_agency),
        asked=asked_of(dossier, office.catalogue),
        fee_vnd=fixed_amount(fees),
        fee_text=fees_text(fees),
        history=history(dossier),
    )


def desk_address(office: Office, code: str) -> DeskAddress:
    """What the catalogue knows of an agency; the code for its name when it knows nothing."""
    try:
        agency = office.catalogue.agency(code)
    except UnknownAgency:
        return DeskAddress(code=code, name=code, address="", phone="")
    return DeskAddress(code=code, name=agency.name_vi, address=agency.address_vi, phone=agency.phone)


def _not_recognised() -> Problem:
    """The same answer for an unknown token, an unknown code and wrong signs."""
    title = "Mã hồ sơ, mã tra cứu hoặc 4 ký tự cuối không đúng"
    return Problem(403, "not-recognised", title, "Hãy xem lại giấy tiếp nhận và hẹn trả kết quả.")


def _only_at_the_counter() -> Problem:
    return Problem(
        403,
        "only-at-the-counter",
        "Không xem được bằng mã hồ sơ nữa",
        "Mã này đã bị thử quá nhiều lần. Hãy dùng mã QR trên giấy tiếp nhận, hoặc hỏi tại nơi đã nộp.",
    )


def _too_many(wait_seconds: float) -> Problem:
    return Problem(
        429,
        "too-many-tries",
        "Đã thử quá nhiều lần",
        "Hãy xem lại giấy tiếp nhận rồi thử lại sau, hoặc dùng mã QR in trên giấy.",
        headers={"Retry-After": str(max(1, math.ceil(wait_seconds)))},
    )
