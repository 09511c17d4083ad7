"""What the dispatcher has to write, in batches: outcomes at once, how far endpoints are from time to time."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from libs.database.transactions import Transactions
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter
from services.gateway.partners import partner_store
from services.gateway.webhooks import endpoint_store, queue_store
from services.gateway.webhooks.endpoint import ACTIVE, DELIVERED, DISABLED, FAILING
from services.gateway.webhooks.endpoint_store import Progress
from services.gateway.webhooks.health import Change
from services.gateway.webhooks.line import Line, Unwritten
from services.gateway.webhooks.queue_store import Settled

# Outcomes of a moment share a transaction.
GATHER_SECONDS = 0.05
PROGRESS_SECONDS = 2.0
# Not written yet; beyond it nothing more is sent.
UNWRITTEN_MAX = 2_000
# From what a state the dispatcher finds may follow: a partner's own decision stands above it.
_EXPECTED = {ACTIVE: (FAILING,), FAILING: (ACTIVE,), DISABLED: (ACTIVE, FAILING)}
_ATTEMPTS = counter("webhook_attempts_total")
_EXHAUSTED = counter("webhook_exhausted_total")


class Recorder:
    """Outcomes in memory until they are written. `run` while leading, `flush` at its end."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._settled: list[Settled] = []
        self._changes: list[Change] = []
        self._progress: dict[object, object] = {}
        self._noted = asyncio.Event()
        self._writing = asyncio.Lock()

    @property
    def full(self) -> bool:
        """Whether the database is too far behind to send on."""
        return len(self._settled) >= UNWRITTEN_MAX

    def note(self, settled: Settled, change: Change | None) -> None:
        """Something has an outcome."""
        self._settled.append(settled)
        _ATTEMPTS.labels(outcome=settled.state).inc()
        if settled.given_up_for:
            _EXHAUSTED.labels(target="delivery").inc()
            log.warning(
                "webhook-event-given-up", endpoint=str(settled.endpoint), event_id=str(settled.event_id)
            )
        if change is not None:
            self._changes.append(change)
            if change.state == DISABLED:
                _EXHAUSTED.labels(target="endpoint").inc()
            log.warning(
                "webhook-endpoint-changed",
                endpoint=str(change.endpoint),
                state=change.state,
                reason=change.reason,
            )
        self._noted.set()

    async def run(self) -> None:
        """Write what is noted, a moment later. Raises what is no outage."""
        while True:
            await self._noted.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._noted.clear()
            await self.flush()

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[None]:
        """Everything noted is written before the block, and nothing inside it: see `unwritten`."""
        async with self._writing:
            await self._write()
            yield

    def unwritten(self, endpoint: UUID, version: int) -> Unwritten:
        """What was noted of an endpoint since; what the database says of it is out of date.

        A change of its state counts only where it was judged at this `version`: the database keeps no other.
        """
        events: dict[UUID, int | None] = {}
        for each in self._settled:
            if each.endpoint == endpoint and each.state == DELIVERED:
                events[each.event_id] = None
            elif each.endpoint == endpoint:
                events.setdefault(each.event_id, each.tries_before)
        state = any((change.endpoint, change.version) == (endpoint, version) for change in self._changes)
        return Unwritten(events, state)

    async def flush(self) -> None:
        """Write what was noted, in one transaction; it stays noted when that fails. Raises what the database raises."""
        async with self._writing:
            await self._write()

    async def _write(self) -> None:
        settled, changes = self._settled, self._changes
        if not settled and not changes:
            return
        self._settled, self._changes = [], []
        try:
            async with self._transactions.transaction() as conn:
                # Endpoints before deliveries, as whatever a partner does locks them.
                for change in changes:
                    await _write_change(conn, change)
                for each in _rounds(settled):
                    await queue_store.settle(conn, each)
                for given_up in [each for each in settled if each.given_up_for]:
                    await _audit_given_up(conn, given_up)
        except BaseException:
            self._settled = settled + self._settled
            self._changes = changes + self._changes
            self._noted.set()
            raise

    async def note_progress(self, lines: Iterable[Line]) -> None:
        """Write how far the lines are, where that has changed since the last time."""
        progress = []
        known: dict[object, object] = {}
        for line in lines:
            now = (line.position, line.health.last_success_at, line.health.last_failure_at)
            known[line.id] = now
            if self._progress.get(line.id) != now:
                progress.append(
                    Progress(
                        endpoint=line.id,
                        cursor=line.position,
                        last_success_at=line.health.last_success_at,
                        last_failure_at=line.health.last_failure_at,
                    )
                )
        if progress:
            async with self._writing, self._transactions.transaction() as conn:
                await endpoint_store.note(conn, sorted(progress, key=lambda each: each.endpoint))
        self._progress = known


def _rounds(settled: list[Settled]) -> list[list[Settled]]:
    """Rounds in which each delivery appears once: one statement changes a row once."""
    rounds: list[list[Settled]] = []
    times: dict[object, int] = {}
    for each in settled:
        number = times.get((each.endpoint, each.event_id), 0)
        times[each.endpoint, each.event_id] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(each)
    return rounds


async def _write_change(conn: object, change: Change) -> None:
    kept = await endpoint_store.set_state(
        conn,
        change.endpoint,
        change.state,
        change.reason,
        expected=_EXPECTED[change.state],
        version=change.version,
        since=change.at,
    )
    if kept:
        what = f"webhook-{change.state}"
        detail = f"{change.endpoint} {change.reason}".strip()
        await partner_store.audit(conn, change.partner, what, who="gateway", came_from="", detail=detail)


async def _audit_given_up(conn: object, settled: Settled) -> None:
    await partner_store.audit(
        conn,
        settled.given_up_for,
        "webhook-event-given-up",
        who="gateway",
        came_from="",
        detail=f"{settled.endpoint} {settled.event_id}",
    )
