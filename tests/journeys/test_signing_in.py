"""Signing in, being signed out, and what is kept meanwhile."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from deploy.local.city import City
from services.portal.sessions import COOKIE
from tests.journeys.conftest import NewScreen, account_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_the_front_door_is_open_to_everybody(new_screen: NewScreen) -> None:
    """Three doors, on a phone and on a desk."""
    screen = await new_screen(phone=True)
    await screen.go("/")
    await screen.sees("Tra cứu hồ sơ")
    await screen.check("front door")


async def test_an_officer_signs_in_with_the_keyboard(new_screen: NewScreen, city: City) -> None:
    """A wrong password says so and keeps the name; the right one leads to the desk; signing out ends it."""
    account = account_of(city, "counter")
    screen = await new_screen()
    await screen.go("/dang-nhap?tiep=/tai-khoan")
    await screen.check("sign in")
    screen.expected_status.add(401)
    await expect(screen.at("ten")).to_be_focused()
    await screen.type(account.login)
    await screen.press("Tab")
    await screen.type("wrong-password-0")
    await screen.press("Enter")
    await expect(screen.page.get_by_role("alert")).to_have_class("notice bad")
    await expect(screen.at("mat-khau")).to_be_focused()
    await expect(screen.at("mat-khau")).to_have_attribute("aria-invalid", "true")
    await screen.check("wrong password")
    assert await screen.at("ten").input_value() == account.login
    asked: list[str] = []
    screen.page.on("request", lambda sent: asked.append(urlsplit(sent.url).path))
    await screen.sign_in(account, path="/dang-nhap?tiep=/tai-khoan")
    # A look at somebody's file is recorded: what one signs in for is opened once.
    assert asked.count("/tai-khoan") == 1
    cookies = await screen.context.cookies()
    assert COOKIE in {one["name"] for one in cookies}
    # The other one tells whose form it was that a session ended under, by a digest.
    assert all(one["name"].startswith("__Host-") for one in cookies)
    assert all(one["httpOnly"] and one["secure"] for one in cookies)
    await screen.check("account")
    await screen.page.get_by_role("button", name="Đăng xuất").focus()
    await screen.press("Enter")
    await expect(screen.at("dang-nhap")).to_be_visible()
    assert COOKIE not in {one["name"] for one in await screen.context.cookies()}


async def test_who_signs_needs_a_second_factor(new_screen: NewScreen, city: City) -> None:
    """A password alone opens nothing for an officer whose word binds; a wrong code says so, and Back is no dead end."""
    account = account_of(city, "civil-status-31340-2025")
    screen = await new_screen()
    await screen.go("/dang-nhap?tiep=/tai-khoan")
    await screen.at("ten").fill(account.login)
    await screen.at("mat-khau").fill(account.password)
    await screen.press("Enter")
    await expect(screen.at("ma")).to_be_visible()
    await screen.check("second factor")
    screen.expected_status |= {401, 403}
    await expect(screen.at("ma")).to_be_focused()
    screen.expected_status.add(422)
    for typed, told in (("abc", "Mã gồm 6 chữ số"), ("000000", "không đúng")):
        await screen.type(typed)
        await screen.press("Enter")
        await expect(screen.page.locator("#ma-loi")).to_contain_text(told)
        await expect(screen.at("ma")).to_be_focused()
        await expect(screen.at("ma")).to_have_attribute("aria-invalid", "true")
    await screen.check("wrong code")
    await screen.go("/tra-cuu")
    await screen.page.go_back()
    await expect(screen.at("ten")).to_be_visible()
    again = await new_screen("civil-status-31340-2025", path="/dang-nhap?tiep=/tai-khoan")
    await expect(again.page.get_by_role("button", name="Đăng xuất")).to_be_visible()


async def test_who_tries_too_often_is_told_when_to_come_back(new_screen: NewScreen) -> None:
    """At once, and asked for by one request: a page that hangs and sends itself again would lock for longer."""
    screen = await new_screen()
    await screen.go("/dang-nhap")
    screen.expected_status |= {401, 429}
    # Nobody's name: a name is locked whether somebody has it or not.
    await screen.at("ten").fill("can-bo-khong-co-that")
    sent: list[str] = []
    screen.page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    told = screen.page.locator("#dang-nhap-loi")
    for tries in range(1, 7):
        await screen.at("mat-khau").fill(f"wrong-password-{tries}")
        async with screen.page.expect_response(lambda answer: answer.request.method == "POST"):
            await screen.press("Enter")
        await expect(screen.at("mat-khau")).to_have_value("")
    await expect(told).to_contain_text("Vui lòng thử lại sau")
    assert len(sent) == 6
    await screen.check("locked")


async def test_a_form_nobody_answers_keeps_what_was_typed(new_screen: NewScreen) -> None:
    """A service or the whole portal away: a notice at the form, which sends nothing by itself and may be sent again."""
    screen = await new_screen()
    await screen.go("/dang-nhap")
    await screen.at("ten").fill("can-bo-nao-do")
    await screen.at("mat-khau").fill("wrong-password-0")
    screen.expected_status |= {401, 503}
    screen.forgives_lost_connections = True
    sent: list[str] = []
    screen.page.on("request", lambda one: sent.append(one.url) if one.method == "POST" else None)
    away = screen.page.get_by_role("alert")
    for tries, failing in enumerate(
        (lambda route: route.fulfill(status=503, body="<main></main>"), lambda route: route.abort()), start=1
    ):
        await screen.page.route("**/dang-nhap", failing)
        await screen.push("dang-nhap")
        await expect(away).to_be_focused()
        await expect(away).to_contain_text("Nội dung đã nhập vẫn còn")
        await expect(screen.at("mat-khau")).to_have_value("wrong-password-0")
        assert len(sent) == tries
        await screen.check("nobody answers")
        await screen.page.unroute_all()
    await screen.push("dang-nhap")
    await expect(screen.page.locator("#dang-nhap-loi")).to_contain_text("không đúng")
    assert await screen.at("ten").input_value() == "can-bo-nao-do"
