"""Reading the feed: the logic of both clients' feeds, whichever way the events come.

An event counts as handled when the next one is asked for; then its cursor is saved. So each event comes at least once,
whatever breaks off. A page of long polling has one cursor, after its last event; on a stream each event has its own.
"""

import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

from mot_cua.cursors import AsyncCursorStore, CursorStore
from mot_cua.effects import Close, Load, Pause, Request, Save, Steps, receive
from mot_cua.errors import UnexpectedAnswer, Unreachable
from mot_cua.event import Event, read_batch, read_event
from mot_cua.session import Session
from mot_cua.sse import Message, Parser

LATEST = "latest"
WAIT_SECONDS = 25
PAGE_EVENTS = 100
# The gateway gives a sign of life every 15 seconds.
SILENCE_SECONDS_MAX = 45.0
# Empty pages that come at once are asked for again after this.
IDLE_SECONDS = 1.0
_log = logging.getLogger("mot_cua")


class Reading:
    """One reader's place in the feed, and the events it has been sent and not yet handled."""

    def __init__(
        self,
        session: Session,
        store: CursorStore | AsyncCursorStore,
        *,
        types: Sequence[str] = (),
        stream: bool = False,
        follow: bool = True,
        begin: str = "",
        page_events: int = PAGE_EVENTS,
    ) -> None:
        """Raises ValueError for a stream that does not follow: a stream has no end of its own."""
        if stream and not follow:
            raise ValueError("a stream goes on for ever; read pages to stop at the end")
        self._session = session
        self._store = store
        self._types = ",".join(types)
        self._streaming = stream
        self._follow = follow
        self._page_events = page_events
        self._begin = begin
        self._after: str | None = None
        self._saved: str | None = None
        # Each with the cursor after it, where it has one.
        self._pending: deque[tuple[Event, str | None]] = deque()
        self._in_hand = False
        self._stopping = False
        self._stream: Any = None
        self._parser = Parser()
        self._backoff = session.backoff()

    def next(self) -> Steps[Event | None]:
        """The next event, the one before it being handled; None when there is none and none is waited for.

        Raises CursorTooOld, CursorUnknown, Unauthorised and whatever else trying again would not mend.
        """
        yield from self.commit()
        if self._after is None:
            self._saved = yield Load(self._store)
            self._after = self._saved if self._saved is not None else self._begin
        while not self._pending and not self._stopping:
            if self._streaming and self._after != LATEST:
                yield from self._listen()
            elif not (yield from self._poll()):
                break
        if not self._pending or self._stopping:
            return None
        self._in_hand = True
        return self._pending[0][0]

    def commit(self) -> Steps[None]:
        """The event given last counts as handled."""
        if self._in_hand:
            cursor = self._pending[0][1]
            if cursor is not None:
                yield from self._save(cursor)
            self._pending.popleft()
            self._in_hand = False

    def put_back(self) -> None:
        """Reading begins anew: the event given last was not handled, and is given again."""
        self._in_hand = False

    def stop(self) -> None:
        """Give no more events, for good; what waits for one ends when its call does."""
        self._stopping = True

    def close(self) -> Steps[None]:
        """Let the stream go."""
        stream, self._stream = self._stream, None
        if stream is not None:
            yield Close(stream)

    def _poll(self) -> Steps[bool]:
        """One page. Whether it is worth asking again."""
        began = self._session.clock()
        # The place that `latest` means is to be saved before anything is waited for, or a restart would skip events.
        wait = WAIT_SECONDS if self._follow and self._after != LATEST else 0
        query = {"after": self._after, "types": self._types, "limit": self._page_events, "wait": wait}
        request = Request(
            method="GET",
            url=self._session.address("/events", query),
            timeout_seconds=wait + 15.0,
        )
        response = yield from self._session.call(request, for_ever=self._follow)
        events, cursor = read_batch(response.content), response.headers.get("next-cursor")
        if not cursor:
            raise UnexpectedAnswer("the answer has no Next-Cursor")
        moved = cursor != self._after
        self._after = cursor
        if events:
            self._pending.extend((event, None) for event in events[:-1])
            self._pending.append((events[-1], cursor))
        elif moved:
            yield from self._save(cursor)
        elif self._follow and self._session.clock() - began < IDLE_SECONDS:
            yield Pause(IDLE_SECONDS)
        return bool(events) or moved or self._follow

    def _listen(self) -> Steps[None]:
        """More of the stream; a new one when there is none."""
        if self._stream is None:
            yield from self._connect()
        # Whatever breaks off here, the stream is not used again.
        stream, self._stream = self._stream, None
        try:
            content = yield from receive(stream)
            messages = self._parser.feed(content)
        except (Unreachable, ValueError) as failure:
            _log.warning("the stream broke: %s", failure)
            content, messages = b"", []
        if not content:
            yield Close(stream)
            yield Pause(self._backoff.pause())
            return
        self._stream = stream
        yield from self._take(messages)

    def _connect(self) -> Steps[None]:
        headers = {"accept": "text/event-stream", "cache-control": "no-store"}
        if self._after:
            headers["last-event-id"] = self._after
        request = Request(
            method="GET",
            url=self._session.address("/events", {"types": self._types}),
            headers=headers,
            timeout_seconds=SILENCE_SECONDS_MAX,
        )
        response = yield from self._session.call(request, stream=True, for_ever=True)
        self._stream, self._parser = response.stream, Parser()
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            yield from self.close()
            raise UnexpectedAnswer("the answer is no stream of events")

    def _take(self, messages: Sequence[Message]) -> Steps[None]:
        for message in messages:
            if message.event != "message":
                # `ended`: whoever connects anew is told why.
                continue
            if message.data:
                self._pending.append((read_event(message.data), message.id or None))
            elif message.id and self._pending:
                self._pending[-1] = (self._pending[-1][0], message.id)
            if message.id:
                self._after = message.id
                self._backoff.reset()
        if not self._pending and self._after:
            yield from self._save(self._after)

    def _save(self, cursor: str) -> Steps[None]:
        if cursor != self._saved:
            yield Save(self._store, cursor)
            self._saved = cursor
