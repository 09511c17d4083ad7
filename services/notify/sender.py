"""The sender: takes messages that are due, asks intake whom to tell, and gives each to one channel, once.

A message is marked as being sent, and that is committed, at the last moment before a provider hears of it. So whatever
happens after - a provider that answers too late, a crash of this process - the message ends as `unknown`, never as a
second message. What was only taken is due again by itself when the lease is over.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.outages import is_contention, is_outage
from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS, Writer
from libs.catalogue.calendar import VIETNAM
from libs.http.client import Refused as RefusedCall
from libs.http.client import Unavailable
from libs.telemetry.logs import log
from services.notify import domain, sending_store
from services.notify.channels import NotBegun, NotTaken
from services.notify.contacts import Contact, Contacts
from services.notify.delivery import Delivery, Ended
from services.notify.recording import Recorder
from services.notify.rules import APPLICANT, DESK, RuleBook
from services.notify.sending_store import Due, Later
from services.notify.wording import Wording

_DELAY_MIN = timedelta(seconds=5)
_DELAY_MAX = timedelta(hours=1)
# Ten tries while the delay doubles (85 minutes), then hourly: two days in all. Mail servers are away for a night, and
# a letter a day late still tells where the paper lies (RFC 5321 4.5.4.1 asks of relays even four to five days).
FAILURES_MAX = 57
# While intake is away nothing is tried and nothing counts: every message waits until it is back.
_INTAKE_DELAY = timedelta(seconds=15)
# What was taken and not begun is due again almost at once; not quite, so that a standing fault makes no busy loop.
_AGAIN_DELAY = timedelta(seconds=1)


class SenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`at_once` bounds letters in flight. `lease_seconds` is how long a taken message is this sender's.

    A letter is begun only within the first half of it, and then has a whole lease of its own, which must exceed the
    slowest channel's timeouts: nobody takes the fate of what is still being sent for unknown.
    """

    batch: int = 64
    at_once: int = 8
    lease_seconds: float = 120
    poll_seconds: float = 1
    ranking: tuple[str, ...] = ("email",)


