"""Accepted dossiers and officers for the tests of routing."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

import msgspec

from libs.catalogue.catalogue import Catalogue
from libs.contracts.intake import ChosenResult, DossierAccepted
from services.routing import clocks, steps
from services.routing.case import Case, Officer
from services.routing.rules import Numbers, Rules

DOSSIER = UUID("0193b2a0-0000-7000-8000-000000000001")
# Monday 2026-11-23, 09:00 in Việt Nam: a working morning (the 24th is a holiday since 2026).
MONDAY = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
UNIT = "31340"
ONE_STOP = "one-stop-31340-2025"
CIVIL = Officer(subject="officer-1", agency="civil-status-31340-2025", role="civil_status")
POLICE = Officer(subject="officer-2", agency="police-31340-2025", role="police_residence")
INSURANCE = Officer(subject="officer-3", agency="social-insurance-nga-bay-2025", role="social_insurance")
BIRTH, RESIDENCE, CARD = "register_birth", "register_residence", "issue_insurance_card"
ALL_RESULTS = ("birth_certificate", "residence_notice", "insurance_card")


@cache
def rules(numbers: Numbers = Numbers()) -> Rules:  # noqa: B008 - frozen
    """The rules on the repository's own catalogue."""
    return Rules(Catalogue.load(Path(__file__).parents[3] / "catalogue"), numbers)


def accepted(
    at: datetime = MONDAY,
    *,
    procedure: str = "2.002621",
    first_day: date = date(2024, 7, 1),
    options: dict[str, str | bool] | None = None,
    results: tuple[str, ...] = ALL_RESULTS,
    unit: str = UNIT,
    unit_as_of: date = date(2026, 11, 1),
    appointment_at: datetime | None = None,
) -> DossierAccepted:
    """A hospital birth accepted at the moment, by default with all three branches."""
    found = rules().procedure(procedure, first_day)
    limit = found.limit_for(options or {})
    if appointment_at is None and limit is not None:
        appointment_at = clocks.started(rules().calendar(ONE_STOP), at, limit, 1).due_at
    return DossierAccepted(
        code="313.40.00.H13-261123-0001",
        procedure=procedure,
        procedure_from=first_day,
        channel="hospital",
        receiving_agency=ONE_STOP,
        received_at=at,
        accepted_at=at,
        appointment_at=appointment_at or at + timedelta(days=3),
        unit=unit,
        unit_as_of=unit_as_of,
        results=tuple(ChosenResult(code=r, delivery="hospital", place="hospital-93016") for r in results),
        options=options or {},
        facility="93016",
    )


def opened(event: DossierAccepted | None = None, at: datetime | None = None) -> Case:
    """A case just opened."""
    event = event or accepted()
    return steps.open_case(DOSSIER, event, at or event.accepted_at, rules())[0]


def completed(case: Case, code: str, by: Officer, at: datetime = MONDAY) -> Case:
    """The case after a step was completed."""
    return steps.complete(case, code, by, pending=(), at=at, rules=rules())[0]


def roundtrip(case: Case) -> Case:
    """The case as it comes back from the database."""
    return msgspec.json.decode(msgspec.json.encode(case), type=Case)
