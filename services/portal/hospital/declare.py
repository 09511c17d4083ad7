"""H2, declaring a birth: the page, its shell for the time without a network, and what its outbox sends."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from libs.catalogue import Catalogue
from libs.catalogue.calendar import CUTOFF, DEFAULT_CALENDAR, VIETNAM
from libs.catalogue.code_lists import code_lists
from libs.catalogue.folding import fold
from libs.catalogue.units import Unit
from libs.http.problems import Problem
from services.portal.assets import Assets
from services.portal.guard import form_of
from services.portal.hospital.addresses import MERGED, communes_of
from services.portal.hospital.birth_fields import KINDS, NEEDED
from services.portal.hospital.birth_form import Desk, cleaned, declaration_of
from services.portal.hospital.declaring import Answer, all_wrong, declared
from services.portal.rendering import page
from services.portal.sessions import Person, SignedOut, csrf_of, officer_of, requires

router = APIRouter()
HOSPITAL = Annotated[Person, Depends(requires("hospital"))]
WORKER = "hospital/worker.js"
SUGGESTIONS_MAX = 8
DAYS_AHEAD = 60
# Days and times have words of their own in the form; the page only sees that they are empty.
DATED = {
    "me-ngay-sinh": "Chưa ghi ngày sinh của mẹ",
    "ngay-sinh": "Chưa ghi ngày sinh của bé",
    "gio-sinh": "Chưa ghi giờ sinh của bé",
    "gcs-ngay": "Chưa ghi ngày cấp giấy chứng sinh",
}
SEXES = (("1", "Nam"), ("2", "Nữ"), ("3", "Chưa xác định"))


def catalogue_of(request: Request) -> Catalogue:
    """The catalogue of this process."""
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


def desk_of(request: Request, person: Person) -> Desk:
    """The hospital an officer works at. Raises Problem 403 for who works at none."""
    account = person.account
    if not account.agency:
        raise Problem(403)
    agency = catalogue_of(request).agency(account.agency)
    facility = account.facility or agency.facility_code
    if not facility:
        raise Problem(403)
    place = ", ".join(part for part in (agency.name_vi, agency.address_vi) if part)
    return Desk(facility=facility, place_of_birth=place)


def _form(request: Request, person: Person | None, *, status: int = 200, **more: Any) -> Response:
    now = datetime.now(VIETNAM)
    context = {
        "values": {
            "ngay-sinh": f"{now:%d/%m/%Y}",
            "gio-sinh": f"{now:%H:%M}",
            "gcs-ngay": f"{now:%d/%m/%Y}",
            "gcs-quyen": f"01/{now:%Y}",
            "me-dan-toc": "01",
        },
        "ethnic_groups": list(code_lists().ethnic_groups.items()),
        "sexes": SEXES,
        "needed": [*NEEDED.items(), *((name, words) for name, words in DATED.items())],
        "kinds": KINDS,
        "days_off": _days_off(catalogue_of(request), now.date()),
        "cutoff": f"{CUTOFF:%H:%M}",
        "assets_version": _assets(request).version,
        "known": "",
        "place": _place_of(request, person) if person else None,
        **more,
    }
    headers = {"Cache-Control": "no-store" if person else "no-cache", "X-Assets": _assets(request).version}
    return page(request, "hospital/declare.html", person, status=status, headers=headers, **context)


def _place_of(request: Request, person: Person) -> dict[str, str]:
    """Where a declaration is made and by whom, for the slip that is printed without a network."""
    account = person.account
    hospital = catalogue_of(request).agency(account.agency).name_vi
    officer = account.name if account.name != hospital else ""
    return {"hospital": hospital, "ward": account.counter, "officer": officer}


def _days_off(catalogue: Catalogue, today: date) -> list[date]:
    """The days off of the weeks ahead, for a shell that may be old."""
    calendar = catalogue.calendar(DEFAULT_CALENDAR)
    ahead = (today + timedelta(days=days) for days in range(DAYS_AHEAD))
    return [day for day in ahead if day <= calendar.last_day and not calendar.is_working_day(day)]


def _assets(request: Request) -> Assets:
    assets: Assets = request.app.state.assets
    return assets


@router.get("/bv/khai-bao")
async def blank(request: Request, person: HOSPITAL) -> Response:
    """The form, empty but for the time of birth, which is now."""
    desk_of(request, person)
    return _form(request, person)


@router.get("/bv/khai-bao/vo")
async def shell(request: Request) -> Response:
    """The form as the browser keeps it for the time without a network: it names nobody and carries no session."""
    return _form(request, None)


@router.get("/bv/sw.js")
async def worker(request: Request) -> Response:
    """The service worker, which may serve all of /bv."""
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/bv"}
    return Response(
        _assets(request).content(WORKER), media_type="text/javascript; charset=utf-8", headers=headers
    )


@router.get("/bv/phien")
async def session(request: Request) -> Response:
    """Whose session this is and what its forms carry, for the outbox; 401 when there is none."""
    try:
        person = await officer_of(request, "hospital")
    except SignedOut:
        return Response(status_code=401)
    answer = {"login": person.account.login, "name": person.account.name, "csrf": csrf_of(person.session)}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


@router.post("/bv/khai-bao")
async def send(request: Request, person: HOSPITAL) -> Response:
    """One declaration, once per key. As JSON for the outbox, as a page for a browser without scripts."""
    desk = desk_of(request, person)
    fields = cleaned(await form_of(request, person.csrf))
    if fields.get("nguoi-khai", person.account.login) != person.account.login:
        raise Problem(
            409, "other-officer", "Khai báo này do người khác nhập; hãy để người đó đăng nhập và gửi"
        )
    body, problems = declaration_of(fields, desk, catalogue_of(request).units)
    if problems:
        answer, status = Answer(problems=await all_wrong(person, body, problems)), 422
    else:
        answer, status = await declared(person, body, fields.get("khoa", ""))
    if "application/json" in request.headers.get("accept", ""):
        return Response(msgspec.json.encode(answer), status, media_type="application/json")
    if status == 201:
        return RedirectResponse(answer.dossier, 303)
    return _form(
        request, person, status=status, values=fields, problems=answer.problems, known=answer.dossier
    )


@router.post("/bv/khai-bao/kiem")
async def check(request: Request, person: HOSPITAL) -> Response:
    """All that is wrong with a declaration the page does not send, as far as intake knows too; nothing is kept."""
    desk = desk_of(request, person)
    fields = cleaned(await form_of(request, person.csrf))
    body, problems = declaration_of(fields, desk, catalogue_of(request).units)
    answer = Answer(problems=await all_wrong(person, body, problems))
    return Response(msgspec.json.encode(answer), media_type="application/json")


@router.get("/bv/xa")
async def communes(
    request: Request,
    _person: HOSPITAL,
    tim: Annotated[str, Query(max_length=200)] = "",
    dia_chi: Annotated[str, Query(alias="dia-chi", max_length=500)] = "",
) -> Response:
    """Communes of today by words of their name (`tim`), or those an address on a card may lie in (`dia-chi`)."""
    units, today = catalogue_of(request).units, datetime.now(VIETNAM).date()
    found = communes_of(units, dia_chi, today) if dia_chi else units.search(tim, today, limit=SUGGESTIONS_MAX)
    return JSONResponse([_shown(unit) for unit in found])


@router.get("/bv/xa-trong-tinh")
async def communes_near(request: Request, person: HOSPITAL) -> Response:
    """The communes of the hospital's province, for the time without a network."""
    units, today = catalogue_of(request).units, datetime.now(VIETNAM).date()
    # Codes of hospitals begin with that of their province as it was before the merger.
    code = desk_of(request, person).facility[:2]
    province = units.resolve_province(code, stated_on=MERGED.replace(month=6), on=today)
    found = units.communes(province.code, today) if province else ()
    return JSONResponse([_shown(unit) for unit in found])


def _shown(unit: Unit) -> dict[str, str]:
    return {"value": unit.code, "words": unit.full_name, "folded": fold(unit.full_name)}
