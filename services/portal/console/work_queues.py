"""The lists officers work from: what is in each, the most urgent first, and one thing to do with every line."""

from collections.abc import Iterable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from libs.http.problems import Problem
from services.portal import live
from services.portal.case.reading import desk_of, dossier_id_of, logins_of, story_of
from services.portal.case.view import undo_of, work_of
from services.portal.case.words import DONE, timeline
from services.portal.console.queue_reading import Summary, listing_of, lists_of, names_of, whole
from services.portal.live import Watch
from services.portal.officers import Names, Officers
from services.portal.rendering import context_of, page, part, renderer_of
from services.portal.sessions import Person, officer_of, requires

router = APIRouter()
Officer = Annotated[Person, Depends(requires())]
Slug = Annotated[str, Path(alias="hang_doi", pattern="^[a-z0-9-]{1,64}$")]
After = Annotated[str, Query(alias="sau", max_length=200)]
TEMPLATE = "console/work_queue.html"
LINES_SHOWN = 5


@router.get("/viec")
async def first(_: Officer) -> Response:
    """To the officer's own list."""
    return RedirectResponse("/viec/cua-toi", 303)


@router.get("/viec/{hang_doi}")
async def show(
    request: Request,
    hang_doi: Slug,
    person: Officer,
    sau: After = "",
    tra: UUID | None = None,
    buoc: str = "",
    taken_back: Annotated[bool, Query(alias="lay-lai")] = False,
) -> Response:
    """One list, with the others beside it; the step `buoc` of the dossier `tra` has just been given back."""
    context = await _context(request, person, hang_doi, sau, {})
    desk = await desk_of(person, tra) if tra else None
    done = "return" if tra else "undo-return" if taken_back else ""
    undo = undo_of(done, buoc, desk)
    return page(request, TEMPLATE, person, done=DONE.get(done, ""), undo=undo, given_back=tra, **context)


@router.get("/viec/{hang_doi}/dong")
async def follow(request: Request, hang_doi: Slug, person: Officer, sau: After = "") -> StreamingResponse:
    """The counts and the lines, whenever they change."""
    known: dict[UUID, Summary] = {}

    async def look() -> str:
        officer = await officer_of(request)
        more = await _context(request, officer, hang_doi, sau, known)
        context = context_of(request, officer, more)
        return str(renderer_of(request).fragment(TEMPLATE, "lists", context))

    places = {person.account.agency, person.account.facility} - {""}
    return live.stream(request, Watch(places=places), look)


@router.get("/viec/{hang_doi}/xem/{ma}")
async def preview(request: Request, hang_doi: Slug, ma: str, person: Officer, buoc: str = "") -> Response:
    """A line's dossier in a few words, beside the list."""
    dossier_id = await dossier_id_of(person, ma[:100])
    story = await story_of(person, dossier_id, notes=False)
    names = await names_of(person, [dossier_id], {})
    if dossier_id not in names:
        raise Problem(404)
    desk = story.desk.step(buoc) if story.desk else None
    officers = await _officer_names(request, person, logins_of(story))
    lines = timeline(story.case, story.custody, story.results or (), request.app.state.catalogue, officers)
    return part(
        request,
        TEMPLATE,
        "preview",
        person,
        summary=names[dossier_id],
        work=work_of(desk) if desk else None,
        lines=lines[:LINES_SHOWN],
        slug=hang_doi,
    )


async def _officer_names(request: Request, person: Person, logins: Iterable[str]) -> Names:
    officers: Officers = request.app.state.officers
    return await officers.names(person, logins)


async def _context(
    request: Request, person: Person, slug: str, after: str, known: dict[UUID, Summary]
) -> dict[str, Any]:
    lists = await lists_of(person)
    queue = next((one for one in lists.queues if one.slug == slug), None)
    if queue is None:
        raise Problem(404)
    listing = await listing_of(person, queue, after, request.app.state.catalogue, lists.door)
    names = await names_of(person, [row.dossier_id for row in listing.rows], known)
    officers = await _officer_names(request, person, [row.holder for row in listing.rows])
    known.clear()
    known.update(names)
    return {
        "queues": lists.queues,
        "queue": queue,
        "rows": [whole(row, names.get(row.dossier_id)) for row in listing.rows],
        "officers": officers,
        "after": listing.after,
        "later": after,
    }
