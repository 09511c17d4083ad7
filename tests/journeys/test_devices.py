"""Devices of the hall: a kiosk is paired by a code, shows procedures only, and is a stranger once revoked."""

import time

import pytest
from playwright.async_api import expect

from services.portal.devices.known import COOKIE
from tests.journeys.conftest import NewScreen
from tests.journeys.screen import Screen

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
LIST = "/dang-nhap?tiep=/thiet-bi/danh-sach"
ACCESS_ENDS_SECONDS = 60
# Of interface a6: a minute, then a warning of fifteen seconds.
IDLE_MS, WARNED_MS = 60_000, 15_000


async def paired(new_screen: NewScreen, name: str, kind: str) -> tuple[Screen, Screen]:
    """A device and the officer who has paired it."""
    device: Screen = await new_screen()
    await device.go("/thiet-bi")
    await expect(device.at("lay-ma")).to_be_focused()
    await device.check("a device that is nobody's")
    await device.press("Enter")
    await expect(device.at("ma-ghep-noi")).to_be_visible()
    await device.check("a device that shows its code")
    code = await device.at("ma-ghep-noi").inner_text()
    officer: Screen = await new_screen("counter", path=LIST)
    await officer.at("ma").focus()
    await officer.type(code)
    await officer.press("Tab")
    await officer.page.keyboard.press("Space" if kind == "kiosk" else "ArrowDown")
    await officer.at("ten-thiet-bi").focus()
    await officer.type(name)
    await officer.press("Tab")
    await officer.type("Sảnh A")
    await officer.press("Enter")
    await expect(officer.at("da-xong")).to_be_focused()
    await expect(device.at("la-thiet-bi")).to_be_visible()
    return device, officer


async def test_a_kiosk_is_paired_by_a_code_and_revoked(new_screen: NewScreen) -> None:
    """The code is on its screen, the officer types it; revoked, it is an ordinary browser within a minute."""
    device, officer = await paired(new_screen, "Máy tra cứu sảnh A", "kiosk")
    await expect(device.page.locator("h1")).to_have_text("Máy tra cứu sảnh A")
    await device.sees("Sảnh A")
    await device.check("a device that is paired")
    (cookie,) = [one for one in await device.context.cookies() if one["name"].startswith("__Host-")]
    assert cookie["name"] == COOKIE
    assert cookie["httpOnly"]
    assert cookie["secure"]
    row = officer.at("thiet-bi").filter(has_text="Máy tra cứu sảnh A")
    await expect(row).to_contain_text("Máy tra cứu")
    await officer.check("the list of devices")
    await expect(device.at("bat-dau")).to_be_focused()
    await device.press("Enter")
    await expect(device.page.locator("body.kiosk")).to_be_visible()
    await row.get_by_test_id("thu-hoi").focus()
    await officer.press("Enter")
    await expect(row).to_contain_text("Đã thu hồi")
    revoked = time.monotonic()
    while await device.page.locator("body.kiosk").count():
        assert time.monotonic() - revoked < ACCESS_ENDS_SECONDS
        await device.page.wait_for_timeout(500)
        await device.go("/thu-tuc")
    await device.go("/thiet-bi")
    await expect(device.at("lay-ma")).to_be_visible()
    assert await device.context.cookies() == []


async def test_a_board_says_which_device_it_is(new_screen: NewScreen) -> None:
    """It has no page of its own yet, and is no kiosk."""
    device, _ = await paired(new_screen, "Bảng gọi số 1", "board")
    await device.sees("Bảng gọi số")
    await device.sees("Chưa có trang nào")
    await device.go("/thu-tuc")
    await expect(device.page.locator("body.kiosk")).to_have_count(0)


async def test_a_wrong_code_pairs_nothing(new_screen: NewScreen) -> None:
    """What is missing is said at the fields; a code nobody shows is said to be none."""
    officer: Screen = await new_screen("counter", path=LIST)
    officer.expected_status |= {404, 422}
    await officer.at("ghep-noi").focus()
    await officer.press("Enter")
    await expect(officer.at("tom-tat-loi")).to_be_focused()
    await officer.check("a pairing with errors")
    await officer.at("ma").fill("000 000")
    await officer.page.get_by_label("Máy tra cứu").check()
    await officer.at("ten-thiet-bi").fill("Máy lạ")
    await officer.press("Enter")
    await expect(officer.at("tom-tat-loi")).to_contain_text("Không có thiết bị nào đang chờ")
    assert await officer.at("ten-thiet-bi").input_value() == "Máy lạ"
    hospital: Screen = await new_screen("hospital")
    hospital.expected_status.add(403)
    await hospital.go("/thiet-bi/danh-sach")
    await hospital.sees("không có quyền")


async def test_a_kiosk_shows_procedures_and_goes_back_to_its_start(new_screen: NewScreen) -> None:
    """J14 in the hall: larger type and targets, no link that leads out, and after a minute the next person's page."""
    device, _ = await paired(new_screen, "Máy tra cứu sảnh B", "kiosk")
    await device.page.clock.install()
    await device.go("/thu-tuc")
    await expect(device.page.locator("body.kiosk")).to_be_visible()
    assert await inside_only(device)
    await device.at("tim-thu-tuc").focus()
    await device.type("khai sinh")
    # The pause after the last key is the page's clock's.
    await device.page.clock.run_for(500)
    await expect(device.at("thu-tuc").first).to_contain_text("Đăng ký khai sinh")
    await device.check("a kiosk that has found", picture="kiosk")
    sizes = await device.page.evaluate(
        "[...document.querySelectorAll('.procedures a, main button, .top button')]"
        ".filter((one) => one.offsetParent).map((one) => one.getBoundingClientRect().height)"
    )
    assert min(sizes) >= 64
    await device.at("thu-tuc").first.get_by_role("link").press("Enter")
    await device.sees("Cần giấy tờ gì")
    assert await inside_only(device)
    await device.check("a procedure on a kiosk")
    await device.page.clock.run_for(IDLE_MS + 1000)
    await expect(device.at("con-do-khong")).to_be_visible()
    await device.check("a kiosk that asks")
    await expect(device.at("con-do")).to_be_focused()
    await device.press("Enter")
    await expect(device.at("con-do-khong")).to_be_hidden()
    await device.page.clock.run_for(IDLE_MS + 1000)
    await expect(device.at("con-do-khong")).to_be_visible()
    await device.page.clock.run_for(WARNED_MS + 1000)
    await device.page.wait_for_url("**/thu-tuc")
    await expect(device.at("tim-thu-tuc")).to_have_value("")
    await device.go("/thu-tuc/khong-co")
    await device.sees("Không tìm thấy thủ tục")
    assert await inside_only(device)
    device.expected_status.add(404)


async def inside_only(screen: Screen) -> bool:
    """Whether every link stays among the procedures."""
    links = await screen.page.locator("a").evaluate_all(
        "links => links.map((one) => one.getAttribute('href'))"
    )
    return all(link.startswith(("/thu-tuc", "#")) for link in links)
