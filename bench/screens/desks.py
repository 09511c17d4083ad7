"""Officers at the counter and at their lists, as the bench plays them: with keys and a scanner."""

import asyncio
from collections import defaultdict

from playwright.async_api import expect

from bench.screens.stopwatch import answered, opened, timed
from tests.journeys.screen import Screen

CARD = "{number}|361234567|{name}|02091995|Nữ|Khu vực 2, phường Ngã Bảy, thành phố Cần Thơ|01012022"
NAME = "Trần Thị Bé"
# Between two keys of a person; faster, and it is a scanner.
FINGER_SECONDS = 0.06
SUMMARY = "[data-testid=tom-tat-loi]"
# Typed into the search box, the last letter measured.
SEARCHED = ("tran thi b", "nguyen thi", "0912345678", "le thi h")
Times = dict[str, list[float]]


async def counter(screen: Screen, rounds: int) -> Times:
    """One dossier after the other: keys, scan, errors, F9, print, search."""
    found: Times = defaultdict(list)
    page = screen.page
    for number in range(rounds):
        await screen.go("/quay")
        await expect(screen.at("o-quet")).to_be_focused()
        card = CARD.format(number=f"092195{number:06d}", name=NAME)
        filled = f"document.querySelector('[data-testid=nguoi-nop]').value === {NAME!r}"
        found["scan"].append(await timed(page, "", screen.scan(card), filled))
        await expect(screen.at("thu-tuc")).to_be_focused()
        await screen.type("chung thuc ban")
        await screen.press("Enter")
        await expect(screen.at("form.applicant.phone")).to_be_focused()
        for digit in "0912345678":
            await asyncio.sleep(FINGER_SECONDS)
            echoed = f"document.activeElement.value.endsWith({digit!r})"
            found["key"].append(await timed(page, digit, screen.press(digit), echoed))
        await asyncio.sleep(FINGER_SECONDS)
        moved = "document.activeElement.id !== 'form.applicant.phone'"
        found["key"].append(await timed(page, "Enter", screen.press("Enter"), moved))
        await page.evaluate("selector => document.querySelector(selector)?.remove()", SUMMARY)
        told = f"document.activeElement.matches({SUMMARY!r})"
        found["errors"].append(await timed(page, "F9", screen.press("F9"), told))
        await screen.at("giay.original").locator("input[value=co]").focus()
        ticked = "document.querySelector('[data-paper=original] input[value=co]').checked"
        found["key"].append(await timed(page, "1", screen.press("1"), ticked))
        await screen.at("form.documents.0.name").fill("Bằng tốt nghiệp")
        await page.evaluate("() => { clock.printed = 0; }")
        code = "document.querySelector('[data-testid=ma-ho-so]')"
        found["accept"].append(await timed(page, "F9", screen.press("F9"), code))
        found["accept, server"].append(await answered(page, "/quay"))
        await page.wait_for_function("() => clock.printed > 0")
        found["print"].append(await page.evaluate("() => clock.printedAt - clock.began"))
        await _search(screen, SEARCHED[number % len(SEARCHED)], found)
    return found


async def _search(screen: Screen, typed: str, found: Times) -> None:
    page = screen.page
    await screen.press("F2")
    await page.keyboard.type(typed[:-1], delay=60)
    await page.wait_for_timeout(400)
    await page.evaluate("() => { document.getElementById('tim-ds').hidden = true; }")
    shown = "!document.getElementById('tim-ds').hidden"
    found["search"].append(await timed(page, typed[-1], screen.press(typed[-1]), shown))
    found["search, server"].append(await answered(page, "/tim"))
    await screen.press("Escape")


async def lists(screen: Screen, rounds: int) -> tuple[Times, int]:
    """Open the list, a dossier of it, begin its step; how often the own list of the next answer already had it."""
    found: Times = defaultdict(list)
    page, in_own_list = screen.page, 0
    for _ in range(rounds):
        await screen.go("/viec/cua-toi")
        await screen.at("hang-cho-xu-ly").focus()
        found["queue"].append(await opened(page, "Enter", screen.press("Enter")))
        line = page.locator("a[data-row]").first
        dossier = await line.get_attribute("href") or ""
        await line.focus()
        found["record"].append(await opened(page, "Enter", screen.press("Enter")))
        begin = screen.at("viec-start").first
        await begin.focus()
        found["own act"].append(await opened(page, "Enter", screen.press("Enter")))
        assert "Đang xử lý" in await page.locator("[data-testid^=buoc-]").first.inner_text()
        answer = await screen.context.request.get(f"{screen.url}/viec/cua-toi")
        in_own_list += f'href="{dossier}"' in await answer.text()
    return found, in_own_list
