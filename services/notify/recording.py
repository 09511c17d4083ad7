"""What the sender writes down: that a letter is begun, how it ended, that it has to wait.

With patience for our own database: what a provider said and nobody recorded becomes an unknown fate.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from libs.bus.outages import is_contention, is_outage
from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS, Writer
from libs.contracts.event import Event
from libs.contracts.notify import MessageDelivered, MessageFailed, MessageSent
from libs.telemetry.metrics import counter
from services.notify import domain, sending_store
from services.notify.channels import Letter, NotBegun
from services.notify.delivery import Ended
from services.notify.rules import DESK
from services.notify.sending_store import Due, Later

_PATIENCE_SECONDS = 30.0
_RETRY_SECONDS = 0.5

_MESSAGES = counter("messages_total")


class Recorder:
    """Writes for the sender. `lease` is how long a begun letter may take before its fate counts as unknown."""

    def __init__(self, pool: "asyncpg.Pool[Any]", writer: Writer, lease: timedelta) -> None:
        self._pool = pool
        self._writer = writer
        self._lease = lease

    async def begin(self, message: Due, channel: str) -> None:
        """Commit that a provider is about to hear of the message. Raises NotBegun when it must not."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
                begun = await sending_store.begin(conn, message, channel, self._lease)
        except Exception as error:
            if not _passes(error):
                raise
            raise NotBegun("database-away") from error
        if not begun:
            raise NotBegun("changed-meanwhile")

    async def end(self, message: Due, ended: Ended) -> None:
        """Record how sending ended. Raises NotBegun when that is no longer this taking's to say."""

        async def write() -> bool:
            async with self._writer.transaction() as conn:
                return await self._end(conn, message, ended)

        try:
            recorded = await _patiently(write)
        finally:
            _MESSAGES.labels(ended.channel or "none", ended.state).inc()
        if not recorded:
            raise NotBegun("changed-meanwhile")

    async def lay_in(self, message: Due, letter: Letter, agency: str) -> None:
        """The desk's inbox is ours: the letter lies there and counts as sent in one transaction. Raises NotBegun."""
        ended = Ended(state=domain.SENT, channel=DESK, provider_id=str(letter.id))
        try:
            async with self._writer.transaction() as conn:
                if not await self._end(conn, message, ended):
                    raise NotBegun("changed-meanwhile")
                await sending_store.put_in_inbox(
                    conn, letter.id, agency, message.dossier_id, letter.subject, letter.body
                )
        except Exception as error:
            if not _passes(error):
                raise
            raise NotBegun("database-away") from error
        _MESSAGES.labels(DESK, domain.SENT).inc()

    async def put_back(self, laters: Sequence[Later]) -> None:
        """Let messages wait that no provider has taken. Raises the database's errors when patience is over."""

        async def write() -> bool:
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
                await sending_store.put_back(conn, laters)
            return True

        if laters:
            await _patiently(write)

    async def _end(self, conn: Any, message: Due, ended: Ended) -> bool:
        at = await sending_store.finish(
            conn, message, ended.state, ended.channel, ended.provider_id, ended.reason
        )
        if at is None:
            return False
        event = event_of(message.id, message.rule, ended.state, ended.channel, ended.reason, at)
        if event is not None:
            await emit(conn, "notify", [Outgoing(dossier_id=message.dossier_id, event=event)])
        return True


def event_of(
    message_id: UUID, rule: str, state: str, channel: str, reason: str, at: datetime
) -> Event | None:
    """The event that says a message has reached this state; None for states nobody is told of."""
    if state == domain.SENT:
        return MessageSent(message_id=message_id, rule=rule, channel=channel, sent_at=at)
    if state == domain.DELIVERED:
        return MessageDelivered(message_id=message_id, rule=rule, channel=channel, delivered_at=at)
    if state == domain.FAILED:
        return MessageFailed(message_id=message_id, rule=rule, channel=channel, reason=reason, failed_at=at)
    return None


def _passes(error: Exception) -> bool:
    """A database that is away delays a letter; any other fault is ours."""
    return is_outage(error) or is_contention(error)


async def _patiently(write: Callable[[], Awaitable[bool]]) -> bool:
    """Write, again and again while the database is away. Raises its error when patience is over."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            try:
                return await write()
            except Exception as error:
                if not _passes(error):
                    raise
                await asyncio.sleep(_RETRY_SECONDS)
