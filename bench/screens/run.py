"""The budgets of the screens, measured with Chromium in a city, and what the server needs at 50 requests a second."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from bench.figures import Aim, Section, console, percentile
from bench.pages.run import visit
from bench.screens import away, desks, load, ward
from bench.screens.desks import Times
from bench.screens.load import Asked
from bench.screens.stopwatch import SCRIPT, Budget
from deploy.local.city import City
from tests.journeys import chromium
from tests.journeys.screen import VIEWPORTS, Screen
from tests.pipeline.town import Town

ROUNDS = 20
FEW_ROUNDS = 5
BIRTHS = 60
WARD = "civil-status-31340-2025"
# Of reference/interface.md (a) and issue 3: what is asked, in milliseconds.
BUDGETS: Mapping[str, tuple[str, float]] = {
    "key": ("key → letter, focus or tick on the screen", 50),
    "scan": ("scan → field filled", 150),
    "search": ("last letter → hits on the screen (120 ms of it waiting for more letters)", 250),
    "search, server": ("… its request", 50),
    "accept": ("F9 → code on the screen", 300),
    "accept, server": ("… its request", 150),
    "errors": ("F9 with errors → focus on the summary", 200),
    "print": ("F9 → printing begins", 800),
    "queue": ("Enter → list on the screen", 300),
    "record": ("Enter → dossier on the screen", 300),
    "own act": ("Enter → own act on the screen", 300),
    "offline": ("Ctrl+Enter without a network → kept in the outbox", 150),
    "lamp": ("event → lamp in the ward", 2000),
    "banner": ("server killed → page says so", 3000),
    "reconnect": ("server killed and started again → page connected", 5000),
    "slow line": ("first visit at 400 kbit/s, all of it", 3000),
}


async def run(rounds: int = ROUNDS) -> Section:
    """Play every screen `rounds` times, then ask for the main pages at an even pace."""
    times: Times = {}
    with tempfile.TemporaryDirectory(prefix="bench-screens-") as folder:
        # PostgreSQL runs as an ordinary user, who must get through.
        Path(folder).chmod(0o755)
        async with _city(Path(folder)) as (city, town, browser):
            receipts = [await town.declare() for _ in range(BIRTHS)]
            tracked = receipts[0]["tracking_token"]
            console.print(f"  {BIRTHS} births declared")
            counter = await _screen(city, browser, "counter")
            _add(times, await desks.counter(counter, rounds))
            officer = await _screen(city, browser, WARD)
            found, in_own_list = await desks.lists(officer, rounds)
            _add(times, found)
            hospital = await _screen(city, browser, "hospital")
            _add(times, await ward.lamps(hospital, city, town, rounds))
            served = await _served(city, counter, officer, hospital, tracked)
            # The load has left its connections; the hospital's desk goes offline with a page of its own.
            _add(times, await ward.offline(await _screen(city, browser, "hospital"), rounds))
            visits = [await visit(browser, city.urls["portal"] + "/") for _ in range(FEW_ROUNDS)]
            times["slow line"] = [one.load_seconds * 1000 for one in visits]
            citizen = await _screen(city, browser, "")
            _add(times, await away.killed(citizen, city, f"/h/{tracked}", FEW_ROUNDS))
    return _section(times, served, (in_own_list, rounds))


@asynccontextmanager
async def _city(folder: Path) -> AsyncIterator[tuple[City, Town, Browser]]:
    async with City(folder) as city, Town(city) as town, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.whole(), args=chromium.arguments()
        )
        yield city, town, browser
        await browser.close()


async def _screen(city: City, browser: Browser, desk: str) -> Screen:
    width, height = VIEWPORTS["desktop"]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh"
    )
    await context.add_init_script(SCRIPT)
    screen = Screen(context, await context.new_page(), city.urls["portal"], "", None)
    if desk:
        account = next(one for one in city.accounts if one.desk == desk)
        await screen.sign_in(account, path="/dang-nhap?tiep=/tai-khoan")
    return screen


def _add(times: Times, found: Mapping[str, Sequence[float]]) -> None:
    for action, spent in found.items():
        times.setdefault(action, []).extend(spent)


async def _served(
    city: City, counter: Screen, officer: Screen, hospital: Screen, tracked: str
) -> list[Budget]:
    """What the server needs for the main pages, each by itself at an even pace."""
    clerk, clerk_csrf = await _session(counter)
    registrar, _ = await _session(officer)
    midwife, _ = await _session(hospital)
    await officer.go("/viec/cho-xu-ly")
    dossier = await officer.page.locator("a[data-row]").first.get_attribute("href") or ""
    form = await _filled(counter)
    asked = [
        Asked(what="a citizen's front door", path="/"),
        Asked(what="a citizen's dossier", path=f"/h/{tracked}"),
        Asked(what="procedures that fit", path="/thu-tuc?q=khai sinh"),
        Asked(what="the counter's desk", path="/quay", cookie=clerk),
        Asked(what="an officer's list", path="/viec/cho-xu-ly", cookie=registrar),
        Asked(what="a dossier", path=dossier, cookie=registrar),
        Asked(what="the ward", path="/bv", cookie=midwife),
        Asked(
            what="search", path="/tim", cookie=clerk, csrf=clerk_csrf, form={"q": "nguyen thi"}, most_ms=50
        ),
        Asked(what="accept", path="/quay", cookie=clerk, csrf=clerk_csrf, form=form, most_ms=150),
    ]
    found = []
    for one in asked:
        spent = await load.served(city.urls["portal"], one)
        found.append(Budget(action=f"server: {one.what}", most_ms=one.most_ms, found_ms=spent))
    return found


async def _session(screen: Screen) -> tuple[str, str]:
    """Cookie and form token of who is signed in at the screen."""
    await screen.go("/tai-khoan")
    cookies = await screen.context.cookies()
    csrf = await screen.page.locator("meta[name=csrf]").get_attribute("content") or ""
    # The other pages of this officer keep their streams; this one is about to be asked from outside.
    return "; ".join(f"{one['name']}={one['value']}" for one in cookies), csrf


async def _filled(counter: Screen) -> dict[str, str]:
    """The fields of a desk that is ready for F9."""
    await counter.go("/quay?moi=1")
    await counter.scan(desks.CARD.format(number="092195001234", name=desks.NAME))
    await counter.at("thu-tuc").focus()
    await counter.type("chung thuc ban")
    await counter.press("Enter")
    await counter.at("form.documents.0.name").fill("Bằng tốt nghiệp")
    await counter.at("giay.original").locator("input[value=co]").check()
    fields: dict[str, str] = await counter.page.evaluate(
        """() => Object.fromEntries([...new FormData(document.getElementById("tiep-nhan"))]
            .filter(([, value]) => typeof value === "string"))"""
    )
    return fields


def _section(times: Times, served: Sequence[Budget], own_list: tuple[int, int]) -> Section:
    budgets = [
        Budget(action=action, most_ms=most, found_ms=tuple(times[key]))
        for key, (action, most) in BUDGETS.items()
    ]
    budgets += served
    rows, aims = [], []
    for one in budgets:
        half, most = percentile(one.found_ms, 0.5), percentile(one.found_ms, 0.95)
        met = most <= one.most_ms
        rows.append(
            (
                one.action,
                f"{one.most_ms:,.0f}",
                f"{half:,.0f}",
                f"{most:,.0f}",
                str(len(one.found_ms)),
                "met" if met else "**missed**",
            )
        )
        aims += [] if met else [_missed(one, most)]
    seen, of = own_list
    aims.append(
        Aim(
            what="own act in the own list of the next answer",
            aimed=f"{of} of {of}",
            found=f"{seen} of {of}",
            reached=seen == of,
        )
    )
    return Section(
        title="Response times of the screens",
        columns=("action", "budget, ms", "p50, ms", "p95, ms", "times", ""),
        rows=tuple(rows),
        aims=tuple(aims),
        settings=(
            (
                "Chromium, headless, on the machine of the city; from the key as the browser was given it until the"
                " frame that shows what it did has been painted. A page that is opened: until its first text."
            ),
            (
                f"server: each page by itself, {load.PER_SECOND} requests a second for {load.SECONDS:.0f} s whether"
                " answered or not, from the moment a request was due until its whole answer; the client shares the"
                f" cores. In the city: {BIRTHS} births and what was done meanwhile."
            ),
        ),
        raw={one.action: list(one.found_ms) for one in budgets},
    )


def _missed(one: Budget, most: float) -> Aim:
    return Aim(
        what=f"{one.action}: p95, ms", aimed=f"≤ {one.most_ms:,.0f}", found=f"{most:,.0f}", reached=False
    )
