"""What the services tell a family of its dossier: details of intake, course, results, messages."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import msgspec
import structlog

from libs.http.client import Refused, Unavailable
from services.portal.city import Caller

T = TypeVar("T")
PURPOSE = "answer-citizen"
log = structlog.get_logger(__name__)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The one-stop shop that took the dossier in."""

    name: str
    address: str = ""
    phone: str = ""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A paper or a field that is still wanted."""

    label: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is still wanted, and until when."""

    respond_by: datetime | None
    things: tuple[Thing, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Since when the dossier had a status."""

    status: int
    at: datetime


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """intake: names, status, what is wanted."""

    dossier_id: UUID
    code: str
    procedure: str
    procedure_name: str
    status: int
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    applicant: str
    mother: str
    child: str
    agency: Place
    asked: Asked | None
    fee_text: str
    history: tuple[Change, ...]


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """routing: how the deadline stands (none, stopped, running, near, missed); days and minutes of work left."""

    word: str
    left_minutes: int | None = None
    left_days: int | None = None


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment moved with an apology."""

    was_at: datetime
    appointment_at: datetime
    signed_at: datetime
    reason_vi: str
    agency_vi: str


class WhyAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Why papers were asked for."""

    reason_vi: str


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """routing: a step whose clock stands still, and for what; `reason` is fee, or a wait of the catalogue."""

    step_vi: str
    agency_vi: str
    reason: str
    reason_vi: str
    since: datetime


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """routing: the appointment as it is now, and what was promised anew."""

    appointment_at: datetime
    stopped: bool
    deadline: Deadline
    asked: WhyAsked | None
    apologies: tuple[Promise, ...]
    waits: tuple[Wait, ...] = ()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """routing: one step and the agency that does it."""

    step: str
    name: str
    state: str
    agency: str
    completed_at: datetime | None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """routing: the steps."""

    steps: tuple[Step, ...]


class NotDone(msgspec.Struct, frozen=True, kw_only=True):
    """routing: a step that will not be done, and why; `note` are the officer's words to the family."""

    name: str
    reason_text: str
    note: str
    refused_at: datetime | None


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """routing: what was refused."""

    refused: tuple[NotDone, ...]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """results: one result and where it is."""

    id: UUID
    name_vi: str
    state: str
    state_vi: str
    delivery: str
    medium: str
    place: str
    place_vi: str
    changed_at: datetime
    handed_over_at: datetime | None
    receiver_vi: str


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """results: a desk people go to; hours by weekday (mon … sun)."""

    name_vi: str
    address_vi: str
    phone: str
    hours: dict[str, tuple[str, ...]]


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """results: every result with the desks they are at."""

    results: tuple[Result, ...]
    places: dict[str, Desk]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """notify: one message to the applicant."""

    audience: str
    channel: str
    state: str
    state_vi: str
    about_vi: str
    created_at: datetime
    sent_at: datetime | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one dossier besides its people; what a service does not have yet is empty."""

    course: Course | None
    steps: tuple[Step, ...]
    refused: tuple[NotDone, ...]
    results: tuple[Result, ...]
    places: dict[str, Desk]
    messages: tuple[Message, ...]


async def details(
    caller: Caller, *, client: str, token: str = "", code: str = "", last_four: str = ""
) -> Details:
    """The dossier of a token, or of a code with the right digits. Raises Refused 403, 422 or 429, and Unavailable."""
    body = {"client": client or "unknown"}
    body |= {"tracking_token": token} if token else {"code": code, "last_four": last_four}
    return await caller.read("intake", "/tracking/details", body, Details, purpose=PURPOSE)


async def told(caller: Caller, dossier_id: UUID, *, ended_badly: bool) -> Told:
    """What the other services know of the dossier. Raises Refused and Unavailable."""
    case, course, whereabouts, messages = await asyncio.gather(
        _if_known(caller.get("routing", f"/cases/{dossier_id}", Case)),
        _if_known(caller.get("routing", f"/cases/{dossier_id}/family", Course)),
        _if_known(caller.get("results", f"/dossiers/{dossier_id}/whereabouts", Whereabouts)),
        _if_known(caller.get("notify", f"/dossiers/{dossier_id}/messages", tuple[Message, ...])),
    )
    cancelled = case is not None and any(step.state == "cancelled" for step in case.steps)
    refusals = None
    if cancelled or (ended_badly and case is not None):
        # Officers' words to the family: every such read is recorded.
        path = f"/cases/{dossier_id}/refusals"
        refusals = await _if_known(caller.get("routing", path, Refusals, purpose=PURPOSE))
    return Told(
        course=course,
        steps=case.steps if case else (),
        refused=refusals.refused if refusals else (),
        results=whereabouts.results if whereabouts else (),
        places=whereabouts.places if whereabouts else {},
        messages=tuple(
            one for one in messages or () if one.audience == "applicant" and one.state != "dropped"
        ),
    )


async def course(caller: Caller, dossier_id: UUID) -> Course | None:
    """The course alone, without anything people said; None while routing does not know the dossier, or cannot tell.

    A mistake of routing is in the log: what intake says of the code is worth a page without it.
    """
    try:
        return await _if_known(caller.get("routing", f"/cases/{dossier_id}/family", Course))
    except Unavailable:
        return None
    except Refused as refused:
        log.error("course-not-told", target=refused.target, status=refused.status, code=refused.slug)
        return None


async def _if_known(asked: Awaitable[T]) -> T | None:
    """The answer, None while the service has not heard of the dossier (404)."""
    try:
        return await asked
    except Refused as refused:
        if refused.status == 404:
            return None
        raise
