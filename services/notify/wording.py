"""The names texts use, from the catalogue: procedures, results, papers, agencies; and which desk a message is for."""

from collections.abc import Sequence
from datetime import date

from libs.catalogue import Catalogue
from libs.catalogue.errors import CatalogueError
from services.notify.contacts import Contact
from services.notify.texts import Occasion, Words


class Wording:
    """Looks names up in the catalogue."""

    def __init__(self, catalogue: Catalogue, public_url: str) -> None:
        self._catalogue = catalogue
        self._public_url = public_url.rstrip("/")

    def words(self, contact: Contact) -> Words:
        """The words for messages on this dossier. Raises CatalogueError when its procedure is not known here."""
        procedure = self._catalogue.procedure(contact.procedure, contact.procedure_from)
        return Words(
            code=contact.code,
            procedure=procedure.short_name_vi,
            link=f"{self._public_url}/track/{contact.tracking_token}",
            results={result.code: result.name_vi for result in procedure.results},
            components={component.code: component.name_vi for component in procedure.components},
            places={agency.code: agency.name_vi for agency in self._catalogue.agencies()},
        )

    def desk_of(self, contact: Contact, occasions: Sequence[Occasion], today: date) -> str:
        """The agency whose inbox a desk message goes to: where the result lies, else the hospital that declared.

        Empty when there is no desk to tell.
        """
        for occasion in occasions:
            place = occasion.facts.get("place")
            if place:
                return str(place)
        if not contact.facility:
            return ""
        try:
            return self._catalogue.hospital(contact.facility, today).code
        except CatalogueError:
            return ""
