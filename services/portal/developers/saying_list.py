"""What partners may say to the city: a list, and a page for each with an example to send."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.contracts.partner import SAYING_OF, SAYINGS, SOURCE_PREFIX
from libs.contracts.partner_documents import event_schema, example
from libs.http.problems import Problem
from services.portal.developers.door import show, visitor
from services.portal.developers.event_list import EVENTS
from services.portal.developers.event_words import SERVICES, Words
from services.portal.developers.events import pretty
from services.portal.developers.saying_words import SAID_BY
from services.portal.developers.saying_words import SAYINGS as WORDS

router = APIRouter()


def words_of(type_: str) -> Words:
    """A type in words; one that is new here is called by its name."""
    return WORDS.get(type_, Words(type_, ""))


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
