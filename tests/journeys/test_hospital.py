"""J6, J7 and J8: a birth declared at the desk, also without a network, and its papers handed over at the bed."""

import time

import pytest
from playwright.async_api import expect

from deploy.local.city import City
from tests.journeys.conftest import Heard, NewScreen, account_of
from tests.journeys.midwife import (
    DECLARE,
    Family,
    WithoutNetwork,
    card_of,
    declare,
    drafts,
    mojibake,
    opened,
)
from tests.journeys.screen import Screen
from tests.pipeline.papers import birth_body, of_the_ward
from tests.pipeline.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A machine five times slower than the one the budget was measured on.
SLOWER = 5


async def test_a_commune_is_offered_without_accents(new_screen: NewScreen) -> None:
    """The best fit is marked and taken with Enter; what is typed over it is a commune no more."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    box, code = screen.at("cu-tru-xa-ten"), screen.page.locator("[name=cu-tru-xa]")
    await box.focus()
    await screen.type("phuong nga bay")
    await expect(screen.page.locator("#cu-tru-xa-ds [aria-selected=true]")).to_contain_text("Ngã Bảy")
    await screen.check("communes that fit")
    await screen.press("Enter")
    await expect(code).to_have_value("31340")
    await expect(box).to_have_attribute("aria-expanded", "false")
    await screen.type("x")
    await expect(code).to_have_value("")


async def test_a_birth_is_declared_in_eleven_steps(new_screen: NewScreen, heard: Heard) -> None:
    """J6: scan, type, scan, send; the code is there in seconds, and the dossier is on its way."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    await screen.check("an empty declaration", picture="hospital-declaration")
    begun = time.monotonic()
    await declare(screen, Family(600_001))
    await expect(drafts(screen, "received")).to_have_count(1)
    assert time.monotonic() - begun < 4 * SLOWER
    await expect(drafts(screen)).to_contain_text("đã nhận")
    assert await drafts(screen).get_attribute("data-ma")
    await heard.until("intake.dossier-accepted.v1")
    await expect(screen.at("me-so")).to_be_focused()
    await expect(screen.at("me-ten")).to_have_value("")
    await screen.check("a declaration that was received")


async def test_what_is_missing_is_said_at_once(new_screen: NewScreen) -> None:
    """Nothing leaves the device; the summary has the focus and leads to the fields."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("a declaration with errors", picture="hospital-declaration-errors")
    await screen.press("Tab", "Enter")
    await expect(screen.at("me-so")).to_be_focused()
    await expect(drafts(screen)).to_have_count(0)


async def test_a_name_typed_without_capitals_gets_them_once(new_screen: NewScreen) -> None:
    """On leaving the box; who types it so again means it."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    for shown in ("Đỗ Thị H'linh", "đỗ thị h'linh"):
        await screen.at("me-ten").focus()
        await screen.press("Control+a")
        await screen.type("đỗ thị h'linh")
        await screen.press("Enter")
        await expect(screen.at("me-ngay-sinh")).to_be_focused()
        await expect(screen.at("me-ten")).to_have_value(shown)


async def test_enter_goes_on_whatever_is_held_with_it(new_screen: NewScreen) -> None:
    """A name in capitals, typed with Shift held to the end, sends nothing, and is no wrong declaration."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    for chord in ("Shift+Enter", "Alt+Enter", "Enter"):
        await screen.at("me-ten").fill("NGUYỄN THỊ BÉ")
        await screen.press(chord)
        await expect(screen.at("me-ngay-sinh")).to_be_focused()
        await expect(screen.at("tom-tat-loi")).to_have_count(0)
    await expect(screen.at("da-luu")).to_contain_text("Đã lưu")


async def test_what_cannot_be_is_said_before_the_mother_has_gone(new_screen: NewScreen) -> None:
    """The page judges day, time, weight and numbers by itself; what is typed replaces the hour that stood there."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    await screen.at("ngay-sinh").focus()
    await screen.press("Enter")
    await screen.type("25:75")
    await expect(screen.at("gio-sinh")).to_have_value("25:75")
    typed = {"me-so": "123", "me-dien-thoai": "12", "ngay-sinh": "31/02/2026", "can-nang": "31000"}
    for name, text in typed.items():
        await screen.at(name).fill(text)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    for name in (*typed, "gio-sinh"):
        await expect(screen.at(name)).to_have_attribute("aria-invalid", "true")
    await expect(drafts(screen)).to_have_count(0)


