"""At the bed: the receiver signs on the screen, the family lies elsewhere, what was asked for is handed in."""

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import expect

from tests.journeys.conftest import Heard, NewScreen
from tests.journeys.midwife import card_of, opened
from tests.journeys.screen import Screen
from tests.pipeline.papers import birth_body, of_the_ward
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
IDLE_MS = 5 * 60 * 1000
# Two strokes, as the pad writes them: places on it, nothing else.
STROKES = re.compile(r"M \d+ \d+( L \d+ \d+)+ M \d+ \d+( L \d+ \d+)+")
# Whether the button that stands for the file input wears the ring of focus.
RING = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle === 'solid'"


def picture() -> bytes:
    """A scan of a paper."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


async def sign(screen: Screen) -> None:
    """Two strokes with a pen."""
    pad = await screen.at("o-ky").bounding_box()
    assert pad
    mouse = screen.page.mouse
    for line in (((40, 120), (90, 40), (150, 130)), ((200, 60), (320, 110))):
        points = [(pad["x"] + x, pad["y"] + y) for x, y in line]
        await mouse.move(*points[0])
        await mouse.down()
        for point in points[1:]:
            await mouse.move(*point, steps=3)
        await mouse.up()


async def born(town: Town) -> tuple[str, dict[str, Any]]:
    """A birth of the ward that was declared: its dossier and the declaration."""
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    return (await town.declare(body))["dossier_id"], body


async def test_the_receiver_signs_with_a_pen(new_screen: NewScreen, heard: Heard, town: Town) -> None:
    """The pad is the one place for a pointer; strokes can be wiped with the keyboard, and go into the receipt."""
    dossier, body = await born(town)
    await town.complete(dossier, "register_birth")
    result = (await town.until_result(dossier, "birth_certificate"))["id"]
    await town.post("hospital", "results", f"/results/{result}/arrive", {})
    screen: Screen = await new_screen("hospital")
    await screen.go(f"/bv/ho-so/{dossier}")
    await opened(screen)
    await screen.scan(card_of(body["mother"]))
    await expect(screen.at("doi-chieu-the")).to_contain_text("Mẹ")
    strokes = screen.page.locator("input[name=net-ky]")
    await sign(screen)
    await expect(strokes).to_have_value(STROKES)
    await screen.page.get_by_role("button", name="Ký lại").focus()
    await screen.press("Enter")
    await expect(strokes).to_have_value("")
    await sign(screen)
    await screen.check("a receiver who has signed")
    await screen.press("Control+Enter")
    await expect(screen.at("da-trao")).to_be_focused()
    await heard.until("results.result-handed-over.v1", dossier)
    await screen.check("papers that were signed for")
    address = await screen.at("in-bien-nhan").get_attribute("href")
    receipt = await screen.context.request.get(f"{screen.url}{address}")
    assert (await receipt.body())[:5] == b"%PDF-"
    # The archive has the picture, which is on the receipt, too.
    assert len(list((town.city.folder / "storage/results").glob(f"**/signatures/{dossier}/*.svg*"))) == 1


async def test_a_family_that_moves_is_found_where_it_lies(new_screen: NewScreen, town: Town) -> None:
    """Room, bed and leaving are typed at the bed; what cannot be is said there; the ward's list follows by itself.

    That it was saved is said where the keyboard goes on, and that by its dossier another mother lies there.
    """
    dossier, _ = await born(town)
    other, _ = await born(town)
    await town.post("hospital", "intake", f"/dossiers/{other}/stay", {"room": "5", "bed": "7"})
    ward: Screen = await new_screen("hospital", path="/dang-nhap?tiep=/bv")
    await opened(ward)
    card = ward.page.locator(f"[data-ho-so='{dossier}']")
    await expect(card).to_be_visible()
    screen = await ward.another_tab()
    screen.expected_status.add(422)
    await screen.go(f"/bv/ho-so/{dossier}")
    await opened(screen)
    await screen.at("phong").focus()
    for text in ("5", "7", "mai"):
        await screen.press("Control+a")
        await screen.type(text)
        await screen.press("Tab")
    await screen.press("Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("a stay with an error")
    assert await screen.at("phong").input_value() == "5"
    await screen.press("Tab", "Enter")
    await expect(screen.at("ra-vien")).to_be_focused()
    await screen.press("Control+a")
    await screen.type(f"{town.today:%d/%m/%Y}")
    await screen.press("Tab", "Control+a")
    await screen.type("23:59")
    await screen.press("Tab", "Enter")
    await expect(screen.page.locator("h1")).to_contain_text("Phòng 5 – giường 7")
    await expect(screen.at("da-luu")).to_be_focused()
    await expect(screen.at("da-luu")).to_contain_text("Đã lưu")
    await expect(screen.at("da-luu")).to_contain_text("một người mẹ khác")
    await expect(screen.at("ra-vien-gio")).to_have_value("23:59")
    await expect(card).to_contain_text("Phòng 5 – giường 7")
    await expect(card).to_contain_text("ra viện 23:59")
    await screen.check("a stay that was saved")


async def test_what_was_asked_for_is_handed_in_at_the_bed(
    new_screen: NewScreen, heard: Heard, town: Town
) -> None:
    """A paper seen with its scan; a file that is not what it says is refused and nothing is lost."""
    dossier, _ = await born(town)
    await town.start(dossier, "register_birth")
    asked = {"step": "register_birth", "components": ["declaration"], "reason": "missing-paper"}
    await town.post("civil_status", "routing", f"/cases/{dossier}/supplement-requests", asked)
    await town.until_status(dossier, 5)
    screen: Screen = await new_screen("hospital", path=f"/dang-nhap?tiep=/bv/ho-so/{dossier}")
    await opened(screen)
    screen.expected_status |= {415, 422}
    await expect(screen.at("dong-ho")).to_contain_text("đang tạm dừng")
    await screen.check("a bed with papers asked for")
    await screen.at("gui-bo-sung").focus()
    await screen.press("Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.at("gt.declaration").focus()
    await screen.press("Space", "Tab")
    await expect(screen.at("tep.declaration")).to_be_focused()
    assert await screen.page.evaluate(RING), "who comes with the keyboard sees where they are"
    scan = screen.at("tep.declaration")
    await scan.set_input_files(
        {"name": "to-khai.png", "mimeType": "image/png", "buffer": b"%PDF-1.7 but cut"}
    )
    await expect(screen.page.locator("[data-chosen]")).to_have_text("to-khai.png")
    await screen.press("Tab", "Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("a supplement whose file is none")
    await expect(screen.page.locator("[data-chosen]")).to_have_text("Chưa chọn tệp")
    await screen.at("gt.declaration").focus()
    await screen.press("Space")
    await scan.set_input_files({"name": "to-khai.png", "mimeType": "image/png", "buffer": picture()})
    await screen.at("gui-bo-sung").focus()
    await screen.press("Enter")
    await heard.until("intake.dossier-supplemented.v1", dossier)
    await expect(screen.at("bo-sung")).to_have_count(0)
    await screen.check("a bed where nothing is asked for any more")


async def test_a_birth_that_was_refused_stays_in_sight(new_screen: NewScreen, town: Town) -> None:
    """On the ward at once, with the reason and what to do; its bed promises no day any more."""
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    residence = {"address": "Nhà ông bà", "province_code": "92", "commune_code": "31411"}
    body["choices"] = {"residence_to_register": {**residence, "as_of": f"{town.today}"}}
    dossier = (await town.declare(body))["dossier_id"]
    screen: Screen = await new_screen("hospital", path="/dang-nhap?tiep=/bv")
    await opened(screen)
    card = screen.page.locator(f"[data-ho-so='{dossier}']")
    await expect(card).to_contain_text("Khai sinh: đang làm")
    why = {"reason": "wrong-competence", "explanation": "Mẹ cư trú ở phường khác."}
    await town.post("counter", "intake", f"/dossiers/{dossier}/refuse", why)
    await expect(card.get_by_test_id("bi-tu-choi")).to_contain_text("Mẹ cư trú ở phường khác")
    await screen.check("a ward with a birth that was refused")
    await screen.at("tab-cho-bo-sung").focus()
    await screen.press("Enter")
    await card.get_by_role("heading").get_by_role("link").focus()
    await screen.press("Enter")
    await expect(screen.at("bi-tu-choi")).to_contain_text("Không thuộc thẩm quyền giải quyết")
    await expect(screen.page.locator("main")).not_to_contain_text("hẹn trả")
    await screen.check("a bed whose birth was refused")


async def test_a_bed_left_alone_shows_nobody(new_screen: NewScreen, town: Town) -> None:
    """After five idle minutes the card is gone from the screen and the session has ended."""
    dossier, body = await born(town)
    screen: Screen = await new_screen("hospital")
    screen.expected_status.add(401)
    await screen.page.clock.install()
    await screen.go(f"/bv/ho-so/{dossier}")
    await opened(screen)
    await screen.page.clock.run_for(IDLE_MS + 6000)
    await expect(screen.page.locator("main")).not_to_contain_text(body["mother"]["name"])
    await screen.page.clock.run_for(3000)
    await expect(screen.at("ten")).to_be_visible()
    await screen.go(f"/bv/ho-so/{dossier}")
    await expect(screen.at("ten")).to_be_visible()
