"""The official papers of a dossier, as PDF from the city's templates: what the services know of it, printed.

Every fact is asked in the officer's name, and the services decide: who handles the dossier gets all of them, an agency
those in which it tells the applicant what lacks, why not, or that it takes longer.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from libs.catalogue.calendar import VIETNAM
from libs.http.client import Refused
from libs.http.problems import Problem
from libs.papers import FormPress, Paper, TooManyWaiting
from libs.printing.workers import WorkersLost
from services.portal.case.reading import dossier_id_of, purpose_of
from services.portal.console import paper_facts, register
from services.portal.console.paper_facts import Case, Facts, RefusedStep, Sayer
from services.portal.forms.dates_typed import NotADay, read_day
from services.portal.guard import PDF_HEADERS
from services.portal.rendering import page
from services.portal.sessions import Person, requires

router = APIRouter()
Officer = Annotated[Person, Depends(requires())]


class _Born(msgspec.Struct, frozen=True, kw_only=True):
    birth_time: str = ""
    name: str = ""
    intended_name: str = ""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    child: _Born | None = None
    mother: _Born | None = None
    father: _Born | None = None


class _Choices(msgspec.Struct, frozen=True, kw_only=True):
    options: dict[str, str | bool] = {}


class _Dossier(msgspec.Struct, frozen=True, kw_only=True):
    dossier: _Choices
    file: _File


class _RefusedSteps(msgspec.Struct, frozen=True, kw_only=True):
    refused: tuple[RefusedStep, ...]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier whose paper is wanted: who asks, for what, and the facts."""

    person: Person
    dossier_id: UUID
    say: Sayer
    facts: Facts

    @property
    def purpose(self) -> str:
        """What the officer looks into the dossier for."""
        return purpose_of(self.person)

    async def dossier(self) -> _Dossier:
        """The file."""
        return await self.person.desk.get(
            "intake", f"/dossiers/{self.dossier_id}", _Dossier, purpose=self.purpose
        )

    async def case(self) -> Case | None:
        """The case, None before it is accepted."""
        try:
            path = f"/cases/{self.dossier_id}"
            return await self.person.desk.get("routing", path, Case, purpose=self.purpose)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise


async def _receipt(told: Told) -> Paper | None:
    dossier = await told.dossier()
    return paper_facts.receipt(told.say, told.facts, dossier.dossier.options)


async def _supplement(told: Told) -> Paper | None:
    return paper_facts.supplement_request(told.say, told.facts)


async def _refusal(told: Told) -> Paper | None:
    refused: tuple[RefusedStep, ...] = ()
    if told.facts.for_an_agency:
        case = await told.case()
        refused = paper_facts.own_refusals(told.say, case) if case else ()
    elif told.facts.accepted_at is not None:
        path = f"/cases/{told.dossier_id}/refusals"
        found = await told.person.desk.get("routing", path, _RefusedSteps, purpose=told.purpose)
        refused = found.refused
    return paper_facts.refusal(told.say, told.facts, refused)


async def _apology(told: Told) -> Paper | None:
    case = await told.case()
    return paper_facts.apology(told.say, told.facts, case) if case else None


async def _slip(told: Told) -> Paper | None:
    case = await told.case()
    return paper_facts.control_slip(told.say, told.facts, case) if case else None


async def _letter(told: Told) -> Paper | None:
    file = (await told.dossier()).file
    if file.child is None or len(file.child.birth_time) < 10:
        return None
    try:
        born_on = date.fromisoformat(file.child.birth_time[:10])
    except ValueError:
        return None
    mother = file.mother.name if file.mother else ""
    father = file.father.name if file.father else ""
    return paper_facts.letter(told.say, told.facts, born_on, mother, father)


