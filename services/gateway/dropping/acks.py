"""What a partner finds in `out`: an acknowledgement per record, and a summary per file. Pure; no person is named."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from services.gateway.fhir.desk import Answered
from services.gateway.fhir.issues import Issue
from services.gateway.fhir.place_in_bundle import expression
from services.gateway.submissions.xml9 import Report

State = Literal["accepted", "duplicate", "refused"]
_STATES: dict[str, State] = {"accepted": "accepted", "known": "duplicate"}
_FHIR_STATES: dict[str, State] = {
    "taken": "accepted",
    "updated": "accepted",
    "withdrawn": "accepted",
    "known": "duplicate",
}


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong: where (an XML9 tag, or a FHIRPath), a code, a sentence that repeats no value."""

    where: str
    code: str
    message: str
    severity: str = "error"


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record; `record` counts from 1 as in the file."""

    file: str
    record: int
    certificate_number: str
    state: State
    dossier_code: str
    dossier_id: str
    message: str
    problems: tuple[Wrong, ...] = ()


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file. `sha256` tells which content it is about; `problems` are those of the file as a whole."""

    file: str
    sha256: str
    state: Literal["done", "refused"]
    message: str
    records: int = 0
    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    problems: tuple[Wrong, ...] = ()


def xml9_acks(file: str, report: Report) -> Iterator[Ack]:
    """One for each record of an XML9 file."""
    for record in report.records:
        yield Ack(
            file=file,
            record=record.index,
            certificate_number=record.certificate_number,
            state=_STATES.get(record.status, "refused"),
            dossier_code=record.code,
            dossier_id=str(record.dossier_id) if record.dossier_id else "",
            message=record.text,
            problems=tuple(
                Wrong(where=p.field, code=p.code, message=p.message_vi, severity=p.severity)
                for p in record.problems
            ),
        )


def fhir_acks(file: str, answered: Answered) -> Iterator[Ack]:
    """One for each child of a Bundle, with what is wrong anywhere in it: one wrong element stops all of them."""
    for number, said in enumerate(answered.births, start=1):
        issues = said.issues or answered.issues
        told = [issue for issue in issues if issue.severity != "information"]
        news = next((issue.text for issue in said.issues if issue.severity == "information"), "")
        certificate: Any = said.birth.body.get("certificate", {})
        yield Ack(
            file=file,
            record=number,
            certificate_number=str(certificate.get("number") or certificate.get("gcs_code", "")),
            state=_FHIR_STATES.get(said.state, "refused"),
            dossier_code=said.dossier.code if said.dossier else "",
            dossier_id=str(said.dossier.id) if said.dossier else "",
            message=news or "Không được tiếp nhận, xem từng mục.",
            problems=wrongs(told),
        )


def wrongs(issues: Sequence[Issue]) -> tuple[Wrong, ...]:
    """Issues as they stand in acknowledgements."""
    return tuple(
        Wrong(
            where=", ".join(expression(place) for place in issue.places),
            code=issue.slug,
            message=issue.text,
            severity="warning" if issue.severity == "warning" else "error",
        )
        for issue in issues
    )


def summary(file: str, sha256: str, acks: Sequence[Ack], message: str) -> Summary:
    """The summary of a file whose records were judged."""
    states = [ack.state for ack in acks]
    return Summary(
        file=file,
        sha256=sha256,
        state="done",
        message=message,
        records=len(acks),
        accepted=states.count("accepted"),
        duplicate=states.count("duplicate"),
        refused=states.count("refused"),
    )
