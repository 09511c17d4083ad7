"""A browser, and the events that are on the bus, for every journey."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest_asyncio
from nats.aio.client import Client
from playwright.async_api import Browser, async_playwright

from deploy.local.accounts import StaffAccount
from deploy.local.city import City
from libs.contracts.catalogue import PRODUCERS
from tests.journeys import chromium
from tests.journeys.codes import Codes
from tests.journeys.screen import COUNT_PRINTS, VIEWPORTS, Screen

# `make pictures` makes those of the README anew; an ordinary run leaves the tree as it is.
PICTURES = Path(__file__).parents[2] / "docs" / "pictures" if os.environ.get("MOT_CUA_PICTURES") else None
NewScreen = Callable[..., Any]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all journeys; each person has a context of their own in it."""
    async with _running(chromium.program) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def printing_browser() -> AsyncIterator[Browser]:
    """A whole one, which shows a paper before it prints it."""
    async with _running(chromium.whole) as running:
        yield running


@asynccontextmanager
async def _running(find: Callable[[], str]) -> AsyncIterator[Browser]:
    program = await asyncio.to_thread(find)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=chromium.arguments())
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new_screen(city: City, browser: Browser) -> AsyncIterator[NewScreen]:
    """Makes screens: `await new_screen()` for a citizen, `await new_screen("counter")` for an officer's desk."""
    async with _screens(city, browser) as make:
        yield make


@pytest_asyncio.fixture(loop_scope="session")
async def new_printing_screen(city: City, printing_browser: Browser) -> AsyncIterator[NewScreen]:
    """The same, of a desk with a printer."""
    async with _screens(city, printing_browser) as make:
        yield make


@asynccontextmanager
async def _screens(city: City, browser: Browser) -> AsyncIterator[NewScreen]:
    axe = (city.assets / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
    screens: list[Screen] = []
    async with AsyncExitStack() as stack:

        async def make(desk: str = "", *, phone: bool = False, path: str = "/dang-nhap") -> Screen:
            width, height = VIEWPORTS["phone" if phone else "desktop"]
            context = await browser.new_context(
                viewport={"width": width, "height": height}, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh"
            )
            stack.push_async_callback(context.close)
            await context.add_init_script(COUNT_PRINTS)
            page = await context.new_page()
            screen = Screen(context, page, city.urls["portal"], Codes(city), axe, PICTURES)
            screens.append(screen)
            if desk:
                await screen.let_in(account_of(city, desk), path=path)
            return screen

        yield make
        for screen in screens:
            assert screen.unexpected() == []


def account_of(city: City, desk: str) -> StaffAccount:
    """The account of a desk of the day."""
    return next(account for account in city.accounts if account.desk == desk)


class Heard:
    """Events seen on the bus since the journey began: (subject, dossier id)."""

    def __init__(self, city: City) -> None:
        self._city = city
        self.events: list[tuple[str, str]] = []
        self._more = asyncio.Condition()

    async def note(self, subject: str, dossier_id: str) -> None:
        """An event has come."""
        async with self._more:
            self.events.append((subject, dossier_id))
            self._more.notify_all()

    async def until(self, subject: str, dossier_id: str = "", *, seconds: float = 30) -> str:
        """Wait for an event of this kind (of this dossier); returns the dossier's id.

        Raises AssertionError with what was heard instead, and with what the outboxes say of it.
        """

        def found() -> str | None:
            return next(
                (of for said, of in self.events if said == subject and (not dossier_id or of == dossier_id)),
                None,
            )

        try:
            async with asyncio.timeout(seconds), self._more:
                await self._more.wait_for(lambda: found() is not None)
        except TimeoutError:
            of_it = [said for said, of in self.events if not dossier_id or of == dossier_id]
            raise AssertionError(
                f"no {subject} in {seconds:.0f} s; heard: {of_it}; outbox: {await self._outbox(subject)}"
            ) from None
        return found() or ""

    async def _outbox(self, subject: str) -> list[str]:
        """The last rows of who says this, and when each was published: a lost event is not a late one."""
        connection = await asyncpg.connect(self._city.dsn(subject.partition(".")[0], "migrator"), timeout=10)
        try:
            rows = await connection.fetch("SELECT * FROM bus.outbox ORDER BY id DESC LIMIT 20")
        finally:
            await connection.close()
        return [
            f"{row['subject']} of {row['dossier_id']} at {row['occurred_at']}, out {row['published_at']}"
            for row in rows
        ]


@pytest_asyncio.fixture(loop_scope="session")
async def heard(city: City) -> AsyncIterator[Heard]:
    """What is said on the bus during the journey."""
    client, told = Client(), Heard(city)
    await client.connect(city.nats_url("portal"), inbox_prefix="_INBOX_portal")

    async def note(message: Any) -> None:
        await told.note(message.subject, (message.headers or {}).get("ce-subject", ""))

    for producer in PRODUCERS:
        await client.subscribe(f"{producer}.>", cb=note)
    await client.flush()
    yield told
    await client.close()
