"""What the desk of FHIR asks intake for in the partner's name: to check, take, correct, withdraw, keep the Bundle."""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

from libs.http.client import Refused
from services.gateway.acting import Acting
from services.gateway.partners.partner import Partner
from services.gateway.submissions.findings import Finding

SERVICE = "intake"
# The paper of the procedure that the notice is (giấy chứng sinh).
COMPONENT = "medical_certificate"
PURPOSE = "supplement"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of POST /births/check."""

    problems: tuple[Finding, ...]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a dossier that was handed in."""

    dossier_id: UUID
    code: str
    link: str
    appointment_text: str
    warnings: tuple[Finding, ...] = ()


class SupplementRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer has asked the family for."""

    fields: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier's requests."""

    requests: tuple[SupplementRequest, ...] = ()


class DossierFile(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of GET /dossiers/{id}, as far as an update needs it."""

    dossier: Requests
    file: dict[str, Any]
    file_version: int

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that are asked for now."""
        return next((r.fields for r in reversed(self.dossier.requests) if r.missing), ())


class Births:
    """Births at intake. Every call raises libs.http.client.Refused with the reasons, or Unavailable."""

    def __init__(self, acting: Acting) -> None:
        self._acting = acting

    async def check(self, partner: Partner, body: dict[str, Any]) -> tuple[Finding, ...]:
        """Everything wrong with a declaration. Nothing is kept."""
        content = msgspec.json.encode(body)
        answer = await self._acting.act(
            partner, SERVICE, "/births/check", content, key=_key("fhir-check", content)
        )
        return msgspec.json.decode(answer, type=Findings).problems

    async def declare(self, partner: Partner, body: dict[str, Any], key: str) -> Receipt:
        """Hand the declaration in, once per key."""
        answer = await self._acting.act(partner, SERVICE, "/births", msgspec.json.encode(body), key=key)
        return msgspec.json.decode(answer, type=Receipt)

    async def receipt(self, partner: Partner, dossier_id: UUID) -> Receipt:
        """The receipt as the dossier stands now."""
        answer = await self._acting.read(partner, SERVICE, f"/dossiers/{dossier_id}/receipt")
        return msgspec.json.decode(answer, type=Receipt)

    async def dossier_file(self, partner: Partner, dossier_id: UUID) -> DossierFile:
        """What the file says now; the read is recorded there."""
        answer = await self._acting.read(partner, SERVICE, f"/dossiers/{dossier_id}", purpose=PURPOSE)
        return msgspec.json.decode(answer, type=DossierFile)

    async def move(
        self, partner: Partner, dossier_id: UUID, what: str, body: dict[str, Any], key: str
    ) -> None:
        """POST /dossiers/{id}/{what}: corrections, supplements, withdrawal, stay."""
        await self._acting.act(
            partner, SERVICE, f"/dossiers/{dossier_id}/{what}", msgspec.json.encode(body), key=key
        )

    async def keep(self, partner: Partner, dossier_id: UUID, content: bytes) -> bool:
        """Keep the Bundle with the dossier as it came; False where the dossier takes no more papers."""
        path = f"/dossiers/{dossier_id}/attachments?component={COMPONENT}"
        try:
            await self._acting.act(
                partner,
                SERVICE,
                path,
                content,
                key=_key("fhir-document", str(dossier_id).encode() + content),
                media_type="application/fhir+json",
            )
        except Refused:
            return False
        return True


def _key(what: str, content: bytes) -> str:
    return f"{what}-{hashlib.sha256(content).hexdigest()}"
