"""Whom to tell: read from intake when a message is about to be sent, never stored here."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from libs.http.client import ServiceClient


class Applicant(msgspec.Struct, frozen=True, kw_only=True):
    """How the applicant can be reached."""

    name: str = ""
    phone: str = ""
    email: str = ""


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """What a message needs to know of one dossier."""

    dossier_id: UUID
    code: str
    procedure: str
    procedure_from: date
    tracking_token: str = ""
    facility: str = ""
    receiving_agency: str = ""
    applicant: Applicant | None = None
    preferred_channel: str = ""

    def addresses(self) -> dict[str, str]:
        """Channel → address, for the channels there is an address for."""
        if self.applicant is None:
            return {}
        found = {"email": self.applicant.email, "sms": self.applicant.phone, "zalo": self.applicant.phone}
        return {channel: address for channel, address in found.items() if address}


class _Query(msgspec.Struct):
    dossier_ids: list[UUID]
    purpose: str


class _Answer(msgspec.Struct):
    people: list[Contact]


class Contacts:
    """Reads contacts from intake; every read is recorded there with its purpose."""

    def __init__(self, intake: ServiceClient) -> None:
        self._intake = intake

    async def read(self, dossier_ids: Sequence[UUID]) -> dict[UUID, Contact]:
        """The contacts of these dossiers; one that intake does not know is absent. Raises the client's errors."""
        query = _Query(dossier_ids=list(dict.fromkeys(dossier_ids)), purpose="notify")
        answer = await self._intake.post("/people/read", query, _Answer, purpose="notify")
        return {contact.dossier_id: contact for contact in answer.people}
