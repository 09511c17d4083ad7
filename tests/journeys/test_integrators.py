"""Integrators: from nothing to a verified webhook by following the page, and a receiver that fails and is mended."""

import time
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import expect
from standardwebhooks import Webhook, WebhookVerificationError

from deploy.local.city import City
from deploy.local.partners import HOSPITAL_PARTNER
from mot_cua import webhooks
from services.portal.developers.webhooks import TEST_TYPE
from tests.fixtures.receiver import Received, Receiver, receiver
from tests.journeys.conftest import NewScreen, account_of
from tests.journeys.screen import WAIT_MS, Screen
from tests.journeys.webhooks import NOBODY_THERE, delete_webhook

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]
# Of interface (e), J16: a person needs five minutes at most; the machine follows the same steps.
FIVE_MINUTES = 300
BROKEN = 500


class Program:
    """What an integrator has written: verifies what comes, and does something once for each event."""

    def __init__(self) -> None:
        self.secret = ""
        self.status = 0
        self.effects: dict[UUID, str] = {}
        self.refused: list[str] = []

    def answer(self, request: Received) -> int:
        """`status` where there is one, 401 for what is not signed by its secret, else 204."""
        if self.status:
            return self.status
        try:
            Webhook(self.secret).verify(request.body, request.headers)
        except WebhookVerificationError as error:
            self.refused.append(str(error))
            return 401
        event = webhooks.verify(request.headers, request.body, self.secret)
        self.effects[UUID(event.id)] = event.type
        return 204


async def add_webhook(screen: Screen, url: str) -> str:
    """Add one with the keyboard; its secret, as the page shows it once."""
    await screen.at("dia-chi").focus()
    await screen.type(url)
    await screen.press("Tab", "Tab", "Tab", "Enter")
    await expect(screen.at("bi-mat")).to_be_visible()
    return (await screen.at("bi-mat").inner_text()).strip()


async def test_from_nothing_to_a_verified_webhook(new_screen: NewScreen, city: City) -> None:
    """The page's own steps: sign in, add a webhook, copy its secret, send a test event, see it delivered."""
    screen: Screen = await new_screen()
    began = time.monotonic()
    await screen.go("/dev")
    await screen.sees("Môi trường thử")
    await screen.check("the way, before signing in")
    await screen.at("buoc-1").get_by_role("link").focus()
    await screen.press("Enter")
    await expect(screen.at("ten")).to_be_focused()
    await screen.sign_in(account_of(city, HOSPITAL_PARTNER), path="/dang-nhap?tiep=/dev")
    await expect(screen.at("doi-tac")).to_contain_text(HOSPITAL_PARTNER)
    await expect(screen.at("buoc-1")).to_contain_text("Đã xong")
    await expect(screen.at("buoc-3")).to_contain_text("Chưa làm")
    await screen.check("the way, signed in", picture="developers")
    program = Program()
    async with receiver(program.answer) as listening:
        await screen.at("buoc-3").get_by_role("link").focus()
        await screen.press("Enter")
        await expect(screen.at("them-webhook")).to_be_visible()
        await screen.check("no webhook yet")
        program.secret = await add_webhook(screen, listening.url)
        await screen.check("a secret, shown once")
        await screen.push("gui-thu")
        await expect(screen.at("tinh-trang")).to_contain_text("Đã nhận")
        await expect(screen.at("lan-thu")).to_contain_text("204")
        assert time.monotonic() - began < FIVE_MINUTES
        assert program.refused == []
        assert list(program.effects.values()) == [TEST_TYPE]
        assert listening.requests[0].event["test"] is True
        await screen.check("a test event that was delivered")
        await screen.go("/dev")
        await expect(screen.at("buoc-3")).to_contain_text("Đã xong")
        await expect(screen.at("buoc-5")).to_contain_text("Đã xong")
        await check_signature_in_the_browser(screen, program, listening.requests[0])
        await delete_webhook(screen, listening.url)


