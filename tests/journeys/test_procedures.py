"""Citizens: finding a procedure and reading what it asks for. J14."""

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import NewScreen
from tests.journeys.screen import Screen

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_a_procedure_is_found_while_typing(new_screen: NewScreen) -> None:
    """J14: without accents, the first hit within a quarter of a second of the last key; ticks make one's own list."""
    screen: Screen = await new_screen()
    await screen.go("/thu-tuc")
    await expect(screen.at("thu-tuc")).to_have_count(12)
    await screen.check("procedures, nothing typed", picture="thu-tuc")
    await screen.at("tim-thu-tuc").focus()
    waited = await screen.page.evaluate(WATCH)
    assert waited is None
    await screen.type("khai sinh")
    await expect(screen.at("thu-tuc").first).to_contain_text("Đăng ký khai sinh")
    await screen.page.wait_for_function("window.shownAfter !== undefined")
    # A quarter of a second on the machine of the budget.
    assert await screen.page.evaluate("window.shownAfter") < 1250
    assert await screen.page.evaluate("location.search") == "?q=khai+sinh"
    await screen.check("procedures found")
    await screen.at("tim-thu-tuc").fill("qwertyuiop")
    await screen.sees("Không tìm thấy thủ tục nào")
    await screen.check("no procedure found")
    await screen.at("tim-thu-tuc").fill("khai sinh")
    await expect(screen.at("thu-tuc").first).to_contain_text("Đăng ký khai sinh")
    await screen.at("thu-tuc").first.get_by_role("link").press("Enter")
    await screen.sees("Cần giấy tờ gì")
    await screen.at("giay-to").first.focus()
    await screen.press("Space")
    await expect(screen.at("giay-to").first).to_be_checked()
    await screen.check("one procedure", picture="mot-thu-tuc")
    await screen.page.emulate_media(media="print")
    assert await screen.page.locator(".papers li:visible").count() == 1
    await screen.page.emulate_media(media="screen")
    await screen.go("/thu-tuc/3.000722")
    await expect(screen.at("chua-doi-chieu")).to_be_visible()
    await screen.check("procedure that is not verified")


# Milliseconds from the last key to the list that was found.
WATCH = """() => {
  let typed = 0;
  document.getElementById("q").addEventListener("input", () => { typed = performance.now(); });
  document.addEventListener("htmx:after:swap", () => { window.shownAfter = performance.now() - typed; });
  return null;
}"""


async def test_a_word_being_composed_is_not_searched(new_screen: NewScreen) -> None:
    """While the input method makes a letter nothing is asked; when it is done, once."""
    screen: Screen = await new_screen()
    await screen.go("/thu-tuc")
    asked: list[str] = []
    screen.page.on("request", lambda request: asked.append(request.url) if "?q=" in request.url else None)
    await screen.page.evaluate(
        """() => {
          const box = document.getElementById("q");
          box.value = "khai sinh";
          box.dispatchEvent(new InputEvent("input", { isComposing: true, bubbles: true }));
        }"""
    )
    # Longer than the pause: what was going to be asked has been asked.
    await screen.page.evaluate("() => new Promise((done) => setTimeout(done, 600))")
    assert asked == []
    await screen.page.evaluate(
        "document.getElementById('q').dispatchEvent(new CompositionEvent('compositionend', { bubbles: true }))"
    )
    await expect(screen.at("thu-tuc").first).to_contain_text("Đăng ký khai sinh")
    assert len(asked) == 1
