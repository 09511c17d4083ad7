"""Times taken inside the browser: from the key, as the browser was given it, until the frame that shows what it did."""

from collections.abc import Awaitable
from typing import Any

import msgspec
from playwright.async_api import Page

# Runs in every page and frame. What prints is the browser's own; that it was asked to is noted.
SCRIPT = """
const WAIT_MS = 30000;
if (window.top === window) {
  const clock = {printed: 0, printedAt: 0};
  const now = () => performance.timeOrigin + performance.now();
  const painted = seen => requestAnimationFrame(() => setTimeout(() => seen(now())));
  clock.until = (seen, everyMs) => new Promise((resolve, reject) => {
    const look = setInterval(() => {
      if (!seen()) return;
      clearInterval(look);
      painted(resolve);
    }, everyMs);
    setTimeout(() => { clearInterval(look); reject(new Error(`not seen: ${seen}`)); }, WAIT_MS);
  });
  clock.arm = (key, seen) => {
    clock.began = 0;
    const begin = event => {
      if (key && event.key !== key) return;
      clock.began = performance.timeOrigin + event.timeStamp;
      try { sessionStorage.setItem("bench-began", clock.began); } catch { /* no storage on this page */ }
      window.removeEventListener("keydown", begin, true);
    };
    window.addEventListener("keydown", begin, true);
    clock.ended = clock.until(() => clock.began && seen(), 1);
  };
  clock.spent = () => clock.ended.then(at => at - clock.began);
  clock.opened = () => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    return paint ? performance.timeOrigin + paint.startTime - Number(sessionStorage.getItem("bench-began")) : null;
  };
  clock.when = seen => clock.until(seen, 5);
  clock.answered = path => {
    const asked = performance.getEntriesByType("resource").filter(one => new URL(one.name).pathname === path).at(-1);
    return asked ? asked.responseStart - asked.requestStart : 0;
  };
  window.clock = clock;
}
window.print = () => {
  window.top.clock.printed += 1;
  window.top.clock.printedAt = performance.timeOrigin + performance.now();
};
"""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What reference/interface.md (a) asks of an action, in milliseconds, and what was found."""

    action: str
    most_ms: float
    found_ms: tuple[float, ...]


async def timed(page: Page, key: str, act: Awaitable[Any], seen: str) -> float:
    """Milliseconds from the next `key` (any when empty) until the JavaScript expression `seen` is true and painted."""
    await page.evaluate(f"() => {{ clock.arm({key!r}, () => {seen}); clock.ended.catch(() => null); }}")
    await act
    spent: float = await page.evaluate("() => clock.spent()")
    return spent


async def opened(page: Page, key: str, act: Awaitable[Any]) -> float:
    """Milliseconds from `key`, which leads to another page, until that page shows its text."""
    await page.evaluate(f"() => {{ clock.arm({key!r}, () => false); clock.ended.catch(() => null); }}")
    async with page.expect_navigation(wait_until="load"):
        await act
    await page.wait_for_function("() => clock.opened() !== null")
    spent: float = await page.evaluate("() => clock.opened()")
    return spent


async def answered(page: Page, path: str) -> float:
    """Milliseconds the server took for the page's last request of this path."""
    spent: float = await page.evaluate("path => clock.answered(path)", path)
    return spent
