"""What results says. Made by `make events` from the contracts of the city; do not edit."""

from typing import ClassVar
from uuid import UUID

from mot_cua.events.data import EventData, Moment


class ResultIssued(EventData, frozen=True, kw_only=True):
    """A signed result document exists and can be verified. Not decided here: that it has reached anyone.

    `supersedes` is the result it replaces.
    """

    TYPE: ClassVar[str] = "results.result-issued.v1"

    result_id: UUID
    result: str
    version: int
    delivery: str
    place: str
    issued_at: Moment
    supersedes: UUID | None = None


class ResultDispatched(EventData, frozen=True, kw_only=True):
    """The paper has left for the place of hand-over, or with the post (no `place`); also when it is carried on.

    `delivery` is empty where it was not said yet.
    """

    TYPE: ClassVar[str] = "results.result-dispatched.v1"

    result_id: UUID
    result: str
    place: str
    dispatched_at: Moment
    delivery: str = ""


class ResultReady(EventData, frozen=True, kw_only=True):
    """The result has arrived where the applicant can have it: a hospital desk, a counter, or their electronic box."""

    TYPE: ClassVar[str] = "results.result-ready.v1"

    result_id: UUID
    result: str
    delivery: str
    place: str
    ready_at: Moment


class ResultHandedOver(EventData, frozen=True, kw_only=True):
    """The result has reached its destination; a receipt exists. `receiver` is a relation (mother, father, …)."""

    TYPE: ClassVar[str] = "results.result-handed-over.v1"

    result_id: UUID
    result: str
    delivery: str
    place: str
    receiver: str
    handed_over_at: Moment


class ResultRevoked(EventData, frozen=True, kw_only=True):
    """An issued result is no longer valid, by a decision with a reason. Whoever verifies it is told so."""

    TYPE: ClassVar[str] = "results.result-revoked.v1"

    result_id: UUID
    result: str
    reason: str
    revoked_at: Moment


class ResultRejected(EventData, frozen=True, kw_only=True):
    """A result could not be issued from the step's outcome; the step has to be done again."""

    TYPE: ClassVar[str] = "results.result-rejected.v1"

    step: str
    result: str
    reason: str
    rejected_at: Moment


class DossierClosed(EventData, frozen=True, kw_only=True):
    """Every chosen result has reached its destination (national status 10)."""

    TYPE: ClassVar[str] = "results.dossier-closed.v1"

    closed_at: Moment
    results: int
