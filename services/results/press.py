"""The press: prints every result that was called for, once its people and outcome can be read.

Reads in batches, renders and signs in worker processes, stores the PDFs, then issues in one transaction. Crashing
anywhere before that commit leaves the result pending; whoever prints it again makes the document anew, and only the
first to commit issues it.
"""

import asyncio
import random
import secrets
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import asyncpg
import msgspec

from libs.bus.handling import Change
from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import Writer
from libs.catalogue import Catalogue
from libs.storage.archive import Archive
from libs.telemetry.logs import log
from services.results import domain, store
from services.results.documents import CannotIssue, Names, Paper, paper_values
from services.results.people import Neighbours, OutcomeItem, OutcomeRecord, PeopleRecord
from services.results.printing import Job, SigningKey, print_all, start_worker
from services.results.store import Document, Order

# How long people and outcomes may be missing before the step is sent back: longer than any outage we accept, because
# routing commits the outcome before it says step-completed, so "missing" means a fault somewhere, not a delay.
_ATTEMPTS_BEFORE_REJECTION = 12
_DELAY_MAX = timedelta(minutes=5)


class PressSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`batch` results are printed together; `lease_seconds` bounds how long a crashed press holds them."""

    batch: int = 32
    in_flight: int = 2
    workers: int = 1
    lease_seconds: float = 60
    poll_seconds: float = 1
    render: bool = True
    public_url: str = "http://127.0.0.1"
    city_name: str = "Ngã Bảy"


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    order: Order
    document: Document | None = None
    rejected: str = ""


class Press:
    """Prints pending results until stopped."""

    def __init__(
        self,
        *,
        pool: asyncpg.Pool,
        writer: Writer,
        neighbours: Neighbours,
        catalogue: Catalogue,
        names: Names,
        archive: Archive,
        signing: SigningKey,
        settings: PressSettings,
    ) -> None:
        self._pool = pool
        self._writer = writer
        self._neighbours = neighbours
        self._catalogue = catalogue
        self._names = names
        self._archive = archive
        self._settings = settings
        self._woken = asyncio.Event()
        self._workers: ProcessPoolExecutor | None = None
        if settings.render:
            # spawn, not fork: a forked child would share the parent's sockets to NATS and PostgreSQL.
            self._workers = ProcessPoolExecutor(
                settings.workers,
                mp_context=get_context("spawn"),
                initializer=start_worker,
                initargs=(str(catalogue.folder / "documents"), signing),
            )

    def wake(self) -> None:
        """There may be something to print."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Print until `stop`; errors of neighbours and databases delay, they never end the press."""
        batches: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                self._woken.clear()
                orders = await self._claim()
                if orders:
                    batches.add(task := asyncio.create_task(self._print_batch(orders)))
                    task.add_done_callback(batches.discard)
                    if len(batches) >= self._settings.in_flight:
                        await asyncio.wait(batches, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await self._wait(stop)
            if batches:
                await asyncio.wait(batches, timeout=self._settings.lease_seconds)
        finally:
            if self._workers is not None:
                self._workers.shutdown(wait=True, cancel_futures=True)

    async def print_job(self, job: Job) -> bytes:
        """Print one paper at once (a receipt). Raises RuntimeError when this press does not render."""
        workers = self._required_workers()
        printed = await asyncio.get_running_loop().run_in_executor(workers, print_all, [job])
        return printed[0].pdf

    def _required_workers(self) -> ProcessPoolExecutor:
        if self._workers is None:
            raise RuntimeError("this press does not render")
        return self._workers

    async def _claim(self) -> list[Order]:
        try:
            async with self._pool.acquire() as conn:
                lease = timedelta(seconds=self._settings.lease_seconds)
                return await store.claim_orders(conn, self._settings.batch, lease)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
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
        try:
            made = await self._make(orders)
            await self._issue(made)
            missing = {order.id for order in orders} - {m.order.id for m in made}
            await self._postpone([order for order in orders if order.id in missing])
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the orders are still in the database
            log.warning("press-batch-failed", error=type(error).__name__, count=len(orders))
            try:
                await self._postpone(orders)
            except (
                OSError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
                TimeoutError,
            ) as second:  # the lease ends
                log.warning("press-cannot-postpone", error=type(second).__name__)

    async def _make(self, orders: Sequence[Order]) -> list[_Made]:
        if not self._settings.render:
            return [
                _Made(order=o, document=Document(result_id=o.id, token=_token(), key=None, sha256=None))
                for o in orders
            ]
        items = [OutcomeItem(order.dossier_id, order.step) for order in orders]
        people, outcomes = await asyncio.gather(
            self._neighbours.people([o.dossier_id for o in orders], "make-document"),
            self._neighbours.outcomes(items, "make-document"),
        )
        made: list[_Made] = []
        jobs: list[tuple[Order, str, Job]] = []
        for order in orders:
            person = people.get(order.dossier_id)
            outcome = outcomes.get((order.dossier_id, order.step))
            if person is None or outcome is None:
                if order.attempts >= _ATTEMPTS_BEFORE_REJECTION:
                    made.append(_Made(order=order, rejected="data-missing"))
                continue
            try:
                token = _token()
                jobs.append((order, token, self._job(order, token, person, outcome)))
            except CannotIssue as refusal:
                made.append(_Made(order=order, rejected=refusal.reason))
        made += await self._print_and_store(jobs)
        return made

    def _job(self, order: Order, token: str, people: PeopleRecord, outcome: OutcomeRecord) -> Job:
        procedure = self._catalogue.procedure(people.procedure, people.procedure_from)
        result = procedure.result(order.code)
        agency = self._catalogue.agency(order.agency)
        paper = Paper(
            result_id=order.id,
            template=result.template or "certificate",
            result_name=result.name_vi,
            procedure_name=procedure.name_vi,
            agency_name=agency.name_vi,
            agency_place=self._settings.city_name,
            version=order.version,
            verify_url=f"{self._settings.public_url}/verify/{token}",
            signed_at=datetime.now(UTC),
        )
        values = paper_values(paper, people, outcome, self._names)
        return Job(template=paper.template, values=values, reason=result.name_vi, location=paper.agency_place)

    async def _print_and_store(self, jobs: Sequence[tuple[Order, str, Job]]) -> list[_Made]:
        if not jobs:
            return []
        workers = self._required_workers()
        loop = asyncio.get_running_loop()
        # One task a worker: the batch is shared out so that every worker has some of it.
        shares = [jobs[i :: self._settings.workers] for i in range(self._settings.workers)]
        printed = await asyncio.gather(
            *(
                loop.run_in_executor(workers, print_all, [job for *_, job in share])
                for share in shares
                if share
            )
        )
        made = []
        for share, pdfs in zip([s for s in shares if s], printed, strict=True):
            for (order, token, _), pdf in zip(share, pdfs, strict=True):
                # The hash in the key: two presses printing the same result never overwrite each other.
                key = f"results/{order.id}/{pdf.sha256.hex()[:16]}.pdf"
                await self._archive.put(key, pdf.pdf)
                document = Document(result_id=order.id, token=token, key=key, sha256=pdf.sha256)
                made.append(_Made(order=order, document=document))
        return made

    async def _issue(self, made: Sequence[_Made]) -> None:
        if not made:
            return
        dossier_ids = sorted({m.order.dossier_id for m in made})
        outgoing: list[Outgoing] = []
        documents: list[Document] = []
        async with self._writer.transaction() as conn:
            now = await conn.fetchval("SELECT now()")
            before = await store.load(conn, dossier_ids)
            after = dict(before)
            for item in made:
                custody = after[item.order.dossier_id]
                try:
                    if item.document is None:
                        custody, events = domain.reject(custody, item.order.id, item.rejected, now)
                    else:
                        custody, events = domain.issue(custody, item.order.id, now)
                        documents.append(item.document)
                except domain.IllegalMove:
                    continue  # cancelled meanwhile, or issued by another press: nothing to do
                after[item.order.dossier_id] = custody
                outgoing += [Outgoing(dossier_id=custody.dossier_id, event=event) for event in events]
            changes = [
                Change(dossier_id=d, before=before[d], after=after[d])
                for d in dossier_ids
                if after[d] is not before[d]
            ]
            if changes:
                await store.save(conn, changes)
                if documents:
                    await store.record_documents(conn, documents)
                await emit(conn, "results", outgoing)

    async def _postpone(self, orders: Sequence[Order]) -> None:
        if not orders:
            return
        delays = [min(timedelta(seconds=0.5 * 2 ** min(o.attempts, 12)), _DELAY_MAX) for o in orders]
        jittered = [
            delay * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
            for delay in delays
        ]
        async with self._pool.acquire() as conn:
            await store.postpone_orders(conn, [o.id for o in orders], jittered)


def _token() -> str:
    """A verification token: 128 random bits, so that no document can be found by trying."""
    return secrets.token_urlsafe(16)
