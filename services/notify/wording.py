"""The names texts use, from the catalogue: procedures, results, papers, agencies; and which desk a message is for."""

from collections.abc import Sequence
from datetime import datetime

from libs.catalogue import Catalogue
from libs.catalogue.errors import CatalogueError
from services.notify.contacts import Contact
from services.notify.texts import LOCAL, Occasion, Words


class Wording:
    """Looks names up in the catalogue."""

    def __init__(self, catalogue: Catalogue, public_url: str) -> None:
        self._catalogue = catalogue
        self._public_url = public_url.rstrip("/")

    def words(self, contact: Contact) -> Words:
        """The words for messages on this dossier."""
        procedure = self._catalogue.procedure(contact.procedure, contact.procedure_from)
        return Words(
            code=contact.code,
            procedure=procedure.short_name_vi,
            link=f"{self._public_url}/h/{contact.tracking_token}",
            results={result.code: result.name_vi for result in procedure.results},
            components={component.code: component.name_vi for component in procedure.components},
            places={agency.code: agency.name_vi for agency in self._catalogue.agencies()},
        )

    def desk_of(self, contact: Contact, occasions: Sequence[Occasion]) -> str:
        """The agency whose inbox a desk message goes to: where the result lies, else the hospital that declared."""
        for occasion in occasions:
            place = occasion.facts.get("place")
            if place:
                return str(place)
        if not contact.facility:
            return ""
        try:
            return self._catalogue.hospital(contact.facility, datetime.now(LOCAL).date()).code
        except CatalogueError:
            return ""
