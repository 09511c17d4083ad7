"""What a paired device's browser is to the portal while identity answers, and while it does not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from libs.http.auth import IDENTITY, TokenSigner
from libs.http.client import Unavailable
from services.identity.sealing import device_token_of, new_token
from services.portal.city import City
from services.portal.devices import pairing
from services.portal.devices.known import COOKIE, KNOWN_SECONDS, LAST_KNOWN_SECONDS, Devices, note_kiosk
from services.portal.rendering import context_of
from tests.integration.identity.conftest import COUNTER, House
from tests.integration.identity.wire import FAILS, HANGS_UP, Wire

pytestmark = pytest.mark.timeout(60)


class Clock:
    """A clock moved by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Hall:
    """The portal's pages as the browsers of a hall see them."""

    def __init__(self, house: House, wire: Wire, clock: Clock, browser: httpx.AsyncClient) -> None:
        self._house = house
        self.wire = wire
        self.clock = clock
        self._browser = browser

    async def paired(self, kind: str) -> tuple[str, str]:
        """A device of this kind: its token and its id."""
        secret = new_token()
        code = (await self._house.post("/devices/pairings", pairing=secret)).json()["code"]
        given = {"code": code, "kind": kind, "place": "Sảnh A", "name": "Máy"}
        async with self.officer() as officer:
            device_id: str = (await officer.post("/devices", json=given)).json()["id"]
        assert (await self._house.post("/devices/pairings/state", pairing=secret)).status_code == 200
        return device_token_of(secret), device_id

    def officer(self) -> httpx.AsyncClient:
        """Who pairs and revokes."""
        return self._house.client(IDENTITY, "can-bo-03", agency=COUNTER, roles=("one_stop",))

    async def has_kiosk_form(self, token: str, path: str = "/trang", *, status: int = 200) -> bool:
        """Whether the browser with this cookie (empty: with none) gets a page in the kiosk's form."""
        headers = {"Cookie": f"{COOKIE}={token}"} if token else {}
        answer = await self._browser.get(path, headers=headers)
        assert answer.status_code == status
        kiosk: bool = answer.json()["kiosk"]
        return kiosk


@asynccontextmanager
async def hall_of(house: House, keys: Path) -> AsyncIterator[Hall]:
    """Pages that tell what their templates are told."""
    clock = Clock()
    signer = TokenSigner.from_file("portal", keys / "portal.pem")
    async with Wire(house) as wire, City({"identity": wire.url}, signer) as city:
        app = FastAPI()
        app.state.devices = Devices(city, now=clock)
        app.include_router(pairing.router)

        def told(request: Request) -> dict[str, Any]:
            return {"kiosk": context_of(request, None, {})["kiosk"]}

        @app.get("/trang", dependencies=[Depends(note_kiosk)])
        async def show(request: Request) -> Response:
            return JSONResponse(told(request))

        async def away(request: Request, _: Exception) -> Response:
            return JSONResponse(told(request), 503)

        app.add_exception_handler(Unavailable, away)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://portal"
        ) as browser:
            yield Hall(house, wire, clock, browser)


@pytest.mark.parametrize("instead", [HANGS_UP, FAILS], ids=["away", "failing"])
async def test_a_kiosk_stays_a_kiosk_while_identity_gives_no_answer(
    house: House, tmp_path: Path, instead: bytes
) -> None:
    """The last answer holds for ten minutes, a board's too; then whoever has a device's cookie has the safe form."""
    async with hall_of(house, tmp_path) as hall:
        kiosk, _ = await hall.paired("kiosk")
        board, _ = await hall.paired("board")
        forms = [await hall.has_kiosk_form(token) for token in (kiosk, board, "")]
        assert forms == [True, False, False]
        hall.wire.instead = lambda _path: instead
        hall.clock.seconds = KNOWN_SECONDS
        assert [await hall.has_kiosk_form(token) for token in (kiosk, board, "")] == [True, False, False]
        asked = len(hall.wire.asked)
        assert [await hall.has_kiosk_form(token) for token in (kiosk, board)] == [True, False]
        assert len(hall.wire.asked) == asked, "identity is not asked at every page"
        hall.clock.seconds = LAST_KNOWN_SECONDS
        assert [await hall.has_kiosk_form(token) for token in (kiosk, board, "")] == [True, True, False]
        hall.wire.instead = lambda _path: None
        assert [await hall.has_kiosk_form(token) for token in (kiosk, board, "")] == [True, False, False]


@pytest.mark.parametrize("instead", [HANGS_UP, FAILS], ids=["away", "failing"])
async def test_a_device_nobody_knows_yet_has_the_safe_form(
    house: House, tmp_path: Path, instead: bytes
) -> None:
    """A portal that has just started and gets no answer; its page that must have one says so in that form, too."""
    async with hall_of(house, tmp_path) as hall:
        kiosk, _ = await hall.paired("kiosk")
        hall.wire.instead = lambda _path: instead
        assert await hall.has_kiosk_form(kiosk)
        assert await hall.has_kiosk_form(kiosk, "/thiet-bi", status=503)
        assert not await hall.has_kiosk_form("")


async def test_a_revoked_device_is_a_stranger_though_identity_gives_no_answer_afterwards(
    house: House, tmp_path: Path
) -> None:
    """What was said last holds: it is an ordinary browser."""
    async with hall_of(house, tmp_path) as hall:
        kiosk, device_id = await hall.paired("kiosk")
        assert await hall.has_kiosk_form(kiosk)
        async with hall.officer() as officer:
            assert (await officer.post(f"/devices/{device_id}/revoke")).status_code == 204
        hall.clock.seconds = KNOWN_SECONDS
        assert not await hall.has_kiosk_form(kiosk)
        hall.wire.instead = lambda _path: HANGS_UP
        hall.clock.seconds *= 2
        assert not await hall.has_kiosk_form(kiosk)
