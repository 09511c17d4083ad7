"""One partner's stream, kept filled with what is for it: each event once, in the order of the feed.

The stream tells itself how far it is: every message carries its place in the feed. A message is stored only as the
next one after what the lane knows (`Nats-Expected-Last-Sequence`), so of two gateways that both believe they lead, one
is refused and looks anew. A partner that takes nothing fills its stream and no more: the rest waits in the feed.
"""

import asyncio
from collections.abc import Sequence
from itertools import takewhile

import msgspec
import structlog
from nats.aio.client import Client

from libs.bus.publisher import AWAY, STREAM_FULL, Message, Outcome, Publisher, Stored
from libs.contracts.cloudevents import encode_block
from libs.database.transactions import Transactions
from services.gateway.feed.cursor import Cursor
from services.gateway.feed.feed_store import Entry
from services.gateway.feed.following import Feed
from services.gateway.feed.reading_log import ReadingLog
from services.gateway.partners.partner import is_readable, types_of
from services.gateway.straight import store
from services.gateway.straight.answers import block_of
from services.gateway.straight.layout import FEED_CURSOR, event_subject, events_stream
from services.gateway.straight.life import Damaged, Life, filling
from services.gateway.straight.patience import passes, rest
from services.gateway.straight.store import Answer, Standing
from services.gateway.straight.streams import NotSwitchedOn, Streams
from services.gateway.straight.tail import Tail

