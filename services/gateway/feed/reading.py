"""One partner reading: its rights asked for at every look, its rate, its places, and what it was given noted."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from libs.http.auth import Actor
from libs.http.limits import TokenBuckets
from libs.http.problems import Problem
from services.gateway.feed.cursor import Cursor
from services.gateway.feed.following import Feed, Page
from services.gateway.feed.reading_log import ReadingLog
from services.gateway.partners.access import Access
from services.gateway.partners.partner import asked_types

# Those that wait and those that stream: each holds a connection.
WAITING_MAX = 2_000
# How often who waits sees whether the process is to end.
SLICE_SECONDS = 1.0


class ReadingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one partner may do at one process."""

    per_second: float = 20.0
    burst: int = 100
    waiting_max: int = 20


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Who reads, from where, which way, and the types asked for."""

    actor: Actor
    came_from: str
    way: str
    types: str

    @property
    def code(self) -> str:
        """The partner whose limits count and whose audit it is: also of a person, who has none of their own."""
        return self.actor.partner or self.actor.subject


class Waiting(msgspec.Struct, frozen=True):
    """For how long to wait for events, and what says that there is no more time."""

    seconds: float
    over: Callable[[], bool]


class Desk:
    """Where partners read the feed."""

    def __init__(self, feed: Feed, access: Access, log: ReadingLog, limits: ReadingLimits) -> None:
        self._feed = feed
        self._access = access
        self._log = log
        self._limits = limits
        self._calls = TokenBuckets(rate_per_second=limits.per_second, burst=limits.burst)
        self._waiting: Counter[str] = Counter()

    async def admit(self, question: Question, after: str) -> tuple[str, int]:
        """The feed and the place to begin at. Raises Problem: 401, 429, 400, 410."""
        partner = await self._access.partner(question.actor)
        wait_seconds = self._calls.take(partner.code)
        if wait_seconds > 0:
            raise Problem(429, headers={"Retry-After": str(math.ceil(wait_seconds))})
        asked_types(question.types, partner)
        return await self._feed.begin_at(after)

    async def look(self, question: Question, after: int, limit: int) -> Page:
        """The next events, by what the partner may read now. Raises Problem 401 when it may not any more."""
        partner = await self._access.partner(question.actor)
        return await self._feed.page(
            after, types=asked_types(question.types, partner), readers=partner.readers, limit=limit
        )

    async def next(self, question: Question, after: int, limit: int, waiting: "Waiting") -> Page:
        """The same; while there is nothing for the partner, waits. Its audit is one call, however often it looked."""
        page = await self.look(question, after, limit)
        loop = asyncio.get_running_loop()
        end = loop.time() + waiting.seconds
        while not (page.entries or page.more or waiting.over()) and (left := end - loop.time()) > 0:
            if await self._feed.wait_beyond(page.until, min(left, SLICE_SECONDS)):
                page = await self.look(question, page.until, limit)
        await self.note(question, len(page.entries), after, page.until)
        return page

    async def note(self, question: Question, events: int, after: int, until: int) -> None:
        """Keep what was read."""
        person = f" {question.actor.subject}" if question.actor.partner else ""
        await self._log.note(
            question.code,
            question.came_from,
            f"{question.way}{person}",
            events=events,
            after=after,
            until=until,
        )

    @contextmanager
    def place(self, question: Question) -> Iterator[None]:
        """One of the partner's places for what waits or streams. Raises Problem 429, or 503 when all are taken."""
        code = question.code
        if self._waiting[code] >= self._limits.waiting_max:
            raise Problem(429, "too-many-streams", "Quá nhiều kết nối cùng lúc", headers={"Retry-After": "5"})
        if self._waiting.total() >= WAITING_MAX:
            raise Problem(503, "too-many-streams", headers={"Retry-After": "5"})
        self._waiting[code] += 1
        try:
            yield
        finally:
            self._waiting[code] -= 1
            if not self._waiting[code]:
                del self._waiting[code]


def cursor(feed: str, page: Page) -> str:
    """From where to go on after a page."""
    return str(Cursor(feed, page.until))
