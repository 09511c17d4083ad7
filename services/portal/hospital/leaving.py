"""A family leaves before its papers are there: it chooses where they come to instead."""

from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused
from services.portal.guard import form_of
from services.portal.hospital.bedside import show_bed, told_by
from services.portal.hospital.birth_form import cleaned
from services.portal.hospital.ward_view import ELSEWHERE
from services.portal.sessions import Person, requires

router = APIRouter()
HOSPITAL = Annotated[Person, Depends(requires("hospital"))]
RESULTS_MAX = 20


@router.post("/bv/ho-so/{dossier_id}/cach-nhan")
async def choose(request: Request, dossier_id: UUID, person: HOSPITAL) -> Response:
    """These results come to the family by `cach`; each with how it was received when the officer looked."""
    form = await form_of(request, person.csrf)
    typed = cleaned(form)
    seen = [value.split("|") for value in form.getlist("doi-cach") if isinstance(value, str)][:RESULTS_MAX]
    changes = [
        {
            "code": code,
            "was": {"delivery": delivery, "place": place},
            "now": {"delivery": typed.get("cach", "")},
        }
        for code, delivery, place in (one for one in seen if len(one) == 3)
    ]
    problems = [] if changes and typed.get("cach") in ELSEWHERE else [("", "Hãy chọn cách nhận kết quả")]
    status = 422
    if not problems:
        path, key = f"/dossiers/{dossier_id}/delivery", typed.get("khoa", "")
        try:
            await person.desk.act("intake", path, {"results": changes}, msgspec.Raw, key=key)
        except Refused as refused:
            if refused.status not in (409, 422):
                raise
            status, problems = refused.status, told_by(refused)
    if problems:
        return await show_bed(request, person, dossier_id, status=status, problems=problems)
    return RedirectResponse("/bv" if typed.get("ve-trang") == "khoa" else f"/bv/ho-so/{dossier_id}", 303)
