"""The counter's screen (/quay): scan, procedure, papers, data, fee, appointment, and a dossier is received.

A script sends the form and replaces the desk with what comes back; without it the same form is sent as a whole page.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from libs.catalogue import Catalogue
from libs.http.client import Refused
from services.portal.console.queue_reading import awaited
from services.portal.counter import attaching, drafts, receipts, views
from services.portal.counter.drafts import Draft
from services.portal.counter.sheet import Checked, Sheet, checked, sheet_of, today_of
from services.portal.forms.fields import APPLICANT
from services.portal.forms.reading import PREFIX, Problems
from services.portal.guard import form_of
from services.portal.rendering import is_partial, page, part
from services.portal.sessions import Person, requires
from services.portal.wording import ORIGINS

router = APIRouter()
TEMPLATE = "counter/desk.html"
COUNTER = requires("one_stop")
Officer = Annotated[Person, Depends(COUNTER)]
SENT_LENGTH_MAX = 6000
APPLICANT_NUMBER = f"{PREFIX}applicant.identity.number"


async def desk(
    request: Request,
    person: Person,
    draft: Draft,
    *,
    problems: Problems | tuple[()] = (),
    status: int = 200,
    received: receipts.Received | None = None,
    known: str = "",
    sent: receipts.SentBefore | None = None,
) -> HTMLResponse:
    """The desk with this draft on it; only its block when a script asks."""
    sheet = sheet_of(request, person, draft)
    context = {
        "draft": draft,
        "sheet": sheet,
        "problems": problems,
        "received": received,
        "known": known,
        "sent": sent,
        "waiting": await awaited(person),
        "origins": ORIGINS,
        "applicant": sheet.applicant if sheet else APPLICANT,
    }
    if is_partial(request):
        return part(request, TEMPLATE, "desk", person, status=status, **context)
    return page(request, TEMPLATE, person, status=status, headers={"Cache-Control": "no-store"}, **context)


def draft_of(form: FormData) -> Draft:
    """What was typed; files are not part of it."""
    return Draft(
        typed={
            name: value[:SENT_LENGTH_MAX]
            for name, value in form.multi_items()
            if isinstance(value, str) and name != "_csrf"
        }
    )


@router.get("/quay")
async def counter(request: Request, person: Officer, xong: UUID | None = None) -> Response:
    """An empty desk; `xong` is the dossier that was received last."""
    received = await receipts.again(person, xong) if xong else None
    return await desk(request, person, Draft(), received=received)


@router.post("/quay/bieu-mau")
async def form_again(request: Request, person: Officer) -> Response:
    """The desk for what is typed so far: another procedure, another option, one more row."""
    return await desk(request, person, draft_of(await form_of(request, person.csrf)))


@router.post("/quay/xem-truoc")
async def preview(request: Request, person: Officer) -> Response:
    """Only what will be printed."""
    draft = draft_of(await form_of(request, person.csrf))
    return part(request, TEMPLATE, "preview", person, draft=draft, sheet=sheet_of(request, person, draft))


@router.get("/quay/thu-tuc")
async def procedures(request: Request, _: Officer, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Procedures by what is typed."""
    catalogue: Catalogue = request.app.state.catalogue
    index = views.receivable(catalogue, today_of(datetime.now(UTC)))
    found = index.find(q, views.FOUND_MAX)
    return _listed([(one.code, one.short_name, one.code) for one in found])


@router.get("/quay/goi-y/{kind}")
async def suggestions(
    request: Request, _: Officer, kind: str, q: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Communes or health facilities by what is typed."""
    catalogue: Catalogue = request.app.state.catalogue
    found = views.suggested(catalogue, kind, q, today_of(datetime.now(UTC)))
    return _listed([(f"{words} ({code})", words, code) for code, words in found])


def _listed(rows: list[tuple[str, str, str]]) -> Response:
    return JSONResponse([{"value": value, "words": words, "aside": aside} for value, words, aside in rows])


@router.post("/quay/doc-lai")
async def read_back(request: Request, person: Officer) -> Response:
    """What was written, in large letters, to be read back to the citizen."""
    draft = draft_of(await form_of(request, person.csrf))
    found = checked(request, person, draft, papers=False)
    if not isinstance(found, Checked):
        return await desk(request, person, draft, problems=found, status=422)
    return part(request, TEMPLATE, "read_back", person, draft=draft, sheet=found.sheet)


@router.post("/quay")
async def receive(request: Request, person: Officer) -> Response:
    """Receive the dossier, attach the scans that came with the form, and show what to hand to the citizen."""
    form = await form_of(request, person.csrf)
    draft = draft_of(form)
    found = checked(request, person, draft)
    if not isinstance(found, Checked):
        return await desk(request, person, draft, problems=found, status=422)
    if draft.scribe and not draft.read_back:
        problems = [(drafts.READ_BACK, "Viết hộ: hãy đọc lại cho người dân nghe trước khi tiếp nhận.")]
        return await desk(request, person, draft, problems=problems, status=422)
    try:
        receipt = await person.desk.act("intake", "/dossiers", found.body, receipts.Receipt, key=draft.key)
    except Refused as refused:
        return await _refused(request, person, draft, found.sheet, refused)
    uploads = {
        name.removeprefix(attaching.FILE): value
        for name, value in form.multi_items()
        if isinstance(value, UploadFile) and name.startswith(attaching.FILE) and value.size
    }
    files = await attaching.attach_all(person, receipt.dossier_id, draft.key, uploads)
    received = receipts.received(receipt, files)
    if not is_partial(request) and not any(one.problem for one in files):
        return RedirectResponse(f"/quay?xong={receipt.dossier_id}", 303)
    return await desk(request, person, Draft(), received=received)


async def _refused(
    request: Request, person: Person, draft: Draft, sheet: Sheet, refused: Refused
) -> HTMLResponse:
    """Intake's reasons at the boxes they are about; or that the form was received before it was changed."""
    if refused.status not in (409, 422):
        raise refused
    sent = await receipts.sent_before(person, refused, draft.text(APPLICANT_NUMBER))
    if sent is not None:
        return await desk(request, person, draft, status=refused.status, sent=sent)
    problems = sheet.in_order(drafts.told_problems(refused.told.errors, sheet.procedure, sheet.part))
    if not problems:
        words = ". ".join(word.rstrip(".") for word in (refused.told.title, refused.told.detail) if word)
        problems = [("", f"{words}.")]
    return await desk(
        request,
        person,
        draft,
        problems=problems,
        status=refused.status,
        known=receipts.known_code(refused.answer),
    )
