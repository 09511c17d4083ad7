"""A browser page as a journey uses it: keys, what is seen, and the checks every state of a page must pass."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from deploy.local.accounts import StaffAccount
from tests.journeys.codes import Codes

# axe-core's own rules for WCAG 2.2 AA and good practice; `target-size` is the only rule of 2.2 and off by default.
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
VIEWPORTS = {"desktop": (1366, 768), "phone": (360, 740)}
# WCAG 1.4.10: text reflows at this width; tables scroll inside themselves.
NARROWEST = 320
WAIT_MS = 15_000
# A scanner types a character in less than 40 ms; a person is slower.
KEY_MS = 45
# What prints is the browser's own, and brings a headless one down; that it was asked to is what we see.
COUNT_PRINTS = "window.print = () => { window.top.papersPrinted = (window.top.papersPrinted ?? 0) + 1; };"
SCAN = """text => {
  const at = document.activeElement ?? document.body;
  const field = at.matches("input:not([type=checkbox], [type=radio], [type=file]), textarea");
  const key = name => at.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
  for (const sign of text) {
    if (!key(sign) || !field) continue;
    const told = {inputType: "insertText", data: sign, bubbles: true, cancelable: true};
    if (!at.dispatchEvent(new InputEvent("beforeinput", told))) continue;
    at.value += sign;
    at.dispatchEvent(new InputEvent("input", told));
  }
  if (key("Enter") && field) at.form?.requestSubmit();
}"""

# Only what is told of: the list of all that passed is long.
JUDGE = """tags => axe.run(document, {runOnly: tags, resultTypes: ["violations", "incomplete"]})
  .then(({ violations, incomplete }) => ({ violations, incomplete }))"""

# What reaches beyond the window, outermost last.
BEYOND = """[...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map(one => one.outerHTML.slice(0, 120)).reverse().slice(0, 4)"""


class Screen:
    """One person's browser."""

    def __init__(
        self, context: BrowserContext, page: Page, url: str, codes: Codes, axe: str, pictures: Path | None
    ) -> None:
        self.context = context
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        # Console errors a journey causes on purpose: a refused form is a 4xx, and the console says so.
        self.expected_status: set[int] = set()
        # While a server is away on purpose, the browser complains of every try to reach it.
        self.forgives_lost_connections = False
        self._codes = codes
        self._axe = axe
        self._pictures = pictures
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({urlsplit(message.location.get('url', '')).path})")

    async def another_tab(self) -> "Screen":
        """A second page of the same browser: its cookies, its storage, its complaints."""
        page = await self.context.new_page()
        tab = Screen(self.context, page, self.url, self._codes, self._axe, self._pictures)
        tab.complaints = self.complaints
        tab.expected_status = self.expected_status
        return tab

    async def go(self, path: str) -> None:
        """Open a page by its path."""
        await self.page.goto(self.url + path)

    def at(self, test_id: str) -> Locator:
        """What carries this data-testid."""
        return self.page.get_by_test_id(test_id)

    async def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def push(self, test_id: str) -> None:
        """Press a button with the keyboard."""
        await self.at(test_id).focus()
        await self.press("Enter")

    async def type(self, text: str) -> None:
        """Type into whatever has the focus, slowly enough to be no scanner (static/scan.js)."""
        await self.page.keyboard.type(text, delay=KEY_MS)

    async def scan(self, text: str) -> None:
        """What a scanner that acts as a keyboard does: all characters at once, then Enter.

        Made inside the page: over the wire a loaded machine spreads them out until they look typed.
        """
        await self.page.evaluate(SCAN, text)

    async def sees(self, text: str) -> None:
        """Wait until the text is on the page."""
        await expect(self.page.get_by_text(text).first).to_be_visible(timeout=WAIT_MS)

    async def sign_in(self, account: StaffAccount, *, path: str = "/dang-nhap") -> None:
        """Sign in with the keyboard, with a second factor where the account has one."""
        await self._sign_in(account, self.type, path)

    async def let_in(self, account: StaffAccount, *, path: str = "/dang-nhap") -> None:
        """Sign in as a password manager does, all at once, for a journey that tells of something else."""
        await self._sign_in(account, self.page.keyboard.insert_text, path)

    async def _sign_in(
        self, account: StaffAccount, write: Callable[[str], Awaitable[None]], path: str
    ) -> None:
        await self.go(path)
        await self._identify(account, write)
        await expect(self.page.get_by_role("button", name="Đăng xuất")).to_be_visible(timeout=WAIT_MS)

    async def identify(self, account: StaffAccount) -> None:
        """What the sign-in page that stands there asks for, all at once."""
        await self._identify(account, self.page.keyboard.insert_text)

    async def _identify(self, account: StaffAccount, write: Callable[[str], Awaitable[None]]) -> None:
        await self.at("ten").focus()
        await write(account.login)
        await self.press("Tab")
        await write(account.password)
        await self.press("Enter")
        if account.totp_secret:
            await self.at("ma").focus()
            await write(await self._codes.fresh(account))
            await self.press("Enter")

    async def check(self, state: str, *, picture: str = "") -> None:
        """Hold this state of the page to what every state is held to; `picture` keeps one of it for the README."""
        for width, height in VIEWPORTS.values():
            await self.page.set_viewport_size({"width": width, "height": height})
            await self._accessible(f"{state} at {width}")
        await self.page.set_viewport_size({"width": NARROWEST, "height": 640})
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        if await self.page.evaluate(overflow) > 0:
            beyond = await self.page.evaluate(BEYOND)
            raise AssertionError(f"{state}: scrolls sideways at {NARROWEST} px, by {beyond}")
        width, height = VIEWPORTS["desktop"]
        await self.page.set_viewport_size({"width": width, "height": height})
        if picture and self._pictures is not None:
            self._pictures.mkdir(parents=True, exist_ok=True)
            await self.page.screenshot(path=self._pictures / f"{picture}.png", animations="disabled")
        assert self.unexpected() == [], f"{state}: {self.unexpected()}"

    def unexpected(self) -> list[str]:
        """Console errors but those of answers the journey provoked."""
        allowed = [f"status of {status} " for status in self.expected_status]
        if self.forgives_lost_connections:
            allowed.append("net::ERR_")
        return [text for text in self.complaints if not any(one in text for one in allowed)]

    async def _accessible(self, state: str) -> None:
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(self._axe)
        found: dict[str, list[dict[str, Any]]] = await self.page.evaluate(JUDGE, list(TAGS))
        told = [
            f"{one['id']}: {json.dumps([node['html'][:200] for node in one['nodes']], ensure_ascii=False)}"
            for one in found["violations"]
        ]
        assert told == [], f"{state}: {told}"
        for one in found["incomplete"]:
            sys.stdout.write(f"axe could not judge {one['id']} ({state}, {len(one['nodes'])} places)\n")
