"""What /dev shows to everybody, and what only to a partner's own people."""

import pytest
from playwright.async_api import expect

from deploy.local.city import City
from deploy.local.partners import ALL_PARTNER, HOSPITAL_PARTNER
from tests.journeys.conftest import NewScreen, account_of
from tests.journeys.screen import WAIT_MS, Screen
from tests.journeys.webhooks import NOBODY_THERE, delete_webhook

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


async def test_what_is_said_is_for_everybody_and_what_is_a_partner_s_own_for_its_persons(
    new_screen: NewScreen,
) -> None:
    """Public pages without signing in, as one types and on a phone; neither staff nor strangers get further."""
    stranger: Screen = await new_screen(phone=True)
    await stranger.go("/dev/su-kien")
    await expect(stranger.at("loai-su-kien")).to_have_count(35)
    await stranger.at("tim").focus()
    await stranger.type("thu hồi")
    await expect(stranger.page.locator("[data-testid=loai-su-kien]:visible")).to_have_count(1)
    await stranger.check("the catalogue, looked through", picture="event-catalogue")
    await stranger.press("Enter")
    await expect(stranger.at("loai-su-kien")).to_have_count(1)
    await stranger.at("loai-su-kien").press("Enter")
    await stranger.sees("Chưa quyết định")
    await expect(stranger.at("cac-truong")).to_contain_text("result_id")
    await expect(stranger.at("ngoai-hanh-trinh")).to_be_visible()
    await stranger.check("an event")
    for path, words in (
        ("/dev/noi", "Làm xong bước"),
        ("/dev/noi/partner.birth-declared.v1", "Thành phố phát sự kiện"),
        ("/dev/api", "/oauth/token"),
        ("/dev/asyncapi", "intake.dossier-received.v1"),
        ("/dev/mau", "compare_digest"),
    ):
        await stranger.go(path)
        await stranger.sees(words)
        await stranger.check(path)
    for path in ("/dev/khoa", "/dev/webhook", "/dev/nhat-ky", "/dev/thu", "/dev/dong-su-kien"):
        await stranger.go(path)
        await expect(stranger.at("dang-nhap")).to_be_visible()
    staff: Screen = await new_screen("counter")
    staff.expected_status.add(403)
    await staff.go("/dev/khoa")
    await staff.sees("không có quyền")
    await staff.go("/dev/su-kien")
    await staff.sees("Danh mục sự kiện")


async def test_a_person_of_a_partner_tends_its_keys_and_nothing_of_the_city_s(
    new_screen: NewScreen, city: City
) -> None:
    """A key is added and ended, a private one refused; no page of staff opens; what happens is seen as it is said."""
    screen: Screen = await new_screen(ALL_PARTNER, path="/dang-nhap")
    assert screen.page.url == f"{screen.url}/dev"
    screen.expected_status |= {403, 409, 422}
    for path in ("/quay", "/bv", "/viec/cua-toi", "/thiet-bi/danh-sach"):
        await screen.go(path)
        await screen.sees("không có quyền")
    await screen.go("/tai-khoan")
    await expect(screen.page.get_by_text(ALL_PARTNER, exact=True)).to_be_visible()
    await screen.go("/dev/khoa")
    await expect(screen.at("cac-khoa")).to_contain_text("Khóa duy nhất: hãy thêm khóa khác trước")
    await expect(screen.at("cac-khoa").locator("form")).to_have_count(0)
    # From a page that was open while the other keys ended.
    await screen.at("them-khoa").evaluate("form => { form.action = '/dev/khoa/thu-1/thoi'; form.submit(); }")
    await expect(screen.at("tom-tat-loi")).to_contain_text("Đây là khóa duy nhất còn dùng được")
    await screen.push("them")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    private = (
        '{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "d": "AAAA"}'
    )
    await screen.at("khoa-cong-khai").fill(private)
    await screen.push("them")
    await expect(screen.at("tom-tat-loi")).to_contain_text("Chỉ nhận khóa công khai")
    await expect(screen.at("tom-tat-loi")).to_contain_text("không được dùng khóa này nữa")
    await expect(screen.at("khoa-cong-khai")).to_have_value("")
    await screen.go("/dev/khoa")
    await screen.push("them")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.go("/dev")
    await screen.page.go_back()
    await expect(screen.at("cac-khoa")).to_be_visible()
    await screen.at("khoa-cong-khai").fill(private.replace(', "d": "AAAA"', ""))
    await screen.at("ma-khoa").fill("k-2")
    await screen.push("them")
    await expect(screen.at("da-xong")).to_be_focused()
    await screen.check("two keys")
    await screen.at("khoa-k-2").locator("summary").press("Enter")
    await screen.push("thoi-k-2")
    await expect(screen.at("da-xong")).to_contain_text("Đã ngừng dùng")
    await expect(screen.at("cac-khoa")).not_to_contain_text("k-2")
    await screen.go("/dev/nhat-ky")
    await expect(screen.at("viec-da-lam")).to_contain_text("Ngừng dùng khóa")
    await screen.check("the audit")
    await screen.go("/dev/thu")
    await expect(screen.at("khong-khai-sinh")).to_be_visible()
    await watch_what_is_said(screen, await new_screen(HOSPITAL_PARTNER, path="/dang-nhap?tiep=/dev/thu"))


async def test_what_a_button_means_outlives_the_session(new_screen: NewScreen, city: City) -> None:
    """Pausing a webhook after the session has ended: whoever signs in again pauses it, and is asked for no settings."""
    screen: Screen = await new_screen(HOSPITAL_PARTNER, path="/dang-nhap?tiep=/dev/webhook")
    screen.expected_status.add(401)
    await screen.at("dia-chi").fill(NOBODY_THERE)
    await screen.push("them")
    await expect(screen.at("bi-mat")).to_be_visible()
    await screen.go("/dev/webhook")
    await screen.at("webhook").filter(has_text=NOBODY_THERE).get_by_role("link").press("Enter")
    await expect(screen.at("tam-dung")).to_be_visible()
    await screen.context.clear_cookies()
    await screen.push("tam-dung")
    await screen.sees("Phiên làm việc đã hết hạn")
    await screen.identify(account_of(city, HOSPITAL_PARTNER))
    await screen.push("gui-tiep")
    await expect(screen.at("da-xong")).to_contain_text("Đã tạm dừng webhook")
    await expect(screen.at("bat")).to_be_visible()
    await delete_webhook(screen, NOBODY_THERE)


async def watch_what_is_said(screen: Screen, hospital: Screen) -> None:
    """Somebody else's birth shows at once; a page that is paused keeps what comes until it goes on."""
    await screen.go("/dev/dong-su-kien")
    await expect(screen.at("tinh-trang-dong")).to_have_text("Đang nghe.")
    await hospital.push("tao-ca-sinh")
    await expect(screen.at("su-kien").first).to_be_visible(timeout=WAIT_MS)
    await screen.check("the live tail")
    await expect(hospital.at("su-kien").first).to_be_visible(timeout=WAIT_MS)
    await screen.push("tam-dung")
    before = await screen.at("su-kien").count()
    await hospital.push("tao-ca-sinh")
    await expect(screen.at("tinh-trang-dong")).to_contain_text("sự kiện mới", timeout=WAIT_MS)
    assert await screen.at("su-kien").count() == before
    await screen.push("tam-dung")
    await expect(screen.at("su-kien").nth(before)).to_be_visible()
