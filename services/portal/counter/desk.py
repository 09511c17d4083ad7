"""The counter's screen (/quay): scan, procedure, papers, data, fee, appointment, and a dossier is received.

A script sends the form and replaces the desk with what comes back; without it the same form is sent as a whole page.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from libs.catalogue import Agency, Catalogue, CatalogueError, Procedure
from libs.catalogue.calendar import VIETNAM
from libs.http.client import Refused
from libs.http.problems import FieldError, Problem
from services.portal.counter import attaching, drafts, receipts, views
from services.portal.counter.deliveries import (
    DeliveryLine,
    chosen_deliveries,
    deliveries_read,
    delivery_lines,
)
from services.portal.counter.drafts import Draft
from services.portal.forms.fields import APPLICANT, Box, Part, form_part, lists_of
from services.portal.forms.reading import PREFIX, Problems, Reader, Unreadable, read_moment
from services.portal.guard import form_of
from services.portal.rendering import is_partial, page, part
from services.portal.sessions import Person, requires

router = APIRouter()
TEMPLATE = "counter/desk.html"
COUNTER = requires("one_stop")
Officer = Annotated[Person, Depends(COUNTER)]
SENT_LENGTH_MAX = 6000
APPLICANT_NUMBER = f"{PREFIX}applicant.identity.number"


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """The form of the procedure that was chosen, with what is typed in it."""

    procedure: Procedure
    part: Part
    papers: tuple[views.PaperLine, ...]
    preview: views.Preview
    deliveries: tuple[DeliveryLine, ...]
    lists: tuple[tuple[str, str], ...]

    @property
    def applicant(self) -> Part:
        """Who hands the dossier in."""
        return next(
            (one for one in self.part.inner if isinstance(one, Part) and one.path == "applicant"), APPLICANT
        )

    @property
    def others(self) -> tuple[Part | Box, ...]:
        """The rest of the form."""
        return tuple(one for one in self.part.inner if one.path != "applicant")

    @property
    def lacking(self) -> bool:
        """Whether the officer has said of a paper that it lacks."""
        return any(line.mark == drafts.MISSING for line in self.papers)

    def rows_of(self, path: str) -> int:
        """How many rows of a list are shown."""
        return sum(1 for one in self.part.inner if one.path.startswith(f"{path}."))

    def filled(self, draft: Draft) -> list[tuple[Box, str]]:
        """What stands in the boxes, in words."""
        found = [(box, draft.text(PREFIX + box.path)) for box in self.part.boxes()]
        return [(box, dict(box.choices).get(value, value)) for box, value in found if value]

    def deliveries_read(self, draft: Draft) -> list[tuple[str, str]]:
        """How each result is to be received, in words."""
        return deliveries_read(draft, self.procedure)


def today_of(at: datetime) -> Any:
    """The day in Vietnam."""
    return at.astimezone(VIETNAM).date()


def agency_of(request: Request, person: Person) -> Agency:
    """The one-stop shop the officer sits in. Raises Problem 403 for who sits in none that exists today."""
    catalogue: Catalogue = request.app.state.catalogue
    try:
        agency = catalogue.agency(person.account.agency)
    except (CatalogueError, LookupError):
        raise Problem(403, "no-counter", "Tài khoản này không thuộc bộ phận một cửa nào") from None
    return agency


def sheet_of(request: Request, person: Person, draft: Draft) -> Sheet | None:
    """The procedure's form, None while no procedure is chosen (or one that is not received here today)."""
    catalogue: Catalogue = request.app.state.catalogue
    now = datetime.now(UTC)
    code = draft.text(drafts.PROCEDURE)
    try:
        procedure = catalogue.procedure(code, today_of(now))
    except (CatalogueError, LookupError):
        return None
    if procedure.refusal(views.COUNTER) is not None:
        return None
    return Sheet(
        procedure=procedure,
        part=form_part(procedure.form, draft.rows),
        papers=views.paper_lines(draft, procedure),
        preview=views.preview_of(catalogue, agency_of(request, person), procedure, draft, now),
        deliveries=delivery_lines(draft, procedure),
        lists=lists_of(procedure.form),
    )


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
        "waiting": await receipts.waiting(person),
        "origins": drafts.ORIGINS,
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


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that may be sent: what intake is told of it."""

    sheet: Sheet
    body: Mapping[str, Any]


def checked(request: Request, person: Person, draft: Draft, *, papers: bool = True) -> Checked | Problems:
    """The draft as intake takes it, or what is wrong with it in the order of the screen."""
    catalogue: Catalogue = request.app.state.catalogue
    now = datetime.now(UTC)
    sheet = sheet_of(request, person, draft)
    if sheet is None:
        return [(drafts.SEARCH_PROCEDURE, "Hãy chọn thủ tục trong danh sách gợi ý.")]
    form, problems = Reader(catalogue, today_of(now)).read(sheet.part, draft.typed)
    if papers:
        problems = [*drafts.paper_problems(draft, sheet.procedure), *problems]
    unread = {name for name, _ in problems}
    found = sheet.procedure.check_form(form, draft.options(sheet.procedure))
    errors = [FieldError(f"form.{one.field}", one.code, one.message_vi) for one in found]
    told = drafts.told_problems(errors, sheet.procedure, sheet.part)
    problems += [one for one in told if one[0] not in unread]
    results, misplaced = chosen_deliveries(draft, sheet.procedure, catalogue, today_of(now))
    problems += misplaced
    appointment_at = None
    if sheet.preview.promise.stated:
        try:
            appointment_at = read_moment(draft.text(drafts.APPOINTMENT))
        except Unreadable as error:
            problems.append((drafts.APPOINTMENT, f"Ngày hẹn trả: {error.message}"))
    if problems:
        return problems
    body = drafts.application(draft, sheet.procedure, sheet.part, form, appointment_at)
    return Checked(sheet=sheet, body={**body, "results": results})


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
    problems = drafts.told_problems(refused.told.errors, sheet.procedure, sheet.part)
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