async def test_what_only_the_city_knows_is_said_in_the_same_round(new_screen: NewScreen) -> None:
    """With a network: a number of a province there is not, and a commune nobody chose, beside what is missing."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    typed = {
        "me-so": "999195001234",
        "me-ten": "Trần Thị Bé",
        "me-ngay-sinh": "02/09/1995",
        "cu-tru": "Ấp 3, nơi không ai biết",
        "gcs-ngay": "01/01/2020",
    }
    for name, text in typed.items():
        await screen.at(name).fill(text)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    for name in ("me-so", "cu-tru-xa-ten", "gcs-ngay", "gcs-so", "do-de"):
        await expect(screen.page.locator(".field.wrong", has=screen.at(name))).to_be_visible()
    await screen.check("a declaration with errors only the city knows")
    await expect(drafts(screen)).to_have_count(0)


async def test_births_declared_without_a_network_arrive_once_and_in_order(
    new_screen: NewScreen, city: City
) -> None:
    """J7: three declarations offline, a reload without a server, then the network and a reload in mid-flight."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    await expect(screen.page.locator("html[data-ngoai-tuyen=co]")).to_be_attached()
    screen.complaints = WithoutNetwork()
    await screen.context.set_offline(True)
    families = [Family(seed) for seed in (700_001, 700_002, 700_003)]
    for number, family in enumerate(families, start=1):
        await declare(screen, family)
        await expect(screen.at("so-cho")).to_have_text(f"{number} khai báo chờ gửi")
    await screen.page.reload()
    await opened(screen)
    await expect(screen.at("so-cho")).to_have_text("3 khai báo chờ gửi")
    await expect(screen.page.locator("[data-ket-noi=mat]")).to_be_visible()
    await screen.check("declarations that wait", picture="hospital-offline")
    await screen.context.set_offline(False)
    await screen.page.reload()
    await opened(screen)
    await expect(drafts(screen, "received")).to_have_count(3)
    codes = [await line.get_attribute("data-ma") for line in await drafts(screen).all()]
    assert len(set(codes)) == 3
    assert sorted(codes, reverse=True) == codes, "the newest declaration is on top and has the highest number"
    names = await drafts(screen).locator("strong").all_inner_texts()
    assert [name.partition(" – ")[0] for name in names] == [family.mother for family in reversed(families)]


async def test_twins_share_what_is_the_mothers(new_screen: NewScreen) -> None:
    """Adding a child keeps mother, father and time; both go out together, first and second of two."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    family = Family(610_001)
    await declare(screen, family, send="Shift+F4")
    await expect(screen.at("thu-tu-be")).to_have_text("thứ 2 của lần sinh này")
    await expect(screen.at("me-ten")).to_have_value(family.mother)
    await expect(screen.at("cha-ten")).to_have_value(family.father)
    await expect(screen.at("be-ten")).to_have_value("")
    await expect(screen.at("gio-sinh")).to_be_focused()
    await screen.press("Enter", "1", "Enter")
    await screen.type("2900")
    await screen.at("gcs-so").focus()
    await screen.type("61002")
    await screen.press("Control+Enter")
    await expect(drafts(screen, "received")).to_have_count(2)


async def test_a_birth_that_is_known_leads_to_its_dossier(new_screen: NewScreen) -> None:
    """The same certificate again is refused, and the officer is led to what there is."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    screen.expected_status.add(409)
    await opened(screen)
    family = Family(620_001)
    await declare(screen, family)
    await expect(drafts(screen, "received")).to_have_count(1)
    await declare(screen, family)
    await expect(drafts(screen, "error")).to_have_count(1)
    await expect(drafts(screen, "error")).to_contain_text("Việc sinh này đã có hồ sơ")
    await expect(drafts(screen, "error").locator(".tag")).to_have_text("đã có hồ sơ")
    await expect(drafts(screen, "error").get_by_test_id("again-khai-bao")).to_have_count(0)
    await screen.check("a declaration that is known")
    await drafts(screen, "error").get_by_test_id("mo-ho-so").focus()
    await screen.press("Enter")
    await expect(screen.at("ma-ho-so")).to_be_visible()


