"""A dossier in a few words for whoever may read it: whose it is and where it stands. Pure."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue, UnknownAgency
from services.intake.dossier import STATUS_NAMES, Dossier
from services.intake.file_store import FileVersion
from services.intake.people import PeopleRecord, people_record

SubjectKind = Literal["", "child", "mother", "father", "subject"]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier as a line of a list of work. `subject` is the person it is about when that is not the applicant."""

    dossier_id: UUID
    code: str
    procedure: str
    procedure_name: str
    procedure_short_name: str
    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    channel: str
    receiving_agency: str
    receiving_agency_name: str
    facility: str
    applicant: str
    subject: str
    subject_kind: SubjectKind
    missing: tuple[str, ...]
    likely_duplicate: bool


def summary(dossier: Dossier, file: FileVersion, catalogue: Catalogue) -> Summary:
    """The summary of a dossier and the newest version of its file."""
    procedure = catalogue.procedure(dossier.procedure, dossier.procedure_from)
    people = people_record(dossier, file.kind, file.content, contact_only=False)
    kind, subject = subject_of(people)
    request = dossier.open_request
    return Summary(
        dossier_id=dossier.id,
        code=dossier.code,
        procedure=procedure.code,
        procedure_name=procedure.name_vi,
        procedure_short_name=procedure.short_name_vi,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        received_at=dossier.received_at,
        appointment_at=dossier.appointment_at,
        ended_at=dossier.ended_at,
        channel=dossier.channel,
        receiving_agency=dossier.receiving_agency,
        receiving_agency_name=agency_words(catalogue, dossier.receiving_agency),
        facility=dossier.facility,
        applicant=people.applicant.name,
        subject=subject,
        subject_kind=kind,
        missing=request.missing if request else dossier.missing,
        likely_duplicate=dossier.likely_duplicate,
    )


def subject_of(people: PeopleRecord) -> tuple[SubjectKind, str]:
    """Whom the dossier is about: the child, or while it has no name its mother; whom a form names as its subject."""
    if people.child is not None and people.child.name:
        return "child", people.child.name
    named = people.form.get("subject")
    if isinstance(named, dict) and isinstance(named.get("name"), str) and named["name"]:
        return "subject", named["name"]
    if people.child is not None and people.mother is not None:
        return "mother", people.mother.name
    if people.child is not None and people.father is not None:
        return "father", people.father.name
    return "", ""


def agency_words(catalogue: Catalogue, code: str) -> str:
    """What an agency is called; its code when the catalogue no longer knows it."""
    try:
        return catalogue.agency(code).name_vi
    except UnknownAgency:
        return code
