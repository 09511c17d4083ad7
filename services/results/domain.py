"""The rules of custody: what may happen to a result, and when a dossier is closed. Pure: no I/O, no clock."""

from datetime import datetime
from typing import NoReturn
from uuid import UUID

import msgspec

from libs.contracts.event import Event
from libs.contracts.intake import ChosenResult
from libs.contracts.results import (
    DossierClosed,
    ResultDispatched,
    ResultHandedOver,
    ResultIssued,
    ResultReady,
    ResultRejected,
    ResultRevoked,
)

# Where a result can be. The last four are ends: nothing moves from there (a superseded paper is replaced, not changed).
PENDING, ISSUED, DISPATCHED, READY = "pending", "issued", "dispatched", "ready"
HANDED_OVER, SUPERSEDED, REVOKED, CANCELLED, REJECTED = (
    "handed-over",
    "superseded",
    "revoked",
    "cancelled",
    "rejected",
)
VALID_STATES = frozenset({ISSUED, DISPATCHED, READY, HANDED_OVER})
ENDED_STATES = frozenset({SUPERSEDED, REVOKED, CANCELLED, REJECTED})
ELECTRONIC, POST = "electronic", "post"
WITHDRAWN, GRANTED = "withdrawn", "granted"


class IllegalMove(Exception):
    """What was asked for is not possible in the result's present state. `text` is for the officer, in Vietnamese."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One result document of a dossier. `id` follows from the event that called for it, so a replay makes no second."""

    id: UUID
    code: str
    step: str
    agency: str
    version: int
    delivery: str
    place: str
    copies: int
    state: str = PENDING
    supersedes: UUID | None = None
    # Ordered by a desk for the same content, not called for by an agency's outcome.
    reprint: bool = False
    changed_at: datetime


class Redirection(msgspec.Struct, frozen=True, kw_only=True):
    """A result was to be received otherwise, by intake's `event` and the desk `by`: how it is received since then.

    `refused`: that was no longer possible, and it is received as before.
    """

    event: UUID
    by: str
    result_id: UUID
    delivery: str
    place: str
    refused: bool


class Custody(msgspec.Struct, frozen=True, kw_only=True):
    """All results of one dossier. `outcome` and `expected` are known once routing has settled it.

    `withdrawn` holds from intake's word on until routing has decided; the decision stands.
    """

    dossier_id: UUID
    results: tuple[Result, ...] = ()
    withdrawn: bool = False
    outcome: str = ""
    expected: tuple[str, ...] = ()
    closed_at: datetime | None = None
    # What the family has chosen since its acceptance: counts before what a step's completion still says.
    chosen: tuple[ChosenResult, ...] = ()
    # No officer of this service did these; store.save adds them to the chain of custody.
    redirections: tuple[Redirection, ...] = ()

    def result(self, result_id: UUID) -> Result:
        """The result with this id. Raises KeyError."""
        for result in self.results:
            if result.id == result_id:
                return result
        raise KeyError(result_id)


Step = tuple[Custody, tuple[Event, ...]]


def issue(custody: Custody, result_id: UUID, at: datetime) -> Step:
    """The signed document exists. The version valid until now is superseded at the same moment.

    An electronic result is ready at once and has thereby reached its destination.
    Raises IllegalMove when it is not pending.
    """
    result = custody.result(result_id)
    if result.state != PENDING:
        _refuse("not-pending", "Kết quả này không còn ở trạng thái chờ phát hành.")
    old = next((r for r in custody.results if r.code == result.code and r.state in VALID_STATES), None)
    result = msgspec.structs.replace(result, supersedes=old.id if old else None)
    events: list[Event] = [
        ResultIssued(
            result_id=result.id,
            result=result.code,
            version=result.version,
            delivery=result.delivery,
            place=result.place,
            issued_at=at,
            supersedes=result.supersedes,
        )
    ]
    state = ISSUED
    if result.delivery == ELECTRONIC:
        state = READY
        events.append(ready(result, at))
    if old is not None:
        custody = put(custody, moved(old, SUPERSEDED, at))
    custody, closing = close_if_arrived(put(custody, moved(result, state, at)), at)
    return custody, (*events, *closing)


def reject(custody: Custody, result_id: UUID, reason: str, at: datetime) -> Step:
    """The document cannot be made from the step's outcome; the step goes back to its agency.

    Raises IllegalMove when it is not pending.
    """
    result = custody.result(result_id)
    if result.state != PENDING:
        _refuse("not-pending", "Kết quả này không còn ở trạng thái chờ phát hành.")
    event = ResultRejected(step=result.step, result=result.code, reason=reason, rejected_at=at)
    return put(custody, moved(result, REJECTED, at)), (event,)


def dispatch(custody: Custody, result_id: UUID, at: datetime) -> Step:
    """The paper leaves the issuing agency for its place of hand-over (or the post). Raises IllegalMove."""
    result = custody.result(result_id)
    if result.delivery == ELECTRONIC:
        _refuse("electronic", "Kết quả điện tử không phải chuyển giao bản giấy.")
    if result.state != ISSUED:
        _refuse("not-issued", _sentence(result, "chỉ chuyển đi được khi vừa phát hành"))
    return put(custody, moved(result, DISPATCHED, at)), (dispatched(result, at),)


def arrive(custody: Custody, result_id: UUID, at: datetime) -> Step:
    """The paper lies ready at the hospital desk or counter.

    It may arrive without having been reported as dispatched: the paper in the hand is the better evidence.
    Raises IllegalMove.
    """
    result = custody.result(result_id)
    if result.delivery in (ELECTRONIC, POST):
        _refuse("no-place", "Kết quả này không nhận tại quầy hoặc bệnh viện.")
    if result.state not in (ISSUED, DISPATCHED):
        _refuse("not-on-its-way", _sentence(result, "chưa thể xác nhận đã đến nơi trả"))
    return put(custody, moved(result, READY, at)), (ready(result, at),)