async def check_signature_in_the_browser(screen: Screen, program: Program, request: Received) -> None:
    """The checker takes what came, names what is wrong with what was changed, and sends nothing anywhere."""
    await screen.go("/dev/kiem-chu-ky")
    asked: list[str] = []
    screen.page.on("request", lambda sent: asked.append(sent.url))
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    await screen.at("bi-mat").fill(program.secret)
    await screen.at("tieu-de").fill("\n".join(f"{name}: {request.headers[name]}" for name in names))
    for body, code in ((request.body, "verified"), (request.body + b"\n", "body-differs")):
        await screen.at("noi-dung-thu").fill(body.decode())
        await screen.push("kiem")
        await expect(screen.at("ket-luan")).to_have_attribute("data-code", code)
        await expect(screen.at("ket-luan")).to_be_focused()
    await screen.check("a signature that does not fit")
    assert [url for url in asked if "/static/" not in url] == []


async def test_a_receiver_that_fails_is_mended_and_gets_everything_once(
    new_screen: NewScreen, city: City
) -> None:
    """J16: it answers 500 twice, the page shows with what words; mended, all is recovered under the same ids."""
    screen: Screen = await new_screen(HOSPITAL_PARTNER, path="/dang-nhap?tiep=/dev/webhook")
    program = Program()
    program.status = BROKEN
    async with receiver(program.answer) as listening:
        program.secret = await add_webhook(screen, listening.url)
        await screen.push("den-webhook")
        await expect(screen.at("cai-dat")).to_be_visible()
        address = screen.page.url.removeprefix(screen.url)
        await make_a_birth(screen)
        while len(listening.requests) < 2:
            await screen.page.wait_for_timeout(200)
        failed = listening.requests[0].id
        assert {request.id for request in listening.requests} == {failed}
        await until(screen, address, "Lỗi, sẽ gửi lại")
        await screen.check("a webhook that fails", picture="webhook")
        first = screen.at("lan-gui").filter(has=screen.at("hong-dau-tien"))
        await expect(first).to_have_attribute("data-event", str(failed))
        await first.get_by_role("link").press("Enter")
        await expect(screen.at("lan-thu").first).to_contain_text("500")
        await expect(screen.at("lan-thu").first).to_contain_text("lỗi đầu tiên")
        await expect(screen.at("tra-loi").first).to_contain_text("because")
        await see_what_is_wrong(screen, failed)
        await see_what_waits_behind_it(screen, address, failed)
        program.status = 0
        await screen.go(f"{address}#gui-lai")
        await screen.push("gui-lai")
        await expect(screen.at("tien-do")).to_contain_text("đã thử xong", timeout=WAIT_MS)
        # Without loading the page anew: what was tried again is among what was sent, and holds nothing up.
        recovered = screen.page.locator(f"[data-testid=lan-gui][data-event='{failed}']")
        await expect(recovered).to_contain_text("Đã nhận")
        await expect(screen.at("dang-vuong")).to_have_count(0)
        await expect(screen.at("tinh-trang")).to_have_text("Đang gửi")
        await screen.check("a recovery that is done")
        await every_event_has_come(screen, program, listening, address)
        await rotate(screen, program, listening, address)
        await delete_webhook(screen, listening.url)


async def test_a_webhook_that_was_given_up_is_seen_at_once(new_screen: NewScreen, city: City) -> None:
    """At /dev and in the list: which, since when and what to do; enabled again it is gone from there."""
    screen: Screen = await new_screen(HOSPITAL_PARTNER, path="/dang-nhap?tiep=/dev/webhook")
    program = Program()
    program.status = 410
    async with receiver(program.answer) as listening:
        program.secret = await add_webhook(screen, listening.url)
        await make_a_birth(screen)
        await until(screen, "/dev/webhook", "1 webhook không nhận được sự kiện", at="webhook-hong")
        for path in ("/dev/webhook", "/dev"):
            await screen.go(path)
            named = screen.at("webhook-hong")
            await expect(named).to_contain_text(listening.url)
            await expect(named).to_contain_text("Từ ")
            await expect(named).to_contain_text("hãy sửa rồi bấm Bật lại")
            await screen.check("a webhook that was given up")
        program.status = 0
        await named.get_by_role("link").press("Enter")
        await screen.push("bat")
        await expect(screen.at("da-xong")).to_contain_text("Đã bật webhook")
        await screen.go("/dev")
        await expect(screen.at("webhook-hong")).to_have_count(0)
        await delete_webhook(screen, listening.url)