# Number of the form in the address → its name in the catalogue, and how it is filled in.
FORMS: dict[str, tuple[str, Callable[[Told], Awaitable[Paper | None]]]] = {
    "01": ("receipt", _receipt),
    "02": ("supplement-request", _supplement),
    "03": ("refusal", _refusal),
    "04": ("apology", _apology),
    "05": ("control-slip", _slip),
    "thu-chuc-mung": ("congratulation-letter", _letter),
}


TOLD_BY_AGENCIES = frozenset({"02", "03", "04"})


def sayer_of(request: Request, person: Person) -> Sayer:
    """Who prints, today."""
    return Sayer(
        catalogue=request.app.state.catalogue,
        public_url=request.app.state.public_url,
        officer=person.account.name,
        agency=person.account.agency,
        today=datetime.now(VIETNAM).date(),
    )


async def press(request: Request, form: str, paper: Paper, on: date, name: str) -> Response:
    """The paper as PDF. Raises Problem 503 while the press is overloaded."""
    printing: FormPress = request.app.state.press
    try:
        content = await printing.render(form, paper, on)
    except (TooManyWaiting, WorkersLost):
        raise Problem(503, headers={"Retry-After": "2"}) from None
    headers = {**PDF_HEADERS, "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, 200, headers, "application/pdf")


@router.get("/giay-to/{dossier}/{form}.pdf")
async def paper(request: Request, dossier: str, form: str, person: Officer) -> Response:
    """One paper of a dossier (id or code): 01 to 05, or the letter to a newborn's family; for an agency 02 to 04."""
    if form not in FORMS:
        raise Problem(404)
    dossier_id = await dossier_id_of(person, dossier)
    name, make = FORMS[form]
    path = f"/dossiers/{dossier_id}/paper-facts"
    facts = await person.desk.get("intake", path, Facts, purpose=purpose_of(person))
    if facts.for_an_agency and form not in TOLD_BY_AGENCIES:
        raise Problem(403)
    told = Told(person=person, dossier_id=dossier_id, say=sayer_of(request, person), facts=facts)
    made = await make(told)
    if made is None:
        raise Problem(404, "no-paper", "Hồ sơ chưa có giấy tờ này")
    return await press(request, name, made, told.say.today, f"{facts.code}-{form}")


@router.get("/so-theo-doi")
async def register_page(
    request: Request,
    person: Annotated[Person, Depends(requires("one_stop"))],
    tu: Annotated[str, Query(max_length=30)] = "",
    den: Annotated[str, Query(max_length=30)] = "",
) -> Response:
    """Form 06, the register of a period (today when none is given): the page asks for the days, `.pdf` follows."""
    today = datetime.now(VIETNAM).date()
    written = f"{today:%d/%m/%Y}"
    problems = [("tu", message)] if tu and (message := _wrong(tu, today)) else []
    problems += [("den", message)] if den and (message := _wrong(den, today)) else []
    ready = bool(tu and den and not problems)
    return page(
        request,
        "console/register.html",
        person,
        status=422 if problems else 200,
        first=tu or written,
        last=den or written,
        problems=problems,
        ready=ready,
    )


@router.get("/so-theo-doi.pdf")
async def register_paper(
    request: Request,
    person: Annotated[Person, Depends(requires("one_stop"))],
    tu: Annotated[str, Query(max_length=30)],
    den: Annotated[str, Query(max_length=30)],
) -> Response:
    """The register as PDF, on A4."""
    say = sayer_of(request, person)
    try:
        first, last = read_day(tu, last=say.today), read_day(den, last=say.today)
    except NotADay as error:
        raise Problem(422, "not-a-day", error.message) from None
    begin = datetime.combine(first, time(), VIETNAM).astimezone(UTC)
    end = datetime.combine(last + timedelta(days=1), time(), VIETNAM).astimezone(UTC)
    made: Any = await register.register_of(person, say, begin, end, first, last)
    return await press(request, "register", made, say.today, f"so-theo-doi-{first}-{last}")


def _wrong(typed: str, today: date) -> str:
    try:
        read_day(typed, last=today)
    except NotADay as error:
        return error.message
    return ""
