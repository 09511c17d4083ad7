"""Does the stream hold what the outbox says it holds? A cheap look every few seconds, and all of it read over and over.

What the server cannot read any more it leaves out silently, what it lost at a restart it numbers anew, and a
stream whose files are gone goes on acking: none of that shows in an ack. See delivery.md 0, facts 1 and 5.
"""

import asyncio
import contextlib
import time

import msgspec
from nats.aio.client import Client

from libs.bus import jetstream
from libs.bus.ledger import Epoch, Kept, Ledger
from libs.bus.pump import StreamDamaged
from libs.bus.stored import READ_MESSAGES_MAX, Found, read


class ProofSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and how much work a second."""

    look_seconds: float = 5.0
    # A round reads every message once. The server keeps a block it has read in memory for 10 s and answers from
    # there, whatever has happened on disk: between two rounds it must have time to forget.
    round_rest_seconds: float = 20.0
    # 20,000 messages are read in 40 s; a stream of a million in half an hour, for two hundredths of a core.
    read_messages_per_second: int = 500
    # Reads that fail while the server answers otherwise.
    failures_max: int = 3


class Proof:
    """Proves the stream of one epoch until it fails."""

    def __init__(
        self, ledger: Ledger, client: Client, stream: str, epoch: Epoch, settings: ProofSettings
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._stream = stream
        self._epoch = epoch
        self._settings = settings
        self._failures = 0

    async def run(self) -> None:
        """Prove for ever. Raises StreamDamaged, or what the database raises; NATS being away is waited out."""
        while True:
            try:
                await self.read_all()
                self._failures = 0
            except jetstream.NoAnswer:
                await self._count_failure()
            rested = time.monotonic() + self._settings.round_rest_seconds
            while time.monotonic() < rested:
                await asyncio.sleep(self._settings.look_seconds)
                # Not there is not damaged: it is proved when it is back.
                with contextlib.suppress(jetstream.NoAnswer):
                    await self.look()

    async def look(self) -> int:
        """The cheap part: exists, same creation, no end lost, no holes. Returns the last sequence.

        Raises StreamDamaged, and NoAnswer when nothing can be said.
        """
        # Asked first: what is marked now was stored before, so the stream must have it.
        marked = await self._ledger.last_sequence(self._epoch.epoch)
        try:
            info = await jetstream.stream_info(self._client, self._stream)
        except jetstream.NotFound:
            raise StreamDamaged("missing") from None
        state = info.state
        if info.created != self._epoch.stream_created:
            raise StreamDamaged("replaced")
        if state.last_seq < marked:
            raise StreamDamaged("end-lost")
        if state.deleted or state.messages != state.last_seq or (state.messages and state.first_seq != 1):
            raise StreamDamaged("holes")
        return state.last_seq

    async def read_all(self) -> None:
        """One round over all messages, at the rate the settings allow. Raises like `look`."""
        last, looked = await self.look(), time.monotonic()
        first = 1
        while first <= last:
            if time.monotonic() - looked > self._settings.look_seconds:
                last, looked = await self.look(), time.monotonic()
            count = min(READ_MESSAGES_MAX, last - first + 1)
            began = time.monotonic()
            await self._compare(first, count)
            first += count
            pause = count / self._settings.read_messages_per_second - (time.monotonic() - began)
            await asyncio.sleep(max(0.0, pause))

    async def _compare(self, first: int, count: int) -> None:
        found = await read(self._client, self._stream, first, count)
        if len(found) < count:
            # Lost, or a server that was just going down: only an answer now makes it a loss.
            await self.look()
            found = await read(self._client, self._stream, first, count)
            if len(found) < count:
                raise StreamDamaged("unreadable")
        kept = await self._ledger.kept(self._epoch.epoch, first, first + count - 1)
        repeats = {sequence: message for sequence, message in found.items() if sequence not in kept}
        if any(not _same(found[sequence], row) for sequence, row in kept.items()):
            raise StreamDamaged("other-contents")
        # Not marked yet, or published twice by a relay that died before it could mark: still ours, word for word.
        said = await self._ledger.said([m.event_id for m in repeats.values() if m.event_id is not None])
        for message in repeats.values():
            row = said.get(message.event_id) if message.event_id is not None else None
            if row is None or not _same(message, row):
                raise StreamDamaged("unknown-event")

    async def _count_failure(self) -> None:
        """Reading that fails again and again while the server answers is damage too."""
        try:
            await self.look()
        except jetstream.NoAnswer:
            self._failures = 0
            return
        self._failures += 1
        if self._failures >= self._settings.failures_max:
            raise StreamDamaged("unreadable")


def _same(found: Found, kept: Kept) -> bool:
    return (found.event_id, found.subject, found.payload) == (kept.event_id, kept.subject, kept.payload)
