"""The device's own page: it shows a code until an officer has typed it, and afterwards says which device it is."""

import secrets

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal.case.words import agency_words
from services.portal.citizens import tries
from services.portal.city import City
from services.portal.devices.known import COOKIE, KIOSK, Device, device_of, give_cookie, take_cookie
from services.portal.devices.words import kind_words
from services.portal.guard import form_of
from services.portal.rendering import page
from services.portal.sessions import csrf_of

router = APIRouter()
# The pairing's secret and its code, while it waits: the browser that asked for the code, and no other, gets the device.
WAY_COOKIE = "__Host-ghep-noi"
CODE_DIGITS = 6
SECRET_BYTES = 32


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A pairing that waits for an officer."""

    code: str
    expires_in_seconds: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pairing stands: it waits, or here is the device's token."""

    waiting: bool = False
    device: str = ""


@router.get("/thiet-bi")
async def show(request: Request) -> Response:
    """Which device this is; or the code to be typed by an officer; or the button that asks for one."""
    device = await device_of(request)
    response = _page(request, device)
    token = request.cookies.get(COOKIE, "")
    if device is not None:
        give_cookie(response, token)
    elif token:
        take_cookie(response)
    return response


@router.post("/thiet-bi")
async def begin(request: Request) -> Response:
    """Ask for a code. Codes are few, so identity lets only a few of each network wait.

    How often one network asks is counted apart from its citizens' look-ups: neither keeps the other waiting.
    """
    await form_of(request, csrf_of(""))
    seconds = tries.count(request, request.app.state.pairing_tries)
    if seconds > 0:
        raise Problem(
            429,
            "too-many-tries",
            "Đã lấy mã quá nhiều lần",
            tries.wait_words(seconds),
            headers={"Retry-After": str(seconds)},
        )
    city: City = request.app.state.city
    # Chosen here, so that a call repeated after a lost answer begins no second pairing.
    pairing = secrets.token_urlsafe(SECRET_BYTES)
    started = await city.citizen(tries.address_of(request)).read(
        "identity", "/devices/pairings", {"pairing": pairing}, Started, purpose="device"
    )
    response = RedirectResponse("/thiet-bi", 303)
    response.set_cookie(
        WAY_COOKIE,
        f"{pairing}.{started.code}",
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
        max_age=started.expires_in_seconds,
    )
    return response


@router.post("/thiet-bi/cho")
async def wait(request: Request) -> Response:
    """Whether an officer has typed the code: `waiting`, `paired` (the cookie comes with it) or `over`."""
    await form_of(request, csrf_of(""))
    pairing, _ = _way(request)
    state = await _state_of(request, pairing) if pairing else None
    if state is not None and state.waiting:
        return JSONResponse({"state": "waiting"})
    response = JSONResponse({"state": "over" if state is None else "paired"})
    if state is not None:
        give_cookie(response, state.device)
    response.delete_cookie(WAY_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _state_of(request: Request, pairing: str) -> State | None:
    city: City = request.app.state.city
    body = {"pairing": pairing}
    try:
        return await city.portal.read("identity", "/devices/pairings/state", body, State, purpose="device")
    except Refused as refused:
        # Too old, or nobody's.
        if refused.status in (410, 422):
            return None
        raise


def _way(request: Request) -> tuple[str, str]:
    """The pairing that waits and its code, both empty without one."""
    pairing, _, code = request.cookies.get(WAY_COOKIE, "").rpartition(".")
    good = pairing and code.isascii() and code.isdecimal() and len(code) == CODE_DIGITS
    return (pairing, code) if good else ("", "")


def _page(request: Request, device: Device | None) -> Response:
    _, code = _way(request)
    shown = None
    if device is not None:
        shown = {
            "kind": kind_words(device.kind),
            "name": device.name,
            "agency": agency_words(request.app.state.catalogue, device.agency),
            "place": device.place,
            "start": "/thu-tuc" if device.kind == KIOSK else "",
        }
    # Read out and typed over there digit by digit.
    return page(request, "devices/device.html", device=shown, code=f"{code[:3]} {code[3:]}" if code else "")
