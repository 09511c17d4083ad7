"""Partners' streams: opened where they can be trusted, else made anew from where the partner was last seen to be."""

import contextlib
import re
from collections.abc import Collection
from typing import Any

import msgspec
import structlog
from nats.aio.client import Client

from libs.bus import jetstream
from libs.bus.jetstream import ConsumerInfo, StreamInfo
from libs.bus.topology import StreamPlan, TopologyRefused, differences, reconcile_stream
from libs.database.transactions import Transactions
from services.gateway.feed import feed_store
from services.gateway.feed.cursor import read_cursor
from services.gateway.straight import store
from services.gateway.straight.layout import (
    DURABLE,
    EVENTS_BYTES_MAX,
    FEED_CURSOR,
    events_config,
    events_durable,
    events_stream,
    inbox_stream,
)
from services.gateway.straight.life import Damaged, Life, check, filling, life_of
from services.gateway.straight.store import Standing

# A new stream begins that far beyond all that is known of the one before: its sequences are never used again.
SEQUENCES_BETWEEN_LIVES = 1_000_000
_HEADER = re.compile(rb"(?i)\r\n%s:\s*([^\r\n]+)" % FEED_CURSOR.encode())
log = structlog.get_logger(__name__)


class NotSwitchedOn(Exception):
    """The partner does not read by NATS any more."""


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between installations."""

    events_bytes_max: int = EVENTS_BYTES_MAX
    replicas: int = 1


class Streams:
    """Makes, looks at and removes partners' streams."""

    def __init__(self, client: Client, transactions: Transactions, settings: StreamSettings) -> None:
        self._client = client
        self._transactions = transactions
        self._settings = settings

    async def open(self, code: str) -> Life:
        """The partner's stream as it is, or a new one. Raises jetstream.ApiError, or NotSwitchedOn."""
        async with self._transactions.transaction() as conn:
            standing = await store.standing(conn, code)
        if standing is None:
            raise NotSwitchedOn(code)
        info = await self._stream(code)
        if info is not None and info.created == standing.stream_created:
            try:
                life = await self._resumed(standing, info)
            except Damaged as damage:
                log.warning("partner-stream-damaged", partner=code, reason=damage.reason)
            else:
                if standing.filled_for == filling(standing):
                    await self._bring_up_to_date(code, info)
                    return life
                standing = msgspec.structs.replace(standing, floor=life.floor)
                await self._note(life)
        return await self._anew(standing, info)

    async def look(self, life: Life, position: int) -> None:
        """Note in `life` and the database what was confirmed, and purge it. Raises Damaged.

        `position` is where in the feed the lane is: a partner that has confirmed all is there as well.
        """
        stream = events_stream(life.code)
        # In this order: after somebody else's purge the durable passes over what is gone as if it were confirmed, and
        # then the stream shows that it is.
        place = await self._durable(life.code)
        info = await self._stream(life.code)
        if info is None or info.created != life.created:
            raise Damaged("replaced" if info else "missing")
        check(info, place, stored=life.stored, confirmed=life.confirmed)
        confirmed = place.ack_floor.stream_seq
        if confirmed > life.confirmed:
            life.floor = max(life.floor, await self._position_at(stream, confirmed))
            life.confirmed = confirmed
        if life.confirmed == life.stored:
            life.floor = max(life.floor, position)
        await self._note(life)
        if info.state.messages and info.state.first_seq < life.confirmed:
            # The last confirmed message stays: by it a stream that was emptied by somebody else is told from ours.
            await jetstream.purge_below(self._client, stream, life.confirmed)

    async def distrust(self, code: str) -> None:
        """Have the stream made anew when it is opened next."""
        async with self._transactions.transaction() as conn:
            await store.distrust(conn, code)

    async def sweep(self, reading: Collection[str], handing_in: Collection[str]) -> None:
        """Take away the streams of partners that may not read, and the inboxes of those that never will again."""
        reads = {events_stream(code) for code in reading}
        keeps = {inbox_stream(code) for code in handing_in}
        for name in await jetstream.stream_names(self._client):
            kind, _, code = name.partition("_")
            if kind == "EVENTS" and name not in reads:
                await self.remove(code.lower())
            elif kind == "INBOX" and name not in keeps:
                with contextlib.suppress(jetstream.NotFound):
                    await jetstream.delete_stream(self._client, name)
                log.info("partner-inbox-removed", partner=code.lower())

    async def remove(self, code: str) -> None:
        """Take a partner's stream away, after a last look at how far it was."""
        async with self._transactions.transaction() as conn:
            noted = await store.noted(conn, code)
        info = await self._stream(code)
        if info is not None and noted is not None and info.created == noted.stream_created:
            with contextlib.suppress(Damaged, jetstream.NotFound):
                await self.look(life_of(noted, info, position=noted.floor), noted.floor)
        with contextlib.suppress(jetstream.NotFound):
            await jetstream.delete_stream(self._client, events_stream(code))
        await self.distrust(code)
        log.info("partner-stream-removed", partner=code)

    async def _stream(self, code: str) -> StreamInfo | None:
        try:
            return await jetstream.stream_info(self._client, events_stream(code))
        except jetstream.NotFound:
            return None

    async def _durable(self, code: str) -> ConsumerInfo:
        try:
            found = await jetstream.consumer_info(self._client, events_stream(code), DURABLE)
        except jetstream.NotFound:
            raise Damaged("durable-missing") from None
        if differences(events_durable(), found.config):
            raise Damaged("durable-differs")
        return found

    async def _resumed(self, standing: Standing, info: StreamInfo) -> Life:
        """The stream that was noted, where it stands. Raises Damaged."""
        code = standing.partner.code
        life = life_of(standing, info, position=standing.floor)
        await self.look(life, standing.floor)
        if info.state.messages:
            last = await self._position_at(events_stream(code), info.state.last_seq)
            life.position = max(life.position, last)
        return life

    async def _anew(self, standing: Standing, before: StreamInfo | None) -> Life:
        code = standing.partner.code
        stream = events_stream(code)
        await self.distrust(code)
        known = max(standing.stored, before.state.last_seq if before else 0)
        if before is not None:
            with contextlib.suppress(jetstream.NotFound):
                await jetstream.delete_stream(self._client, stream)
        first = known + SEQUENCES_BETWEEN_LIVES
        info = await jetstream.create_stream(self._client, self._config(code, first_sequence=first))
        await jetstream.write_consumer(self._client, stream, events_durable(), action="create")
        filled_for = filling(standing)
        async with self._transactions.transaction() as conn:
            await store.begin(conn, code, created=info.created, filled_for=filled_for, stored=first - 1)
        log.info("partner-stream-made", partner=code, from_seq=first)
        return Life(
            code=code,
            created=info.created,
            filled_for=filled_for,
            position=standing.floor,
            stored=first - 1,
            confirmed=first - 1,
            floor=standing.floor,
        )

    def _config(self, code: str, *, first_sequence: int) -> dict[str, Any]:
        return events_config(
            code,
            first_sequence=first_sequence,
            bytes_max=self._settings.events_bytes_max,
            replicas=self._settings.replicas,
        )

    async def _bring_up_to_date(self, code: str, info: StreamInfo) -> None:
        """Let a stream that another release made, or this one under other settings, be as one that is made now."""
        config = self._config(code, first_sequence=info.config.get("first_seq", 0))
        try:
            done = await reconcile_stream(
                self._client, StreamPlan(name=events_stream(code), config=config, durables=())
            )
        except TopologyRefused as refused:
            # What it holds is right all the same.
            log.error(
                "partner-stream-differs",
                partner=code,
                settings=",".join(refused.settings),
                error_code=str(refused.err_code),
            )
            return
        if done:
            log.info("partner-stream-brought-up-to-date", partner=code)

    async def _position_at(self, stream: str, sequence: int) -> int:
        """The place in the feed of a message. Raises Damaged when it is none of this feed."""
        try:
            message = await jetstream.get_message(self._client, stream, sequence)
        except jetstream.NotFound:
            raise Damaged("message-missing") from None
        found = _HEADER.search(message.hdrs)
        if found is None:
            raise Damaged("message-foreign")
        cursor = read_cursor(found[1].decode("latin-1"))
        async with self._transactions.transaction() as conn:
            head = await feed_store.head(conn)
        # A database that was restored from before gives the same places to other events.
        if cursor.feed != head.feed or cursor.position > head.last:
            raise Damaged("another-feed")
        return cursor.position

    async def _note(self, life: Life) -> None:
        now = (life.floor, life.stored, life.confirmed)
        if now == life.noted:
            return
        async with self._transactions.transaction() as conn:
            await store.note(
                conn,
                life.code,
                created=life.created,
                floor=life.floor,
                stored=life.stored,
                confirmed=life.confirmed,
            )
            await store.forget_answers(conn, life.code, life.confirmed)
        life.noted = now
