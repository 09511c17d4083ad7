"""The page of one dossier: its file, its story, and the panels in which officers do what the law lets them do now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from fastapi import APIRouter, Depends, Path
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from libs.catalogue import Catalogue
from libs.catalogue.calendar import VIETNAM
from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal import live
from services.portal.case.answering import SCAN
from services.portal.case.answers import File, Outcome
from services.portal.case.correction import caught_up, correction_texts, overtaken_notice
from services.portal.case.file_sections import papers_of, part_of, sections_of
from services.portal.case.matter import Matter, Typed, Wrong
from services.portal.case.orders import is_act, order_of
from services.portal.case.reading import (
    Story,
    desk_of,
    dossier_id_of,
    file_of,
    hand_over_page,
    handles,
    logins_of,
    only_hands_over,
    reads_of,
    story_of,
)
from services.portal.case.refusals import changed_by, notice_of, problems_of
from services.portal.case.view import AT_ONCE, CONFIRMED, Panel, panel_of, state_of, undo_of
from services.portal.case.words import (
    CHANNELS,
    DELIVERIES,
    DONE,
    NEXT_LISTS,
    PAPERS,
    STEP_STATES,
    agency_words,
    flags_of,
)
from services.portal.counter.attaching import attach_all
from services.portal.forms.reading import Problems
from services.portal.forms.sent import key_of, text_of
from services.portal.guard import FIELD, form_of
from services.portal.live import Watch
from services.portal.officers import Names, Officers
from services.portal.rendering import context_of, is_partial, page, part, renderer_of
from services.portal.sessions import Person, officer_of, requires

router = APIRouter()
Officer = Annotated[Person, Depends(requires())]
Named = Annotated[str, Path(alias="ma", max_length=100)]
TEMPLATE = "case/dossier.html"
# Acts on the file: what the officer saw of it is a version of the file, not of a step.
OF_THE_FILE = ("correct", "supply")


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page is made of."""

    person: Person
    file: File
    story: Story
    catalogue: Catalogue
    names: Names

    @property
    def dossier_id(self) -> UUID:
        """The dossier."""
        return self.file.dossier.id

    @property
    def auditing(self) -> bool:
        """Whether intake tells the officer who has looked into the dossier: the one-stop shop that handles it."""
        return self.handling and self.person.has("one_stop")

    @property
    def handling(self) -> bool:
        """Whether the officer speaks for the applicant."""
        return handles(self.person, self.file)


@router.get("/ho-so/{ma}")
async def show(request: Request, ma: Named, person: Officer, xong: str = "", buoc: str = "") -> Response:
    """The dossier; `xong` is the act that was just done, on the step `buoc`.

    A desk that only hands over one of its results is shown that result, not the file.
    """
    dossier_id = await dossier_id_of(person, ma)
    try:
        sight = await _sight(request, person, dossier_id)
    except Refused as refused:
        if refused.status == 404 and await only_hands_over(person, dossier_id):
            return RedirectResponse(f"/quay/tra-ket-qua/{dossier_id}", 303)
        raise
    return await _page(request, sight, done=xong if xong in DONE else "", step=buoc)


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
        sight = await _with_names(request, officer, file, seen[0])
        context = context_of(request, officer, _changing(sight))
        return str(renderer_of(request).fragment(TEMPLATE, "state", context))

    return live.stream(request, watch, look)


def _length(story: Story) -> int:
    return len(story.case.timeline) if story.case else 0


@router.get("/ho-so/{ma}/viec/{act}")
async def open_panel(request: Request, ma: Named, act: str, person: Officer, buoc: str = "") -> Response:
    """The form of one act: alone for a script, else on the whole page."""
    if not is_act(act) or act in AT_ONCE:
        raise Problem(404)
    sight = await _sight(request, person, await dossier_id_of(person, ma))
    panel = panel_of(act, await _matter(sight, act, buoc, {}), problems=[])
    if is_partial(request):
        more: dict[str, Any] = {"panel": panel, "key": str(uuid4()), "notice": "", "problems": []}
        return part(request, TEMPLATE, "panel", person, **more)
    return await _page(request, sight, panel=panel)


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
    sight = await _sight(request, person, await dossier_id_of(person, ma))
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
        sight = await _sight(request, person, sight.dossier_id)
        matter = await _matter(sight, act, step, _typed(form))
        names = await _officers(request).names(person, [changed_by(refused)])
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


async def _sight(request: Request, person: Person, dossier_id: UUID) -> Sight:
    file = await file_of(person, dossier_id)
    story = await story_of(person, dossier_id, notes=True)
    return await _with_names(request, person, file, story)


async def _with_names(request: Request, person: Person, file: File, story: Story) -> Sight:
    names = await _officers(request).names(person, logins_of(story))
    return Sight(person=person, file=file, story=story, catalogue=request.app.state.catalogue, names=names)


def _officers(request: Request) -> Officers:
    officers: Officers = request.app.state.officers
    return officers


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
        return await _page(request, sight, status=status, notice=notice or "Không thực hiện được.")
    panel = panel_of(act, matter, problems=problems, confirming=confirming)
    return await _page(request, sight, panel=panel, problems=problems, status=status, notice=notice)


async def _page(
    request: Request,
    sight: Sight,
    *,
    panel: Panel | None = None,
    problems: Problems | None = None,
    status: int = 200,
    notice: str = "",
    done: str = "",
    step: str = "",
) -> HTMLResponse:
    file, catalogue = sight.file, sight.catalogue
    procedure = catalogue.procedure(file.dossier.procedure, file.dossier.procedure_from)
    wants_reads = "nhat-ky" in request.query_params and sight.auditing
    reads = await reads_of(sight.person, sight.dossier_id) if wants_reads else None
    readers = [read.actor for read in reads.reads] if reads else []
    return page(
        request,
        TEMPLATE,
        sight.person,
        status=status,
        dossier=file.dossier,
        procedure=procedure,
        channel=CHANNELS.get(file.dossier.channel, file.dossier.channel),
        received_by=agency_words(catalogue, file.dossier.receiving_agency),
        flags=flags_of(file.dossier.flags),
        read_back=file.read_back,
        sections=sections_of(file, procedure, catalogue),
        papers=papers_of(file, procedure),
        reads=reads,
        readers=await _officers(request).names(sight.person, readers),
        agency_words=lambda code: agency_words(catalogue, code),
        handling=sight.handling,
        auditing=sight.auditing,
        panel=panel,
        problems=problems or [],
        key=str(uuid4()),
        notice=notice,
        done=DONE.get(done, ""),
        undo=undo_of(done, step, sight.story.desk),
        paper=PAPERS.get(done),
        next_list=NEXT_LISTS.get(done, ""),
        **_changing(sight),
    )


def _changing(sight: Sight) -> Mapping[str, Any]:
    """What the part that changes is made of."""
    state = state_of(sight.file, sight.story, sight.catalogue, sight.names, handling=sight.handling)
    return {
        "dossier_id": sight.dossier_id,
        "deliveries": DELIVERIES,
        "step_states": STEP_STATES,
        "hand_over": hand_over_page(sight.person, sight.dossier_id),
        **state,
    }
