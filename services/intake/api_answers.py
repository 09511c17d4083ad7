"""What the endpoints answer about a dossier."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.intake.attachment_store import Attachment
from services.intake.dossier import STATUS_NAMES, Dossier
from services.intake.file_store import FileVersion


class DossierLine(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier in a list: codes and times, no person."""

    dossier_id: UUID
    code: str
    procedure: str
    channel: str
    receiving_agency: str
    facility: str
    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    missing: tuple[str, ...]
    likely_duplicate: bool
    flags: tuple[str, ...]


class DossierPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page; ask again with `before` for the next, null when there is none."""

    dossiers: tuple[DossierLine, ...]
    before: UUID | None


class DossierAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The whole dossier: its life, its file (newest version) and its papers.

    `provenance` says by path where values came from that somebody wrote for the applicant, `read_back` whether they
    were read back.
    """

    dossier: Dossier
    status: int
    status_name: str
    file_kind: str
    file_version: int
    file: msgspec.Raw
    provenance: dict[str, str]
    read_back: bool
    attachments: tuple[Attachment, ...]


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Where a dossier stands after a move."""

    dossier_id: UUID
    code: str
    state: str
    status: int
    status_name: str
    appointment_at: datetime
    missing: tuple[str, ...]

    @classmethod
    def of(cls, dossier: Dossier) -> "Moved":
        """The answer to a move that led here."""
        request = dossier.open_request
        return cls(
            dossier_id=dossier.id,
            code=dossier.code,
            state=dossier.state,
            status=dossier.status,
            status_name=STATUS_NAMES[dossier.status],
            appointment_at=dossier.appointment_at,
            missing=request.missing if request else dossier.missing,
        )


def line(dossier: Dossier) -> DossierLine:
    """The dossier as a line of a list."""
    return DossierLine(
        dossier_id=dossier.id,
        code=dossier.code,
        procedure=dossier.procedure,
        channel=dossier.channel,
        receiving_agency=dossier.receiving_agency,
        facility=dossier.facility,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        received_at=dossier.received_at,
        appointment_at=dossier.appointment_at,
        missing=dossier.missing,
        likely_duplicate=dossier.likely_duplicate,
        flags=dossier.flags,
    )


def whole(dossier: Dossier, file: FileVersion, attachments: Sequence[Attachment]) -> DossierAnswer:
    """Everything intake knows of a dossier."""
    return DossierAnswer(
        dossier=dossier,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        file_kind=file.kind,
        file_version=file.version,
        file=msgspec.Raw(file.content),
        provenance=msgspec.json.decode(file.provenance),
        read_back=file.read_back,
        attachments=tuple(attachments),
    )
