"""What officers do at their lists and dossiers, with the keyboard only."""

from typing import Any

from playwright.async_api import expect

from tests.journeys.screen import WAIT_MS, Screen

WARD = "civil-status-31340-2025"
POLICE = "police-31340-2025"
# Long enough for a page that the second press of a chord would have sent to have gone.
SECOND_PRESS_MS = 400
INSURANCE = "social-insurance-nga-bay-2025"


async def open_from(screen: Screen, queue: str, dossier: str) -> None:
    """Open a list, move to the line of the dossier (which may still be on its way) and open it."""
    await screen.go(f"/viec/{queue}")
    line = screen.page.locator(f"a[data-row][href='/ho-so/{dossier}']").first
    await expect(line).to_be_visible(timeout=WAIT_MS)
    await screen.page.locator("[data-row]").first.focus()
    for _ in range(await screen.page.locator("[data-row]").count()):
        if await line.evaluate("link => link === document.activeElement"):
            break
        await screen.press("ArrowDown")
    await screen.press("Enter")
    await expect(screen.at("ma-ho-so")).to_be_visible()


async def press_act(screen: Screen, act: str) -> None:
    """Go along the buttons of what may be done, and press one."""
    await expect(screen.at(f"viec-{act}").first).to_be_visible(timeout=WAIT_MS)
    await screen.at(f"viec-{act}").first.focus()
    await screen.press("Enter")
    if act != "start":
        await expect(screen.at(f"bang-{act}")).to_be_visible()


async def fill(screen: Screen, values: dict[str, Any]) -> None:
    """Type the boxes of an outcome as an officer does; days as people write them."""
    for name, value in values.items():
        text = str(value)
        if len(text) == 10 and text[4] == "-":
            text = f"{text[8:]}/{text[5:7]}/{text[:4]}"
        await screen.at(f"form.{name}").focus()
        await screen.press("Control+a")
        await screen.type(text)


async def choose(screen: Screen, name: str, digit: int) -> None:
    """Choose from a numbered list by its digit."""
    await screen.at(f"{name}-1").focus()
    await screen.press(str(digit))
    await expect(screen.at(f"{name}-{digit}")).to_be_checked()


async def done(screen: Screen, words: str) -> None:
    """Wait until the page says that this was done."""
    await expect(screen.at("da-xong")).to_contain_text(words)


async def confirm(screen: Screen) -> None:
    """Answer what is asked once more: the chord that sent the form does nothing there, the button's own key does."""
    await expect(screen.page.locator("#bang-ten")).to_be_focused()
    await screen.press("Control+Enter")
    await screen.page.wait_for_timeout(SECOND_PRESS_MS)
    await expect(screen.at("xac-nhan")).to_be_visible()
    await screen.press("Tab")
    await expect(screen.at("xac-nhan")).to_be_focused()
    await screen.press("Enter")
