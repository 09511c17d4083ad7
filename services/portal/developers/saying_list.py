"""What partners may say to the city: a list, and a page for each with an example to send."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.contracts.partner import SAYING_OF, SAYINGS, SOURCE_PREFIX
from libs.contracts.partner_documents import event_schema, example
from libs.http.problems import Problem
from services.portal.developers.door import show
from services.portal.developers.event_list import EVENTS
from services.portal.developers.event_words import SERVICES
from services.portal.developers.events import pretty
from services.portal.developers.saying_words import SAID_BY, words_of
from services.portal.sessions import visitor

router = APIRouter()


@router.get("/dev/noi")
async def listing(request: Request) -> Response:
    """Everything a partner may say, by who judges it."""
    return show(
        request,
        "sayings.html",
        await visitor(request),
        judges=[
            (judge, SERVICES[judge], [each for each in SAYINGS if each.judge == judge])
            for judge in dict.fromkeys(each.judge for each in SAYINGS)
        ],
        words_of=words_of,
        source_prefix=SOURCE_PREFIX,
    )


@router.get("/dev/noi/{type_}")
async def saying(request: Request, type_: str) -> Response:
    """One of them: who may say it, who judges, what the city says then."""
    found = SAYING_OF.get(type_)
    if found is None:
        raise Problem(404, detail="Đối tác không gửi loại sự kiện này. Xem danh sách tại /dev/noi.")
    person = await visitor(request)
    return show(
        request,
        "saying.html",
        person,
        saying=found,
        words=words_of(type_),
        judge=SERVICES[found.judge],
        said_by=", ".join(found.roles) or SAID_BY[found.said_by],
        then=[(each.SUBJECT, EVENTS[each.SUBJECT].words.name) for each in found.then],
        example=pretty(example(type_)),
        schema=pretty(event_schema(found)),
    )
