"""From the outbox to the stream: take, publish, wait for the acks, mark; one active relay per database."""

import asyncio
import contextlib
import time

import asyncpg
import msgspec
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from libs.bus import jetstream
from libs.bus.ending import end_tasks
from libs.bus.gathering import Gathering
from libs.bus.ledger import Backlog, Epoch, Ledger
from libs.bus.proof import Proof, ProofSettings
from libs.bus.publisher import TIMEOUT, Publisher
from libs.bus.pump import Pump, PumpSettings, Stalled, StreamDamaged
from libs.bus.refill import RebuildPending, RefillSettings, rebuild, refill
from libs.bus.topology import stream_of
from libs.telemetry.metrics import counter, gauge

log = structlog.get_logger(__name__)


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the relay waits and retries, and its parts."""

    # The truth behind the hints: how long a committed row can lie unseen.
    poll_seconds: float = 0.25
    # How often a standby asks for the lock.
    standby_seconds: float = 1.0
    # NOTIFY takes a lock of the whole server at commit: at most this often.
    hint_seconds: float = 0.02
    gathering: Gathering = Gathering()
    # How often a long backlog is counted for the status.
    backlog_seconds: float = 1.0
    # After a failure of the database session.
    retry_seconds_min: float = 0.1
    retry_seconds_max: float = 5.0
    # After publishing failed (stream full, NATS away).
    stalled_seconds: float = 0.5
    # How long publishing may time out on a server that answers everything else.
    silent_seconds_max: float = 30.0
    pump: PumpSettings = PumpSettings()
    proof: ProofSettings = ProofSettings()
    refill: RefillSettings = RefillSettings()


class RelayStatus(msgspec.Struct, frozen=True, kw_only=True):
    """For health, metrics and the operator. `last_error_code` is empty while all is well."""

    active: bool = False
    unpublished: int = 0
    oldest_unpublished_seconds: float = 0.0
    epoch: int = 0
    last_error_code: str = ""
    refilling: bool = False


DEFAULTS = RelaySettings()

_UNPUBLISHED = gauge("bus_outbox_unpublished")
_OLDEST = gauge("bus_outbox_oldest_seconds")
_REFILLS = counter("bus_refills_total")


class Relay:
    """The relay of one service. Many processes may run one; whoever holds the database's lock is active."""

    def __init__(self, *, dsn: str, client: Client, source: str, settings: RelaySettings = DEFAULTS) -> None:
        """`dsn` must be a direct connection (no transaction pooler): the lock lives in the session."""
        self._dsn = dsn
        self._client = client
        self._source = source
        self._stream = stream_of(source)
        self._settings = settings
        self._woken = asyncio.Event()
        self._active = False
        self._epoch: Epoch | None = None
        self._backlog = Backlog()
        self._backlog_at = time.monotonic()
        self._error_code = ""

    def wake(self) -> None:
        """Rows were committed: publish them now. Cheap, never blocks, may be called for every commit."""
        self._woken.set()

    def status(self) -> RelayStatus:
        """How it stands, without asking anyone."""
        waiting = self._backlog.rows > 0
        since = time.monotonic() - self._backlog_at
        return RelayStatus(
            active=self._active,
            unpublished=self._backlog.rows,
            oldest_unpublished_seconds=self._backlog.oldest_seconds + since if waiting else 0.0,
            epoch=self._epoch.epoch if self._epoch else 0,
            last_error_code=self._error_code,
            refilling=self._epoch is not None and self._epoch.state != "current",
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set, through every failure of PostgreSQL and NATS."""
        stopping = asyncio.create_task(self._wake_at(stop))
        retry_seconds = self._settings.retry_seconds_min
        try:
            while not stop.is_set():
                began = time.monotonic()
                try:
                    await self._session(stop)
                except Exception as error:  # noqa: BLE001 - the relay never dies of an error
                    self._note(_code_of(error))
                finally:
                    self._active = False
                if time.monotonic() - began > self._settings.retry_seconds_max:
                    retry_seconds = self._settings.retry_seconds_min
                if not stop.is_set():
                    await asyncio.wait((stopping,), timeout=retry_seconds)
                    retry_seconds = min(2 * retry_seconds, self._settings.retry_seconds_max)
        finally:
            stopping.cancel()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.wake()

    async def _session(self, stop: asyncio.Event) -> None:
        """One database session: stand by for the lock, then lead until something fails."""
        ledger = await Ledger.open(self._dsn, name=f"{self._source} relay")
        try:
            ledger.on_lost(self.wake)
            while not stop.is_set():
                if await ledger.try_lead():
                    await ledger.listen(self.wake)
                    self._active = True
                    log.info("relay-active", service=self._source)
                    await self._lead(ledger, stop)
                    return
                await self._stand_by(ledger, stop)
        finally:
            await ledger.close()

    async def _stand_by(self, ledger: Ledger, stop: asyncio.Event) -> None:
        """Pass on our own commits as hints until it is time to ask for the lock again."""
        await self._count(ledger)
        end = time.monotonic() + self._settings.standby_seconds
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            # Asked first: a wake-up that is there already would be taken even when no time is left.
            if not await self._woken_before(left):
                return
            await ledger.hint()
            # What is committed meanwhile shares the next hint.
            await asyncio.sleep(self._settings.hint_seconds)

    async def _lead(self, ledger: Ledger, stop: asyncio.Event) -> None:
        publisher = Publisher(self._client, self._stream)
        await publisher.open()
        try:
            while not stop.is_set():
                epoch = self._epoch = await ledger.newest_epoch()
                try:
                    if epoch is None:
                        await self._first(ledger)
                    elif epoch.state == "rebuilding":
                        await rebuild(ledger, self._client, self._stream, epoch, self._settings.refill)
                    elif epoch.state == "refilling":
                        await refill(ledger, self._pump(ledger, publisher, epoch), epoch, stop)
                    else:
                        await self._relay(ledger, publisher, epoch, stop)
                except StreamDamaged as damage:
                    self._note(damage.reason)
                    _REFILLS.labels(damage.reason).inc()
                    await ledger.begin_rebuild((epoch.epoch if epoch else 0) + 1, damage.reason)
                except Stalled as stalled:
                    await self._rest(ledger, stalled.code, self._settings.stalled_seconds, stop)
                except RebuildPending as pending:
                    await self._rest(ledger, pending.code, pending.wait_seconds, stop)
        finally:
            with contextlib.suppress(NatsError):
                await publisher.close()

    async def _first(self, ledger: Ledger) -> None:
        """The first life: an empty stream is taken as it is, one with unknown messages is made anew."""
        try:
            info = await jetstream.stream_info(self._client, self._stream)
        except jetstream.ApiError as error:
            raise Stalled("missing" if isinstance(error, jetstream.NotFound) else "no-answer") from None
        if info.state.last_seq:
            raise StreamDamaged("unknown-stream")
        await ledger.adopt(info.created)

    async def _relay(self, ledger: Ledger, publisher: Publisher, epoch: Epoch, stop: asyncio.Event) -> None:
        """Publish what comes, and prove the stream beside it. Raises StreamDamaged, or what the database raises."""
        pump = self._pump(ledger, publisher, epoch)
        proof = Proof(ledger, self._client, self._stream, epoch, self._settings.proof)
        proving = asyncio.create_task(proof.run())
        proving.add_done_callback(lambda _task: self.wake())
        silent_since: float | None = None
        try:
            while not stop.is_set() and not proving.done():
                self._woken.clear()
                began = time.monotonic()
                try:
                    pause_at = began + self._settings.backlog_seconds
                    marked = await pump.drain(
                        lambda: stop.is_set() or proving.done() or time.monotonic() >= pause_at  # noqa: B023
                    )
                except Stalled as stalled:
                    silent_since = (silent_since or time.monotonic()) if stalled.code == TIMEOUT else None
                    if silent_since and time.monotonic() - silent_since > self._settings.silent_seconds_max:
                        # A server that answers the proof but stores nothing: its disk failed it, and it stays
                        # so until the stream is made anew (delivery.md 0, fact 7).
                        await proof.look()
                        raise StreamDamaged("not-storing") from None
                    await self._rest(ledger, stalled.code, self._settings.stalled_seconds, stop)
                else:
                    silent_since = None
                    took = time.monotonic() - began
                    await asyncio.sleep(self._settings.gathering.pause_seconds(marked, took))
                    await self._settle(ledger, took < self._settings.backlog_seconds)
            if proving.done():
                await proving
        finally:
            await end_tasks(proving)
            if not proving.cancelled():
                proving.exception()

    def _pump(self, ledger: Ledger, publisher: Publisher, epoch: Epoch) -> Pump:
        return Pump(ledger, publisher, self._client, self._source, epoch, self._settings.pump)

    async def _rest(self, ledger: Ledger, code: str, seconds: float, stop: asyncio.Event) -> None:
        """Say what is wrong and wait a little; new commits do not shorten it."""
        await self._count(ledger)
        self._note(code)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()

    async def _count(self, ledger: Ledger) -> None:
        self._show(await ledger.backlog())

    def _show(self, backlog: Backlog) -> None:
        self._backlog, self._backlog_at = backlog, time.monotonic()
        _UNPUBLISHED.set(backlog.rows)
        _OLDEST.set(backlog.oldest_seconds)

    async def _settle(self, ledger: Ledger, nothing_left: bool) -> None:
        """Publishing goes well: note it, and wait for a wake-up when there is nothing left to publish."""
        if self._error_code:
            log.info("relay-recovered", service=self._source, stream=self._stream)
        self._error_code = ""
        if nothing_left:
            self._show(Backlog())
            await self._woken_before(self._settings.poll_seconds)
        else:
            await self._count(ledger)

    def _note(self, code: str) -> None:
        """Keep the code for the status and log it, once until it changes."""
        if code != self._error_code:
            log.error("relay-stalled", service=self._source, stream=self._stream, error_code=code)
        self._error_code = code

    async def _woken_before(self, seconds: float) -> bool:
        """Wait for a wake-up; False when none came in time."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


def _code_of(error: Exception) -> str:
    """A short code for the log; never the error's own text, which may quote values."""
    if isinstance(error, asyncpg.PostgresError):
        return f"postgres-{error.sqlstate}"
    return type(error).__name__
