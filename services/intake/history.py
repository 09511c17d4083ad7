"""When a dossier went from one national status to the next, as far as it was written down. Pure."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from services.intake.dossier import (
    DONE,
    IN_PROGRESS,
    NEW,
    STATUS_NAMES,
    TAKEN,
    TO_SUPPLEMENT,
    Dossier,
)


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a dossier had a status."""

    status: int
    status_name: str
    at: datetime


def history(dossier: Dossier) -> tuple[StatusChange, ...]:
    """The statuses of a dossier, first to last; repeated ones once. The last is the present one.

    Moments are those of the events, not of their arrival. Dossiers older than a moment's field lack that one.
    """
    found: list[StatusChange] = []
    for at, status in sorted(_moments(dossier), key=lambda moment: moment[0]):
        if not found or found[-1].status != status:
            found.append(StatusChange(status=status, status_name=STATUS_NAMES[status], at=at))
    return tuple(found)


def _moments(dossier: Dossier) -> Iterator[tuple[datetime, int]]:
    yield dossier.received_at, NEW
    if dossier.accepted_at is not None:
        yield dossier.accepted_at, TAKEN
    if dossier.began_at is not None:
        yield dossier.began_at, IN_PROGRESS
    for request in dossier.requests:
        if request.requested_at is not None:
            yield request.requested_at, TO_SUPPLEMENT
        if request.answered_at is not None:
            yield request.answered_at, IN_PROGRESS
    if dossier.settled_at is not None and dossier.ended_at != dossier.settled_at and dossier.ended_at:
        yield dossier.settled_at, DONE
    if dossier.ended_at is not None:
        yield dossier.ended_at, dossier.status
