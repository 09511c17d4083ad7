"""The sender: takes messages that are due, asks intake whom to tell, and gives each to one channel, once.

A message is marked as being sent, and that is committed, before any provider hears of it. So whatever happens after -
a provider that answers too late, a crash of this process - the message ends as `unknown`, never as a second message.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.outages import is_contention, is_outage
from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS, Writer
from libs.contracts.event import Event
from libs.contracts.notify import MessageDelivered, MessageFailed, MessageSent
from libs.http.client import Refused as RefusedCall
from libs.http.client import Unavailable
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter
from services.notify import domain, sending_store
from services.notify.channels import Letter, NotTaken
from services.notify.contacts import Contact, Contacts
from services.notify.delivery import Delivery, Ended
from services.notify.rules import APPLICANT, DESK, RuleBook
from services.notify.sending_store import Due
from services.notify.texts import LOCAL
from services.notify.wording import Wording

_DELAY_MAX = timedelta(hours=1)
# Doubling from 5 s up to an hour: about five hours of trying a server that answers but does not take the letter.
_FAILURES_MAX = 12
# While intake is away nothing is tried and nothing counts: every message waits until it is back.
_INTAKE_DELAY = timedelta(seconds=15)
# What a provider said is worth some patience with our own database: not recorded, it becomes an unknown fate.
_RECORD_SECONDS_MAX = 30.0
_RECORD_RETRY_SECONDS = 0.5

_MESSAGES = counter("messages_total")


class SenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`at_once` bounds letters in flight. A letter is begun only within the first half of `lease_seconds`.

    The second half must exceed the slowest channel's timeouts: then nobody else takes up what is still being sent.
    """

    batch: int = 64
    at_once: int = 8
    lease_seconds: float = 120
    poll_seconds: float = 1
    ranking: tuple[str, ...] = ("email",)


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
        self._writer = writer
        self._contacts = contacts
        self._wording = wording
        self._quiet = book.quiet_hours.bounds if book.quiet_hours else None
        self._delivery = delivery
        self._settings = settings
        self._woken = asyncio.Event()
        self._limit = asyncio.Semaphore(settings.at_once)

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`. Databases and neighbours that are away delay messages, they never end the sender."""
        while not stop.is_set():
            self._woken.clear()
            taken = 0
            try:
                taken = await self.send_due()
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

    async def send_due(self) -> int:
        """Send one batch of what is due; returns how many messages were taken. Raises the database's errors."""
        until = asyncio.get_running_loop().time() + self._settings.lease_seconds / 2
        due = await self._take()
        contacts = await self._read_contacts(due)
        sendings = [self._send_one(m, contacts[m.dossier_id], until) for m in due if m.dossier_id in contacts]
        # All of them end, whatever becomes of one: what is being sent must not be left to itself.
        for ended in await asyncio.gather(*sendings, return_exceptions=True):
            if isinstance(ended, BaseException):
                # Its lease will end and tell: an unknown fate, or for a desk another try.
                log.error("sending-not-recorded", error=type(ended).__name__)
        return len(due)

    async def _take(self) -> list[Due]:
        lease = timedelta(seconds=self._settings.lease_seconds)
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            unknown, waiting = await sending_store.end_lost_leases(conn, DESK)
            now: datetime = await conn.fetchval("SELECT now()")
            # Nobody's phone rings at night; a desk's inbox does not ring and is filled at any hour.
            awake = (DESK,) if domain.is_quiet(now, self._quiet) else (APPLICANT, DESK)
            due = await sending_store.claim_due(conn, awake, self._settings.batch, lease)
        if unknown or waiting:
            log.warning("messages-of-a-lost-sender", count=unknown, pending=waiting)
        return due

    async def _read_contacts(self, due: Sequence[Due]) -> Mapping[UUID, Contact]:
        """Whom to tell; messages of dossiers whose contact cannot be read are put back."""
        if not due:
            return {}
        try:
            contacts = await self._contacts.read([m.dossier_id for m in due])
        except (Unavailable, RefusedCall) as error:
            log.warning("sender-waits-for-intake", error=type(error).__name__)
            for message in due:
                await self._put_back(message, _INTAKE_DELAY, "intake-away", counts=False)
            return {}
        for message in due:
            if message.dossier_id not in contacts:
                await self._try_later(message, "contact-unknown")
        return contacts

    async def _send_one(self, message: Due, contact: Contact, until: float) -> None:
        def may_begin() -> bool:
            return asyncio.get_running_loop().time() < until

        async with self._limit:
            try:
                letter = self._delivery.write(message, contact)
                if letter is None:
                    ended = Ended(state=domain.FAILED, reason="rule-withdrawn")
                elif message.audience != APPLICANT:
                    await self._lay_in_inbox(message, letter, contact)
                    return
                else:
                    ended = await self._delivery.send(letter, contact, may_begin)
            except NotTaken as error:
                await self._try_later(message, error.reason)
                return
            await self._record(message, ended)

    async def _lay_in_inbox(self, message: Due, letter: Letter, contact: Contact) -> None:
        """The desk's inbox is ours: the letter lies there and counts as sent in one transaction."""
        agency = self._wording.desk_of(contact, message.occasions, datetime.now(LOCAL).date())
        if not agency:
            await self._record(message, Ended(state=domain.DROPPED, reason="no-desk"))
            return
        ended = Ended(state=domain.SENT, channel=DESK, provider_id=str(letter.id))
        async with self._writer.transaction() as conn:
            await self._end(conn, message, ended)
            await sending_store.put_in_inbox(
                conn, letter.id, agency, letter.dossier_id, letter.subject, letter.body
            )
        _MESSAGES.labels(DESK, domain.SENT).inc()

    async def _try_later(self, message: Due, reason: str) -> None:
        if message.failures + 1 >= _FAILURES_MAX:
            await self._record(message, Ended(state=domain.FAILED, reason=reason))
            return
        delay = min(timedelta(seconds=5 * 2**message.failures), _DELAY_MAX)
        await self._put_back(message, delay, reason, counts=True)

    async def _put_back(self, message: Due, delay: timedelta, reason: str, *, counts: bool) -> None:
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            await sending_store.put_back(conn, message, delay, reason, counts=counts)

    async def _record(self, message: Due, ended: Ended) -> None:
        """Record how sending ended, with patience for our own database. Raises its errors when that is over."""
        try:
            async with asyncio.timeout(_RECORD_SECONDS_MAX):
                while True:
                    try:
                        async with self._writer.transaction() as conn:
                            await self._end(conn, message, ended)
                        break
                    except Exception as error:
                        if not (is_outage(error) or is_contention(error)):
                            raise
                        await asyncio.sleep(_RECORD_RETRY_SECONDS)
        finally:
            _MESSAGES.labels(ended.channel or "none", ended.state).inc()

    async def _end(self, conn: Any, message: Due, ended: Ended) -> None:
        at = await sending_store.finish(
            conn, message, ended.state, ended.channel, ended.provider_id, ended.reason
        )
        if at is None:
            return
        event = event_of(message.id, message.rule, ended.state, ended.channel, ended.reason, at)
        if event is not None:
            await emit(conn, "notify", [Outgoing(dossier_id=message.dossier_id, event=event)])


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
