"""Rows to the stream and back as marks: windows under way while the next rows are fetched."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

import msgspec
from nats.aio.client import Client

from libs.bus.ledger import Epoch, Ledger, Row
from libs.bus.publisher import (
    AWAY,
    Message,
    Outcome,
    Publisher,
    Refused,
    Stored,
    Window,
)
from libs.bus.stored import holds
from libs.bus.topology import stream_of
from libs.contracts.cloudevents import encode_block
from libs.contracts.event import Envelope
from libs.telemetry.metrics import counter
from libs.telemetry.traces import span, tracing


class PumpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes and deadlines of publishing."""

    window_messages_max: int = 512
    # One being acked, one on the wire, one being fetched.
    windows_max: int = 3
    ack_seconds_max: float = 5.0
    # An atomic batch is forced to disk once; below this many messages its fixed cost (about 1.3 ms) is more than
    # forcing each (0.25 ms). Measured with `sync_interval: always`.
    atomic_messages_min: int = 16


class Stalled(Exception):
    """Some rows could not be published now; they stay unpublished. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class StreamDamaged(Exception):
    """The stream is not, or does not hold, what the outbox says it holds."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Batch(msgspec.Struct):
    rows: list[Row]
    messages: list[Message]
    window: Window
    atomic: bool
    outcomes: list[Outcome] = []

    @property
    def refused(self) -> Refused | None:
        """Its first message that is not known to be stored."""
        return next((outcome for outcome in self.outcomes if isinstance(outcome, Refused)), None)

    @property
    def refused_whole(self) -> bool:
        """Whether it is an atomic batch that the stream would not take as such, because of a duplicate in it."""
        first = self.outcomes[0]
        return self.atomic and isinstance(first, Refused) and first.code not in AWAY


_PUBLISHED = counter("bus_published_total")

# Rows of a window, the (id, sequence) of those stored, and the first that is not known to be.
_Settled = tuple[list[Row], list[tuple[int, int]], Refused | None]
Take = Callable[[Sequence[_Batch]], Awaitable[list[Row]]]
# Rows, the (id, sequence) of those stored, and whether everything up to the last row is stored.
Mark = Callable[[list[Row], list[tuple[int, int]], bool], Awaitable[None]]


