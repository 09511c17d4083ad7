"""Sending what may be sent, so that receivers which hang or refuse take no place from those that answer."""

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from uuid import UUID

from libs.telemetry.metrics import gauge, histogram
from services.gateway.webhooks.letters import Letter, Letters
from services.gateway.webhooks.line import Line
from services.gateway.webhooks.queue import Item
from services.gateway.webhooks.recording import Recorder
from services.gateway.webhooks.sending import Message, Sender

# At once in all: for receivers whose last answer was a good one, and for the others.
TRUSTED_MAX, DOUBTFUL_MAX = 384, 128
_IN_FLIGHT = gauge("webhook_in_flight")
_SECONDS = histogram("webhook_attempt_seconds")


class Pump:
    """`missing` are events whose bodies must be fetched first; `fault` what an attempt has died of."""

    def __init__(
        self,
        lines: Mapping[UUID, Line],
        letters: Letters,
        recorder: Recorder,
        sender: Sender,
        *,
        wake: Callable[[], None],
        may_send: Callable[[], bool],
    ) -> None:
        self.missing: set[int] = set()
        self.fault: BaseException | None = None
        self._lines = lines
        self._letters = letters
        self._recorder = recorder
        self._sender = sender
        self._wake = wake
        self._may_send = may_send
        self._attempts: set[asyncio.Task[None]] = set()
        self._trusted = self._doubtful = 0
        self._draining = False

    def turn(self) -> None:
        """Send what may be sent now, beginning with another endpoint each time."""
        lines = list(self._lines.values())
        start = random.randrange(len(lines)) if lines else 0  # noqa: S311 - fairness, not secrecy
        for line in (*lines[start:], *lines[:start]):
            self._pump_line(line)

    def _pump_line(self, line: Line) -> None:
        if self._draining or self._recorder.full or not self._may_send():
            return
        now = datetime.now(UTC)
        while self._has_place(line) and (item := line.take(now)) is not None:
            if item.position not in self._letters:
                line.give_back(item)
                self.missing.add(item.position)
                self._wake()
                return
            letter = self._letters.get(item.position)
            if letter is None or not line.rights.cover(letter.type, letter.readers):
                reason = "event-gone" if letter is None else "not-readable"
                self._recorder.note(line.let_go(item, reason, now), None)
                continue
            self._launch(line, item, letter, line.keys(now))

    def _has_place(self, line: Line) -> bool:
        if line.health.trusted:
            return self._trusted < TRUSTED_MAX
        return self._doubtful < DOUBTFUL_MAX

    def _launch(self, line: Line, item: Item, letter: Letter, keys: tuple[bytes, ...]) -> None:
        trusted = line.health.trusted
        if trusted:
            self._trusted += 1
        else:
            self._doubtful += 1
        message = Message(url=line.endpoint.url, keys=keys, event_id=letter.event_id, body=letter.body)
        task = asyncio.create_task(self._attempt(line, item, message, trusted=trusted))
        self._attempts.add(task)
        task.add_done_callback(self._ended)
        _IN_FLIGHT.set(self._trusted + self._doubtful)

    async def _attempt(self, line: Line, item: Item, message: Message, *, trusted: bool) -> None:
        try:
            outcome = await self._sender.send(message)
        finally:
            if trusted:
                self._trusted -= 1
            else:
                self._doubtful -= 1
            _IN_FLIGHT.set(self._trusted + self._doubtful)
        _SECONDS.observe(outcome.milliseconds / 1000)
        settled, change = line.settle(item, outcome, datetime.now(UTC), random.random())  # noqa: S311 - jitter
        served = self._lines.get(line.id) is line
        # Put down meanwhile: what became of the event still counts, the endpoint's state is its partner's decision.
        self._recorder.note(settled, change if served else None)
        if served:
            self._pump_line(line)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._attempts.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fault = error
            self._wake()

    async def drain(self, seconds: float) -> None:
        """What is on its way has a moment; of what is cut off then nobody knows what became."""
        self._draining = True
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=seconds)
        attempts = set(self._attempts)
        for task in attempts:
            task.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
