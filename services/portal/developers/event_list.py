"""The catalogue of events: a list to look through, and a page for each type."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.http.client import Refused, Unavailable
from libs.http.problems import Problem
from services.portal.developers import events
from services.portal.developers.door import show
from services.portal.developers.event_words import SERVICES
from services.portal.developers.field_words import ATTRIBUTES
from services.portal.developers.journey import course, is_read, place_of
from services.portal.developers.partner import Partner, partner_of
from services.portal.developers.saying_words import words_of
from services.portal.sessions import Person, visitor

router = APIRouter()
EVENTS = events.catalogue()
# For choosing one of them: the type, and what stands in the list.
CHOICES = tuple((each.type, f"{each.words.name} ({each.type})") for each in EVENTS.values())
ASKED_LENGTH_MAX = 200


@router.get("/dev/su-kien")
async def listing(request: Request, tim: str = "", tu: str = "") -> Response:
    """Every type of event, or those that fit `tim`, said by `tu`."""
    asked = tim.strip()[:ASKED_LENGTH_MAX]
    producers = [by for by in SERVICES if any(each.by == by for each in EVENTS.values())]
    return show(
        request,
        "catalogue.html",
        await visitor(request),
        found=events.matching(EVENTS, asked, tu if tu in producers else ""),
        total=len(EVENTS),
        asked=asked,
        by=tu,
        producers=[(by, f"{SERVICES[by]} ({by})") for by in producers],
        searched=events.searched,
    )


@router.get("/dev/su-kien/{type_}")
async def event(request: Request, type_: str) -> Response:
    """One type: its meaning, its fields, and examples to send to oneself."""
    found = EVENTS.get(type_)
    if found is None:
        raise Problem(404, detail="Không có loại sự kiện này. Xem danh mục sự kiện tại /dev/su-kien.")
    person = await visitor(request)
    partner = await _partner(person)
    return show(
        request,
        "event.html",
        person,
        event=found,
        place=place_of(type_),
        course=course(),
        partner=partner,
        is_read=partner is not None and is_read(type_, partner.types),
        saying_name=lambda type_: words_of(type_).name,
        attributes=ATTRIBUTES,
    )


@router.get("/dev/luoc-do/{type_}.json")
async def schema(type_: str) -> Response:
    """The JSON Schema of a type's data, for programs."""
    found = EVENTS.get(type_)
    if found is None:
        raise Problem(404)
    return Response(found.schema, media_type="application/schema+json")


async def _partner(person: Person | None) -> Partner | None:
    """The partner whose person reads, if one does; the page is whole without."""
    if person is None or not person.account.partner:
        return None
    try:
        return await partner_of(person)
    except (Refused, Unavailable):
        return None
