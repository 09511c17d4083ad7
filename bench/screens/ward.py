"""The hospital's desk: declarations without a network, and the lamps of the ward."""

import asyncio
import time
from datetime import datetime
from typing import Any

from nats.aio.client import Client
from playwright.async_api import expect

from bench.screens.desks import Times
from bench.screens.stopwatch import timed
from deploy.local.city import City
from deploy.local.sample_xml9 import Births
from libs.catalogue.calendar import VIETNAM
from tests.journeys.screen import Screen
from tests.pipeline.town import Town

ISSUED = "results.result-issued.v1"
EVENT_SECONDS_MAX = 30.0


async def offline(screen: Screen, rounds: int) -> Times:
    """Declarations while the network is away: from Ctrl+Enter until the outbox counts them; and the mother's scan."""
    page = screen.page
    await screen.go("/bv/khai-bao")
    await expect(page.locator("html[data-san=sang][data-ngoai-tuyen=co]")).to_be_attached()
    await screen.context.set_offline(True)
    found: Times = {"scan": [], "offline": []}
    births = Births(3, today=datetime.now(VIETNAM).date())
    for number in range(1, rounds + 1):
        record = births.single()[0]
        born = datetime.strptime(record["NGAYSINH_NND"], "%Y%m%d")  # noqa: DTZ007 - a calendar day
        name = record["HO_TEN_NND"]
        card = f"{record['SO_CCCD_NND']}||{name}|{born:%d%m%Y}|Nữ|Khu vực 2, Phường Ngã Bảy, Thành phố Cần Thơ|01022022"
        filled = f"document.getElementById('me-ten').value === {name!r}"
        found["scan"].append(await timed(page, "", screen.scan(card), filled))
        await page.locator("[name=gioi-tinh]").first.check()
        for field, value in {
            "can-nang": "3100",
            "gcs-so": f"{600_000 + number}",
            "do-de": "Lê Thị Hoa",
        }.items():
            await page.locator(f"[name={field}]").fill(value)
        await page.locator("[name=doi-chieu]").check()
        kept = f"document.querySelector('[data-so-cho]').textContent.startsWith('{number} khai báo')"
        found["offline"].append(await timed(page, "Enter", screen.press("Control+Enter"), kept))
    return found


async def lamps(screen: Screen, city: City, town: Town, rounds: int) -> Times:
    """From the event on the bus that a birth certificate was issued until the ward's page shows it."""
    said: dict[str, asyncio.Future[float]] = {}

    async def note(message: Any) -> None:
        waiting = said.get((message.headers or {}).get("ce-subject", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(time.time() * 1000)

    client = Client()
    await client.connect(city.nats_url("portal"), inbox_prefix="_INBOX_portal")
    await client.subscribe(ISSUED, cb=note)
    await client.flush()
    found: Times = {"lamp": []}
    await screen.go("/bv")
    for _ in range(rounds):
        dossier = (await town.declare())["dossier_id"]
        said[dossier] = asyncio.get_running_loop().create_future()
        card = screen.page.locator(f"[data-ho-so='{dossier}']")
        await expect(card).to_contain_text("Khai sinh: đang làm")
        lit = f"""document.querySelector("[data-ho-so='{dossier}']")?.textContent.includes("Khai sinh: đã cấp")"""
        shown = asyncio.create_task(screen.page.evaluate(f"() => clock.when(() => {lit})"))
        await town.complete(dossier, "register_birth")
        heard = await asyncio.wait_for(said[dossier], EVENT_SECONDS_MAX)
        found["lamp"].append(await shown - heard)
    await client.close()
    return found
