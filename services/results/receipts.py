"""The receipt of a hand-over as a document: printed once from the recorded act, kept, and given out again."""

from collections.abc import Sequence
from typing import Any

from libs.catalogue import Catalogue
from libs.http.problems import Problem, unavailable
from libs.printing.workers import CannotPrint, WorkersLost
from libs.storage.archive import Archive
from libs.telemetry.logs import log
from services.results.desk_store import Handover, Receiver
from services.results.documents import receipt_values
from services.results.jobs import Job
from services.results.people import Neighbours
from services.results.views import agency_name
from services.results.workers import Workers


class Receipts:
    """Prints receipts on first request. The act itself is a row that never changes, so printing can wait."""

    def __init__(
        self, *, workers: Workers | None, archive: Archive, neighbours: Neighbours, catalogue: Catalogue
    ) -> None:
        self._workers = workers
        self._archive = archive
        self._neighbours = neighbours
        self._catalogue = catalogue

    async def pdf(self, handover: Handover, results: Sequence[Any]) -> bytes:
        """The receipt. Raises Problem 404 where nothing is printed, 503 when it cannot be now, and the archive's."""
        key = f"receipts/{handover.id}.pdf"
        try:
            return await self._archive.get(key)
        except FileNotFoundError:
            pass
        if self._workers is None:
            raise Problem(404, "no-document", "Nơi này không in biên nhận")
        record = (await self._neighbours.people([handover.dossier_id], "hand-over")).get(handover.dossier_id)
        if record is None:
            raise unavailable()
        procedure = self._catalogue.procedure(record.procedure, record.procedure_from)
        values = receipt_values(
            handover,
            record.code,
            agency_name(self._catalogue, handover.place),
            [(procedure.result(row["code"]).name_vi, row["version"]) for row in results],
            await self._signature(handover.receiver),
        )
        job = Job(
            template="handover_receipt",
            values=values,
            reason="Biên nhận trao kết quả",
            signer=handover.place,
        )
        try:
            (printed,) = await self._workers.print([job])
        except (CannotPrint, WorkersLost) as error:
            log.error("document-not-made", error=type(error).__name__)
            raise unavailable() from None
        if not await self._archive.put(key, printed.pdf):
            # Somebody else printed it at the same moment: there is one receipt.
            return await self._archive.get(key)
        return printed.pdf

    async def _signature(self, receiver: Receiver) -> str:
        """The picture of the signature as SVG; without one, or when it was damaged since, nothing."""
        if not receiver.signature_key:
            return ""
        try:
            kept = await self._archive.get(receiver.signature_key, bytes.fromhex(receiver.signature_sha256))
        except (FileNotFoundError, ValueError):
            # The act stands by its record; an alarm all the same.
            log.error("document-damaged")
            return ""
        return kept.decode()
