"""Reads of one kind that are wanted at the same time share one question: to a neighbour, to the database.

While one question is under way, what is wanted meanwhile waits for the next; alone, a reader waits for nobody.

    people = Gathered(read_people)                 # read_people([key, …]) -> {key: value}

    record = await people.get(dossier_id)          # None when the answer does not have it
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
# POST /people/read takes 200 (interfaces of intake).
GATHERED_MAX = 200


class Gathered(Generic[K, V]):
    """Asks for many keys at once. An error of a question is raised to everyone whose key was in it."""

    def __init__(
        self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, gathered_max: int = GATHERED_MAX
    ) -> None:
        self._read = read
        self._gathered_max = gathered_max
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._running: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """The value of `key`, read after this was called. Raises what the question raises."""
        found = self._waiting.get(key)
        if found is None:
            found = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        # One who goes away must not take the answer from the others who wait for it.
        return await asyncio.shield(found)

    async def _run(self) -> None:
        try:
            while self._waiting:
                keys = list(self._waiting)[: self._gathered_max]
                await self._ask({key: self._waiting.pop(key) for key in keys})
        finally:
            self._running = None

    async def _ask(self, asked: Mapping[K, "asyncio.Future[V | None]"]) -> None:
        try:
            found = await self._read(list(asked))
        except Exception as error:  # noqa: BLE001 - each of them is told
            for future in asked.values():
                future.set_exception(error)
                # Nobody may be left to hear it.
                future.exception()
            return
        for key, future in asked.items():
            future.set_result(found.get(key))
