"""One device, several tabs, several officers: each declaration is sent once and seen by its officer only."""

import io
from datetime import UTC, datetime, timedelta

import pypdf
import pytest
from playwright.async_api import BrowserContext, Request, expect

from deploy.local.city import City
from deploy.local.officials import OPERATOR, Official
from libs.catalogue import Catalogue
from tests.journeys.conftest import NewScreen, account_of
from tests.journeys.midwife import DECLARE, Family, WithoutNetwork, declare, drafts, opened
from tests.journeys.screen import Screen

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]
DAY_MS = 24 * 3600 * 1000
# As long as the page waits for what only the city can say, and before it keeps what was typed.
ALSO_MS, SAVE_MS = 1500, 250
PASSWORD = "Chuyển dạ 2026 an toàn"
KEPT = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("mot-cua-bv", 1);
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const all = opening.result.transaction("khai-bao").objectStore("khai-bao").getAll();
    all.onsuccess = () => { opening.result.close(); resolve(all.result); };
  };
})"""


def sent_from(context: BrowserContext) -> list[str]:
    """Keys of the declarations that leave the browser from now on, in their order."""
    keys: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/bv/khai-bao"):
            fields = dict(part.partition("=")[::2] for part in (request.post_data or "").split("&"))
            keys.append(fields["khoa"])

    context.on("request", note)
    return keys


async def test_two_tabs_of_a_device_send_each_declaration_once(new_screen: NewScreen) -> None:
    """Both wake when the network does; one of them sends, in the order of typing, and both show what was received."""
    first: Screen = await new_screen("hospital", path=DECLARE)
    await opened(first)
    await expect(first.page.locator("html[data-ngoai-tuyen=co]")).to_be_attached()
    first.complaints = WithoutNetwork()
    second = await first.another_tab()
    await second.go("/bv/khai-bao")
    await opened(second)
    keys = sent_from(first.context)
    await first.context.set_offline(True)
    families = [Family(seed) for seed in (710_001, 710_002, 710_003)]
    for screen, family in zip((first, second, first), families, strict=True):
        await screen.page.bring_to_front()
        await screen.at("me-so").focus()
        await declare(screen, family)
    for screen in (first, second):
        await expect(screen.at("so-cho")).to_have_text("3 khai báo chờ gửi")
    await first.context.set_offline(False)
    for screen in (first, second):
        await expect(drafts(screen, "received")).to_have_count(3)
    assert len(keys) == len(set(keys)) == 3, "each left the device once"
    assert keys == sorted(keys), "in the order in which they were begun"
    names = await drafts(second).locator("strong").all_inner_texts()
    assert [name.partition(" – ")[0] for name in names] == [one.mother for one in reversed(families)]
    codes = [str(await line.get_attribute("data-ma")) for line in await drafts(first).all()]
    assert sorted(codes, reverse=True) == codes
    await second.check("declarations of two tabs")


async def test_a_colleague_neither_sees_nor_sends_what_another_typed(
    new_screen: NewScreen, city: City
) -> None:
    """The session of the first has ended; a second signs in on the device; the first finds everything again."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    screen.expected_status.add(401)
    screen.complaints = WithoutNetwork()
    await opened(screen)
    family, begun = Family(720_001), Family(720_002)
    await screen.context.clear_cookies()
    await declare(screen, family)
    await expect(drafts(screen, "waiting")).to_have_count(1)
    await screen.scan(begun.mother_card)
    await expect(screen.at("me-ten")).to_have_value(begun.mother)
    await expect(screen.at("da-luu")).to_contain_text("Đã lưu")
    keys = sent_from(screen.context)
    await sign_in_first_time(screen, await colleague(city))
    await opened(screen)
    await expect(screen.at("cua-dong-nghiep")).to_contain_text("Đồng nghiệp còn 2 khai báo")
    await expect(drafts(screen)).to_have_count(0)
    await expect(screen.at("me-ten")).to_have_value("")
    content = await screen.page.content()
    assert family.mother not in content
    assert begun.mother not in content
    await screen.check("a colleague's declarations")
    # A birth of the colleague's own goes out; so the outbox has had its turn, and left the others alone.
    own = Family(720_003)
    await declare(screen, own)
    await expect(drafts(screen, "received")).to_have_count(1)
    assert len(keys) == 1
    await screen.page.get_by_role("button", name="Đăng xuất").focus()
    await screen.press("Enter")
    await expect(screen.at("dang-nhap")).to_be_visible()
    await screen.sign_in(account_of(city, "hospital"), path=DECLARE)
    await expect(drafts(screen, "received")).to_have_count(1)
    await expect(drafts(screen, "received")).to_contain_text(family.mother)
    await expect(screen.at("me-ten")).to_have_value(begun.mother)
    assert len(keys) == 2
    assert own.mother not in await screen.page.content()


async def colleague(city: City) -> tuple[str, str]:
    """Login and one-time password of a second officer of the hospital."""
    agency = next(one for one in Catalogue.load("catalogue").agencies() if one.facility_code == "93016")
    login = "ho-sinh-02"
    body = {"login": login, "name": "Phạm Thị Út", "roles": ["hospital"], "agency": agency.code}
    async with Official(OPERATOR, city.urls, city.keys) as operator:
        made = await operator.post_json("identity", "/accounts", body)
    return login, str(made["one_time_password"])


