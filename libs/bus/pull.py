"""Messages of one durable, pulled without pause: a standing request for credit, topped up when half is used.

One inbox subscription for the life of the consumer. Requests end by themselves (`expires`), and while one stands
the server sends heartbeats, so that silence means trouble and not an empty stream (delivery.md 3.5).
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol, cast

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from libs.bus.topology import durable_of, stream_of

EXPIRES_SECONDS = 30
# The server refuses a heartbeat of more than half of `expires`.
HEARTBEAT_SECONDS = 5
SILENCE_SECONDS_MAX = 2.5 * HEARTBEAT_SECONDS
RETRY_SECONDS_MIN = 0.25
RETRY_SECONDS_MAX = 5.0
DRAIN_SECONDS_MAX = 5.0
FLUSH_SECONDS_MAX = 2
# "$JS.ACK.<stream>.<durable>.<deliveries>…", or with a domain and an account hash before the stream (ADR-15).
_ACK_TOKENS_SHORT = 9

log = structlog.get_logger(__name__)


class Message:
    """One delivery of one message; settled exactly once by `Pull.settle`."""

    __slots__ = ("deliveries", "headers", "payload", "pending", "pull", "reply", "stream_sequence", "subject")

    def __init__(self, pull: "Pull", received: Msg) -> None:
        tokens = received.reply.split(".")
        first = 4 if len(tokens) == _ACK_TOKENS_SHORT else 6
        self.pull = pull
        self.subject = received.subject
        self.reply = received.reply
        self.headers = received.headers
        self.payload = received.data
        self.deliveries = int(tokens[first])
        self.stream_sequence = int(tokens[first + 1])
        self.pending = int(tokens[first + 4])


class _Writing(Protocol):
    """How nats-py's own `publish` writes (2.16, pinned)."""

    async def _send_command(self, cmd: bytes) -> None: ...

    async def _flush_pending(self) -> object: ...


class _Info(msgspec.Struct, frozen=True):
    num_pending: int = 0
    num_ack_pending: int = 0


_info = msgspec.json.Decoder(_Info)


