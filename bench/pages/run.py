"""Page weight and time of citizens' pages, by Chromium's own count, over a line of 400 kbit/s (CDP's emulation)."""

import tempfile
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Browser, CDPSession, async_playwright

from bench.figures import Aim, Section, at_most, spread
from deploy.local.city import City
from tests.journeys import chromium

ROUNDS = 5
# Slow 3G: 400 kbit/s both ways, 100 ms to the entrance of the city and back.
BYTES_PER_SECOND = 400_000 / 8
LATENCY_MS = 100
WEIGHT_KB_MAX = 100.0
SECONDS_MAX = 3.0
LOAD_MS_MAX = 60_000
PAGES = {
    "front door": "/",
    "follow a dossier": "/tra-cuu",
    "a wrong code": "/tra-cuu?ma=000.00.13.H30-211130-0001",
    "find a procedure": "/thu-tuc",
    "one procedure": "/thu-tuc/1.001193",
    "verify a paper": "/xac-minh/AAAAAAAAAAAAAAAAAAAAAA",
}


_SETTINGS = (
    f"Chromium, nothing in its cache, a telephone's screen; {BYTES_PER_SECOND / 125:.0f} kbit/s and {LATENCY_MS} ms by"
    " CDP's emulation; bytes as Chromium counts them on the line, headers included."
)


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One first visit, nothing in the cache: bytes over the line, requests, seconds until text and until all of it."""

    kilobytes: float
    requests: int
    text_seconds: float
    load_seconds: float


async def run(rounds: int = ROUNDS) -> Section:
    """Measure every page `rounds` times."""
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
        # PostgreSQL runs as an ordinary user, who must get through.
        Path(folder).chmod(0o755)
        async with City(Path(folder)) as city, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium.whole(), args=chromium.arguments()
            )
            visits = {
                name: [await visit(browser, city.urls["portal"] + path) for _ in range(rounds)]
                for name, path in PAGES.items()
            }
            await browser.close()
    return _section(visits)


async def visit(browser: Browser, url: str) -> Visit:
    """A first visit of the page over the slow line."""
    context = await browser.new_context(viewport={"width": 360, "height": 740}, locale="vi-VN")
    page = await context.new_page()
    line = await context.new_cdp_session(page)
    arrived: list[float] = []
    line.on("Network.loadingFinished", lambda event: arrived.append(event["encodedDataLength"]))
    await _slow(line)
    await page.goto(url, wait_until="networkidle", timeout=LOAD_MS_MAX)
    timing: dict[str, Any] = await page.evaluate(
        """() => ({
            load: performance.getEntriesByType("navigation")[0].loadEventEnd,
            text: performance.getEntriesByName("first-contentful-paint")[0].startTime,
        })"""
    )
    await context.close()
    return Visit(
        kilobytes=sum(arrived) / 1000,
        requests=len(arrived),
        text_seconds=timing["text"] / 1000,
        load_seconds=timing["load"] / 1000,
    )


async def _slow(line: CDPSession) -> None:
    await line.send("Network.enable")
    await line.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": BYTES_PER_SECOND,
            "uploadThroughput": BYTES_PER_SECOND,
        },
    )


def _section(visits: dict[str, list[Visit]]) -> Section:
    rows = tuple(
        (
            f"{name} ({PAGES[name].split('?')[0]})",
            spread([one.kilobytes for one in of_page]).text(1),
            f"{of_page[0].requests}",
            spread([one.text_seconds for one in of_page]).text(2),
            spread([one.load_seconds for one in of_page]).text(2),
        )
        for name, of_page in visits.items()
    )
    return Section(
        title="First visit of a citizen's page at 400 kbit/s",
        columns=("page", "kB", "requests", "s until text", "s until all is there"),
        rows=rows,
        aims=tuple(_aims(visits)),
        settings=(_SETTINGS,),
        raw={name: [msgspec.to_builtins(one) for one in of_page] for name, of_page in visits.items()},
    )


def _aims(visits: dict[str, list[Visit]]) -> list[Aim]:
    heaviest = max(spread([one.kilobytes for one in of_page]).median for of_page in visits.values())
    slowest = max(spread([one.load_seconds for one in of_page]).median for of_page in visits.values())
    return [
        at_most("heaviest first page", heaviest, WEIGHT_KB_MAX, digits=1, unit=" kB"),
        at_most("slowest first page, all of it", slowest, SECONDS_MAX, digits=2, unit=" s"),
    ]
