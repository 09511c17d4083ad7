"""One delivery of a webhook: what was sent, every attempt, what it waits for, and sending it again."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused, Unavailable
from services.portal.developers.delivery_words import curl, head
from services.portal.developers.door import INTEGRATOR, show
from services.portal.developers.event_list import EVENTS
from services.portal.developers.webhooks import TEST_TYPE, Webhooks
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.refusals import reason_of
from services.portal.sessions import Person

router = APIRouter()
# What somebody has just sent by hand; how it went is said beside it.
SENT_NOW = {"thu": "Sự kiện thử", "gui-lai": "Vừa gửi lại"}
# No answer came: nobody knows whether it was sent.
UNKNOWN = "chua-tra-loi"
# Nobody is signed in, or nothing is there: no page of the delivery can say so.
NO_PAGE = (401, 404)


@router.get("/dev/webhook/{endpoint}/lan-gui/{event}")
async def delivery(
    request: Request, endpoint: UUID, event: UUID, person: INTEGRATOR, xong: str = ""
) -> Response:
    """The whole of it."""
    return await _show(request, endpoint, event, person, just=xong)


@router.post("/dev/webhook/{endpoint}/lan-gui/{event}")
async def resend(request: Request, endpoint: UUID, event: UUID, person: INTEGRATOR) -> Response:
    """Send it again, now."""
    form = await form_of(request, person.csrf)
    try:
        await Webhooks(person).resend(endpoint, event, key=text_of(form, "khoa"))
    except Refused as refused:
        if refused.status in NO_PAGE:
            raise
        problems = [("", reason_of(refused).rstrip("."))]
        return await _show(request, endpoint, event, person, status=refused.status, problems=problems)
    except Unavailable:
        return RedirectResponse(f"/dev/webhook/{endpoint}?xong={UNKNOWN}", 303)
    return RedirectResponse(f"/dev/webhook/{endpoint}/lan-gui/{event}?xong=gui-lai", 303)


async def _show(
    request: Request,
    endpoint: UUID,
    event: UUID,
    person: Person,
    *,
    status: int = 200,
    problems: Sequence[tuple[str, str]] = (),
    just: str = "",
) -> Response:
    webhooks = Webhooks(person)
    found = await webhooks.delivery(endpoint, event)
    reached = await webhooks.one(endpoint)
    return show(
        request,
        "delivery.html",
        person,
        status=status,
        problems=problems,
        endpoint=reached,
        delivery=found,
        name=name_of(found.type),
        name_of=name_of,
        in_catalogue=found.type in EVENTS,
        first=await webhooks.delivery(endpoint, found.waits_for) if found.waits_for else None,
        head=head(reached.url, found.headers),
        curl=curl(reached.url, found.headers, found.request.body) if found.request else "",
        sent_now=SENT_NOW.get(just, "") if found.attempts else "",
    )


def name_of(type_: str) -> str:
    """A type of event in words; one that nobody knows as it is written."""
    if type_ == TEST_TYPE:
        return "Sự kiện thử"
    return EVENTS[type_].words.name if type_ in EVENTS else type_
