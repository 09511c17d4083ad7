"""The officers' page of devices: type the code one shows, see those there are, revoke one."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused
from services.portal.case.words import agency_words
from services.portal.devices.words import KINDS, kind_words
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.refusals import reasons_at
from services.portal.rendering import page
from services.portal.sessions import Person, requires

router = APIRouter()
# Whom identity lets pair: the one-stop shop its own, an operator everybody's.
ROLES = ("one_stop", "operator")
OFFICER = Annotated[Person, Depends(requires(*ROLES))]
TEMPLATE = "devices/list.html"
FIELDS = {"code": "ma", "kind": "loai", "place": "noi-dat", "name": "ten-thiet-bi"}
DONE = {
    "ghep": "Đã ghép nối thiết bị. Màn hình của thiết bị tự đổi trong vài giây.",
    "thu-hoi": "Đã thu hồi thiết bị.",
}


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as identity lists it."""

    id: UUID
    kind: str
    place: str
    agency: str
    name: str
    paired_by: str
    paired_at: datetime
    revoked_at: datetime | None


@router.get("/thiet-bi/danh-sach")
async def devices(request: Request, person: OFFICER, xong: str = "") -> Response:
    """Every device of the officer's agency."""
    return await _show(request, person, done=DONE.get(xong, ""))


@router.post("/thiet-bi/danh-sach")
async def pair(request: Request, person: OFFICER) -> Response:
    """The officer stands before the device and types the code it shows."""
    form = await form_of(request, person.csrf)
    typed = {name: text_of(form, name).strip()[:200] for name in FIELDS.values()}
    problems = _lacking(typed)
    status = 422
    if not problems:
        body = {
            "code": typed["ma"].replace(" ", ""),
            "kind": typed["loai"],
            "place": typed["noi-dat"],
            "name": typed["ten-thiet-bi"],
        }
        try:
            await person.desk.act("identity", "/devices", body, msgspec.Raw, key=text_of(form, "khoa"))
        except Refused as refused:
            if refused.status not in (404, 409, 422, 429):
                raise
            status, problems = refused.status, reasons_at(refused, FIELDS, "ma")
    if problems:
        return await _show(request, person, status=status, problems=problems, typed=typed)
    return RedirectResponse("/thiet-bi/danh-sach?xong=ghep", 303)


@router.post("/thiet-bi/danh-sach/{device_id}/thu-hoi")
async def revoke(request: Request, device_id: UUID, person: OFFICER) -> Response:
    """What the device holds is worth nothing from now on."""
    form = await form_of(request, person.csrf)
    await person.desk.act(
        "identity", f"/devices/{device_id}/revoke", {}, type(None), key=text_of(form, "khoa")
    )
    return RedirectResponse("/thiet-bi/danh-sach?xong=thu-hoi", 303)


def _lacking(typed: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    code = typed["ma"].replace(" ", "")
    if not (code.isascii() and code.isdecimal() and len(code) == 6):
        found.append(("ma", "Mã ghép nối có 6 chữ số, hiện trên màn hình thiết bị"))
    if typed["loai"] not in KINDS:
        found.append(("loai", "Hãy chọn loại thiết bị"))
    if not typed["ten-thiet-bi"]:
        found.append(("ten-thiet-bi", "Hãy đặt tên để nhận ra thiết bị, ví dụ: Máy tra cứu sảnh A"))
    return found


async def _show(
    request: Request,
    person: Person,
    *,
    status: int = 200,
    problems: list[tuple[str, str]] | None = None,
    typed: dict[str, str] | None = None,
    done: str = "",
) -> Response:
    found = await person.desk.get("identity", "/devices", tuple[Device, ...])
    catalogue = request.app.state.catalogue
    return page(
        request,
        TEMPLATE,
        person,
        status=status,
        problems=problems or [],
        typed=typed or {},
        done=done,
        kinds=list(KINDS.items()),
        kind_words=kind_words,
        agency_words=lambda code: agency_words(catalogue, code),
        devices=sorted(found, key=lambda one: one.revoked_at is not None),
    )
