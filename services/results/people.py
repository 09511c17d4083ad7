"""What results reads from its neighbours to fill a document: people from intake, outcomes from routing."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.http.client import Refused, ServiceClient

# What routing gives at once.
_OUTCOMES_MAX = 500


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person as the dossier names them; dates are YYYY-MM-DD, empty when not known."""

    name: str
    birth_date: str = ""
    sex: str = ""
    identity_kind: str = ""
    identity_number: str = ""
    ethnic_code: str = ""
    nationality: str = ""
    residence: str = ""
    phone: str = ""
    email: str = ""


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """The child of a birth dossier. `name` is the intended one until civil status registers it."""

    name: str = ""
    sex: str = ""
    birth_time: str = ""
    birth_place: str = ""
    order: int = 1
    count: int = 1
    weight_grams: int = 0


class PeopleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The people and the form of one dossier, as intake gives them to a service."""

    dossier_id: UUID
    code: str
    procedure: str
    procedure_from: date
    options: dict[str, str | bool] = {}
    tracking_token: str = ""
    facility: str = ""
    receiving_agency: str = ""
    applicant: Person | None = None
    mother: Person | None = None
    father: Person | None = None
    child: Child | None = None
    form: dict[str, Any] = {}


class OutcomeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What an agency's officer entered on completing a step."""

    dossier_id: UUID
    step: str
    agency: str
    completed_at: datetime
    outcome: dict[str, Any] = {}


class _PeopleQuery(msgspec.Struct):
    dossier_ids: list[UUID]
    purpose: str


class _PeopleAnswer(msgspec.Struct):
    people: list[PeopleRecord]


class _TokenQuery(msgspec.Struct):
    tracking_token: str


class _TokenAnswer(msgspec.Struct):
    dossier_id: UUID


class OutcomeItem(msgspec.Struct, frozen=True):
    """Which outcome is wanted."""

    dossier_id: UUID
    step: str


class _OutcomeQuery(msgspec.Struct):
    items: list[OutcomeItem]
    purpose: str


class _OutcomeAnswer(msgspec.Struct):
    outcomes: list[OutcomeRecord]


class Neighbours:
    """Reads personal data from their owners, in batches; every read is recorded there with its purpose."""

    def __init__(self, intake: ServiceClient, routing: ServiceClient) -> None:
        self._intake = intake
        self._routing = routing

    async def people(self, dossier_ids: Sequence[UUID], purpose: str) -> dict[UUID, PeopleRecord]:
        """The people of these dossiers; one that intake does not know is absent. Raises the client's errors."""
        query = _PeopleQuery(dossier_ids=list(dict.fromkeys(dossier_ids)), purpose=purpose)
        answer = await self._intake.post("/people/read", query, _PeopleAnswer, purpose=purpose)
        return {record.dossier_id: record for record in answer.people}

    async def dossier_of(self, tracking_token: str) -> UUID | None:
        """The dossier of a tracking token, None when intake knows none. Raises the client's errors."""
        query = _TokenQuery(tracking_token=tracking_token)
        try:
            answer = await self._intake.post("/tokens/read", query, _TokenAnswer, purpose="hand-over")
        except Refused as refused:
            if refused.status == 404:
                return None
            raise
        return answer.dossier_id

    async def outcomes(
        self, items: Sequence[OutcomeItem], purpose: str
    ) -> dict[tuple[UUID, str], OutcomeRecord]:
        """The outcomes of these steps; one that routing does not have is absent. Raises the client's errors."""
        wanted = list(dict.fromkeys(items))
        found: dict[tuple[UUID, str], OutcomeRecord] = {}
        for start in range(0, len(wanted), _OUTCOMES_MAX):
            query = _OutcomeQuery(items=wanted[start : start + _OUTCOMES_MAX], purpose=purpose)
            answer = await self._routing.post("/outcomes/read", query, _OutcomeAnswer, purpose=purpose)
            found |= {(record.dossier_id, record.step): record for record in answer.outcomes}
        return found
