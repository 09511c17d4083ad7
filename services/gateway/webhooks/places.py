"""How much one partner may have under way at once, so that what hangs takes nothing from others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from libs.http.problems import Problem


class Places:
    """So many for each partner at one process; nobody waits for one."""

    def __init__(self, of_one: int) -> None:
        self._of_one = of_one
        self._of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def one(self, code: str) -> AsyncIterator[None]:
        """A place of this partner's. Raises Problem 429 when all are taken."""
        places = self._of.setdefault(code, asyncio.Semaphore(self._of_one))
        if places.locked():
            raise Problem(429, "too-many-at-once", headers={"Retry-After": "10"})
        async with places:
            yield