class _Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One batch: until when (the loop's clock) its letters may be begun, and what ends that earlier."""

    until: float
    stop: asyncio.Event | None

    def check(self) -> None:
        """Raises NotBegun when it is too late to begin a letter."""
        if self.stop is not None and self.stop.is_set():
            raise NotBegun("sender-stopped")
        if asyncio.get_running_loop().time() >= self.until:
            raise NotBegun("lease-too-short")


class Sender:
    """Sends what is due until stopped."""

    def __init__(
        self,
        *,
        pool: "asyncpg.Pool[Any]",
        writer: Writer,
        contacts: Contacts,
        wording: Wording,
        book: RuleBook,
        delivery: Delivery,
        settings: SenderSettings,
    ) -> None:
        self._pool = pool
        self._contacts = contacts
        self._wording = wording
        self._quiet = book.quiet_hours.bounds if book.quiet_hours else None
        self._delivery = delivery
        self._settings = settings
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._recorder = Recorder(pool, writer, self._lease)
        self._woken = asyncio.Event()
        self._limit = asyncio.Semaphore(settings.at_once)

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; then no letter is begun any more, and what was taken is put back for the next sender.

        Databases and neighbours that are away delay messages, they never end the sender.
        """
        while not stop.is_set():
            self._woken.clear()
            taken = 0
            try:
                taken = await self.send_due(stop)
            except Exception as error:
                if not (is_outage(error) or is_contention(error)):
                    raise
                log.warning("sender-waits-for-database", error=type(error).__name__)
            if taken < self._settings.batch:
                await self._wait(stop)

    async def _wait(self, stop: asyncio.Event) -> None:
        waits = {asyncio.create_task(self._woken.wait()), asyncio.create_task(stop.wait())}
        _, pending = await asyncio.wait(
            waits, timeout=self._settings.poll_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()

    async def send_due(self, stop: asyncio.Event | None = None) -> int:
        """Send one batch of what is due; returns how many messages were taken. Raises the database's errors."""
        until = asyncio.get_running_loop().time() + self._settings.lease_seconds / 2
        turn = _Turn(until=until, stop=stop)
        due = await self._take()
        contacts = await self._read_contacts(due)
        if contacts is None:
            return len(due)
        sendings = [self._send_one(message, contacts.get(message.dossier_id), turn) for message in due]
        not_begun: list[Later] = []
        # All of them end, whatever becomes of one: what is being sent must not be left to itself.
        for message, ended in zip(due, await asyncio.gather(*sendings, return_exceptions=True), strict=True):
            if isinstance(ended, NotBegun):
                not_begun.append(Later(message=message, delay=_AGAIN_DELAY, reason=ended.reason))
            elif isinstance(ended, BaseException):
                # Its lease will end and tell: an unknown fate, or another try where nothing had been begun.
                log.error("sending-not-recorded", error=type(ended).__name__)
        await self._recorder.put_back(not_begun)
        return len(due)

    async def _take(self) -> list[Due]:
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            unknown, waiting = await sending_store.end_lost_leases(conn, DESK)
            now: datetime = await conn.fetchval("SELECT now()")
            # Nobody's phone rings at night; a desk's inbox does not ring and is filled at any hour.
            awake = (DESK,) if domain.is_quiet(now, self._quiet) else (APPLICANT, DESK)
            due = await sending_store.claim_due(conn, awake, self._settings.batch, self._lease)
        if unknown or waiting:
            log.warning("messages-of-a-lost-sender", count=unknown, pending=waiting)
        return due

    async def _read_contacts(self, due: Sequence[Due]) -> Mapping[UUID, Contact] | None:
        """Whom to tell; None while intake cannot say: then all are put back."""
        if not due:
            return None
        try:
            return await self._contacts.read([m.dossier_id for m in due])
        except (Unavailable, RefusedCall) as error:
            log.warning("sender-waits-for-intake", error=type(error).__name__)
            await self._recorder.put_back(
                [Later(message=message, delay=_INTAKE_DELAY, reason="intake-away") for message in due]
            )
            return None

    async def _send_one(self, message: Due, contact: Contact | None, turn: _Turn) -> None:
        """Send one message and record what became of it. Raises NotBegun when it is to be put back."""

        async def begin(channel: str) -> None:
            turn.check()
            await self._recorder.begin(message, channel)

        async with self._limit:
            turn.check()
            try:
                if contact is None:
                    raise NotTaken("contact-unknown")
                letter = self._delivery.write(message, contact)
                if letter is None:
                    ended = Ended(state=domain.FAILED, reason="rule-withdrawn")
                elif message.audience == APPLICANT:
                    ended = await self._delivery.send(letter, contact, begin)
                else:
                    agency = self._wording.desk_of(contact, message.occasions, datetime.now(VIETNAM).date())
                    if agency:
                        await self._recorder.lay_in(message, letter, agency)
                        return
                    ended = Ended(state=domain.DROPPED, reason="no-desk")
            except NotTaken as error:
                await self._try_later(message, error.reason)
                return
            except NotBegun:
                raise
            except Exception as error:  # noqa: BLE001 - a fault of ours before a channel had the letter
                log.error("letter-not-written", error=type(error).__name__, message_id=str(message.id))
                await self._try_later(message, "internal-error")
                return
            await self._recorder.end(message, ended)

    async def _try_later(self, message: Due, reason: str) -> None:
        attempt = message.failures + 1
        log.warning("letter-not-taken", message_id=str(message.id), reason=reason, attempt=attempt)
        if attempt >= FAILURES_MAX:
            await self._recorder.end(message, Ended(state=domain.FAILED, reason=reason))
            return
        # Doubling ends at the limit anyway: no power of two that a timedelta cannot hold.
        delay = min(_DELAY_MIN * 2 ** min(message.failures, 10), _DELAY_MAX)
        await self._recorder.put_back([Later(message=message, delay=delay, reason=reason, counts=True)])
