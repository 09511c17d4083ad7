"""What the printed forms of TT 01/2018/TT-VPCP (amended by TT 03/2025/TT-VPCP) say of a dossier: the receipt with the
appointment, the slip that asks for papers, the refusal. Pure.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue, Procedure
from services.intake.asked import Asked, asked_of
from services.intake.dossier import REFUSED, STATUS_NAMES, Dossier
from services.intake.file_store import FileVersion, Writing
from services.intake.people import Person, people_record
from services.intake.receipts import receipt
from services.intake.summaries import SubjectKind, agency_words, subject_of

PaperState = Literal["given", "missing", "not-needed"]


class PaperFact(msgspec.Struct, frozen=True, kw_only=True):
    """One paper (thành phần hồ sơ): how many originals and copies the procedure wants, and whether it is there."""

    code: str
    name: str
    originals: int
    copies: int
    state: PaperState


class ResultFact(msgspec.Struct, frozen=True, kw_only=True):
    """One result and how it is received; `place_name` is empty for post and electronic."""

    code: str
    name: str
    delivery: str
    place: str
    place_name: str
    copies: int


class PaperFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the forms need. `received_by` is the account that handed the file in or took it at the desk;
    `explanation` is what was written to the applicant with a refusal; `link` is empty for who is not to have it.
    """

    dossier_id: UUID
    code: str
    link: str
    procedure: str
    procedure_name: str
    legal_basis: tuple[str, ...]
    status: int
    status_name: str
    channel: str
    applicant: Person
    subject: str
    subject_kind: SubjectKind
    components: tuple[PaperFact, ...]
    results: tuple[ResultFact, ...]
    received_at: datetime
    accepted_at: datetime | None
    appointment_at: datetime
    appointment_text: str
    fee_vnd: int | None
    fee_text: str
    asked: Asked | None
    receiving_agency: str
    receiving_agency_name: str
    receiving_agency_address: str
    receiving_agency_phone: str
    received_by: str
    reason: str
    explanation: str


def paper_facts(
    dossier: Dossier, file: FileVersion, writings: tuple[Writing, ...], catalogue: Catalogue, public_url: str
) -> PaperFacts:
    """The facts of a dossier with its file; `writings` are all versions of the file, first to last."""
    procedure = catalogue.procedure(dossier.procedure, dossier.procedure_from)
    agency = catalogue.agency(dossier.receiving_agency)
    people = people_record(dossier, file.kind, file.content, contact_only=False)
    given = receipt(dossier, catalogue, public_url)
    kind, subject = subject_of(people)
    return PaperFacts(
        dossier_id=dossier.id,
        code=dossier.code,
        link=given.link,
        procedure=procedure.code,
        procedure_name=procedure.name_vi,
        legal_basis=procedure.legal_basis,
        status=dossier.status,
        status_name=STATUS_NAMES[dossier.status],
        channel=dossier.channel,
        applicant=people.applicant,
        subject=subject,
        subject_kind=kind,
        components=_papers(procedure, dossier),
        results=_results(procedure, dossier, catalogue),
        received_at=dossier.received_at,
        accepted_at=dossier.accepted_at,
        appointment_at=dossier.appointment_at,
        appointment_text=given.appointment_text,
        fee_vnd=given.fee_vnd,
        fee_text=given.fee_text,
        asked=asked_of(dossier, catalogue),
        receiving_agency=agency.code,
        receiving_agency_name=agency.name_vi,
        receiving_agency_address=agency.address_vi,
        receiving_agency_phone=agency.phone,
        received_by=writings[0].written_by,
        reason=dossier.reason,
        explanation=writings[-1].reason if dossier.state == REFUSED else "",
    )


def for_an_agency(facts: PaperFacts) -> PaperFacts:
    """The facts without what only the receipt says: the family's link, its results, and who took the dossier in."""
    return msgspec.structs.replace(facts, link="", results=(), received_by="")


def _papers(procedure: Procedure, dossier: Dossier) -> tuple[PaperFact, ...]:
    request = dossier.open_request
    missing = frozenset(request.missing if request else dossier.missing)
    listed = {component.code for component in procedure.components}
    papers = [
        PaperFact(
            code=c.code,
            name=c.name_vi,
            originals=c.originals,
            copies=c.copies,
            state="missing"
            if c.code in missing
            else "given"
            if c.code in dossier.components
            else "not-needed",
        )
        for c in procedure.components
    ]
    # What an officer asked for beyond the procedure's own list.
    more = [code for code in (request.components if request else ()) if code not in listed]
    papers.extend(
        PaperFact(
            code=code, name=code, originals=1, copies=0, state="missing" if code in missing else "given"
        )
        for code in more
    )
    return tuple(papers)


def _results(procedure: Procedure, dossier: Dossier, catalogue: Catalogue) -> tuple[ResultFact, ...]:
    names = {result.code: result.name_vi for result in procedure.results}
    return tuple(
        ResultFact(
            code=chosen.code,
            name=names.get(chosen.code, chosen.code),
            delivery=chosen.delivery,
            place=chosen.place,
            place_name=agency_words(catalogue, chosen.place) if chosen.place else "",
            copies=chosen.copies,
        )
        for chosen in dossier.results
    )
