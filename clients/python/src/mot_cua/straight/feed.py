"""Events straight from NATS: the partner's own stream and durable on the partners' server.

The events, their ids and their cursors are those of the feed, so that a program may change from one way to the other.
"""

import asyncio
import contextlib
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout
from nats.js.client import JetStreamContext

from mot_cua.event import Event, read_binary
from mot_cua.retrying import Backoff
from mot_cua.straight.connecting import FAILURES, PATIENCE_SECONDS, Connected, log

DURABLE = "own"
CURSOR_HEADER = "feed-cursor"
PAGE_EVENTS = 50
WAIT_SECONDS = 5.0
# The server gives an event again that was not acknowledged within 30 seconds; what waited here so long is given back.
HELD_SECONDS_MAX = 20.0


class NatsFeed(Connected):
    """`async with NatsFeed(…) as feed: async for event in feed: …`. An event is acknowledged when the next is wanted.

    At least once, in order, as the feed; one that is not handled within half a minute may come again. `cursor` is the
    feed's after the event acknowledged last.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        partner: str,
        seed: str,
        *,
        tls: ssl.SSLContext | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`seed`: the partner's NKey (SU…). `patience_seconds`: how long to be refused before it is believed."""
        super().__init__(servers, partner, seed, tls=tls, patience_seconds=patience_seconds)
        self._subscription: JetStreamContext.PullSubscription | None = None
        self._pending: deque[Msg] = deque()
        self._fetched_at = 0.0
        self._in_hand = False
        self._stopping = False
        self.cursor = ""

    async def __aiter__(self) -> AsyncIterator[Event]:
        self._in_hand = False
        while (event := await self._next()) is not None:
            yield event

    async def run(self, handler: Callable[[Event], Awaitable[object]]) -> None:
        """Hand each event to `handler`. What it raises ends the run, and the event comes again the next time."""
        async for event in self:
            await handler(event)

    async def commit(self) -> None:
        """The last event counts as handled, and the server is told so."""
        if not (self._in_hand and self._pending):
            return
        message = self._pending.popleft()
        self._in_hand = False
        try:
            await message.ack_sync(timeout=WAIT_SECONDS)
        except FAILURES as failure:
            log.warning("an event was not acknowledged and may come again: %r", failure)
            # Given back with the others: left out, it would come again only after them.
            self._pending.appendleft(message)
            await self.close()
        except asyncio.CancelledError:
            self._pending.appendleft(message)
            raise
        else:
            self.cursor = (message.headers or {}).get(CURSOR_HEADER, self.cursor)

    def stop(self) -> None:
        """End the loop for good after the event in hand: within seconds."""
        self._stopping = True

    async def close(self) -> None:
        """Close the connection; what was not acknowledged comes again, to whoever reads next, at once."""
        await self._give_back()
        self._subscription = None
        self._in_hand = False
        await super().close()

    async def _next(self) -> Event | None:
        await self.commit()
        if self._pending and time.monotonic() - self._fetched_at > HELD_SECONDS_MAX:
            await self._give_back()
        while not self._pending and not self._stopping:
            await self._fetch()
        if self._stopping:
            return None
        self._in_hand = True
        message = self._pending[0]
        return read_binary(message.headers or {}, message.data)

    async def _fetch(self) -> None:
        client = await self._connected()
        try:
            if self._subscription is None:
                context = client.jetstream()
                stream = f"EVENTS_{self._connector.partner.upper()}"
                self._subscription = await context.pull_subscribe_bind(durable=DURABLE, stream=stream)
            messages = await self._subscription.fetch(PAGE_EVENTS, timeout=WAIT_SECONDS)
        except (TimeoutError, NatsTimeout):
            # Nothing there; or it is not answered, which the next turn finds out.
            return
        except FAILURES as failure:
            log.warning("%r; connecting anew", failure)
            await self.close()
            await asyncio.sleep(Backoff().pause())
            return
        self._fetched_at = time.monotonic()
        self._pending.extend(messages)

    async def _give_back(self) -> None:
        """Before others get it: the server gives it again at once, in order."""
        # One by one: another task may close the feed meanwhile.
        while self._pending:
            message = self._pending.popleft()
            with contextlib.suppress(*FAILURES):
                await message.nak()
