"""Makes the documents of orders: reads people and outcomes, fills the paper, prints and signs it, stores the PDF."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import msgspec

from libs.catalogue import Catalogue
from libs.catalogue.errors import CatalogueError, UnknownAgency
from libs.catalogue.graph import closure
from libs.printing.workers import CannotPrint, WorkersLost
from libs.storage.archive import Archive, Unreachable
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter, histogram
from services.results.documents import Paper, paper_values
from services.results.jobs import Job, Printed
from services.results.people import Neighbours, OutcomeItem, OutcomeRecord, PeopleRecord
from services.results.press_store import Order
from services.results.store import Document
from services.results.subjects import CannotIssue, Names, parts_of
from services.results.workers import Workers

# How long people and outcomes may be missing before the step is sent back. Routing commits the outcome before it says
# step-completed and intake the people before all, so "missing" means a fault somewhere, not a delay.
_FAILURES_BEFORE_REJECTION = 12
# What the register of births says and the papers of later steps repeat.
_REGISTERED = ("child_name", "personal_id")

_RENDERED = counter("documents_rendered_total")
_SECONDS = histogram("documents_seconds")


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order: a stored document, or the code of why its outcome gives none."""

    order: Order
    document: Document | None = None
    rejected: str = ""


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    order: Order
    token: str
    title: str
    desk: str
    receiving: str
    job: Job


