"""Publishing in windows: one write per batch, one inbox for all acks, each ack matched by its token.

nats-py's `publish` waits for each ack (3 k/s), its `publish_async` loses errors and leaks its slots (issue 985).
This way one process publishes ten times as much, and every message ends in exactly one outcome.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol, cast

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

# Messages of one write. An atomic batch of the server ends at 1,000.
WINDOW_MESSAGES_MAX = 1000
# How often a waiting window looks whether the connection it was written to still stands.
CONNECTION_CHECK_SECONDS = 0.25

# err_code values of nats-server (server/errors.json) and the name they have in our logs and status.
STREAM_FULL = "stream-full"
NO_RESPONDERS = "no-responders"
WRONG_STREAM = "wrong-stream"
DISCONNECTED = "disconnected"
TIMEOUT = "timeout"
TOO_LARGE = "too-large"
# With these the whole server or connection is away; sending one by one would not help.
AWAY = frozenset({DISCONNECTED, NO_RESPONDERS, TIMEOUT})
_CODES = {10077: STREAM_FULL, 10047: STREAM_FULL, 10023: STREAM_FULL, 10054: TOO_LARGE}


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message as it is written: subject, header block (`NATS/1.0` to the empty line), body."""

    subject: str
    header: bytes
    payload: bytes


class Stored(msgspec.Struct, frozen=True, gc=False):
    """The stream says it has the message at `seq`; `duplicate` says it claims to have had it before."""

    seq: int
    duplicate: bool = False


class Refused(msgspec.Struct, frozen=True, gc=False):
    """The message is not known to be stored; `code` says why. It may be stored all the same (timeout)."""

    code: str


Outcome = Stored | Refused


class _AckError(msgspec.Struct, frozen=True):
    err_code: int = 0
    description: str = ""


class _Ack(msgspec.Struct, frozen=True, gc=False):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _AckError | None = None
    count: int = 0


_ack = msgspec.json.Decoder(_Ack)


class _Writing(Protocol):
    """The two inner calls of nats-py 2.16 that its own `publish` ends in: queue bytes, wake the flusher."""

    async def _send_command(self, cmd: bytes) -> None: ...
    async def _flush_pending(self) -> Any: ...


class Window:
    """A batch that was written; `outcomes` waits for all its acks."""

    def __init__(self, client: Client, number: int, size: int, *, atomic: bool) -> None:
        self.number = number
        self._client = client
        self._reconnects = client.stats["reconnects"]
        self._found: list[Outcome | None] = [None] * size
        self._missing = 1 if atomic else size
        self._atomic = atomic
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def give_up(self) -> None:
        """Every message is Refused as disconnected: nothing was written."""
        self._reconnects = -1

    def settle(self, place: int, outcome: Outcome) -> None:
        """Take the outcome of the message at `place` (of the whole batch when it is atomic)."""
        if self._atomic:
            self._settle_all(outcome)
        elif self._found[place] is None:
            self._found[place] = outcome
            self._missing -= 1
            if self._missing == 0 and not self._done.done():
                self._done.set_result(None)

    def _settle_all(self, outcome: Outcome) -> None:
        """One ack for the whole batch: it carries the sequence of the last message."""
        last = len(self._found) - 1
        for place in range(len(self._found)):
            if isinstance(outcome, Stored):
                self._found[place] = Stored(outcome.seq - last + place)
            else:
                self._found[place] = outcome
        if not self._done.done():
            self._done.set_result(None)

    async def outcomes(self, deadline_seconds: float) -> list[Outcome]:
        """One outcome per message, in order; what has no ack by the deadline, or no connection, is Refused."""
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_seconds
        code = TIMEOUT
        while not self._done.done():
            left = end - loop.time()
            if left <= 0:
                break
            if not self._client.is_connected or self._client.stats["reconnects"] != self._reconnects:
                code = DISCONNECTED
                break
            await asyncio.wait((self._done,), timeout=min(left, CONNECTION_CHECK_SECONDS))
        return [outcome or Refused(code) for outcome in self._found]


