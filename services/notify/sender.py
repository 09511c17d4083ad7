"""The sender: takes messages that are due, asks intake whom to tell, and gives each to one channel, once.

A message is marked as being sent, and that is committed, before any provider hears of it. So whatever happens after -
a provider that answers too late, a crash of this process - the message ends as `unknown`, never as a second message.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import Writer
from libs.contracts.event import Event
from libs.contracts.notify import MessageDelivered, MessageFailed, MessageSent
from libs.http.client import Refused as RefusedCall
from libs.http.client import Unavailable
from libs.telemetry.logs import log
from services.notify import domain, store
from services.notify.channels import Accepted, Channel, Destination, Letter, NotTaken, Refused, Unknown
from services.notify.contacts import Contact, Contacts
from services.notify.rules import APPLICANT, RuleBook
from services.notify.store import Due
from services.notify.texts import fill
from services.notify.wording import Wording

_DELAY_MAX = timedelta(hours=1)
_ATTEMPTS_MAX = 12  # doubling from 5 s up to an hour: about five hours of trying


class SenderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`lease_seconds` must exceed the slowest provider's timeout; `at_once` bounds letters in flight."""

    batch: int = 64
    at_once: int = 8
    lease_seconds: float = 120
    poll_seconds: float = 1
    ranking: tuple[str, ...] = ("email",)


class _Ended(msgspec.Struct, frozen=True, kw_only=True):
    state: str
    channel: str = ""
    provider_id: str = ""
    reason: str = ""


class Sender:
    """Sends what is due until stopped."""

    def __init__(
        self,
        *,
        pool: asyncpg.Pool,
        writer: Writer,
        contacts: Contacts,
        wording: Wording,
        book: RuleBook,
        channels: Mapping[str, Channel],
        desk: Channel,
        settings: SenderSettings,
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._contacts = contacts
        self._wording = wording
        self._book = book
        self._rules = book.by_code()
        self._channels = channels
        self._desk = desk
        self._settings = settings
        self._woken = asyncio.Event()
        self._limit = asyncio.Semaphore(settings.at_once)

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`. Nothing that goes wrong ends the sender."""
        while not stop.is_set():
            self._woken.clear()
            sent = 0
            try:
                sent = await self.send_due()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("sender-waits-for-database", error=type(error).__name__)
            if sent < self._settings.batch:
                await self._wait(stop)

    async def _wait(self, stop: asyncio.Event) -> None:
        waits = {asyncio.create_task(self._woken.wait()), asyncio.create_task(stop.wait())}
        _, pending = await asyncio.wait(
            waits, timeout=self._settings.poll_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()

    async def send_due(self) -> int:
        """Send one batch of what is due; returns how many messages were taken."""
        lease = timedelta(seconds=self._settings.lease_seconds)
        async with self._pool.acquire() as conn:
            lost = await store.give_up_leases(conn)
            due = await store.claim_due(conn, self._settings.batch, lease)
            now: datetime = await conn.fetchval("SELECT now()")
        if lost:
            log.warning("messages-of-unknown-fate", count=lost)
        if not due:
            return 0
        due = await self._wait_for_morning(due, now)
        contacts = await self._read_contacts(due, now)
        await asyncio.gather(
            *(
                self._send_one(message, contacts[message.dossier_id], now)
                for message in due
                if message.dossier_id in contacts
            )
        )
        return len(due)

    async def _wait_for_morning(self, due: Sequence[Due], now: datetime) -> list[Due]:
        """Put back what would ring in the quiet hours; nothing was sent, so it simply waits."""
        awake = []
        quiet = self._book.quiet_hours.bounds if self._book.quiet_hours else None
        for message in due:
            later = domain.send_after(now, message.audience, quiet)
            if later > now:
                async with self._pool.acquire() as conn:
                    await store.requeue(conn, message.id, later, "quiet-hours")
            else:
                awake.append(message)
        return awake

    async def _read_contacts(self, due: Sequence[Due], now: datetime) -> Mapping[UUID, Contact]:
        try:
            contacts = await self._contacts.read([m.dossier_id for m in due])
        except (Unavailable, RefusedCall) as error:  # nothing was sent, all of it waits
            log.warning("sender-waits-for-intake", error=type(error).__name__)
            contacts = {}
        for message in due:
            if message.dossier_id not in contacts:
                await self._try_later(message, now, "contact-unavailable")
        return contacts

    async def _send_one(self, message: Due, contact: Contact, now: datetime) -> None:
        async with self._limit:
            try:
                ended = await self._deliver(message, contact)
            except NotTaken as error:
                await self._try_later(message, now, error.reason)
                return
            except Exception as error:  # noqa: BLE001 - a fault of ours: what was sent is not known, and must be recorded
                log.error("sending-failed", error=type(error).__name__, message_id=str(message.id))
                ended = _Ended(state=domain.UNKNOWN, reason="internal-error")
            await self._record(message, ended, now)

    async def _deliver(self, message: Due, contact: Contact) -> _Ended:
        rule = self._rules.get(message.rule)
        if rule is None:
            return _Ended(state=domain.FAILED, reason="rule-withdrawn")
        words = self._wording.words(contact)
        letter = Letter(
            id=message.id,
            dossier_id=message.dossier_id,
            subject=fill(rule.subject, message.occasions, words),
            body=fill(rule.text, message.occasions, words),
        )
        if message.audience != APPLICANT:
            return await self._deliver_to_desk(letter, message, contact)
        reachable = contact.addresses()
        candidates = domain.channels_for(
            contact.preferred_channel,
            list(reachable),
            [c for c in self._settings.ranking if c in self._channels],
        )
        ended = _Ended(state=domain.FAILED, reason="no-destination")
        for name in candidates:
            ended = await self._try(self._channels[name], letter, reachable[name])
            if ended.state != domain.FAILED:
                return ended
        return ended

    async def _deliver_to_desk(self, letter: Letter, message: Due, contact: Contact) -> _Ended:
        agency = self._wording.desk_of(contact, message.occasions)
        if not agency:
            return _Ended(state=domain.DROPPED, reason="no-desk")
        return await self._try(self._desk, letter, agency)

    async def _try(self, channel: Channel, letter: Letter, address: str) -> _Ended:
        """One channel. A refusal leads to the next channel; an unknown fate ends all trying."""
        try:
            accepted: Accepted = await channel.send(
                letter, Destination(channel=channel.name, address=address)
            )
        except Refused as error:
            return _Ended(state=domain.FAILED, channel=channel.name, reason=error.reason)
        except Unknown as error:
            return _Ended(
                state=domain.UNKNOWN, channel=channel.name, provider_id=str(letter.id), reason=error.reason
            )
        state = domain.DELIVERED if accepted.delivered else domain.SENT
        return _Ended(state=state, channel=channel.name, provider_id=accepted.provider_id)

    async def _try_later(self, message: Due, now: datetime, reason: str) -> None:
        if message.attempts >= _ATTEMPTS_MAX:
            await self._record(message, _Ended(state=domain.FAILED, reason=reason), now)
            return
        delay = min(timedelta(seconds=5 * 2 ** min(message.attempts, 12)), _DELAY_MAX)
        async with self._pool.acquire() as conn:
            await store.requeue(conn, message.id, now + delay, reason)

    async def _record(self, message: Due, ended: _Ended, now: datetime) -> None:
        async with self._writer.transaction() as conn:
            changed = await store.finish(
                conn, message.id, ended.state, ended.channel, ended.provider_id, ended.reason
            )
            event = event_of(message.id, message.rule, ended.state, ended.channel, ended.reason, now)
            if changed and event is not None:
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