def hand_over(custody: Custody, result_id: UUID, receiver: str, at: datetime) -> Step:
    """The receiver has the result in hand. `receiver` is the relation (mother, father, applicant, authorised, …).

    By post the carrier's proof of delivery counts, so a dispatched paper may be handed over directly.
    Raises IllegalMove; a result handed over before stays with whom it was.
    """
    result = custody.result(result_id)
    if result.state == HANDED_OVER:
        _refuse("already-handed-over", "Kết quả này đã được trao trước đó.")
    if result.delivery == ELECTRONIC:
        _refuse("electronic", "Kết quả điện tử không trao bản giấy.")
    if result.state != (DISPATCHED if result.delivery == POST else READY):
        _refuse("not-ready", _sentence(result, "chưa sẵn sàng để trao"))
    event = ResultHandedOver(
        result_id=result.id,
        result=result.code,
        delivery=result.delivery,
        place=result.place,
        receiver=receiver,
        handed_over_at=at,
    )
    custody, closing = close_if_arrived(put(custody, moved(result, HANDED_OVER, at)), at)
    return custody, (event, *closing)


def revoke(custody: Custody, result_id: UUID, reason: str, at: datetime) -> Step:
    """By a new decision the result is no longer valid, wherever the paper is. Raises IllegalMove.

    A reprint of it that was ordered is not made; a version called for by a corrected outcome is.
    """
    result = custody.result(result_id)
    if result.state not in VALID_STATES:
        _refuse("not-valid", "Chỉ thu hồi được kết quả đang còn hiệu lực.")
    event = ResultRevoked(result_id=result.id, result=result.code, reason=reason, revoked_at=at)
    for ordered in custody.results:
        if ordered.code == result.code and ordered.state == PENDING and ordered.reprint:
            custody = put(custody, moved(ordered, CANCELLED, at))
    custody, closing = close_if_arrived(put(custody, moved(result, REVOKED, at)), at)
    return custody, (event, *closing)


def reprint(custody: Custody, result_id: UUID, new_id: UUID, at: datetime) -> Custody:
    """Order a new version of a valid result (damaged, lost or misprinted paper); it supersedes the old when issued.

    Raises IllegalMove when the result is not valid or a new version is already being made.
    """
    result = custody.result(result_id)
    if result.state not in VALID_STATES:
        _refuse("not-valid", "Chỉ cấp lại được kết quả đang còn hiệu lực.")
    if any(r.code == result.code and r.state == PENDING for r in custody.results):
        _refuse("already-ordered", "Bản thay thế đang được phát hành.")
    version = 1 + max(r.version for r in custody.results if r.code == result.code)
    new = msgspec.structs.replace(
        result, id=new_id, version=version, state=PENDING, supersedes=result.id, reprint=True, changed_at=at
    )
    return msgspec.structs.replace(custody, results=(*custody.results, new))


def arrived(result: Result) -> bool:
    """Whether the result has reached its destination: in hand, or in the electronic box."""
    return result.state == HANDED_OVER or (result.delivery == ELECTRONIC and result.state == READY)


def close_if_arrived(custody: Custody, at: datetime) -> Step:
    """Close once: settled, and every expected result has a version that has reached its destination.

    A revoked result was in somebody's hands or never will be; it does not hold the dossier open. One whose newest
    version was rejected does: its step is being done again. A case stopped half-way still owes what it produced; one
    that produced nothing ends with its settlement, without closing.
    """
    if custody.closed_at is not None or custody.outcome in ("", WITHDRAWN):
        return custody, ()
    if custody.outcome != GRANTED and not custody.expected:
        return custody, ()
    for code in custody.expected:
        versions = [r for r in custody.results if r.code == code]
        live = [r for r in versions if r.state not in (SUPERSEDED, REJECTED, CANCELLED)]
        if (
            not live
            or versions[-1].state == REJECTED
            or not all(arrived(r) or r.state == REVOKED for r in live)
        ):
            return custody, ()
    closed = msgspec.structs.replace(custody, closed_at=at)
    return closed, (DossierClosed(closed_at=at, results=len(custody.expected)),)


def put(custody: Custody, result: Result) -> Custody:
    """The custody with this result in place of its earlier self."""
    results = tuple(result if r.id == result.id else r for r in custody.results)
    return msgspec.structs.replace(custody, results=results)


def moved(result: Result, state: str, at: datetime) -> Result:
    """The result in another state since `at`."""
    return msgspec.structs.replace(result, state=state, changed_at=at)


def dispatched(result: Result, at: datetime) -> ResultDispatched:
    """The word that the paper is on its way."""
    return ResultDispatched(
        result_id=result.id,
        result=result.code,
        delivery=result.delivery,
        place=result.place,
        dispatched_at=at,
    )


def ready(result: Result, at: datetime) -> ResultReady:
    """The word that the applicant can have it."""
    return ResultReady(
        result_id=result.id, result=result.code, delivery=result.delivery, place=result.place, ready_at=at
    )


_STATE_WORDS = {
    PENDING: "đang chờ phát hành",
    ISSUED: "đã phát hành",
    DISPATCHED: "đang trên đường chuyển",
    READY: "đang chờ trao",
    HANDED_OVER: "đã trao",
    SUPERSEDED: "đã được thay thế",
    REVOKED: "đã bị thu hồi",
    CANCELLED: "đã hủy",
    REJECTED: "không phát hành được",
}


def _sentence(result: Result, why: str) -> str:
    return f"Kết quả {_STATE_WORDS[result.state]}, {why}."


def _refuse(code: str, text: str) -> NoReturn:
    raise IllegalMove(code, text)