async def test_a_session_that_ended_keeps_what_was_typed(new_screen: NewScreen, city: City) -> None:
    """Signed out elsewhere: the declaration stays, is sent after signing in, and nobody else sends or sees it."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    screen.expected_status.add(401)
    screen.complaints = WithoutNetwork()
    await opened(screen)
    await screen.context.clear_cookies()
    await declare(screen, Family(630_001))
    await expect(screen.at("dang-nhap-lai")).to_be_visible()
    await expect(drafts(screen, "waiting")).to_have_count(1)
    await screen.sign_in(account_of(city, "hospital"), path=DECLARE)
    await expect(drafts(screen, "received")).to_have_count(1)


async def test_a_quick_hand_is_no_scanner(new_screen: NewScreen) -> None:
    """A name begun slowly and ended as fast as a scanner stays whole, and Enter goes on; a card still fills in."""
    screen: Screen = await new_screen("hospital", path=DECLARE)
    await opened(screen)
    await screen.at("me-ten").focus()
    await screen.type("Nguyễn T")
    await screen.scan("hị Hồng Nhung")
    await expect(screen.at("me-ten")).to_have_value("Nguyễn Thị Hồng Nhung")
    await expect(screen.at("me-ngay-sinh")).to_be_focused()
    family = Family(635_001)
    await screen.scan(family.mother_card)
    await expect(screen.at("me-ten")).to_have_value(family.mother)


async def test_a_desk_left_alone_locks_itself(new_screen: NewScreen) -> None:
    """After five idle minutes nothing of the birth is on the screen, and the session has ended; the draft is kept."""
    screen: Screen = await new_screen("hospital")
    screen.expected_status.add(401)
    await screen.page.clock.install()
    await screen.go("/bv/khai-bao")
    await opened(screen)
    family = Family(640_001)
    await screen.scan(family.mother_card)
    await expect(screen.at("me-ten")).to_have_value(family.mother)
    await screen.page.clock.run_for(5 * 60 * 1000 + 6000)
    await expect(screen.at("khoa-man")).to_be_visible()
    await expect(screen.at("me-ten")).to_have_value("")
    await screen.check("a locked desk")
    await screen.press("Enter")
    await expect(screen.at("ten")).to_be_visible()


async def test_papers_are_handed_over_at_the_bed(new_screen: NewScreen, heard: Heard, town: Town) -> None:
    """J8: lamps change by themselves, the mother's card opens the bed, she signs, both papers are hers."""
    screen: Screen = await new_screen("hospital", path="/dang-nhap?tiep=/bv")
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    dossier = (await town.declare(body))["dossier_id"]
    card = screen.page.locator(f"[data-ho-so='{dossier}']")
    await expect(card).to_contain_text("Khai sinh: đang làm")
    await screen.check("the ward")
    await screen.press("F1")
    for keys, act in (
        ("F4", "Khai báo sinh"),
        ("↓ ↑ → ←", "Chuyển giữa các giường"),
        ("Enter", "Trong ô quét: tìm"),
    ):
        told = screen.page.locator("dialog dt", has=screen.page.get_by_text(keys.split()[-1], exact=True))
        await expect(told.locator("xpath=following-sibling::dd[1]").filter(has_text=act)).to_be_visible()
    await screen.check("the keys of the ward")
    await screen.press("Escape")
    await town.settle(dossier)
    for _ in ("birth_certificate", "insurance_card"):
        await heard.until("results.result-issued.v1", dossier)
    await town.until_result(dossier, "insurance_card")
    shown = time.monotonic()
    await expect(card).to_contain_text("BHYT: đã cấp, đang chuyển về")
    assert time.monotonic() - shown < 2 * SLOWER
    await expect(card).to_contain_text("Thường trú: có bản điện tử")
    await screen.check("the ward with papers on their way", picture="hospital-ward")
    await card.get_by_role("link").focus()
    await screen.press("Enter")
    await screen.at("nhan-ve").focus()
    await screen.press("Enter")
    await expect(screen.at("trao-ket-qua")).to_be_visible()
    await screen.check("papers that are ready", picture="hospital-hand-over")
    screen.expected_status.add(422)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("a hand-over with errors")
    await screen.go("/bv")
    await opened(screen)
    await screen.scan(card_of(body["mother"]))
    await expect(screen.at("doi-chieu-the")).to_contain_text("Mẹ")
    await expect(screen.at("ky-giay")).to_be_focused()
    await screen.press("Space", "Control+Enter")
    await expect(screen.at("da-trao")).to_be_focused()
    await expect(screen.at("da-trao").get_by_role("listitem")).to_have_count(2)
    await heard.until("results.result-handed-over.v1", dossier)
    receipt = await screen.page.request.get(
        screen.url + str(await screen.at("in-bien-nhan").get_attribute("href"))
    )
    assert (receipt.status, (await receipt.body())[:5]) == (200, b"%PDF-")
    letter = await screen.page.request.get(screen.url + str(await screen.at("in-thu").get_attribute("href")))
    assert (letter.status, (await letter.body())[:5]) == (200, b"%PDF-")
    await expect(screen.page.locator("iframe.print-frame")).to_have_count(1)
    await screen.check("papers that were handed over")


async def test_a_card_that_differs_needs_a_reason_and_a_paper(new_screen: NewScreen, town: Town) -> None:
    """A number the dossier does not know: a warning; the officer answers for it, and it is on record."""
    screen: Screen = await new_screen("hospital")
    screen.expected_status.add(422)
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    dossier = (await town.declare(body))["dossier_id"]
    await town.complete(dossier, "register_birth")
    result = (await town.until_result(dossier, "birth_certificate"))["id"]
    await town.post("hospital", "results", f"/results/{result}/arrive", {})
    await screen.go(f"/bv/ho-so/{dossier}")
    await opened(screen)
    name = body["mother"]["name"]
    await screen.scan(mojibake(f"092195009999||{name}|12041995|Nữ|Cần Thơ|01022022"))
    await expect(screen.at("doi-chieu-the")).to_contain_text("không khớp")
    await screen.check("a card that differs")
    await screen.at("quan-he").select_option("mother")
    await screen.at("ky-giay").check()
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.at("ly-do").select_option("document-renewed")
    await screen.at("giay-chung-minh").fill("Xác nhận số định danh 12/CAP")
    await screen.at("ky-giay").focus()
    await screen.press("Control+Enter")
    await expect(screen.at("da-trao")).to_be_visible()