async def test_a_refused_form_leaves_no_page_that_back_cannot_show(new_screen: NewScreen, city: City) -> None:
    """An address that is none, then a right one that nobody listens at: one notice says how the test event went."""
    screen: Screen = await new_screen(HOSPITAL_PARTNER, path="/dang-nhap?tiep=/dev/webhook")
    screen.expected_status.add(422)
    await screen.at("mo-ta").fill("Máy thử")
    await screen.at("dia-chi").fill("không phải địa chỉ")
    await screen.push("them")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await expect(screen.page).to_have_title("Lỗi: Webhook – Một Cửa")
    await expect(screen.at("mo-ta")).to_have_value("Máy thử")
    await screen.check("an address that is none")
    await screen.at("dia-chi").fill(NOBODY_THERE)
    await screen.push("them")
    await expect(screen.at("da-xong")).to_be_focused()
    await screen.push("gui-thu")
    await expect(screen.at("tinh-trang")).to_have_text("Không được nhận Sự kiện thử: không kết nối được.")
    await expect(screen.at("tinh-trang")).to_be_focused()
    await expect(screen.page.get_by_role("status")).to_have_count(1)
    await screen.check("a test event that nobody took")
    await screen.page.go_back()
    await expect(screen.page.get_by_role("heading", level=1)).to_be_visible()
    await screen.go("/dev/webhook")
    await screen.at("webhook").filter(has_text=NOBODY_THERE).get_by_role("link").press("Enter")
    await expect(screen.at("mo-ta-webhook")).to_have_text("Máy thử")
    await screen.at("dia-chi").fill("cũng không")
    await screen.push("luu")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.at("dia-chi").fill(f"{NOBODY_THERE}/2")
    await screen.push("luu")
    await expect(screen.at("da-xong")).to_have_text("Đã lưu.")
    await screen.page.go_back()
    await expect(screen.at("cai-dat")).to_be_visible()
    await send_again_what_is_gone(screen, f"{NOBODY_THERE}/2")


async def send_again_what_is_gone(screen: Screen, url: str) -> None:
    """The webhook was deleted in another tab meanwhile: that is said, and Back from elsewhere says it again."""
    screen.expected_status.add(404)
    await screen.at("lan-gui").first.get_by_role("link").press("Enter")
    await expect(screen.at("gui-lai-mot")).to_be_visible()
    await delete_webhook(await screen.another_tab(), url)
    await screen.push("gui-lai-mot")
    await expect(screen.page.get_by_role("heading", level=1)).to_contain_text("Không tìm thấy")
    await expect(screen.page.get_by_role("main")).to_be_focused()
    await screen.go("/dev")
    await screen.page.go_back()
    await expect(screen.page.get_by_role("heading", level=1)).to_contain_text("Không tìm thấy")


async def see_what_is_wrong(screen: Screen, failed: UUID) -> None:
    """Request and answer beside each other, what to look at first; on to what the event means, and to its dossier's."""
    address = screen.page.url.removeprefix(screen.url)
    await expect(screen.at("nen-xem")).to_contain_text("Lỗi ở chương trình nhận")
    await expect(screen.at("tieu-de-da-gui")).to_contain_text("POST http")
    await expect(screen.at("da-gui")).to_contain_text(str(failed))
    await expect(screen.at("tra-loi-cuoi")).to_contain_text("500")
    await expect(screen.at("noi-dung-tra-loi")).to_contain_text("because")
    await screen.page.get_by_text("Tự gửi lại yêu cầu này bằng curl").press("Enter")
    await expect(screen.at("curl-lan-gui")).to_contain_text("curl -i http")
    await screen.check("a delivery that failed twice")
    await screen.at("ve-su-kien").press("Enter")
    await expect(screen.at("hanh-trinh").locator("[aria-current]")).to_contain_text("Đã nhận hồ sơ")
    await expect(screen.at("truoc-sau")).to_contain_text("Rồi đến: Đã tiếp nhận giải quyết")
    await expect(screen.at("co-doc-duoc")).to_contain_text("đọc được loại này")
    await screen.check("an event of a partner that reads it")
    await screen.go(address)
    await screen.at("cung-ho-so").press("Enter")
    await expect(screen.at("lan-gui").first).to_be_visible()
    await expect(screen.at("loai_gui").locator(f"option[value='{TEST_TYPE}']")).to_have_count(1)
    await expect(screen.page.locator("#dia-chi-goi-y")).to_contain_text(
        "trên chính máy này thì http://127.0.0.1 cũng được"
    )
    await screen.at("loai_gui").select_option("results.dossier-closed.v1")
    await screen.push("loc")
    await expect(screen.at("khong-lan-gui")).to_contain_text("Không có lần gửi nào như vậy")
    await screen.at("ho_so").fill("313.40.00.H13")
    await screen.push("loc")
    await expect(screen.at("tom-tat-loi")).to_contain_text("dạng UUID")
    await screen.check("a dossier that is none")


