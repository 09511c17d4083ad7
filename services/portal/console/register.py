"""The register of dossiers (form 06): what a counter received in a period, from the services' lists."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from libs.http.problems import Problem
from libs.papers import Person as Applicant
from libs.papers import Register, RegisterRow
from services.portal.console.paper_facts import Sayer
from services.portal.sessions import Person

PAGE_ROWS = 200
# A month of a busy counter; more is printed in parts.
ROWS_MAX = 5000
RETURNED = 10


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier in intake's list."""

    dossier_id: UUID
    received_at: datetime


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """A page of it, newest first."""

    dossiers: tuple[Line, ...]
    before: UUID | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier in a few words."""

    dossier_id: UUID
    code: str
    procedure_short_name: str
    applicant: str
    status: int
    status_name: str
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    receiving_agency_name: str


class Summaries(msgspec.Struct, frozen=True, kw_only=True):
    """Many of them."""

    summaries: tuple[Summary, ...]


async def register_of(
    person: Person, say: Sayer, begin: datetime, end: datetime, first: date, last: date
) -> Register:
    """The register from `begin` (included) to `end` (not). Raises Problem 422 for too long a period."""
    ids = await _received(person, begin, end)
    rows: list[RegisterRow] = []
    for at in range(0, len(ids), PAGE_ROWS):
        rows += [_row(one) for one in await _summaries(person, ids[at : at + PAGE_ROWS])]
    agency = say.catalogue.agency(person.account.agency)
    ordered = tuple(sorted(rows, key=lambda row: row.received_at))
    return Register(office=say.office(agency), first_day=first, last_day=last, rows=ordered)


async def _received(person: Person, begin: datetime, end: datetime) -> list[UUID]:
    found: list[UUID] = []
    before: UUID | None = None
    while True:
        query = {"limit": str(PAGE_ROWS), **({"before": str(before)} if before else {})}
        lines = await person.desk.get("intake", "/dossiers", Lines, query=query)
        found += [one.dossier_id for one in lines.dossiers if begin <= one.received_at < end]
        if len(found) > ROWS_MAX:
            raise Problem(422, "register-too-long", "Sổ quá dài, hãy chọn khoảng ngày ngắn hơn")
        # Newest first: what follows is older still.
        if lines.before is None or (lines.dossiers and lines.dossiers[-1].received_at < begin):
            return found
        before = lines.before


async def _summaries(person: Person, ids: Sequence[UUID]) -> tuple[Summary, ...]:
    body = {"dossier_ids": [str(one) for one in ids], "purpose": "check-dossier"}
    found = await person.desk.read("intake", "/dossiers/summaries", body, Summaries, purpose="check-dossier")
    return found.summaries


def _row(one: Summary) -> RegisterRow:
    return RegisterRow(
        code=one.code,
        procedure=one.procedure_short_name,
        applicant=Applicant(name=one.applicant),
        agency=one.receiving_agency_name,
        received_at=one.received_at,
        due_at=one.appointment_at,
        returned_at=one.ended_at if one.status == RETURNED else None,
        note=one.status_name,
    )
