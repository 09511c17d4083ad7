"""The names texts use, from the catalogue: procedures, results, papers, agencies; and which desk a message is for."""

from collections.abc import Sequence
from datetime import date

from libs.catalogue import Catalogue
from libs.catalogue.errors import UnknownAgency
from services.notify.contacts import Contact
from services.notify.texts import Occasion, Words

# What the desk is called when this catalogue does not know it.
DESK_UNNAMED = "bộ phận một cửa tiếp nhận hồ sơ"


class Wording:
    """Looks names up in the catalogue."""

    def __init__(self, catalogue: Catalogue, public_url: str) -> None:
        self._catalogue = catalogue
        self._public_url = public_url.rstrip("/")

    def words(self, contact: Contact, occasions: Sequence[Occasion]) -> Words:
        """The words for messages on this dossier.

        Raises CatalogueError, UnknownProcedure or NotEffective when its procedure is not known here.
        """
        procedure = self._catalogue.procedure(contact.procedure, contact.procedure_from)
        paths = {path for occasion in occasions for path in occasion.facts.get("fields", ())}
        labels = {path: procedure.field_label(path) for path in paths}
        places = {str(occasion.facts.get("place", "")) for occasion in occasions}
        names = {place: self._agency_name(place) for place in places}
        return Words(
            code=contact.code,
            procedure=procedure.short_name_vi,
            link=f"{self._public_url}/h/{contact.tracking_token}",
            desk=self._agency_name(contact.receiving_agency) or DESK_UNNAMED,
            results={result.code: result.name_vi for result in procedure.results},
            components={component.code: component.name_vi for component in procedure.components},
            # A path the form does not know is no word for a citizen.
            fields={path: label for path, label in labels.items() if label != path},
            steps={step.code: step.name_vi for step in procedure.steps},
            reasons={
                reason.code: reason.name_vi
                for move in ("refuse", "lapse")
                for reason in self._catalogue.reasons[move]
            },
            places={place: name for place, name in names.items() if name},
        )

    def _agency_name(self, code: str) -> str:
        """The agency's name; empty when there is none with this code."""
        try:
            return self._catalogue.agency(code).name_vi
        except UnknownAgency:
            return ""

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
        except UnknownAgency:
            return ""
