"""The press: prints every result that was called for, once its people and outcome can be read.

Reads in batches, renders and signs in worker processes, stores the PDFs, then issues in one transaction. Crashing
anywhere before that commit leaves the result pending; whoever prints it again makes the document anew, and only the
first to commit issues it. What was called for anew while it was being printed is printed again.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec

from libs.bus.handling import Change
from libs.bus.outages import is_contention, is_outage
from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS, Writer
from libs.telemetry.logs import log
from services.results import domain, press_store, store
from services.results.making import Made, Maker
from services.results.press_store import Order
from services.results.store import Document

_DELAY_MAX = timedelta(minutes=5)


class PressSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`batch` results are printed together; `lease_seconds` bounds how long a crashed press holds them."""

    batch: int = 32
    in_flight: int = 2
    lease_seconds: float = 60
    poll_seconds: float = 1


class _Issued(msgspec.Struct, frozen=True, kw_only=True):
    """`done` were issued; `stale` were called for anew meanwhile; `useless` documents will not be issued."""

    done: list[Made]
    stale: list[Order]
    useless: list[Document]


class Press:
    """Prints pending results until stopped."""

    def __init__(
        self,
        *,
        pool: "asyncpg.Pool[Any]",
        writer: Writer,
        maker: Maker,
        settings: PressSettings,
        woken: asyncio.Event | None = None,
    ) -> None:
        """`woken` may be set by anybody when there may be something to print."""
        self._pool = pool
        self._writer = writer
        self._maker = maker
        self._settings = settings
        self._woken = woken or asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Print until `stop`; errors of neighbours, archive and database delay, they never end the press."""
        batches: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            self._woken.clear()
            orders = await self._claim()
            if orders:
                batches.add(task := asyncio.create_task(self._print_batch(orders)))
                task.add_done_callback(batches.discard)
                if len(batches) >= self._settings.in_flight:
                    await asyncio.wait(batches, return_when=asyncio.FIRST_COMPLETED)
            if len(orders) < self._settings.batch:
                # That was all there is: what comes now wakes us.
                await self._wait(stop)
        if batches:
            await asyncio.wait(batches, timeout=self._settings.lease_seconds)

    async def _claim(self) -> list[Order]:
        try:
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
                lease = timedelta(seconds=self._settings.lease_seconds)
                return await press_store.claim_orders(conn, self._settings.batch, lease)
        except Exception as error:
            if not (is_outage(error) or is_contention(error)):
                raise
            log.warning("press-cannot-claim", error=type(error).__name__)
            return []

    async def _wait(self, stop: asyncio.Event) -> None:
        waits = {asyncio.create_task(self._woken.wait()), asyncio.create_task(stop.wait())}
        _, pending = await asyncio.wait(
            waits, timeout=self._settings.poll_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()

    async def _print_batch(self, orders: Sequence[Order]) -> None:
        """Whatever goes wrong, the orders are still in the database and their lease ends."""
        try:
            made = await self._maker.make(orders)
            answered = {m.order.id for m in made}
            issued = await self._issue(made)
            await self._postpone([o for o in orders if o.id not in answered], counts=True)
            await self._postpone(issued.stale, counts=False, at_once=True)
            await self._maker.forget(issued.useless)
            for each in issued.done:
                if each.order.attempts > 1 and each.document is not None:
                    await self._maker.forget_others(each.order, each.document)
        except Exception as error:  # noqa: BLE001 - see above
            log.warning("press-batch-failed", error=type(error).__name__, count=len(orders))
            try:
                await self._postpone(orders, counts=False)
            except Exception as second:  # noqa: BLE001 - the lease ends
                log.warning("press-cannot-postpone", error=type(second).__name__)

    async def _issue(self, made: Sequence[Made]) -> _Issued:
        issued = _Issued(done=[], stale=[], useless=[])
        if not made:
            return issued
        dossier_ids = sorted({m.order.dossier_id for m in made})
        outgoing: list[Outgoing] = []
        async with self._writer.transaction() as conn:
            now = await conn.fetchval("SELECT now()")
            before = await store.load(conn, dossier_ids)
            after = dict(before)
            for item in made:
                custody = after[item.order.dossier_id]
                try:
                    if custody.result(item.order.id).changed_at != item.order.changed_at:
                        raise _Stale
                    if item.document is None:
                        custody, events = domain.reject(custody, item.order.id, item.rejected, now)
                    else:
                        custody, events = domain.issue(custody, item.order.id, now)
                except (_Stale, domain.IllegalMove):
                    # Cancelled or issued by another press meanwhile, or its outcome was amended: then once more.
                    if custody.result(item.order.id).state == domain.PENDING:
                        issued.stale.append(item.order)
                    if item.document is not None:
                        issued.useless.append(item.document)
                    continue
                after[item.order.dossier_id] = custody
                issued.done.append(item)
                outgoing += [Outgoing(dossier_id=custody.dossier_id, event=event) for event in events]
            changes = [
                Change(dossier_id=d, before=before[d], after=after[d])
                for d in dossier_ids
                if after[d] is not before[d]
            ]
            if changes:
                documents = [item.document for item in issued.done if item.document is not None]
                await store.save(conn, changes, documents)
                await emit(conn, "results", outgoing)
        return issued

    async def _postpone(self, orders: Sequence[Order], *, counts: bool, at_once: bool = False) -> None:
        if not orders:
            return
        delays = [
            timedelta(0)
            if at_once
            else min(timedelta(seconds=0.5 * 2 ** min(o.attempts, 12)), _DELAY_MAX) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
            for o in orders
        ]
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            await press_store.postpone_orders(conn, [o.id for o in orders], delays, counts=counts)
        if at_once:
            self._woken.set()


class _Stale(Exception):
    """What was printed is not what is called for any more."""
