"""Pages that stay true: what happens shows without reload, and a page that hears nothing says so."""

import time

import pytest
from playwright.async_api import expect

from deploy.local.city import City
from tests.journeys.conftest import NewScreen
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
# Of the issue: seconds from the server's return to a page that is connected again.
RECONNECT_SECONDS = 5


async def test_a_page_follows_its_dossier_and_a_server_that_comes_back(
    new_screen: NewScreen, city: City, town: Town
) -> None:
    """The portal ends: the page says since when it is old. It is back: the page has caught up, untouched by anybody."""
    receipt = await town.declare()
    screen = await new_screen(phone=True)
    await screen.go(f"/h/{receipt['tracking_token']}")
    live = screen.page.locator("[data-live]").first
    await expect(live).to_have_attribute("data-live-state", "on")
    await screen.sees("Đang xử lý")
    await city.supervisor.stop("portal")
    screen.forgives_lost_connections = True
    await expect(screen.page.locator("#mat-ket-noi")).to_contain_text(
        "Mất kết nối: dữ liệu lúc", timeout=10_000
    )
    await town.settle(receipt["dossier_id"])
    await town.until_status(receipt["dossier_id"], 9)
    await city.supervisor.start(city.command("portal"))
    await city.wait_until_ready()
    back = time.monotonic()
    await expect(live).to_have_attribute("data-live-state", "on", timeout=RECONNECT_SECONDS * 1000)
    await screen.sees("Có kết quả")
    await expect(screen.page.locator("#mat-ket-noi")).to_be_hidden()
    assert time.monotonic() - back < RECONNECT_SECONDS + 1
    await screen.check("caught up")


async def test_a_killed_server_is_followed_by_the_next(new_screen: NewScreen, city: City, town: Town) -> None:
    """kill -9 of the portal: its supervisor starts it anew, and open pages are connected again by themselves."""
    receipt = await town.declare()
    screen = await new_screen()
    await screen.go(f"/h/{receipt['tracking_token']}")
    live = screen.page.locator("[data-live]").first
    await expect(live).to_have_attribute("data-live-state", "on")
    screen.forgives_lost_connections = True
    city.supervisor.signal("portal")
    await expect(live).to_have_attribute("data-live-state", "off", timeout=10_000)
    await city.wait_until_ready()
    await expect(live).to_have_attribute("data-live-state", "on", timeout=RECONNECT_SECONDS * 1000)
