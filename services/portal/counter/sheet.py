"""The form of the chosen procedure on the counter's desk, and the draft in it as intake takes it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from starlette.requests import Request

from libs.catalogue import Agency, Catalogue, CatalogueError, Procedure
from libs.catalogue.calendar import VIETNAM
from libs.http.problems import FieldError, Problem
from services.portal.counter import drafts, views
from services.portal.counter.deliveries import (
    PLACE,
    DeliveryLine,
    chosen_deliveries,
    deliveries_read,
    delivery_lines,
)
from services.portal.counter.drafts import Draft
from services.portal.forms.fields import APPLICANT, Box, Part, form_part, lists_of
from services.portal.forms.reading import PREFIX, Problems, Reader, Unreadable, read_moment
from services.portal.sessions import Person


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

    def in_order(self, problems: Problems) -> Problems:
        """The problems as their boxes stand on the screen; what is about no box of it comes first."""
        boxes = [PREFIX + box.path for box in self.part.boxes()]
        applicants = [PREFIX + box.path for box in self.applicant.boxes()]
        order = (
            *applicants,
            drafts.SEARCH_PROCEDURE,
            *(drafts.OPTION + one.code for one in self.procedure.options),
            *(drafts.PAPER + line.component.code for line in self.papers),
            *(name for name in boxes if name not in applicants),
            drafts.APPOINTMENT,
            *(PLACE + line.code for line in self.deliveries),
        )
        at = {name: index for index, name in enumerate(order)}
        return sorted(problems, key=lambda one: at.get(one[0], -1))

    def deliveries_read(self, draft: Draft) -> list[tuple[str, str]]:
        """How each result is to be received, in words."""
        return deliveries_read(draft, self.procedure)


def today_of(at: datetime) -> date:
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
        return sheet.in_order(problems)
    body = drafts.application(draft, sheet.procedure, sheet.part, form, appointment_at)
    return Checked(sheet=sheet, body={**body, "results": results})
