"""One partner's inbox: its messages are taken in order, each in the partner's name, and erased once they are answered.

Which partner speaks is told by the inbox alone: nobody else may publish there. The answer is committed before the
message is erased; a gateway that is killed between the two takes the message again, and the taker knows it. So what
lies in an inbox is what is not answered: whoever takes over begins with the oldest message, at once, and a frozen
process that wakes up repeats in the same order what the taker knows.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from uuid import uuid4

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from libs.bus import jetstream
from libs.bus.topology import StreamPlan, TopologyRefused, reconcile_stream
from libs.database.transactions import Transactions
from libs.http.problems import Problem
from services.gateway.inbound.outcomes import LATER, Outcome, refused
from services.gateway.partners.partner import Partner
from services.gateway.straight import store
from services.gateway.straight.answers import answer_of
from services.gateway.straight.lane import Lane
from services.gateway.straight.layout import (
    FORMER_INBOX_DURABLE,
    inbox_config,
    inbox_reader,
    inbox_stream,
)
from services.gateway.straight.messages import Taker, unreadable
from services.gateway.straight.patience import passes, rest

BATCH = 32
FETCH_SECONDS = 5.0
RETRY_SECONDS_MIN, RETRY_SECONDS_MAX = 0.5, 15.0
# A message that makes the taker fail, rather than wait, stops nobody behind it for longer.
FAILURES_MAX = 3
log = structlog.get_logger(__name__)


class _Missed(Exception):
    """A message went out while the connection was lost: it is still in the inbox, before what comes next."""


class Inbox:
    """Takes what one partner hands in. `run` is a task; `partner` is changed when its registration is."""

    def __init__(
        self,
        partner: Partner,
        client: Client,
        transactions: Transactions,
        taker: Taker,
        lane: Lane,
        *,
        replicas: int,
    ) -> None:
        self.partner = partner
        self._client = client
        self._transactions = transactions
        self._taker = taker
        self._lane = lane
        self._stream = inbox_stream(partner.code)
        self._plan = StreamPlan(
            name=self._stream,
            config=inbox_config(partner.code, replicas=replicas),
            durables=(),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Take until told to stop."""
        while not stop.is_set():
            try:
                await self._take_all(stop)
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("partner-inbox-waits", partner=self.partner.code, error=type(error).__name__)
                await rest(stop, RETRY_SECONDS_MIN)

    async def _take_all(self, stop: asyncio.Event) -> None:
        created = await self._made()
        with suppress(jetstream.NotFound):
            await jetstream.delete_consumer(self._client, self._stream, FORMER_INBOX_DURABLE)
        reader = f"gateway-{uuid4().hex}"
        await jetstream.write_consumer(self._client, self._stream, inbox_reader(reader), action="create")
        subscription = await self._client.jetstream().pull_subscribe_bind(
            consumer=reader, stream=self._stream
        )
        seen = 0
        try:
            while not stop.is_set():
                for message in await self._next(subscription, reader, seen):
                    seen += 1
                    if message.metadata.sequence.consumer != seen:
                        raise _Missed
                    if not await self._take(message, created, stop):
                        return
        except _Missed:
            log.info("partner-inbox-read-anew", partner=self.partner.code)
        finally:
            await self._leave(subscription, reader)

    async def _made(self) -> str:
        """When the inbox was made, which is made now if there is none. Raises TopologyRefused when it cannot be."""
        try:
            await reconcile_stream(self._client, self._plan)
        except TopologyRefused as refused:
            with suppress(jetstream.NotFound):
                found = await jetstream.stream_info(self._client, self._stream)
                # What lies in it must be answered before it is too old, whatever its settings are.
                log.error(
                    "partner-inbox-differs",
                    partner=self.partner.code,
                    settings=",".join(refused.settings),
                    error_code=str(refused.err_code),
                )
                return found.created
            raise
        return (await jetstream.stream_info(self._client, self._stream)).created

    async def _leave(self, subscription: JetStreamContext.PullSubscription, reader: str) -> None:
        # What fails here ends by itself: the subscription with the connection, the reader when it has been idle.
        with suppress(NatsError):
            await subscription.unsubscribe()
        with suppress(NatsError, jetstream.ApiError):
            await jetstream.delete_consumer(self._client, self._stream, reader)

    async def _next(
        self, subscription: JetStreamContext.PullSubscription, reader: str, seen: int
    ) -> list[Msg]:
        """The next messages, if any. Raises _Missed when some were sent that never came."""
        messages: list[Msg] = []
        with suppress(TimeoutError):
            messages = await subscription.fetch(BATCH, timeout=FETCH_SECONDS)
        if not messages:
            # Also what a stream that is gone looks like.
            info = await jetstream.consumer_info(self._client, self._stream, reader)
            if info.delivered.consumer_seq != seen:
                raise _Missed
        return messages

    async def _take(self, message: Msg, created: str, stop: asyncio.Event) -> bool:
        """Take one message, however long it takes; False when told to stop before."""
        sequence = message.metadata.sequence.stream
        outcome = await self._outcome(message, stop)
        if outcome is None:
            return False
        async with self._transactions.transaction() as conn:
            await store.add_answer(
                conn,
                self.partner.code,
                answer_of(outcome),
                inbox_created=created,
                inbox_sequence=sequence,
            )
        self._lane.answered()
        with suppress(jetstream.NotFound):
            await jetstream.erase_message(self._client, self._stream, sequence)
        return True

    async def _outcome(self, message: Msg, stop: asyncio.Event) -> Outcome | None:
        failures, wait_seconds = 0, float(RETRY_SECONDS_MIN)
        headers: Mapping[str, str] = message.headers or {}
        while not stop.is_set():
            try:
                outcome = await self._taker.take(self.partner, headers, message.data)
            except Exception as error:
                if not passes(error):
                    failures += 1
                    log.error("partner-event-failed", partner=self.partner.code, exc_info=error)
                if failures >= FAILURES_MAX:
                    ours = Problem(500)
                    return refused(unreadable(headers, message.data, ours), ours)
            else:
                if outcome.state != LATER:
                    return outcome
                log.info("partner-event-waits", partner=self.partner.code)
                wait_seconds = max(wait_seconds, outcome.retry_after_seconds)
            await rest(stop, wait_seconds)
            wait_seconds = min(2 * wait_seconds, RETRY_SECONDS_MAX)
        return None