class Pull:
    """The messages of durable `<service>-<source>`, handed to `deliver` as they come.

    At most `window` messages are asked for, buffered or being worked on at any time.
    """

    def __init__(
        self,
        client: Client,
        *,
        service: str,
        source: str,
        window: int,
        deliver: Callable[[Message], None],
    ) -> None:
        self.source = source
        self._client = client
        self._deliver = deliver
        self._window = window
        self.durable = durable_of(service, source)
        path = f"{stream_of(source)}.{self.durable}"
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{path}"
        self._info = f"$JS.API.CONSUMER.INFO.{path}"
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._asked = 0
        self.in_hand = 0
        self.lag = 0
        self.renewals = 0
        self._open = False
        self._heard_at = 0.0
        self._retry_at = 0.0
        self._retry_seconds = RETRY_SECONDS_MIN
        self._reconnects = client.stats["reconnects"]

    async def start(self, *, paused: bool = False) -> None:
        """Subscribe and, unless `paused`, ask for the first messages."""
        self._subscription = await self._client.subscribe(
            self._inbox, cb=self._received, pending_msgs_limit=16 * self._window, pending_bytes_limit=0
        )
        if not paused:
            await self.resume()

    def pause(self) -> None:
        """Ask for no more; what was asked for already may still come."""
        self._open = False

    async def resume(self) -> None:
        """Ask again after `pause`."""
        self._open = True
        self._heard_at = monotonic()
        await self._top_up()

    async def stop(self) -> None:
        """End the subscription; everything that is on its way has been delivered when this returns."""
        self._open = False
        try:
            async with asyncio.timeout(DRAIN_SECONDS_MAX):
                if self._subscription is not None:
                    await self._subscription.drain()  # type: ignore[no-untyped-call]
        except (NatsError, TimeoutError, OSError) as error:
            # Without a connection nothing is on its way; the server redelivers after ack_wait.
            log.info("pull-not-drained", source=self.source, error=type(error).__name__)

    async def flush(self) -> None:
        """Send the settlements that still stand in the client's buffer."""
        try:
            await self._client.flush(timeout=FLUSH_SECONDS_MAX)
        except (NatsError, TimeoutError, OSError) as error:
            log.info("pull-not-flushed", source=self.source, error=type(error).__name__)

    async def ack(self, message: Message) -> None:
        """Tell the server that the message is done."""
        await self._settle(message, b"+ACK")

    async def ack_all(self, messages: Sequence[Message]) -> None:
        """Tell the server that these messages are done, in one write."""
        if not self._client.is_connected:
            for message in messages:
                await self.ack(message)
            return
        self.in_hand -= len(messages)
        lines = b"".join([b"PUB %b 4\r\n+ACK\r\n" % message.reply.encode() for message in messages])
        writing = cast(_Writing, self._client)
        await writing._send_command(lines)  # noqa: SLF001 - `publish` costs 6 µs for each message
        await writing._flush_pending()  # noqa: SLF001
        if self._asked + self.in_hand <= self._window // 2:
            await self._top_up()

    async def term(self, message: Message) -> None:
        """Tell the server never to deliver the message again."""
        await self._settle(message, b"+TERM")

    async def nak(self, message: Message, delay_seconds: float) -> None:
        """Give the message back, to be delivered again after the delay (±20 %, so that a herd spreads out)."""
        spread = delay_seconds * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
        await self._settle(message, b'-NAK {"delay": %d}' % max(1, int(spread * 1e9)))

    async def tick(self) -> None:
        """Notice a server that restarted, a durable that vanished or a request that was lost, and ask again."""
        if not self._client.is_connected:
            return
        now = monotonic()
        reconnects = self._client.stats["reconnects"]
        lost = self._open and self._asked > 0 and now - self._heard_at > SILENCE_SECONDS_MAX
        if reconnects != self._reconnects or lost:
            self._reconnects = reconnects
            self._asked = 0
            self._heard_at = now
            self._retry_at = 0.0
            self.renewals += 1
            log.info("pull-renewed", source=self.source, count=self.renewals)
        await self._top_up()

    async def measure(self, timeout_seconds: float = 2.0) -> None:
        """Ask the server how many messages this durable has still to get; keeps the last figure if it is silent."""
        try:
            answer = await self._client.request(self._info, timeout=timeout_seconds)
            info = _info.decode(answer.data)
        except (NatsError, TimeoutError, OSError, msgspec.MsgspecError):
            return
        self.lag = info.num_pending + info.num_ack_pending

    async def _settle(self, message: Message, word: bytes) -> None:
        self.in_hand -= 1
        try:
            await self._client.publish(message.reply, word)
        except (NatsError, OSError) as error:
            # Lost settlements are redelivered; by then the position says that the event is done.
            log.warning("settlement-lost", source=self.source, error=type(error).__name__)
        if self._asked + self.in_hand <= self._window // 2:
            await self._top_up()

    async def _received(self, received: Msg) -> None:
        self._heard_at = monotonic()
        if not received.reply.startswith("$JS.ACK."):
            self._status(received.headers or {})
        else:
            self._asked = max(0, self._asked - 1)
            self.in_hand += 1
            self._retry_seconds = RETRY_SECONDS_MIN
            message = Message(self, received)
            self.lag = message.pending + self.in_hand
            self._deliver(message)
        if self._asked + self.in_hand <= self._window // 2:
            await self._top_up()

    def _status(self, headers: dict[str, str]) -> None:
        """100 is a heartbeat; 408 the end of a request; anything else (409, 503 …) means: wait, then ask again."""
        status = headers.get("Status", "")
        if status == "100":
            return
        unserved = headers.get("Nats-Pending-Messages", "")
        self._asked = max(0, self._asked - int(unserved)) if unserved.isdigit() else 0
        if status == "408" or headers.get("Description", "") == "Batch Completed":
            return
        self._asked = 0
        self._retry_at = monotonic() + self._retry_seconds
        self._retry_seconds = min(2 * self._retry_seconds, RETRY_SECONDS_MAX)
        log.info("pull-refused", source=self.source, code=status)

    async def _top_up(self) -> None:
        room = self._window - self._asked - self.in_hand
        if not self._open or room <= 0 or monotonic() < self._retry_at or not self._client.is_connected:
            return
        self._asked += room
        request = b'{"batch":%d,"expires":%d,"idle_heartbeat":%d}' % (
            room,
            EXPIRES_SECONDS * 10**9,
            HEARTBEAT_SECONDS * 10**9,
        )
        try:
            await self._client.publish(self._next, request, reply=self._inbox)
        except (NatsError, OSError) as error:
            self._asked = 0
            log.warning("pull-not-asked", source=self.source, error=type(error).__name__)
