"""How much of one partner is under way at once at one process, so that whoever floods or hangs waits alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from libs.http.problems import Problem


class NoPlaceFree(Problem):
    """All of the partner's places stayed taken: 429."""

    def __init__(self) -> None:
        super().__init__(429, "too-many-at-once", headers={"Retry-After": "5"})


class AtOnce:
    """So many places for each partner."""

    def __init__(self, of_one: int) -> None:
        self._of_one = of_one
        # A partner that has nothing under way leaves nothing behind.
        self._places_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, code: str, *, wait_seconds: float | None) -> AsyncIterator[None]:
        """One of the partner's, waited for in the order of coming; None: however long it takes. Raises NoPlaceFree."""
        places = self._places_of.setdefault(code, asyncio.Semaphore(self._of_one))
        try:
            async with asyncio.timeout(wait_seconds):
                await places.acquire()
        except TimeoutError:
            raise NoPlaceFree from None
        try:
            yield
        finally:
            places.release()
