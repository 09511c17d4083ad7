"""Which device a browser is: the cookie it got when an officer paired it, and what identity says of it.

identity keeps the devices; its answer is kept here for KNOWN_SECONDS, so that one that was revoked is a stranger again
within a minute. While identity gives none, its last answer holds for LAST_KNOWN_SECONDS; after that, and without any, a
browser with a device's cookie has the kiosk's form: the one that leads nowhere, whichever device it is.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.http.client import Refused, Unavailable
from libs.telemetry.logs import log
from services.portal.city import City

COOKIE = "__Host-thiet-bi"
# As long as browsers keep any cookie (RFC 6265bis 5.5): a kiosk is paired once. It is given anew at /thiet-bi.
COOKIE_SECONDS = 400 * 86_400
KNOWN_SECONDS = 15.0
# Nobody can be revoked while identity is away: this is for a portal that cannot reach one that works.
LAST_KNOWN_SECONDS = 600.0
DEVICES_MAX = 1000
TOKEN_LENGTH_MAX = 200
KIOSK = "kiosk"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device as identity knows it; `agency` is a code of the catalogue, `place` where it stands in the house."""

    kind: str
    name: str
    agency: str
    place: str = ""


class Known(msgspec.Struct, frozen=True):
    """What identity said of a token (None: nobody's), good until `ask_again`, and until `ends` if it says no more."""

    device: Device | None
    ask_again: float
    ends: float


class Devices:
    """Asks identity which device a cookie is of, and remembers the answer for a moment."""

    def __init__(self, city: City, *, now: Callable[[], float] = time.monotonic) -> None:
        self._city = city
        self._now = now
        self._known: OrderedDict[str, Known] = OrderedDict()

    async def device(self, token: str) -> Device | None:
        """The device with this token; None for one nobody paired, or that was revoked.

        Raises Unavailable when identity gives no answer (it is away, or fails) and none is remembered.
        """
        if not token or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            return None
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self._known.get(digest)
        if known is not None and self._now() < known.ask_again:
            return known.device
        try:
            device = await self._ask(token)
        except (Unavailable, Refused) as failed:
            now = self._now()
            if known is None or now >= known.ends:
                raise Unavailable("identity", "no answer about a device") from failed
            # Not asked at every page meanwhile: each would wait as long as this one has.
            self._known[digest] = msgspec.structs.replace(known, ask_again=now + KNOWN_SECONDS)
            log.warning("device-last-known", reason=str(failed))
            return known.device
        now = self._now()
        self._known[digest] = Known(device, now + KNOWN_SECONDS, now + LAST_KNOWN_SECONDS)
        self._known.move_to_end(digest)
        if len(self._known) > DEVICES_MAX:
            self._known.popitem(last=False)
        return device

    async def _ask(self, token: str) -> Device | None:
        try:
            return await self._city.portal.read(
                "identity", "/devices/token", {"device": token}, Device, purpose="device"
            )
        except Refused as refused:
            # 422: a text that could not be a token.
            if refused.status in (401, 422):
                return None
            raise


async def device_of(request: Request) -> Device | None:
    """The device the browser is, None for any other.

    Raises Unavailable when identity gives no answer; the page that says so then has the kiosk's form.
    """
    devices: Devices = request.app.state.devices
    try:
        return await devices.device(request.cookies.get(COOKIE, ""))
    except Unavailable:
        # Only somebody with a device's cookie is asked about.
        request.state.kiosk = True
        raise


async def note_kiosk(request: Request) -> None:
    """A dependency of pages a kiosk shows: there they have the kiosk's form, errors included (rendering.context_of).

    A page for everybody does not fail because identity is away: it comes in its ordinary form, and in the kiosk's for
    whoever has a device's cookie, so that no kiosk becomes an open browser.
    """
    try:
        device = await device_of(request)
    except Unavailable:
        return
    request.state.kiosk = device is not None and device.kind == KIOSK


def give_cookie(response: Response, token: str) -> None:
    """Let the browser be this device from now on."""
    response.set_cookie(
        COOKIE, token, path="/", secure=True, httponly=True, samesite="lax", max_age=COOKIE_SECONDS
    )


def take_cookie(response: Response) -> None:
    """Let the browser forget which device it was."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
