"""What routing's and intake's words mean for a dossier's results: called for, settled, withdrawn. Pure."""

from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from libs.contracts.routing import ProducedResult
from services.results.domain import (
    CANCELLED,
    PENDING,
    VALID_STATES,
    WITHDRAWN,
    Custody,
    Result,
    Step,
    close_if_arrived,
    moved,
    put,
)


def call_for(
    custody: Custody, cause: UUID, step: str, agency: str, called: tuple[ProducedResult, ...], at: datetime
) -> Custody:
    """Enter the results a completed or amended step calls for; the press will make their documents.

    The same event (`cause`) calls once. A version not yet printed will be printed with the newest outcome: its
    `changed_at` moves, so what a press has read before is not issued any more. One already issued is superseded when
    the new version is issued, not before: at every moment one valid document can be verified. A step done again after
    a rejected document calls for all its results anew, for its outcome is a new one.
    """
    entered = list(custody.results)
    for produced in called:
        new_id = uuid5(cause, produced.code)
        versions = [r for r in entered if r.code == produced.code]
        if any(r.id == new_id for r in versions):
            continue
        pending = next((r for r in versions if r.state == PENDING), None)
        if pending is not None:
            entered[entered.index(pending)] = msgspec.structs.replace(pending, reprint=False, changed_at=at)
            continue
        valid = next((r for r in versions if r.state in VALID_STATES), None)
        way = next((one for one in custody.chosen if one.code == produced.code), produced)
        entered.append(
            Result(
                id=new_id,
                code=produced.code,
                step=step,
                agency=agency,
                version=1 + len(versions),
                delivery=way.delivery,
                place=way.place,
                copies=way.copies,
                state=CANCELLED if custody.withdrawn or custody.outcome == WITHDRAWN else PENDING,
                supersedes=valid.id if valid else None,
                changed_at=at,
            )
        )
    return msgspec.structs.replace(custody, results=tuple(entered))


def settle(custody: Custody, outcome: str, expected: tuple[str, ...], at: datetime) -> Step:
    """Take note that routing has settled the dossier with these results; close it if they have all arrived.

    Withdrawal and a step's completion can cross on the way: what a withdrawn dossier still has pending is cancelled,
    and what was cancelled for a withdrawal that came after the decision is made after all.
    """
    custody = msgspec.structs.replace(custody, outcome=outcome, expected=expected, withdrawn=False)
    if outcome == WITHDRAWN:
        return _cancel_pending(custody, at), ()
    return close_if_arrived(_revive_cancelled(custody, at), at)


def withdraw(custody: Custody, at: datetime) -> Custody:
    """The dossier was withdrawn: results not yet issued will not be made (issued ones stay valid until revoked).

    That holds for what is called for later, too: a completion may be on its way. A dossier already decided stays as
    it is: the withdrawal came too late.
    """
    if custody.outcome:
        return custody
    return _cancel_pending(msgspec.structs.replace(custody, withdrawn=True), at)


def _cancel_pending(custody: Custody, at: datetime) -> Custody:
    results = tuple(moved(r, CANCELLED, at) if r.state == PENDING else r for r in custody.results)
    return msgspec.structs.replace(custody, results=results)


def _revive_cancelled(custody: Custody, at: datetime) -> Custody:
    """Make after all what only the withdrawal had cancelled: of each result the newest, if nothing else is there."""
    newest = {r.code: r for r in custody.results}
    for result in newest.values():
        if result.state == CANCELLED and not result.reprint:
            custody = put(custody, moved(result, PENDING, at))
    return custody
