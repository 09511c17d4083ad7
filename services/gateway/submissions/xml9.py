"""XML9 files of partners, passed on to intake, and what its report says of each record."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.database.transactions import Transactions
from libs.http.auth import TokenSigner
from libs.http.client import Refused
from services.gateway.acting import Acting
from services.gateway.partners.partner import Partner
from services.gateway.submissions import submission_store
from services.gateway.submissions.findings import Finding
from services.gateway.submissions.submission_store import Submission

# What intake takes (its UploadLimits); a file of that size takes it some ten seconds.
FILE_BYTES_MAX = 20 * 1024 * 1024
DEADLINE_SECONDS = 90.0
Way = Literal["http", "folder"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record of a file."""

    index: int
    certificate_number: str
    status: str
    text: str
    problems: tuple[Finding, ...] = ()
    dossier_id: UUID | None = None
    code: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Intake's report on a file, as far as we count it."""

    summary: str
    accepted: int
    known: int
    refused: int
    failed: int
    records: tuple[Record, ...]
    warnings: tuple[Finding, ...] = ()


class Uploads:
    """Where partners' XML9 files go. Close it."""

    def __init__(self, transactions: Transactions, urls: Mapping[str, str], signer: TokenSigner) -> None:
        self._transactions = transactions
        self._acting = Acting({"intake": urls["intake"]}, signer, deadline_seconds=DEADLINE_SECONDS)

    async def close(self) -> None:
        """Close the connections."""
        await self._acting.close()

    async def send(self, partner: Partner, content: bytes, way: Way) -> bytes:
        """Intake's report. The same file gets the same report. Raises Refused or Unavailable of libs.http.client."""
        sha256 = hashlib.sha256(content)
        try:
            answer = await self._acting.act(
                partner,
                "intake",
                "/births/xml9",
                content,
                key=f"xml9-{sha256.hexdigest()}",
                media_type="application/xml",
            )
        except Refused as refused:
            await self._record(partner, way, sha256.digest(), refused.status)
            raise
        report = msgspec.json.decode(answer, type=Report)
        await self._record(
            partner,
            way,
            sha256.digest(),
            200,
            taken=report.accepted,
            known=report.known,
            refused=report.refused + report.failed,
        )
        return answer

    async def _record(self, partner: Partner, way: Way, sha256: bytes, status: int, **counts: Any) -> None:
        async with self._transactions.transaction() as conn:
            await submission_store.record(
                conn,
                Submission(
                    partner=partner.code, way=way, format="xml9", sha256=sha256, status=status, **counts
                ),
            )