async def sign_in_first_time(screen: Screen, account: tuple[str, str]) -> None:
    """With the one-time password, which is replaced at once."""
    login, password = account
    await screen.go(DECLARE)
    await screen.at("ten").fill(login)
    await screen.at("mat-khau").fill(password)
    await screen.press("Enter")
    await screen.at("cu").fill(password)
    await screen.at("moi-mat-khau").fill(PASSWORD)
    await screen.press("Enter")


async def test_what_was_received_is_wiped_from_the_device_after_a_day(new_screen: NewScreen) -> None:
    """What was typed goes at once, the line in the list a day later; the desk has locked itself long before."""
    screen: Screen = await new_screen("hospital")
    screen.expected_status.add(401)
    await screen.page.clock.install()
    await screen.go("/bv/khai-bao")
    await opened(screen)
    family = Family(730_001)
    await declare(screen, family)
    await expect(drafts(screen, "received")).to_have_count(1)
    kept = await screen.page.evaluate(KEPT)
    assert [one["fields"] for one in kept] == [{}]
    await screen.page.clock.fast_forward(DAY_MS - 60_000)
    await expect(screen.at("khoa-man")).to_be_visible()
    assert len(await screen.page.evaluate(KEPT)) == 1
    await screen.page.clock.run_for(70_000)
    await screen.page.wait_for_function(f"({KEPT})().then((kept) => kept.length === 0)")


async def test_a_network_that_answers_nothing_is_waited_for_a_moment_only(new_screen: NewScreen) -> None:
    """What is missing is said although the city does not answer; what was typed meanwhile is no error, nor sent."""
    screen: Screen = await new_screen("hospital")
    await screen.page.clock.install()
    await screen.go("/bv/khai-bao")
    await opened(screen)
    keys = sent_from(screen.context)
    family = Family(750_001)
    await fill_all_but_the_certificate(screen, family)
    # Nothing comes back, as behind an access point that has lost its line.
    await screen.page.route("**/bv/phien", lambda _: None)
    await screen.page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    await screen.at("me-ten").fill("")
    await send_unanswered(screen)
    await screen.at("me-ten").fill(family.mother)
    await screen.page.clock.run_for(ALSO_MS)
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await expect(screen.at("gcs-so")).to_have_attribute("aria-invalid", "true")
    await expect(screen.page.locator(".field.wrong")).to_have_count(1)
    await send_unanswered(screen)
    await screen.at("gcs-so").fill(family.certificate)
    await screen.page.clock.run_for(SAVE_MS)
    saved = f"kept.some((one) => one.fields['gcs-so'] === '{family.certificate}')"
    await screen.page.wait_for_function(f"({KEPT})().then((kept) => {saved})")
    await screen.page.clock.run_for(ALSO_MS)
    await expect(screen.at("da-luu")).to_have_text("Đã đủ thông tin. Hãy bấm Gửi lần nữa.")
    await expect(screen.at("tom-tat-loi")).to_have_count(0)
    assert keys == []
    await screen.page.unroute("**/bv/phien")
    await screen.press("Control+Enter")
    await expect(drafts(screen, "received")).to_have_count(1)
    assert len(keys) == 1


async def fill_all_but_the_certificate(screen: Screen, family: Family) -> None:
    """All that the page asks for but the number of the certificate."""
    await screen.scan(family.mother_card)
    await expect(screen.at("me-ten")).to_have_value(family.mother)
    await screen.page.locator("#gioi-tinh input").first.check()
    await screen.at("can-nang").fill("3100")
    await screen.at("do-de").fill("Lê Thị Hoa")
    await screen.at("doi-chieu").check()


async def send_unanswered(screen: Screen) -> None:
    """Send, and wait until the page asks whose session it is."""
    async with screen.page.expect_request("**/bv/phien"):
        await screen.press("Control+Enter")


async def test_the_slip_of_an_unsent_birth_says_what_it_is_not(new_screen: NewScreen) -> None:
    """Printed without a network on one A5: hospital, ward, bed, the device's time, and that it is no certificate."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    await expect(screen.page.locator("html[data-ngoai-tuyen=co]")).to_be_attached()
    screen.complaints = WithoutNetwork()
    await screen.context.set_offline(True)
    await screen.page.reload()
    await opened(screen)
    family = Family(740_001)
    await declare(screen, family)
    # The dialog of printing is the browser's own; here the page is taken as it would go to the printer.
    await screen.page.evaluate("window.print = () => {}")
    await screen.page.get_by_test_id("print-khai-bao").focus()
    await screen.press("Enter")
    printed = await screen.page.pdf(prefer_css_page_size=True)
    paper = pypdf.PdfReader(io.BytesIO(printed))
    assert len(paper.pages) == 1
    width, height = (float(one) / 72 * 25.4 for one in paper.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (148, 210)
    # The browser places each marked letter by itself, and the reader takes that for spaces.
    words = "".join(paper.pages[0].extract_text().split())
    for told in (
        "Bệnh viện đa khoa khu vực Ngã Bảy",
        "Khoa Phụ sản",
        "Phiếu đã ghi nhận, chờ gửi",
        "KHÔNG phải giấy khai sinh",
        "Phòng 3, giường 12",
        family.mother,
        family.certificate,
    ):
        assert "".join(told.split()) in words
    assert "Hộpgửi" not in words
