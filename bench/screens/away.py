"""The server that is killed under an open page: when the page says so, and when it is connected again."""

import asyncio
import time

from playwright.async_api import Page, expect

from bench.screens.desks import Times
from deploy.local.city import City
from tests.journeys.screen import Screen

STEADY_SECONDS = 6.0
_ON = "document.querySelector('[data-live]').dataset.liveState === 'on'"
_OFF = "document.querySelector('[data-live]').dataset.liveState === 'off'"
_BANNER = "!document.getElementById('mat-ket-noi').hidden"


async def killed(screen: Screen, city: City, path: str, rounds: int) -> Times:
    """kill -9 of the portal: once with its supervisor starting it anew, once with nobody starting it for a while."""
    found: Times = {"banner": [], "reconnect": []}
    page = screen.page
    await screen.go(path)
    for _ in range(rounds):
        await _connected(page)
        killed_at = time.time() * 1000
        city.supervisor.signal("portal")
        off = await page.evaluate(f"() => clock.when(() => {_OFF})")
        on = await page.evaluate(f"() => clock.when(() => {_ON})")
        assert killed_at <= off <= on
        found["reconnect"].append(on - killed_at)
        await city.wait_until_ready()
        # A process that has not stayed up for a while is started ever more slowly.
        await asyncio.sleep(STEADY_SECONDS)
        shown = asyncio.create_task(page.evaluate(f"() => clock.when(() => {_BANNER})"))
        killed_at = time.time() * 1000
        city.supervisor.signal("portal")
        await city.supervisor.stop("portal")
        found["banner"].append(await shown - killed_at)
        await city.supervisor.start(city.command("portal"))
        await city.wait_until_ready()
        await asyncio.sleep(STEADY_SECONDS)
    return found


async def _connected(page: Page) -> None:
    await expect(page.locator("[data-live]").first).to_have_attribute("data-live-state", "on")