class Pump:
    """Publishes rows of one epoch in order, several windows at a time, and marks what the stream acked."""

    def __init__(
        self,
        ledger: Ledger,
        publisher: Publisher,
        client: Client,
        source: str,
        epoch: Epoch,
        settings: PumpSettings,
    ) -> None:
        self._ledger = ledger
        self._publisher = publisher
        self._client = client
        self._source = source
        self._epoch = epoch
        self._settings = settings
        self._last_sequence = -1
        # After a start or a failure the oldest rows may be on the stream already: so many windows, as many as were
        # under way then, are not sent as one batch, for a duplicate refuses the whole of it.
        self._doubtful = settings.windows_max

    @property
    def stream(self) -> str:
        """The stream it publishes to."""
        return stream_of(self._source)

    async def drain(self, enough: Callable[[], bool]) -> int:
        """Publish what is unpublished until nothing is left or `enough`; return how many rows were marked.

        Raises Stalled (after marking all that was acked) and StreamDamaged.
        """

        async def take(under_way: Sequence[_Batch]) -> list[Row]:
            ids = [row.id for batch in under_way for row in batch.rows]
            return await self._ledger.unpublished(ids, self._settings.window_messages_max)

        async def mark(_rows: list[Row], stored: list[tuple[int, int]], _complete: bool) -> None:
            await self._ledger.mark(self._epoch.epoch, stored)
            _PUBLISHED.inc(len(stored))

        return await self._flow(take, mark, enough)

    async def replay(self, enough: Callable[[], bool]) -> int:
        """Publish everything of the epoch's refill that is not there yet; raises like `drain`."""
        cursor = self._epoch.refilled_to

        async def take(under_way: Sequence[_Batch]) -> list[Row]:
            after = under_way[-1].rows[-1].id if under_way else cursor
            return await self._ledger.rows(after, self._epoch.refill_to, self._settings.window_messages_max)

        async def mark(rows: list[Row], stored: list[tuple[int, int]], complete: bool) -> None:
            nonlocal cursor
            cursor = rows[-1].id if complete else cursor
            await self._ledger.mark(self._epoch.epoch, stored, refilled_to=cursor)

        return await self._flow(take, mark, enough)

    async def _flow(self, take: Take, mark: Mark, enough: Callable[[], bool]) -> int:
        if self._last_sequence < 0:
            self._last_sequence = await self._ledger.last_sequence(self._epoch.epoch)
        under_way: deque[_Batch] = deque()
        stalled: Stalled | None = None
        emptied = False
        marked = 0
        try:
            while True:
                if stalled is None:
                    emptied = await self._fill(under_way, take, enough)
                if not under_way:
                    break
                for rows, stored, refused in await self._settle(under_way):
                    if refused is not None:
                        stalled = stalled or Stalled(refused.code)
                        self._doubtful = self._settings.windows_max
                    elif stalled is None and self._doubtful:
                        self._doubtful -= 1
                    if stored:
                        await mark(rows, stored, stalled is None)
                        marked += len(stored)
        finally:
            for batch in under_way:
                self._publisher.forget(batch.window)
        if stalled is not None:
            raise stalled
        if emptied:
            self._doubtful = 0
        return marked

    async def _fill(self, under_way: deque[_Batch], take: Take, enough: Callable[[], bool]) -> bool:
        """Send windows until as many as may be are under way or `enough`; True when nothing was left to send.

        A window that is not full was all there was: it is asked again when the oldest under way is at its end.
        """
        while len(under_way) < self._settings.windows_max and not enough():
            rows = await take(under_way)
            if rows:
                under_way.append(await self._send(rows))
            if len(rows) < self._settings.window_messages_max:
                return True
        return False

    async def _send(self, rows: list[Row]) -> _Batch:
        messages = [self._message(row) for row in rows]
        atomic = not self._doubtful and len(messages) >= self._settings.atomic_messages_min
        with self._span(rows) if tracing() else nullcontext():
            window = await self._publisher.send(messages, atomic=atomic)
        return _Batch(rows, messages, window, atomic)

    def _span(self, rows: list[Row]) -> AbstractContextManager[object]:
        attributes: dict[str, str | int] = {
            "messaging.system": "nats",
            "messaging.operation.name": "publish",
            "messaging.operation.type": "send",
            "messaging.destination.name": self.stream,
            "messaging.batch.message_count": len(rows),
        }
        links = [row.traceparent for row in rows]
        return span("publish batch", kind="producer", attributes=attributes, links=links)

    def _message(self, row: Row) -> Message:
        envelope = Envelope(
            id=row.event_id,
            source=self._source,
            type=row.subject,
            dossier_id=row.dossier_id,
            time=row.occurred_at,
            sequence=row.sequence,
            causation_id=row.causation_id,
            traceparent=row.traceparent,
        )
        return Message(row.subject, encode_block(envelope), row.payload)

    async def _settle(self, under_way: deque[_Batch]) -> list[_Settled]:
        """Take the oldest window to its end: its rows, what is stored of them, and what is not.

        An atomic batch refused as such is sent again one by one, but only when the windows sent behind it are at
        their ends too, for they are in the stream before it.
        """
        settled = [await self._end_of(under_way)]
        if not settled[0].refused_whole:
            (batch,) = settled
            return [(batch.rows, await self._accept(batch), batch.refused)]
        self._doubtful = self._settings.windows_max
        while under_way:
            settled.append(await self._end_of(under_way))
        stored = {id(batch): await self._accept(batch) for batch in settled if not batch.refused_whole}
        for batch in settled:
            if batch.refused_whole:
                batch.window = await self._publisher.send(batch.messages)
                batch.atomic = False
                batch.outcomes = await self._publisher.outcomes(batch.window, self._settings.ack_seconds_max)
                stored[id(batch)] = await self._accept(batch)
        return [(batch.rows, stored[id(batch)], batch.refused) for batch in settled]

    async def _end_of(self, under_way: deque[_Batch]) -> _Batch:
        batch = under_way[0]
        batch.outcomes = await self._publisher.outcomes(batch.window, self._settings.ack_seconds_max)
        return under_way.popleft()

    async def _accept(self, batch: _Batch) -> list[tuple[int, int]]:
        """The (id, sequence) of what the stream now holds.

        New messages get ever higher sequences; one that does not was stored by a stream that has lost its end.
        A duplicate counts only if it can be read at its place: the server remembers ids it no longer holds.
        Raises StreamDamaged.
        """
        stored: list[tuple[int, int]] = []
        duplicates: dict[int, UUID] = {}
        for row, outcome in zip(batch.rows, batch.outcomes, strict=True):
            if isinstance(outcome, Stored):
                stored.append((row.id, outcome.seq))
                if outcome.duplicate:
                    duplicates[outcome.seq] = row.event_id
                elif outcome.seq <= self._last_sequence:
                    raise StreamDamaged("sequence-went-back")
                else:
                    self._last_sequence = outcome.seq
        if duplicates and not await holds(self._client, self.stream, duplicates):
            raise StreamDamaged("duplicate-not-stored")
        return stored
