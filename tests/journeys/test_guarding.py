"""What the portal answers to those who do not come from its pages, and to officers who are not officers any more."""

import time
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from deploy.local.city import City
from deploy.local.officials import OPERATOR, Official
from deploy.local.partners import ALL_PARTNER
from services.portal.sessions import COOKIE, csrf_of
from tests.journeys.conftest import NewScreen, account_of

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
# Of the issue: disabling an officer ends access within a minute.
ACCESS_ENDS_SECONDS = 60


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(city: City) -> AsyncIterator[httpx.AsyncClient]:
    """A program without a session."""
    async with httpx.AsyncClient(base_url=city.urls["portal"], trust_env=False, timeout=10) as client:
        yield client


async def test_no_page_may_run_or_load_what_is_not_ours(stranger: httpx.AsyncClient) -> None:
    """Every answer carries the policy: no inline code, nothing from elsewhere, no frame around us, not to be kept."""
    for path in ("/", "/dang-nhap", "/no-such-page", "/tai-khoan"):
        answer = await stranger.get(path, headers={"Accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"


async def test_a_script_without_a_session_is_told_so(stranger: httpx.AsyncClient) -> None:
    """It asked for data: the sign-in page would be no answer it could read. A person is led there."""
    for path in ("/quay/thu-tuc?q=khai", "/bv/xa?dia-chi=Nga+Bay"):
        told = await stranger.get(path, headers={"Accept": "application/json"})
        assert (told.status_code, told.headers["content-type"]) == (401, "application/problem+json")
    led = await stranger.get("/quay", headers={"Accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (303, "/dang-nhap?tiep=%2Fquay")


async def test_a_form_from_elsewhere_is_refused(stranger: httpx.AsyncClient, city: City) -> None:
    """Another site's form, a form without the session's token, and one with another session's."""
    account = account_of(city, "counter")
    fields = {"ten": account.login, "mat-khau": account.password, "_csrf": csrf_of("")}
    foreign = {"Origin": "https://evil.example"}
    assert (await stranger.post("/dang-nhap", data=fields, headers=foreign)).status_code == 403
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert (await stranger.post("/dang-nhap", data=fields, headers=cross)).status_code == 403
    for token in ("", csrf_of("another session"), "é" * 32):
        answer = await stranger.post("/dang-nhap", data={**fields, "_csrf": token})
        assert answer.status_code == 403
    answer = await stranger.post("/dang-nhap", data=fields)
    assert answer.status_code == 303
    by_script = await stranger.post("/dang-nhap", data={**fields, "tiep": "/quay"}, headers={"In-Place": "1"})
    assert (by_script.status_code, by_script.headers["location"], by_script.content) == (204, "/quay", b"")
    # The cookie is for HTTPS and loopback in a browser; a program carries it by hand.
    session = answer.cookies[COOKIE]
    mine = {"Cookie": f"{COOKIE}={session}"}
    assert (await stranger.get("/tai-khoan", headers=mine)).status_code == 200
    assert (await stranger.post("/dang-xuat", data={"_csrf": csrf_of("")}, headers=mine)).status_code == 403
    assert (
        await stranger.post("/dang-xuat", data={"_csrf": csrf_of(session)}, headers=mine)
    ).status_code == 303
    again = await stranger.get("/tai-khoan", headers=mine)
    assert again.headers["location"] == "/dang-nhap?tiep=%2Ftai-khoan"


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../settings.py",
        "/static/x/%2e%2e%2fsettings.py",
        "/static/x/portal.py",
        "/dang-nhap?tiep=" + "a" * 3000,
    ],
)
async def test_odd_paths_are_answered_calmly(stranger: httpx.AsyncClient, path: str) -> None:
    """Neither a file of ours nor an error of ours."""
    answer = await stranger.get(path)
    assert answer.status_code in (200, 404)
    assert "Settings" not in answer.text


async def test_who_is_signed_in_stays_so_on_a_page_that_is_not_theirs(new_screen: NewScreen) -> None:
    """Their own header, with who they are, and the way to their own work; a citizen still gets the citizens' menu."""
    for desk, path, home in (
        ("hospital", "/quay", "/bv"),
        ("counter", "/bv", "/quay"),
        ("counter", "/khong-co-trang-nay", "/quay"),
        (ALL_PARTNER, "/dev/webhook/khong-co", "/dev"),
        (ALL_PARTNER, "/quay", "/dev"),
    ):
        screen = await new_screen(desk)
        screen.expected_status |= {403, 404}
        await screen.go(path)
        await expect(screen.page.get_by_role("button", name="Đăng xuất")).to_be_visible()
        await expect(screen.page.get_by_role("navigation", name="Trang chính")).to_have_count(0)
        await screen.check(f"{path} for {desk}")
        await screen.at("ve-trang-lam-viec").press("Enter")
        await screen.page.wait_for_url(f"{screen.url}{home}")
    citizen = await new_screen()
    citizen.expected_status.add(404)
    await citizen.go("/khong-co-trang-nay")
    await expect(citizen.page.get_by_role("navigation", name="Trang chính")).to_be_visible()


async def test_a_disabled_officer_is_out_within_a_minute(new_screen: NewScreen, city: City) -> None:
    """The page they have open stops answering; so does signing in again."""
    account = account_of(city, "counter-2")
    screen = await new_screen("counter-2", path="/dang-nhap?tiep=/tai-khoan")
    operator_account = f"/accounts/{account.login}"
    async with Official(OPERATOR, city.urls, city.keys) as operator:
        await operator.post_json("identity", f"{operator_account}/disable", {})
        disabled = time.monotonic()
        try:
            while "/dang-nhap" not in screen.page.url:
                assert time.monotonic() - disabled < ACCESS_ENDS_SECONDS
                await screen.page.wait_for_timeout(500)
                await screen.go("/tai-khoan")
            screen.expected_status.add(401)
            await screen.at("ten").fill(account.login)
            await screen.at("mat-khau").fill(account.password)
            await screen.press("Enter")
            await expect(screen.page.get_by_role("alert")).to_be_visible()
        finally:
            await operator.post_json("identity", f"{operator_account}/enable", {})


async def test_what_was_typed_outlives_the_session(new_screen: NewScreen, city: City) -> None:
    """A form sent after the session has ended is kept while the officer signs in again - but for what is secret."""
    account = account_of(city, "counter")
    screen = await new_screen("counter", path="/dang-nhap?tiep=/tai-khoan")
    await screen.page.evaluate(
        "() => document.querySelector('form[action=\"/tai-khoan\"]').insertAdjacentHTML("
        "'beforeend', '<input type=hidden name=ghi-chu value=\"Nguyễn Thị Mai\">')"
    )
    await screen.context.clear_cookies()
    screen.expected_status |= {401, 422}
    await screen.at("cu").fill(account.password)
    await screen.at("moi-mat-khau").fill("khong-doi-12345")
    await screen.press("Enter")
    await screen.sees("Phiên làm việc đã hết hạn")
    assert account.password not in await screen.page.content()
    await screen.check("signed out in a form")
    await screen.at("ten").fill(account.login)
    await screen.at("mat-khau").fill(account.password)
    await screen.press("Enter")
    await expect(screen.at("gui-tiep")).to_be_focused()
    kept = screen.page.locator("input[name='ghi-chu']")
    assert await kept.input_value() == "Nguyễn Thị Mai"
    await screen.check("resume")
