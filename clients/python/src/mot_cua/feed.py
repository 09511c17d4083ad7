"""The feed as a program reads it: `for event in client.feed(…)`, `async for event in async_client.feed(…)`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import TracebackType
from typing import Self

from mot_cua.event import Event
from mot_cua.performing import AwaitingPerformer, BlockingPerformer
from mot_cua.reading import Reading


class Feed:
    """Events one after another, for one reader. An event counts as handled, and its cursor is saved, when the next is
    asked for; whoever leaves the loop in between gets the last event again."""

    def __init__(self, performer: BlockingPerformer, reading: Reading) -> None:
        self._performer = performer
        self._reading = reading

    def __iter__(self) -> Iterator[Event]:
        self._reading.put_back()
        while (event := self._performer.perform(self._reading.next())) is not None:
            yield event

    def run(self, handler: Callable[[Event], object]) -> None:
        """Hand each event to `handler`. What it raises ends the run, and the event comes again the next time."""
        for event in self:
            handler(event)

    def commit(self) -> None:
        """The last event counts as handled: for who leaves the loop after it."""
        self._performer.perform(self._reading.commit())

    def stop(self) -> None:
        """End the loop for good after the event in hand (from a signal or another thread): within half a minute."""
        self._reading.stop()

    def close(self) -> None:
        """Let the stream go; the place is kept."""
        self._performer.perform(self._reading.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncFeed:
    """The same, awaited. Cancelling the task leaves the place as it is: the event in hand comes again."""

    def __init__(self, performer: AwaitingPerformer, reading: Reading) -> None:
        self._performer = performer
        self._reading = reading

    async def __aiter__(self) -> AsyncIterator[Event]:
        self._reading.put_back()
        while (event := await self._performer.perform(self._reading.next())) is not None:
            yield event

    async def run(self, handler: Callable[[Event], Awaitable[object]]) -> None:
        """Hand each event to `handler`. What it raises ends the run, and the event comes again the next time."""
        async for event in self:
            await handler(event)

    async def commit(self) -> None:
        """The last event counts as handled: for who leaves the loop after it."""
        await self._performer.perform(self._reading.commit())

    def stop(self) -> None:
        """End the loop for good after the event in hand: within half a minute."""
        self._reading.stop()

    async def close(self) -> None:
        """Let the stream go; the place is kept."""
        await self._performer.perform(self._reading.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
