"""The dispatcher: one active per database, whoever holds the lock.

Everything that must survive is in the database before it is sent: a dispatcher that is killed is taken over by another
within seconds, which sends what is pending. An attempt whose outcome was not written is made again, under the same id.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec

from libs.bus.outages import is_contention, is_outage
from libs.database.leading import Lead
from libs.database.transactions import Transactions
from libs.http.auth import GATEWAY
from libs.process.sealing import Sealer
from libs.telemetry.logs import log
from libs.telemetry.metrics import gauge
from services.gateway.feed import feed_store
from services.gateway.webhooks.endpoint import ACTIVE, FAILING
from services.gateway.webhooks.holding import HELD_MAX, Holder
from services.gateway.webhooks.letters import Letters
from services.gateway.webhooks.pumping import Pump
from services.gateway.webhooks.recording import PROGRESS_SECONDS, Recorder
from services.gateway.webhooks.replaying import Replaying
from services.gateway.webhooks.scanning import Scanner
from services.gateway.webhooks.schedule import Schedule
from services.gateway.webhooks.sending import Sender

_ENDPOINTS = gauge("webhook_endpoints")


class DispatcherSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How it waits, and how much it holds."""

    # The truth behind the hints: how long an event that another replica recorded can lie unseen. One row is asked for.
    poll_seconds: float = 0.1
    standby_seconds: float = 1.0
    # How soon a partner's deed at an endpoint, and what changes in its rights, takes effect.
    endpoints_seconds: float = 0.5
    partners_seconds: float = 5.0
    replays_seconds: float = 1.0
    lead_seconds: float = 5.0
    # Without a sign of life of the lock for so long nothing is sent: somebody else may lead.
    doubt_seconds: float = 20.0
    retry_seconds: float = 1.0
    # What is on its way when the process is told to stop has this long.
    drain_seconds: float = 5.0
    schedule: Schedule = Schedule()
    # Pending deliveries in memory, of all endpoints together.
    held_max: int = HELD_MAX


DEFAULTS = DispatcherSettings()


class Dispatcher:
    """`run` is a background task; `wake` is called after every commit of this process."""

    def __init__(
        self,
        dsn: str,
        transactions: Transactions,
        sender: Sender,
        sealer: Sealer,
        settings: DispatcherSettings = DEFAULTS,
    ) -> None:
        self._dsn = dsn
        self._transactions = transactions
        self._sender = sender
        self._sealer = sealer
        self._settings = settings
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was recorded, or done to an endpoint."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Dispatch until told to stop, through outages of the database. Raises what is a fault of ours."""
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                try:
                    await self._session(stop)
                except Exception as error:
                    if not (is_outage(error) or is_contention(error)):
                        raise
                    log.warning("work-waits-for-database", name="webhooks", exc_info=error)
                    await asyncio.wait((stopping,), timeout=self._settings.retry_seconds)
        finally:
            stopping.cancel()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _session(self, stop: asyncio.Event) -> None:
        """Stand by for the lock, then lead until told to stop or something fails."""
        lead = await Lead.open(self._dsn, name=GATEWAY, work="webhooks")
        try:
            while not stop.is_set():
                if await lead.take():
                    log.info("webhooks-active")
                    await self._serve(lead, stop)
                    return
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.standby_seconds):
                        await stop.wait()
        finally:
            await lead.close()

    async def _serve(self, lead: Lead, stop: asyncio.Event) -> None:
        """Dispatch with this lock. Raises what the database raises, and what is a fault of ours."""
        async with self._transactions.transaction() as conn:
            position = (await feed_store.head(conn)).last
        term = Term(self._transactions, self._sender, self._sealer, self._settings, lead, position, self.wake)
        writing = asyncio.create_task(term.recorder.run())
        writing.add_done_callback(lambda _task: self.wake())
        try:
            while not stop.is_set() and not writing.done():
                if not await term.turn():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._settings.poll_seconds):
                            await self._woken.wait()
                self._woken.clear()
            if writing.done():
                await writing
        finally:
            await term.end(writing)


class Term:
    """One time of leading: nothing is known at its beginning but what the database has."""

    def __init__(
        self,
        transactions: Transactions,
        sender: Sender,
        sealer: Sealer,
        settings: DispatcherSettings,
        lead: Lead,
        position: int,
        wake: Callable[[], None],
    ) -> None:
        self.recorder = Recorder(transactions)
        self._settings = settings
        self._lead = lead
        self._letters = Letters(transactions.pool)
        self._holder = Holder(
            transactions, self.recorder, sealer, settings.schedule, held_max=settings.held_max
        )
        lines = self._holder.lines
        self._scanner = Scanner(transactions, lines, self._letters, position)
        self._pump = Pump(lines, self._letters, self.recorder, sender, wake=wake, may_send=self._leads)
        self._replaying = Replaying(transactions, lines.get, self._holder.hold)
        self._times: dict[str, float] = {}
        self._alive_at = time.monotonic()

    async def turn(self) -> bool:
        """Look at everything once; whether there is more to look at at once."""
        if self._pump.fault is not None:
            raise self._pump.fault
        settings = self._settings
        await self._every(settings.lead_seconds, self._alive)
        await self._every(settings.endpoints_seconds, self._holder.follow_endpoints)
        await self._every(settings.partners_seconds, self._holder.follow_partners)
        more = await self._scanner.end()
        self._pump.turn()
        more |= await self._scanner.behind()
        await self._every(settings.replays_seconds, self._replaying.turn)
        self._pump.turn()
        if self._pump.missing:
            missing, self._pump.missing = self._pump.missing, set()
            await self._letters.fetch(missing)
            self._pump.turn()
        await self._every(PROGRESS_SECONDS, self._note)
        return more

    async def end(self, writing: "asyncio.Task[None]") -> None:
        """Finish what is on its way and write what is known; the rest is made again by whoever leads next."""
        await self._pump.drain(self._settings.drain_seconds)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        for state in (ACTIVE, FAILING):
            _ENDPOINTS.labels(state=state).set(0)
        await self.recorder.flush()
        await self.recorder.note_progress(self._holder.lines.values())

    async def _every(self, seconds: float, what: Callable[[], Awaitable[None]]) -> None:
        now = time.monotonic()
        if now >= self._times.get(what.__qualname__, 0.0):
            self._times[what.__qualname__] = now + seconds
            await what()

    async def _alive(self) -> None:
        began = time.monotonic()
        await self._lead.alive()
        self._alive_at = began

    def _leads(self) -> bool:
        return time.monotonic() - self._alive_at <= self._settings.doubt_seconds

    async def _note(self) -> None:
        await self.recorder.note_progress(self._holder.lines.values())
        states = Counter(line.state for line in self._holder.lines.values())
        for state in (ACTIVE, FAILING):
            _ENDPOINTS.labels(state=state).set(states[state])
