"""Procedures for everybody: search as one types, and one page each: what to bring, what it costs, how long it takes."""

import asyncio
from datetime import date, datetime
from io import BytesIO
from typing import Annotated

import msgspec
import segno
from fastapi import APIRouter, Depends, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from libs.catalogue import Catalogue, NotEffective, Procedure, UnknownProcedure
from libs.catalogue.calendar import VIETNAM
from libs.catalogue.files import read_yaml
from libs.http.problems import Problem
from services.portal.devices.known import note_kiosk
from services.portal.procedures import words
from services.portal.procedures.everyday import speech_of
from services.portal.procedures.search import QUERY_LENGTH_MAX, Entry, ProcedureIndex
from services.portal.rendering import is_partial, page, part

# A kiosk shows these pages, and no others.
router = APIRouter(dependencies=[Depends(note_kiosk)])
SHOWN_MAX = 12
POPULAR = "popular.yaml"
# What breaks ties between procedures that fit alike: those asked for most come first.
POPULAR_WEIGHT = 0.1
CODE_LENGTH_MAX = 40
QR_MODULE = 5


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A procedure in a list."""

    code: str
    name: str
    field: str
    term: str
    fee: str


class Shelf:
    """The procedures in force on a day, ready to be searched; made anew when another day begins."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._day = date.min
        self._popular: tuple[str, ...] = ()
        self._index = ProcedureIndex(())
        self._rows: dict[str, Row] = {}
        self._making = asyncio.Lock()

    def fill(self, today: date) -> None:
        """Read every procedure and index it (about a second the first time). Raises CatalogueError."""
        named = read_yaml(self._catalogue.folder / POPULAR, tuple[str, ...])
        popular = [code for one in named if (code := self._code_of(one, today))]
        entries = []
        rows = {}
        for procedure in self._catalogue.procedures(today):
            weight = POPULAR_WEIGHT if procedure.code in popular else 0.0
            field = self._catalogue.fields[procedure.field].name_vi
            entries.append(
                Entry(
                    code=procedure.code,
                    short_name=procedure.short_name_vi,
                    name=procedure.name_vi,
                    field=field,
                    weight=weight,
                )
            )
            rows[procedure.code] = _row(procedure, field)
        self._index, self._rows, self._popular, self._day = (
            ProcedureIndex(entries, speech_of(self._catalogue.folder)),
            rows,
            tuple(popular),
            today,
        )

    async def find(self, typed: str, today: date) -> list[Row]:
        """What fits the words typed, best first; for no words, what is asked for most."""
        if today != self._day:
            async with self._making:
                if today != self._day:
                    await asyncio.to_thread(self.fill, today)
        codes = (
            [entry.code for entry in self._index.find(typed, SHOWN_MAX)] if typed.strip() else self._popular
        )
        return [self._rows[code] for code in codes[:SHOWN_MAX]]

    def _code_of(self, named: str, today: date) -> str:
        """The code a popular entry (a code or a group) means today, empty when that is not in force."""
        try:
            if named in self._catalogue.groups:
                return self._catalogue.procedure_of_group(named, today).code
            return self._catalogue.procedure(named, today).code
        except (NotEffective, UnknownProcedure):
            return ""


def today_there() -> date:
    """The day it is in Vietnam."""
    return datetime.now(VIETNAM).date()


@router.get("/thu-tuc")
async def procedures(request: Request, q: Annotated[str, Query()] = "") -> Response:
    """Search; with a script only the list of what was found."""
    shelf: Shelf = request.app.state.shelf
    typed = q[:QUERY_LENGTH_MAX]
    rows = await shelf.find(typed, today_there())
    if is_partial(request):
        return part(request, "procedures/procedures.html", "found", rows=rows, typed=typed)
    return page(request, "procedures/procedures.html", rows=rows, typed=typed)


@router.get("/thu-tuc/{code}")
async def procedure(request: Request, code: str) -> Response:
    """One procedure on one page, with a QR code that takes it to a telephone."""
    catalogue: Catalogue = request.app.state.catalogue
    try:
        found = catalogue.procedure(code[:CODE_LENGTH_MAX], today_there())
    except (NotEffective, UnknownProcedure):
        detail = (
            "Thủ tục này không có trong danh mục hoặc không còn áp dụng. Hãy tìm theo tên tại trang Thủ tục."
        )
        raise Problem(404, "procedure-not-found", "Không tìm thấy thủ tục", detail) from None
    address = f"{request.app.state.public_url}/thu-tuc/{found.code}"
    return page(
        request,
        "procedures/procedure.html",
        procedure=found,
        field=catalogue.fields[found.field].name_vi,
        papers=words.papers(found),
        rows=_facts(found),
        qr=_qr(address),
        address=address,
    )


def _row(procedure: Procedure, field: str) -> Row:
    terms, fees = words.terms(procedure), words.fees(procedure)
    return Row(
        code=procedure.code,
        name=procedure.short_name_vi,
        field=field,
        term=terms[0] if terms else "",
        fee=fees[0] if fees else "",
    )


def _facts(procedure: Procedure) -> list[tuple[str, list[str]]]:
    unknown = ["Chưa có trong nguồn dữ liệu; vui lòng hỏi tại quầy"]
    handed_out = [
        f"{result.name_vi}: nhận {' hoặc '.join(words.DELIVERIES[way] for way in result.deliveries)}"
        for result in procedure.results
    ]
    return [
        ("Ai nộp hồ sơ", words.applicants(procedure) or unknown),
        ("Bao lâu có kết quả", words.terms(procedure) or unknown),
        ("Phí, lệ phí", words.fees(procedure) or unknown),
        ("Nộp ở đâu", words.channels(procedure)),
        ("Kết quả nhận được", handed_out),
        ("Căn cứ pháp lý", list(procedure.legal_basis)),
    ]


def _qr(address: str) -> Markup:
    """The address as an SVG; its size comes from the style sheet."""
    drawn = BytesIO()
    segno.make(address, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, scale=QR_MODULE, lineclass=None
    )
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by us; the address is only in its dots
