"""The receipt of a hand-over as a document: printed once from the recorded act, kept, and given out again."""

from collections.abc import Sequence
from typing import Any

from libs.catalogue import Catalogue
from libs.catalogue.errors import CatalogueError
from libs.storage.archive import Archive
from services.results.documents import receipt_values
from services.results.people import Neighbours
from services.results.press import Press
from services.results.printing import Job
from services.results.store import Handover


class Receipts:
    """Prints receipts on first request. The act itself is a row that never changes, so printing can wait."""

    def __init__(
        self, *, press: Press, archive: Archive, neighbours: Neighbours, catalogue: Catalogue
    ) -> None:
        self._press = press
        self._archive = archive
        self._neighbours = neighbours
        self._catalogue = catalogue

    async def pdf(self, handover: Handover, results: Sequence[Any]) -> bytes:
        """The receipt. Raises the errors of the archive, of intake, and RuntimeError when nothing is rendered here."""
        key = f"receipts/{handover.id}.pdf"
        try:
            return await self._archive.get(key)
        except FileNotFoundError:
            pass
        people = await self._neighbours.people([handover.dossier_id], "hand-over")
        record = people[handover.dossier_id]
        procedure = self._catalogue.procedure(record.procedure, record.procedure_from)
        values = receipt_values(
            handover,
            record.code,
            self._place(handover.place),
            [(procedure.result(row["code"]).name_vi, row["version"]) for row in results],
        )
        pdf = await self._press.print_job(
            Job(template="handover_receipt", values=values, reason="Biên nhận trao kết quả")
        )
        await self._archive.put(key, pdf)
        return pdf

    def _place(self, agency: str) -> str:
        try:
            return self._catalogue.agency(agency).name_vi
        except CatalogueError:
            return agency
