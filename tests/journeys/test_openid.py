"""The city's own sign-in service: officers sign in there, with a real provider of OpenID Connect in its place."""

import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Request, expect

from deploy.local.city import City
from deploy.local.officials import OPERATOR, Official
from tests.integration.identity.provider import CLIENT_ID, CLIENT_SECRET, running_provider
from tests.journeys.conftest import NewScreen, account_of
from tests.journeys.screen import Screen

# The provider's package is installed at the first run.
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
NAME = "tài khoản thành phố"
ACCESS_ENDS_SECONDS = 60
BACK = "/dang-nhap/openid"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def with_provider(city: City) -> AsyncIterator[City]:
    """The city while it has a sign-in service: identity is started anew with its settings, and afterwards without."""
    plain = city.command("identity")
    with running_provider(city.urls["portal"] + BACK) as issuer:
        settings = {
            "OPENID_ISSUER": issuer,
            "OPENID_CLIENT_ID": CLIENT_ID,
            "OPENID_CLIENT_SECRET": CLIENT_SECRET,
            "OPENID_REDIRECT_URL": city.urls["portal"] + BACK,
            "OPENID_NAME": NAME,
            "OPENID_LINK_BY": "preferred_username",
        }
        await city.supervisor.stop("identity")
        environment = {**plain.environment, **settings}
        await city.supervisor.start(msgspec.structs.replace(plain, environment=environment))
        await city.wait_until_ready()
        yield city
        await city.supervisor.stop("identity")
        await city.supervisor.start(plain)
        await city.wait_until_ready()


async def there_and_back(screen: Screen, name: str, *, path: str = "/dang-nhap") -> str:
    """Go to the provider with the keyboard, sign in there as `name`, allow it; the address one comes back with."""
    came_back: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).path == BACK:
            came_back.append(request.url)

    screen.page.on("request", note)
    # The provider's pages load a font of somebody else's.
    screen.forgives_lost_connections = True
    # And have no icon.
    screen.expected_status.add(404)
    await screen.go(path)
    await screen.page.get_by_role("link", name=f"Đăng nhập bằng {NAME}").focus()
    await screen.press("Enter")
    await screen.page.locator("input[name=login]").fill(name)
    await screen.page.locator("input[name=password]").fill("any")
    await screen.press("Enter")
    await screen.page.get_by_role("button", name="Continue").press("Enter")
    await screen.page.wait_for_url(lambda url: url.startswith(screen.url))
    screen.page.remove_listener("request", note)
    return came_back[0]


async def test_an_officer_signs_in_by_the_citys_own_service(
    with_provider: City, new_screen: NewScreen
) -> None:
    """Led to where they were going; the address they came back with opens nothing a second time, here or elsewhere."""
    account = account_of(with_provider, "counter")
    screen: Screen = await new_screen()
    await screen.go("/dang-nhap?tiep=/tai-khoan")
    await screen.check("sign in with the city's service")
    back = await there_and_back(screen, account.login, path="/dang-nhap?tiep=/tai-khoan")
    await expect(screen.page.get_by_role("button", name="Đăng xuất")).to_be_visible()
    assert urlsplit(screen.page.url).path == "/tai-khoan"
    await screen.sees(account.login)
    await screen.check("an account signed in by the service")
    screen.expected_status |= {400, 403}
    await screen.page.get_by_role("button", name="Đăng xuất").focus()
    await screen.press("Enter")
    await expect(screen.at("dang-nhap")).to_be_visible()
    await screen.page.goto(back)
    await screen.sees("Lần đăng nhập này không còn hiệu lực")
    await screen.check("an address that was used")
    thief: Screen = await new_screen()
    thief.expected_status.add(403)
    await thief.page.goto(back)
    await thief.sees("Dịch vụ đăng nhập đã từ chối")
    await expect(thief.at("dang-nhap")).to_be_visible()


async def test_who_is_no_officer_stays_outside(with_provider: City, new_screen: NewScreen) -> None:
    """The service knows them; we do not, and say whom to ask."""
    screen: Screen = await new_screen()
    screen.expected_status.add(403)
    await there_and_back(screen, "nguoi-la")
    await screen.sees("Chưa có tài khoản cán bộ")
    await expect(screen.page.get_by_role("alert")).to_be_focused()
    await screen.check("somebody without an account")
    await screen.go("/tai-khoan")
    await expect(screen.at("dang-nhap")).to_be_visible()


async def test_who_signs_shows_the_second_factor_here(with_provider: City, new_screen: NewScreen) -> None:
    """The service stands for the password, not for the code."""
    screen: Screen = await new_screen()
    await there_and_back(screen, account_of(with_provider, "civil-status-31340-2025").login)
    await expect(screen.at("ma")).to_be_visible()


async def test_a_disabled_officer_of_the_service_is_out_within_a_minute(
    with_provider: City, new_screen: NewScreen
) -> None:
    """Out of the page that is open, and the service opens no other."""
    account = account_of(with_provider, "counter-2")
    screen: Screen = await new_screen()
    screen.expected_status.add(403)
    await there_and_back(screen, account.login, path="/dang-nhap?tiep=/tai-khoan")
    await screen.sees(account.login)
    async with Official(OPERATOR, with_provider.urls, with_provider.keys) as operator:
        await operator.post_json("identity", f"/accounts/{account.login}/disable", {})
        disabled = time.monotonic()
        try:
            while "/dang-nhap" not in screen.page.url:
                assert time.monotonic() - disabled < ACCESS_ENDS_SECONDS
                await screen.page.wait_for_timeout(500)
                await screen.go("/tai-khoan")
            await screen.page.get_by_role("link", name=f"Đăng nhập bằng {NAME}").press("Enter")
            await screen.sees("Chưa có tài khoản cán bộ")
        finally:
            await operator.post_json("identity", f"/accounts/{account.login}/enable", {})
