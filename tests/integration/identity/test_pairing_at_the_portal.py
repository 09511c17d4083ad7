"""The device's side of pairing as the portal serves it, with an identity whose answers are lost on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from libs.http.auth import IDENTITY, TokenSigner
from libs.http.problems import Problem
from services.portal.citizens.tries import Tries
from services.portal.city import City
from services.portal.devices import pairing
from services.portal.devices.known import COOKIE, Device, Devices
from services.portal.mishaps import answer_problem
from services.portal.sessions import csrf_of
from tests.integration.identity.conftest import COUNTER, House
from tests.integration.identity.wire import HANGS_UP, Wire

pytestmark = pytest.mark.timeout(60)
KIOSK = {"kind": "kiosk", "place": "Sảnh A", "name": "Máy tra cứu"}


def losing_first_answers(house: House) -> Wire:
    """An identity whose first answer of each path is lost."""
    wire = Wire(house)
    wire.instead = lambda path: None if path in wire.asked else HANGS_UP
    return wire


@asynccontextmanager
async def browser_of(
    url: str, keys: Path, address: str = "203.0.113.7"
) -> AsyncIterator[tuple[httpx.AsyncClient, Devices]]:
    """A device's browser before a portal that has this identity; gives what the portal knows of devices, too.

    At the portal, the citizens of the browser's network have used up their look-ups.
    """
    async with City({"identity": url}, TokenSigner.from_file("portal", keys / "portal.pem")) as city:
        app = FastAPI()
        app.state.city = city
        app.state.devices = Devices(city)
        app.state.tries = Tries(tries=0)
        app.state.pairing_tries = Tries()
        app.state.trusted_proxies = ()
        app.include_router(pairing.router)
        app.add_exception_handler(Problem, answer_problem)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(address, 1)),
            base_url="https://portal",
            headers={"X-CSRF": csrf_of("")},
        ) as browser:
            yield browser, app.state.devices


async def test_a_device_is_paired_though_answers_are_lost(house: House, tmp_path: Path) -> None:
    """One pairing, one code, and a token that works: every first answer of identity is lost, the calls are repeated."""
    async with (
        losing_first_answers(house) as wire,
        browser_of(wire.url, tmp_path) as (browser, devices),
        house.client(IDENTITY, "can-bo-03", agency=COUNTER, roles=("one_stop",)) as officer,
    ):
        assert (await browser.post("/thiet-bi")).status_code == 303
        assert wire.asked == ["/devices/pairings"] * 2
        assert await house.pool.fetchval("SELECT count(*) FROM pairing") == 1
        way = browser.cookies[pairing.WAY_COOKIE]
        code = way.rpartition(".")[2]
        assert (await officer.post("/devices", json=KIOSK | {"code": code})).status_code == 201
        assert (await browser.post("/thiet-bi/cho")).json() == {"state": "paired"}
        assert wire.asked[2:] == ["/devices/pairings/state"] * 2
        token = browser.cookies[COOKIE]
        assert await devices.device(token) == Device(agency=COUNTER, **KIOSK)
        # The portal's own answer was lost: the browser asks again with what it has.
        browser.cookies = httpx.Cookies({pairing.WAY_COOKIE: way})
        assert (await browser.post("/thiet-bi/cho")).json() == {"state": "paired"}
        assert browser.cookies[COOKIE] == token


async def test_a_pairing_is_counted_by_the_devices_network(house: House, tmp_path: Path) -> None:
    """Whoever presses the button again and again takes no other network's place, and has to wait after twenty."""
    async with (
        losing_first_answers(house) as wire,
        browser_of(wire.url, tmp_path, "203.0.113.7") as (flooding, _),
        browser_of(wire.url, tmp_path, "203.0.113.8") as (hall, _),
    ):
        assert (await hall.post("/thiet-bi")).status_code == 303
        pressed = [(await flooding.post("/thiet-bi")).status_code for _ in range(21)]
        assert pressed == [303] * 20 + [429]
        assert (await hall.post("/thiet-bi/cho")).json() == {"state": "waiting"}
    networks = await house.pool.fetch("SELECT count(*) AS waiting FROM pairing GROUP BY network ORDER BY 1")
    assert [row["waiting"] for row in networks] == [1, 3]