class Publisher:
    """Publishes to one stream over nats-py's own connection."""

    def __init__(self, client: Client, stream: str) -> None:
        self._client = client
        self._writing = cast(_Writing, client)
        self._stream = stream
        self._windows: dict[int, Window] = {}
        self._number = 0
        self._inbox = client.new_inbox()
        self._skip = len(self._inbox) + 1
        self._subscription: Any = None

    async def open(self) -> None:
        """Subscribe to the acks; nats-py renews the subscription after each reconnect."""
        if self._subscription is None:
            # As many acks as can be under way: windows of 1,000, each relay keeps a handful.
            self._subscription = await self._client.subscribe(
                f"{self._inbox}.*", cb=self._on_ack, pending_msgs_limit=64 * WINDOW_MESSAGES_MAX
            )

    async def close(self) -> None:
        """Stop listening for acks."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._client.is_closed:
            await subscription.unsubscribe()

    async def publish(
        self, messages: Sequence[Message], *, deadline_seconds: float, atomic: bool = False
    ) -> list[Outcome]:
        """Send `messages` and wait for every outcome."""
        window = await self.send(messages, atomic=atomic)
        return await self.outcomes(window, deadline_seconds)

    async def outcomes(self, window: Window, deadline_seconds: float) -> list[Outcome]:
        """Wait for the outcomes of a window; late acks are then ignored."""
        try:
            return await window.outcomes(deadline_seconds)
        finally:
            self.forget(window)

    def forget(self, window: Window) -> None:
        """Ignore the acks of a window nobody waits for."""
        self._windows.pop(window.number, None)

    async def send(self, messages: Sequence[Message], *, atomic: bool = False) -> Window:
        """Write `messages` in one go, in order, without waiting for acks.

        Nothing is kept for a connection that is down: every message is then Refused at once, because a copy
        sent later could overtake newer ones. `atomic`: all or none (the stream must have `allow_atomic`; one
        duplicate refuses all).
        """
        if not 0 < len(messages) <= WINDOW_MESSAGES_MAX:
            raise ValueError(f"a window has 1 to {WINDOW_MESSAGES_MAX} messages, not {len(messages)}")
        self._number += 1
        window = Window(self._client, self._number, len(messages), atomic=atomic)
        self._windows[window.number] = window
        if self._client.is_connected and self._subscription is not None:
            write = self._lines_atomic if atomic else self._lines
            await self._writing._send_command(b"".join(write(messages, window.number)))  # noqa: SLF001
            await self._writing._flush_pending()  # noqa: SLF001
        else:
            window.give_up()
        return window

    def _lines(self, messages: Sequence[Message], number: int) -> list[bytes]:
        first = number * WINDOW_MESSAGES_MAX
        parts: list[bytes] = []
        for token, message in enumerate(messages, first):
            header, payload = message.header, message.payload
            line = (
                f"HPUB {message.subject} {self._inbox}.{token} {len(header)} {len(header) + len(payload)}\r\n"
            )
            parts += (line.encode("ascii"), header, payload, b"\r\n")
        return parts

    def _lines_atomic(self, messages: Sequence[Message], number: int) -> list[bytes]:
        """The batch headers of ADR-50; only the first and the last message ask for an answer."""
        first, last = number * WINDOW_MESSAGES_MAX, len(messages)
        batch = f"{self._inbox[-22:]}-{number}"
        parts: list[bytes] = []
        for place, message in enumerate(messages, 1):
            commit = "Nats-Batch-Commit: 1\r\n" if place == last else ""
            more = f"Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {place}\r\n{commit}\r\n".encode("ascii")
            payload = message.payload
            size = len(message.header) - 2 + len(more)
            reply = f" {self._inbox}.{first}" if place in (1, last) else ""
            line = f"HPUB {message.subject}{reply} {size} {size + len(payload)}\r\n"
            parts += (line.encode("ascii"), message.header[:-2], more, payload, b"\r\n")
        return parts

    async def _on_ack(self, message: Msg) -> None:
        number, place = divmod(int(message.subject[self._skip :]), WINDOW_MESSAGES_MAX)
        window = self._windows.get(number)
        if window is None:
            return
        if message.data:
            window.settle(place, self._outcome(message.data))
        elif message.headers and message.headers.get("Status") == "503":
            window.settle(place, Refused(NO_RESPONDERS))
        # An empty answer to the first message of an atomic batch says only that the batch is open.

    def _outcome(self, data: bytes) -> Outcome:
        ack = _ack.decode(data)
        if ack.error is not None:
            return Refused(_CODES.get(ack.error.err_code, f"refused-{ack.error.err_code}"))
        if ack.stream != self._stream:
            return Refused(WRONG_STREAM)
        return Stored(ack.seq, ack.duplicate)