PAGE_EVENTS = 500
# A batch is forced to disk once, however many are in it; below this a batch costs more than forcing each.
ATOMIC_MESSAGES_MIN = 16
ACK_DEADLINE_SECONDS = 5.0
# How often the stream is looked at: what was confirmed is noted and purged, damage is found.
LOOK_SECONDS = 2.0
# A full stream, and a server that does not answer, are tried again after it.
REST_SECONDS = 1.0
WAY = "nats"
log = structlog.get_logger(__name__)


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What all lanes share."""

    client: Client
    streams: Streams
    transactions: Transactions
    feed: Feed
    tail: Tail
    log: ReadingLog


class NotStored(Exception):
    """The stream did not take what was published, or did not say so."""


class _Next(msgspec.Struct, frozen=True):
    """What is to be published next, and the place in the feed after it."""

    answers: Sequence[Answer]
    entries: Sequence[Entry]
    until: int
    more: bool


class Lane:
    """Fills the stream of one partner. `run` is a task; a changed registration is told by `told`."""

    def __init__(self, standing: Standing, tools: Tools) -> None:
        self.code = standing.partner.code
        self._tools = tools
        self._woken = asyncio.Event()
        self._answers = True
        self._feed = ""
        # The stream as it was opened; None: to be opened (again).
        self._life: Life | None = None
        self._position = 0
        # The stream was full when it was last published to.
        self._crowded = False
        self._publisher = Publisher(tools.client, events_stream(self.code))
        self.told(standing)

    def told(self, standing: Standing) -> None:
        """The partner as it is registered now. For other rights the stream is made anew."""
        self._types = types_of(standing.partner.types)
        self._readers = standing.partner.readers
        if self._life is not None and self._life.filled_for != filling(standing):
            self._life = None
            self.wake()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()

    def answered(self) -> None:
        """There is an answer to publish."""
        self._answers = True
        self.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Fill until told to stop, or until the partner is switched off."""
        await self._publisher.open()
        self._tools.tail.wakers.add(self.wake)
        try:
            while not stop.is_set():
                try:
                    await self._fill(stop)
                except NotSwitchedOn:
                    return
                except Damaged as damage:
                    # When it is opened it is found damaged again, and made anew.
                    log.warning("partner-stream-damaged", partner=self.code, reason=damage.reason)
                    self._life = None
                except Exception as error:
                    if not (isinstance(error, NotStored) or passes(error)):
                        raise
                    # What was stored is not known for sure: the stream is asked.
                    self._life = None
                    log.warning("partner-stream-waits", partner=self.code, error=type(error).__name__)
                    await rest(stop, REST_SECONDS)
        finally:
            self._tools.tail.wakers.discard(self.wake)
            await self._publisher.close()

    async def _fill(self, stop: asyncio.Event) -> None:
        life = self._life
        if life is None:
            life = await self._open()
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while not stop.is_set() and self._life is life:
            self._woken.clear()
            if loop.time() >= look_at:
                await self._look(life)
                look_at = loop.time() + LOOK_SECONDS
            found = await self._next()
            full = False
            if found.answers or found.entries:
                full = not await self._publish(life, found)
            else:
                self._position = max(self._position, found.until)
            if full:
                # Nothing is read for it meanwhile.
                self._tools.tail.wakers.discard(self.wake)
                await rest(stop, REST_SECONDS)
                self._tools.tail.wakers.add(self.wake)
            elif not (found.more or found.answers):
                await rest(self._woken, look_at - loop.time())

    async def _open(self) -> Life:
        life = await self._tools.streams.open(self.code)
        head = await self._tools.feed.head()
        self._life, self._position, self._answers, self._feed = life, life.position, True, head.feed
        if life.position < head.first - 1:
            # KEEP_DAYS were over before the partner came: over HTTP it would be told 410.
            log.warning("partner-events-forgotten", partner=self.code, count=head.first - 1 - life.position)
        return life

    async def _next(self) -> _Next:
        answers: list[Answer] = []
        if self._answers:
            self._answers = False
            async with self._tools.transactions.transaction() as conn:
                answers = await store.waiting_answers(conn, self.code, PAGE_EVENTS)
            # More than a page of them, or one more since they were read: look again.
            self._answers = self._answers or len(answers) == PAGE_EVENTS
        # One shows whether a stream that was full has room again.
        limit = 1 if self._crowded else PAGE_EVENTS
        rows = self._tools.tail.after(self._position)
        if rows is None:
            page = await self._tools.feed.page(
                self._position, types=self._types, readers=self._readers, limit=limit
            )
            return _Next(answers, page.entries, page.until, page.more)
        until = rows[-1].position if rows else self._position
        entries = [
            row
            for row in rows
            if row.envelope.type in self._types and is_readable(self._readers, row.readers)
        ]
        if len(entries) > limit:
            entries = entries[:limit]
            return _Next(answers, entries, entries[-1].position, more=True)
        return _Next(answers, entries, until, more=False)

    async def _publish(self, life: Life, found: _Next) -> bool:
        """Store what was found, in order; False when the stream is full. Raises NotStored."""
        messages = [*(self._answer(answer) for answer in found.answers), *map(self._event, found.entries)]
        # An answer may be there already, which would refuse the whole batch.
        together = len(messages) >= ATOMIC_MESSAGES_MIN and not found.answers
        outcomes = await self._store(life.stored, messages, together=together)
        stored = list(takewhile(lambda each: isinstance(each, Stored) and not each.duplicate, outcomes))
        life.stored += len(stored)
        if (events := len(stored) - len(found.answers)) > 0:
            self._position = found.entries[events - 1].position
        await self._note_answers(found.answers, outcomes)
        if len(stored) == len(messages):
            self._position = max(self._position, found.until)
            self._crowded = False
            return True
        self._answers = self._answers or bool(found.answers)
        code = getattr(outcomes[len(stored)], "code", "duplicate")
        if code == STREAM_FULL:
            self._crowded = True
            return False
        # Somebody else has stored, or it is not known what was.
        raise NotStored(code)

    async def _store(self, last: int, messages: Sequence[Message], *, together: bool) -> list[Outcome]:
        """Publish them as the next after sequence `last`: as one batch, or what that is refused for, each by itself."""
        if together:
            batch = [_expecting(messages[0], last), *messages[1:]]
            outcomes = await self._publisher.publish(
                batch, deadline_seconds=ACK_DEADLINE_SECONDS, atomic=True
            )
            if isinstance(outcomes[0], Stored) or outcomes[0].code in AWAY:
                return outcomes
        return await self._publisher.publish(
            [_expecting(message, last + place) for place, message in enumerate(messages)],
            deadline_seconds=ACK_DEADLINE_SECONDS,
        )

    async def _note_answers(self, answers: Sequence[Answer], outcomes: Sequence[Outcome]) -> None:
        """Note where answers are; one that an earlier try has stored is known by its id."""
        places = [
            (answer.id, outcome.seq)
            for answer, outcome in zip(answers, outcomes, strict=False)
            if isinstance(outcome, Stored)
        ]
        if places:
            async with self._tools.transactions.transaction() as conn:
                await store.answers_stored(conn, places)

    async def _look(self, life: Life) -> None:
        """Note and purge what was confirmed. Raises Damaged when the stream is not what it must be."""
        before, floor_before = life.confirmed, life.floor
        await self._tools.streams.look(life, self._position)
        events = life.confirmed - before
        if events > 0:
            await self._tools.log.note(
                self.code, WAY, WAY, events=events, after=floor_before, until=life.floor
            )

    def _event(self, entry: Entry) -> Message:
        envelope = entry.envelope
        block = encode_block(envelope)
        header = _with(block, f"{FEED_CURSOR}: {Cursor(self._feed, entry.position)}")
        return Message(event_subject(self.code, envelope.type, envelope.dossier_id), header, entry.data)

    def _answer(self, answer: Answer) -> Message:
        header = _with(block_of(answer), f"{FEED_CURSOR}: {Cursor(self._feed, self._position)}")
        return Message(event_subject(self.code, answer.type), header, answer.data)


def _with(block: bytes, line: str) -> bytes:
    return b"%s%s\r\n\r\n" % (block[:-2], line.encode())


def _expecting(message: Message, sequence: int) -> Message:
    header = _with(message.header, f"Nats-Expected-Last-Sequence: {sequence}")
    return Message(message.subject, header, message.payload)