async def see_what_waits_behind_it(screen: Screen, address: str, failed: UUID) -> None:
    """The webhook's page leads to what holds up the rest, and so does what waits, which shows no signature."""
    await screen.go(address)
    to_failed = f"{address}/lan-gui/{failed}"
    await expect(screen.at("dang-vuong").get_by_role("link")).to_have_attribute("href", to_failed)
    await expect(screen.at("dang-vuong")).to_contain_text("trả lời 500")
    await screen.at("lan-gui").filter(has_text="Chờ gửi").first.get_by_role("link").press("Enter")
    await expect(screen.at("cho-su-kien").get_by_role("link")).to_have_attribute("href", to_failed)
    await screen.sees("Sẽ gửi")
    await expect(screen.at("tieu-de-da-gui")).to_contain_text("webhook-id")
    await expect(screen.at("tieu-de-da-gui")).not_to_contain_text("webhook-signature")
    await screen.check("a delivery that waits")


async def make_a_birth(screen: Screen) -> None:
    """A synthetic birth, and what is said of it at once."""
    await screen.go("/dev/thu")
    await screen.check("the sandbox")
    await screen.push("tao-ca-sinh")
    await expect(screen.at("su-kien").first).to_be_visible(timeout=WAIT_MS)
    for type_ in ("intake.dossier-received.v1", "intake.dossier-accepted.v1", "routing.step-assigned.v1"):
        event: Any = screen.page.locator(f"[data-testid=su-kien][data-type='{type_}']").first
        await expect(event).to_be_visible(timeout=WAIT_MS)
        await expect(event.get_by_role("link")).to_have_attribute("href", f"/dev/su-kien/{type_}")
    await screen.check("a birth that goes its way", picture="sandbox")


async def until(screen: Screen, address: str, words: str, *, at: str = "lan-gui") -> None:
    """Load the page anew until its deliveries, or what else is asked for, say so."""
    end = time.monotonic() + WAIT_MS / 1000
    while True:
        await screen.go(address)
        if await screen.at(at).filter(has_text=words).count():
            return
        assert time.monotonic() < end, words
        await screen.page.wait_for_timeout(300)


async def every_event_has_come(screen: Screen, program: Program, listening: Receiver, address: str) -> None:
    """Each once, under the id of the first try, and the page says so."""
    await until(screen, address, "Đã nhận")
    end = time.monotonic() + WAIT_MS / 1000
    while await screen.at("lan-gui").filter(has_not_text="Đã nhận").count():
        assert time.monotonic() < end
        await screen.page.wait_for_timeout(300)
        await screen.go(address)
    shown = await screen.at("lan-gui").evaluate_all("rows => rows.map((row) => row.dataset.event)")
    assert program.refused == []
    assert sorted(shown) == sorted(str(each) for each in listening.ids)
    assert len(set(listening.ids)) == len(listening.ids) == len(program.effects)
    assert listening.ids[0] == listening.requests[0].id
    assert program.effects[listening.ids[0]] == "intake.dossier-received.v1"


async def rotate(screen: Screen, program: Program, listening: Receiver, address: str) -> None:
    """During the overlap both secrets sign: the receiver may change over when it likes."""
    await screen.go(address)
    await screen.push("doi-bi-mat")
    await expect(screen.at("bi-mat")).to_be_visible()
    new = (await screen.at("bi-mat").inner_text()).strip()
    assert new != program.secret
    await screen.check("a rotated secret")
    await screen.go("/dev/webhook")
    await screen.go(address)
    await screen.push("gui-thu")
    await expect(screen.at("tinh-trang")).to_contain_text("Đã nhận")
    request = listening.requests[-1]
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (program.secret, new):
        assert webhooks.verify(request.headers, request.body, secret).id == str(request.id)
