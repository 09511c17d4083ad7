"""The feed as server-sent events: the same events under the same cursors, until the stream is five minutes old.

Nothing is kept for a stream: it looks along the feed as its client takes what it is sent, a page at a time. A slow
client is behind and delays nobody; one that takes nothing for WRITE_SECONDS_MAX is let go.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from libs.http.auth import PARTNER_SECONDS_MAX
from libs.http.health import Health
from libs.http.problems import Problem
from services.gateway.feed.cursor import Cursor
from services.gateway.feed.reading import Desk, Question, Waiting

MEDIA_TYPE = "text/event-stream"
PAGE_EVENTS = 100
HEARTBEAT_SECONDS = 15.0
WRITE_SECONDS_MAX = 30.0
# What a client waits before it connects anew.
RETRY_MS = 1000


class TimelyStream(StreamingResponse):
    """A stream whose client must take what it is sent; it has a place for as long as it lasts."""

    def __init__(self, content: AsyncIterator[bytes], place: AbstractContextManager[None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(content, media_type=MEDIA_TYPE, headers=headers)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end, or until the client takes nothing for too long.

        Raises Problem 429 or 503, before anything is sent, when there is no place.
        """

        async def timely(message: Any) -> None:
            async with asyncio.timeout(WRITE_SECONDS_MAX):
                await send(message)

        with self._place:
            try:
                await super().__call__(scope, receive, timely)
            except* TimeoutError:
                pass


def stream(desk: Desk, question: Question, request: Request, feed: str, after: int) -> StreamingResponse:
    """The stream from a position on."""
    health: Health = request.app.state.health

    async def events() -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        end = loop.time() + PARTNER_SECONDS_MAX
        position = after
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            while loop.time() < end and not health.draining:
                waiting = Waiting(HEARTBEAT_SECONDS, lambda: health.draining)
                page = await desk.next(question, position, PAGE_EVENTS, waiting)
                position = page.until
                parts = [
                    b"id: %s\ndata: %s\n\n" % (_id(feed, entry.position), entry.structured())
                    for entry in page.entries
                ]
                # Also a sign of life: the client resumes after what was not for it.
                parts.append(b"id: %s\n\n" % _id(feed, position))
                yield b"".join(parts)
        except Problem as problem:
            # Suspended, revoked, or the database is away: the next connection is told.
            yield b"event: ended\ndata: %s\n\n" % problem.slug.encode()

    return TimelyStream(events(), desk.place(question))


def _id(feed: str, position: int) -> bytes:
    return str(Cursor(feed, position)).encode()