class Maker:
    """Makes documents. Without `workers` results are records only, for agencies that print their own papers."""

    def __init__(
        self,
        *,
        neighbours: Neighbours,
        catalogue: Catalogue,
        names: Names,
        archive: Archive,
        workers: Workers | None,
        public_url: str,
        city_name: str,
    ) -> None:
        self._neighbours = neighbours
        self._catalogue = catalogue
        self._names = names
        self._archive = archive
        self._workers = workers
        self._public_url = public_url
        self._city_name = city_name

    async def make(self, orders: Sequence[Order]) -> list[Made]:
        """What could be made; orders missing from the answer failed by their own fault and count as tried.

        Raises the errors of neighbours and archive: then nothing is anybody's fault and all can be tried again.
        """
        if self._workers is None:
            return [
                Made(
                    order=o,
                    document=Document(result_id=o.id, title="", token=_token(), key=None, sha256=None),
                )
                for o in orders
            ]
        people = await self._neighbours.people([o.dossier_id for o in orders], "make-document")
        steps = {order.id: self._steps_behind(order, people.get(order.dossier_id)) for order in orders}
        items = [OutcomeItem(order.dossier_id, step) for order in orders for step in steps[order.id]]
        outcomes = await self._neighbours.outcomes(items, "make-document")
        made: list[Made] = []
        ready: list[_Ready] = []
        for order in orders:
            person = people.get(order.dossier_id)
            outcome = outcomes.get((order.dossier_id, order.step))
            if person is None or outcome is None:
                if order.failures + 1 >= _FAILURES_BEFORE_REJECTION:
                    made.append(Made(order=order, rejected="data-missing"))
                continue
            try:
                earlier = [outcomes.get((order.dossier_id, step)) for step in steps[order.id]]
                ready.append(self._fill(order, person, _with_register(outcome, earlier)))
            except CannotIssue as refusal:
                made.append(Made(order=order, rejected=refusal.reason))
            except (CatalogueError, ValueError, LookupError, TypeError) as error:
                # Ours or the catalogue's fault: doing the step again would not help, a newer catalogue will.
                _tell(order, error)
        return made + await self._print_and_store(self._workers, ready)

    async def forget(self, documents: Sequence[Document]) -> None:
        """Delete documents that were printed and will not be issued; what cannot be deleted is logged."""
        for document in documents:
            if document.key is not None:
                await self._delete(document.key)

    async def forget_others(self, order: Order, document: Document) -> None:
        """Delete what earlier tries for this order, ended by a crash, have left beside the issued document."""
        try:
            keys = await self._archive.keys(f"results/{order.id}/")
        except Unreachable:
            return
        for key in keys:
            if key != document.key:
                await self._delete(key)

    async def _delete(self, key: str) -> None:
        try:
            await self._archive.delete(key)
        except Unreachable as error:
            log.warning("document-left-over", error=type(error).__name__)

    def _steps_behind(self, order: Order, people: PeopleRecord | None) -> list[str]:
        """The order's step and all it depends on: what was registered there stands on this paper, too."""
        if people is None:
            return [order.step]
        try:
            procedure = self._catalogue.procedure(people.procedure, people.procedure_from)
        except (CatalogueError, LookupError):
            # Told when this paper is filled; what one dossier lacks must not stop those read with it.
            return [order.step]
        return sorted(closure([order.step], {step.code: step.depends_on for step in procedure.steps}))

    def _fill(self, order: Order, people: PeopleRecord, outcome: OutcomeRecord) -> _Ready:
        procedure = self._catalogue.procedure(people.procedure, people.procedure_from)
        result = procedure.result(order.code)
        agency = self._catalogue.agency(order.agency)
        token = _token()
        paper = Paper(
            result_id=order.id,
            template=result.template or "certificate",
            result_name=result.name_vi,
            procedure_name=procedure.name_vi,
            agency_name=agency.name_vi,
            agency_place=self._city_name,
            version=order.version,
            verify_url=f"{self._public_url}/xac-minh/{token}",
            signed_at=datetime.now(UTC),
            about=parts_of(procedure, result),
        )
        values = paper_values(paper, people, outcome, self._names)
        job = Job(
            template=paper.template,
            values=values,
            verify_url=paper.verify_url,
            reason=result.name_vi,
            location=paper.agency_place,
            signer=order.agency,
        )
        desk = self._desk_of(people, paper.signed_at.date())
        return _Ready(
            order=order,
            token=token,
            title=result.name_vi,
            desk=desk,
            receiving=people.receiving_agency,
            job=job,
        )

    def _desk_of(self, people: PeopleRecord, on: date) -> str:
        """The agency that handed the dossier in: the hospital that declared the birth, or the counter.

        The counter, too, where the hospital has closed since: the paper is issued all the same.
        """
        if people.facility:
            with contextlib.suppress(CatalogueError, UnknownAgency):
                return self._catalogue.hospital(people.facility, on).code
        return people.receiving_agency

    async def _print_and_store(self, workers: Workers, ready: Sequence[_Ready]) -> list[Made]:
        # One share a worker: the batch is shared out so that every worker has some of it.
        shares = [share for i in range(workers.count) if (share := ready[i :: workers.count])]
        printed = await asyncio.gather(*(self._print(workers, share) for share in shares))
        made = []
        for each, paper in (pair for pairs in printed for pair in pairs):
            # The hash in the key: two presses printing the same result never store under one key.
            key = f"results/{each.order.id}/{paper.sha256.hex()[:16]}.pdf"
            await self._archive.put(key, paper.pdf)
            document = Document(
                result_id=each.order.id,
                title=each.title,
                token=each.token,
                key=key,
                sha256=paper.sha256,
                desk=each.desk,
                receiving=each.receiving,
            )
            made.append(Made(order=each.order, document=document))
            _RENDERED.labels(each.job.template).inc()
        return made

    async def _print(self, workers: Workers, share: Sequence[_Ready]) -> list[tuple[_Ready, Printed]]:
        """The share printed; when that fails as a whole, one by one, so that one bad paper stops no other."""
        began = time.perf_counter()
        try:
            printed = await workers.print([each.job for each in share])
        except (CannotPrint, WorkersLost) as error:
            if len(share) == 1:
                _tell(share[0].order, error)
                return []
            return [pair for each in share for pair in await self._print(workers, [each])]
        _SECONDS.observe((time.perf_counter() - began) / len(share))
        return list(zip(share, printed, strict=True))


def _with_register(own: OutcomeRecord, others: Iterable[OutcomeRecord | None]) -> OutcomeRecord:
    """The outcome with the child's name and number as civil status registered them in a step before it."""
    known = {
        name: value
        for other in others
        if other is not None
        for name in _REGISTERED
        if (value := other.outcome.get(name))
    }
    return msgspec.structs.replace(own, outcome={**known, **own.outcome})


def _tell(order: Order, error: Exception) -> None:
    log.error(
        "document-not-made", result_id=str(order.id), error=type(error).__name__, attempt=order.failures + 1
    )


def _token() -> str:
    """A verification token: 128 random bits, so that no document can be found by trying."""
    return secrets.token_urlsafe(16)
