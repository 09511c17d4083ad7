"""The page of one dossier: its file, its story, and the panels in which officers do what the law lets them do now."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Depends, Path
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from libs.catalogue.calendar import VIETNAM
from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal import live
from services.portal.case.answering import SCAN
from services.portal.case.answers import Outcome
from services.portal.case.correction import caught_up, correction_texts, overtaken_notice
from services.portal.case.file_sections import part_of
from services.portal.case.matter import Matter, Typed, Wrong
from services.portal.case.orders import is_act, order_of
from services.portal.case.reading import (
    Story,
    desk_of,
    dossier_id_of,
    file_of,
    only_hands_over,
    story_of,
)
from services.portal.case.refusals import changed_by, notice_of, problems_of
from services.portal.case.sight import (
    TEMPLATE,
    Sight,
    changing,
    officers_of,
    sight_of,
    whole_page,
    with_names,
)
from services.portal.case.view import AT_ONCE, CONFIRMED, panel_of
from services.portal.case.words import (
    DONE,
    NEXT_LISTS,
)
from services.portal.counter.attaching import attach_all
from services.portal.forms.reading import Problems
from services.portal.forms.sent import key_of, text_of
from services.portal.guard import FIELD, form_of
from services.portal.live import Watch
from services.portal.rendering import context_of, is_partial, part, renderer_of
from services.portal.sessions import Person, officer_of, requires

router = APIRouter()
Officer = Annotated[Person, Depends(requires())]
Named = Annotated[str, Path(alias="ma", max_length=100)]
# Acts on the file: what the officer saw of it is a version of the file, not of a step.
OF_THE_FILE = ("correct", "supply")


@router.get("/ho-so/{ma}")
async def show(request: Request, ma: Named, person: Officer, xong: str = "", buoc: str = "") -> Response:
    """The dossier; `xong` is the act that was just done, on the step `buoc`.

    A desk that only hands over one of its results is shown that result, not the file.
    """
    dossier_id = await dossier_id_of(person, ma)
    try:
        sight = await sight_of(request, person, dossier_id)
    except Refused as refused:
        if refused.status == 404 and await only_hands_over(person, dossier_id):
            return RedirectResponse(f"/quay/tra-ket-qua/{dossier_id}", 303)
        raise
    return await whole_page(request, sight, done=xong if xong in DONE else "", step=buoc)


@router.get("/ho-so/{ma}/dong")
async def follow(request: Request, ma: Named, person: Officer) -> StreamingResponse:
    """The part of the page that changes, whenever it does."""
    dossier_id = await dossier_id_of(person, ma)
    file = await file_of(person, dossier_id)
    seen: list[Story] = []

    watch = Watch(dossiers=[dossier_id])

    async def look() -> str:
        nonlocal file
        officer = await officer_of(request)
        story = await story_of(officer, dossier_id, notes=False)
        # Until there is a case the file alone says how the dossier stands; that read is recorded too.
        if story.case is None and seen and watch.news:
            file = await file_of(officer, dossier_id)
        # Officers' words are read, and the read recorded, only when there may be new ones.
        if not seen or _length(story) != _length(seen[0]):
            seen[:] = [await story_of(officer, dossier_id, notes=True)]
        elif story.case is not None and seen[0].case is not None:
            case = msgspec.structs.replace(story.case, timeline=seen[0].case.timeline)
            story = msgspec.structs.replace(story, case=case)
            seen[:] = [story]
        sight = await with_names(request, officer, file, seen[0])
        context = context_of(request, officer, changing(sight))
        return str(renderer_of(request).fragment(TEMPLATE, "state", context))

    return live.stream(request, watch, look)


def _length(story: Story) -> int:
    return len(story.case.timeline) if story.case else 0


@router.get("/ho-so/{ma}/viec/{act}")
async def open_panel(request: Request, ma: Named, act: str, person: Officer, buoc: str = "") -> Response:
    """The form of one act: alone for a script, else on the whole page."""
    if not is_act(act) or act in AT_ONCE:
        raise Problem(404)
    sight = await sight_of(request, person, await dossier_id_of(person, ma))
    panel = panel_of(act, await _matter(sight, act, buoc, {}), problems=[])
    if is_partial(request):
        more: dict[str, Any] = {"panel": panel, "key": str(uuid4()), "notice": "", "problems": []}
        return part(request, TEMPLATE, "panel", person, **more)
    return await whole_page(request, sight, panel=panel)


@router.post("/ho-so/{dossier_id}/viec/undo-return")
async def take_back(request: Request, dossier_id: UUID, person: Officer) -> Response:
    """Take back a return, without the file, which is closed to the agency until then."""
    form = await form_of(request, person.csrf)
    desk = await desk_of(person, dossier_id)
    step = desk.step(text_of(form, "buoc")) if desk else None
    if step is None:
        raise Problem(
            409, "not-the-last-act", "Không hoàn tác được nữa", "Bước đã được cơ quan khác xử lý tiếp."
        )
    path, body = f"/cases/{dossier_id}/steps/{step.step}/undo-return", {"version": _version(form)}
    await person.desk.act("routing", path, body, Any, key=key_of(form))
    # Where it is again at once; the file opens a moment later.
    return RedirectResponse(f"/viec/{NEXT_LISTS['return']}?lay-lai=1", 303)


@router.post("/ho-so/{ma}/viec/{act}")
async def do(request: Request, ma: Named, act: str, person: Officer) -> Response:
    """Do it; or the page again with what was typed, saying why not."""
    form = await form_of(request, person.csrf)
    if not is_act(act):
        raise Problem(404)
    sight = await sight_of(request, person, await dossier_id_of(person, ma))
    step = text_of(form, "buoc")
    matter = await _matter(sight, act, step, _typed(form))
    # What the officer saw decides, not what there is by now.
    matter = msgspec.structs.replace(matter, version=_version(form))
    try:
        order = order_of(act, matter)
    except Wrong as wrong:
        return await _again(request, sight, act, matter, wrong.problems, status=422)
    if act in CONFIRMED and not text_of(form, "xac-nhan"):
        return await _again(request, sight, act, matter, [], status=200, confirming=not text_of(form, "sua"))
    if problems := await _scans_refused(person, sight.dossier_id, form):
        return await _again(request, sight, act, matter, problems, status=422)
    try:
        await person.desk.act(order.service, order.path, order.body, Any, key=key_of(form))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        sight = await sight_of(request, person, sight.dossier_id)
        matter = await _matter(sight, act, step, _typed(form))
        names = await officers_of(request).names(person, [changed_by(refused)])
        notice = notice_of(refused, person, names) if refused.status == 409 else ""
        problems = problems_of(refused, order.body)
        if refused.slug == "file-changed":
            matter, problems, notice = _caught_up(matter)
        elif act == "correct":
            # The panel still shows the file as it was when it was opened.
            matter = msgspec.structs.replace(matter, version=_version(form))
        return await _again(request, sight, act, matter, problems, status=refused.status, notice=notice)
    if act == "return":
        # The file is closed to an agency that has given its step back: its officer goes on at the list.
        return RedirectResponse(f"/viec/{NEXT_LISTS[act]}?tra={sight.dossier_id}&buoc={step}", 303)
    return RedirectResponse(f"/ho-so/{sight.dossier_id}?xong={act}&buoc={step}", 303)


async def _matter(sight: Sight, act: str, step: str, typed: Typed) -> Matter:
    desk = sight.story.desk
    found = desk.step(step) if desk and step else None
    outcome: dict[str, Any] = {}
    if act == "amend" and found is not None:
        path = f"/cases/{sight.dossier_id}/steps/{found.step}/outcome"
        answer = await sight.person.desk.get("routing", path, Outcome, purpose="settle-step")
        outcome = answer.outcome
    dossier = sight.file.dossier
    return Matter(
        file=sight.file,
        procedure=sight.catalogue.procedure(dossier.procedure, dossier.procedure_from),
        catalogue=sight.catalogue,
        today=datetime.now(VIETNAM).date(),
        desk=desk,
        step=found,
        legal=found.act(act) if found else None,
        apology=next(iter(sight.story.apologies), None),
        outcome=outcome,
        version=found.version if found else sight.file.file_version if act in OF_THE_FILE else None,
        typed=typed,
    )


def _caught_up(matter: Matter) -> tuple[Matter, Problems, str]:
    """A correction that was overtaken, over the file as it is now: the panel, what clashes, and the notice."""
    boxes = part_of(matter.file, matter.procedure).boxes()
    panel, problems, followed = caught_up(matter.typed, correction_texts(matter), boxes)
    return msgspec.structs.replace(matter, typed=panel), problems, overtaken_notice(followed)


async def _scans_refused(person: Person, dossier_id: UUID, form: FormData) -> Problems:
    """Send the scans that came with the form; why some were not taken. What was sent is not sent twice."""
    files = {
        name.removeprefix(SCAN): value
        for name, value in form.multi_items()
        if name.startswith(SCAN) and isinstance(value, UploadFile) and value.size
    }
    sent = await attach_all(person, dossier_id, key_of(form), files)
    return [(SCAN + one.component, one.problem) for one in sent if one.problem]


def _version(form: FormData) -> int | None:
    text = text_of(form, "phien-ban")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _typed(form: FormData) -> Typed:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str) and name != FIELD:
            found[name] = (*found.get(name, ()), value)
    return found


async def _again(
    request: Request,
    sight: Sight,
    act: str,
    matter: Matter,
    problems: Problems,
    *,
    status: int,
    confirming: bool = False,
    notice: str = "",
) -> Response:
    """The page with the panel as it was filled in; an act without a panel leaves only the notice."""
    if act in AT_ONCE:
        return await whole_page(request, sight, status=status, notice=notice or "Không thực hiện được.")
    panel = panel_of(act, matter, problems=problems, confirming=confirming)
    return await whole_page(request, sight, panel=panel, problems=problems, status=status, notice=notice)
