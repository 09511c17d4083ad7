"""The life of a dossier at the one-stop shop, from handed in to closed. Pure: no I/O, no clock.

What the agencies do with it is routing's; this is what intake must know to answer "where is it" and to decide what may
still be done with the file.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NoReturn
from uuid import UUID

import msgspec

from libs.contracts.event import Event
from libs.contracts.intake import (
    ChosenResult,
    DossierAccepted,
    DossierCorrected,
    DossierReceived,
    DossierRefused,
    DossierSupplemented,
    DossierWithdrawn,
    RoleUnit,
)

RECEIVED, ACCEPTED, REFUSED, WITHDRAWN = "received", "accepted", "refused", "withdrawn"

# National status codes (TrangThaiHoSo), domain table 1.2 of the field's standard.
NEW, TAKEN, NOT_TAKEN, IN_PROGRESS, TO_SUPPLEMENT = 1, 2, 3, 4, 5
TO_PAY, TAKEN_BACK, STOPPED, DONE, RETURNED = 6, 7, 8, 9, 10

STATUS_NAMES = {
    NEW: "Mới đăng ký",
    TAKEN: "Được tiếp nhận",
    NOT_TAKEN: "Không được tiếp nhận",
    IN_PROGRESS: "Đang xử lý",
    TO_SUPPLEMENT: "Yêu cầu bổ sung giấy tờ",
    TO_PAY: "Yêu cầu thực hiện nghĩa vụ tài chính",
    TAKEN_BACK: "Công dân yêu cầu rút hồ sơ",
    STOPPED: "Dừng xử lý",
    DONE: "Đã xử lý xong",
    RETURNED: "Đã trả kết quả",
}


class IllegalMove(Exception):
    """What was asked for is not possible in the dossier's present state. `text` is for people, in Vietnamese."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


class SupplementRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer asked for and what of it is still missing; `answered_at` is when the last of it came, or the
    wait for it was over.
    """

    number: int
    components: tuple[str, ...]
    fields: tuple[str, ...]
    respond_by: datetime
    missing: tuple[str, ...]
    requested_at: datetime | None = None
    answered_at: datetime | None = None


class DeliveryAct(msgspec.Struct, frozen=True, kw_only=True):
    """An officer (by the account's id) chose for the family how these results are received."""

    at: datetime
    officer: str
    agency: str
    results: tuple[ChosenResult, ...]


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """One dossier without its people: codes, choices, states and times only."""

    id: UUID
    code: str
    token: str
    procedure: str
    procedure_from: date
    channel: str
    receiving_agency: str
    facility: str
    unit: str
    unit_as_of: date
    options: dict[str, str | bool]
    results: tuple[ChosenResult, ...]
    components: tuple[str, ...]
    missing: tuple[str, ...]
    state: str
    likely_duplicate: bool
    received_at: datetime
    accepted_at: datetime | None = None
    appointment_at: datetime
    requests: tuple[SupplementRequest, ...] = ()
    # Step → the agency whose desk it lies on or which completed it: these may read the file.
    assignments: dict[str, str] = {}
    began: bool = False
    outcome: str = ""
    case_status: int = 0
    ended_at: datetime | None = None
    reason: str = ""
    corrections: int = 0
    # Roles whose agencies are not those of `unit` but of another commune.
    role_units: tuple[RoleUnit, ...] = ()
    # What a human should look at, as codes: a card that differs from the certificate, a doubtful field.
    flags: tuple[str, ...] = ()
    # When the first step was assigned, and when the case was decided: what the citizen is told of its course.
    began_at: datetime | None = None
    settled_at: datetime | None = None
    # Codes of the results whose valid version is in somebody's hands.
    handed_over: tuple[str, ...] = ()
    # Results' last word on each that has left its issuer or lies in the electronic box: how it is received.
    whereabouts: dict[str, ChosenResult] = {}
    delivery_acts: tuple[DeliveryAct, ...] = ()

    @property
    def agencies(self) -> frozenset[str]:
        """The agencies that have to do with a step."""
        return frozenset(self.assignments.values())

    @property
    def concerned(self) -> frozenset[str]:
        """The agencies that may read the file: the one that received it, and those that have to do with a step."""
        return self.agencies | {self.receiving_agency}

    @property
    def handing_places(self) -> frozenset[str]:
        """The desks that still have a result to hand over: from acceptance on, unless it came to nothing.

        Once everything has arrived only those with a newer version made since.
        """
        if self.accepted_at is None or self.came_to_nothing:
            return frozenset()
        due = self.whereabouts.values() if self.case_status == RETURNED else self.results
        return frozenset(one.place for one in due if one.place and one.code not in self.handed_over)

    @property
    def open_request(self) -> SupplementRequest | None:
        """The supplement request that is not answered completely, if any."""
        return next((r for r in reversed(self.requests) if r.missing), None)

    @property
    def status(self) -> int:
        """The national status code, derived, never stored."""
        if self.state == REFUSED:
            return NOT_TAKEN
        if self.state == WITHDRAWN:
            return TAKEN_BACK
        if self.case_status:
            return self.case_status
        if self.state == RECEIVED:
            # Also while papers are missing (`missing` says so): from 5 the national table has no way back to 1, nor
            # one to 3 for a desk that in the end does not take the dossier.
            return NEW
        if self.open_request is not None:
            return TO_SUPPLEMENT
        return IN_PROGRESS if self.began else TAKEN

    @property
    def came_to_nothing(self) -> bool:
        """Whether what it was about may be handed in again.

        A withdrawal after acceptance counts once the case has ended by it: a decision may have crossed it and stand.
        """
        if self.case_status:
            return self.case_status in (TAKEN_BACK, STOPPED)
        return self.state == REFUSED or (self.state == WITHDRAWN and self.accepted_at is None)

    @property
    def ended(self) -> bool:
        """Whether nothing more may be done with the file."""
        return self.state not in (RECEIVED, ACCEPTED) or bool(self.case_status)


Step = tuple[Dossier, tuple[Event, ...]]


def receive(dossier: Dossier, *, accept: bool) -> Step:
    """The first words about a new dossier; complete ones from desks are accepted in the same breath."""
    received = DossierReceived(
        code=dossier.code,
        procedure=dossier.procedure,
        channel=dossier.channel,
        receiving_agency=dossier.receiving_agency,
        received_at=dossier.received_at,
        facility=dossier.facility,
        missing=dossier.missing,
        likely_duplicate=dossier.likely_duplicate,
    )
    if not accept or dossier.missing:
        return dossier, (received,)
    dossier, accepted = accept_dossier(dossier, dossier.received_at, dossier.appointment_at)
    return dossier, (received, *accepted)


def accept_dossier(dossier: Dossier, at: datetime, appointment_at: datetime) -> Step:
    """Take the dossier into processing; its clock starts now. Raises IllegalMove."""
    if dossier.state != RECEIVED:
        _refuse("not-waiting", "Hồ sơ này không còn chờ tiếp nhận.")
    if dossier.missing:
        _refuse("incomplete", "Hồ sơ còn thiếu giấy tờ, chưa thể tiếp nhận.")
    dossier = msgspec.structs.replace(dossier, state=ACCEPTED, accepted_at=at, appointment_at=appointment_at)
    event = DossierAccepted(
        code=dossier.code,
        procedure=dossier.procedure,
        procedure_from=dossier.procedure_from,
        channel=dossier.channel,
        receiving_agency=dossier.receiving_agency,
        received_at=dossier.received_at,
        accepted_at=at,
        appointment_at=appointment_at,
        unit=dossier.unit,
        unit_as_of=dossier.unit_as_of,
        results=dossier.results,
        options=dossier.options,
        facility=dossier.facility,
        role_units=dossier.role_units,
    )
    return dossier, (event,)


def refuse(dossier: Dossier, reason: str, at: datetime) -> Step:
    """Refuse to receive the dossier (status 3). Raises IllegalMove once it has been accepted."""
    if dossier.state != RECEIVED:
        _refuse("not-waiting", "Chỉ từ chối được hồ sơ đang chờ tiếp nhận.")
    dossier = msgspec.structs.replace(dossier, state=REFUSED, reason=reason, ended_at=at)
    event = DossierRefused(
        code=dossier.code,
        procedure=dossier.procedure,
        reason=reason,
        refused_at=at,
        facility=dossier.facility,
    )
    return dossier, (event,)


def supplement(dossier: Dossier, components: tuple[str, ...], fields: tuple[str, ...], at: datetime) -> Step:
    """Papers or data (paths) that were missing have come. Raises IllegalMove when nothing of it was asked for.

    What lies below a path that was asked for answers it.
    """
    request = dossier.open_request
    answered_fields = (f for f in (request.fields if request else ()) if any(_at(path, f) for path in fields))
    given = frozenset(components) | frozenset(answered_fields)
    if dossier.state == RECEIVED and dossier.missing:
        still = tuple(c for c in dossier.missing if c not in given)
        number, asked, dossier_after = 0, dossier.missing, msgspec.structs.replace(dossier, missing=still)
    elif dossier.state == ACCEPTED and request is not None and not dossier.case_status:
        still = tuple(c for c in request.missing if c not in given)
        number, asked = request.number, request.missing
        answered = msgspec.structs.replace(request, missing=still, answered_at=None if still else at)
        requests = tuple(answered if r is request else r for r in dossier.requests)
        dossier_after = msgspec.structs.replace(dossier, requests=requests)
    else:
        _refuse("nothing-asked", "Hồ sơ hiện không có yêu cầu bổ sung.")
    if not given & frozenset(asked):
        _refuse("not-asked-for", "Giấy tờ hoặc thông tin này không nằm trong yêu cầu bổ sung.")
    known = tuple(dict.fromkeys((*dossier.components, *components)))
    dossier = msgspec.structs.replace(dossier_after, components=known)
    event = DossierSupplemented(
        request=number,
        components=tuple(sorted(given & frozenset(asked))),
        complete=not still,
        supplemented_at=at,
    )
    return dossier, (event,)


def unasked_fields(dossier: Dossier, fields: Iterable[str]) -> tuple[str, ...]:
    """Those of the paths that the open request does not name: a supplement answers, it does not correct."""
    asked = dossier.open_request.fields if dossier.open_request else ()
    return tuple(path for path in fields if not any(_at(path, field) for field in asked))


def _at(path: str, field: str) -> bool:
    """Whether a path is the field or lies below it."""
    return path == field or path.startswith(f"{field}.")


def withdraw(dossier: Dossier, reason: str, at: datetime) -> Step:
    """The applicant takes the dossier back (status 7). Raises IllegalMove once it is decided."""
    if dossier.ended:
        _refuse("already-ended", "Hồ sơ đã kết thúc, không thể rút.")
    dossier = msgspec.structs.replace(dossier, state=WITHDRAWN, reason=reason, ended_at=at)
    return dossier, (
        DossierWithdrawn(reason=reason, withdrawn_at=at, after_acceptance=dossier.accepted_at is not None),
    )


def correct(dossier: Dossier, fields: tuple[str, ...], reason: str, at: datetime) -> Step:
    """Data of the file were corrected. Raises IllegalMove once it is decided: then an officer amends the step."""
    if dossier.ended:
        _refuse("already-ended", "Hồ sơ đã kết thúc; việc cải chính thực hiện tại cơ quan đã giải quyết.")
    if not fields:
        _refuse("nothing-changed", "Không có thông tin nào thay đổi.")
    dossier = msgspec.structs.replace(dossier, corrections=dossier.corrections + 1)
    return dossier, (
        DossierCorrected(
            fields=fields,
            reason=reason,
            corrected_at=at,
            after_acceptance=dossier.accepted_at is not None,
        ),
    )


def take_paper(dossier: Dossier) -> None:
    """A paper is to be attached to the file. Raises IllegalMove once the dossier has ended."""
    if dossier.ended:
        _refuse("already-ended", "Hồ sơ đã kết thúc, không thể thêm giấy tờ.")


def supplement_requested(dossier: Dossier, request: SupplementRequest) -> Dossier:
    """Routing has asked for something; a request already known is left as it is."""
    if any(r.number == request.number for r in dossier.requests):
        return dossier
    return msgspec.structs.replace(dossier, requests=(*dossier.requests, request))


def step_assigned(dossier: Dossier, step: str, agency: str, at: datetime | None = None) -> Dossier:
    """An agency has a step of this dossier and may from now on read the file; who had the step before may not."""
    return msgspec.structs.replace(
        dossier,
        assignments={**dossier.assignments, step: agency},
        began=True,
        began_at=dossier.began_at or at,
    )


def step_returned(dossier: Dossier, step: str) -> Dossier:
    """The step is given back or has to be done again: its agency may not read on, a decision is open again."""
    left = {known: agency for known, agency in dossier.assignments.items() if known != step}
    dossier = msgspec.structs.replace(dossier, assignments=left)
    if dossier.case_status == DONE:
        return msgspec.structs.replace(dossier, outcome="", case_status=0, ended_at=None, settled_at=None)
    return dossier


def supplement_over(dossier: Dossier, at: datetime | None = None) -> Dossier:
    """Nothing is waited for any more: everything came, or the term has run out in one branch of the case."""
    closed_requests = tuple(
        msgspec.structs.replace(r, missing=(), answered_at=r.answered_at or at) for r in dossier.requests
    )
    return msgspec.structs.replace(dossier, requests=closed_requests)


def settled(dossier: Dossier, outcome: str, status: int, at: datetime) -> Dossier:
    """The case is decided. A withdrawal that crossed another decision came too late: what was decided stands.

    Results' word that everything has arrived may come before routing's that it was decided: it is the later fact.
    """
    too_late = dossier.state == WITHDRAWN and outcome != WITHDRAWN
    state = ACCEPTED if too_late else dossier.state
    if dossier.case_status == RETURNED:
        return msgspec.structs.replace(dossier, state=state, outcome=outcome, settled_at=at)
    return msgspec.structs.replace(
        dossier, state=state, outcome=outcome, case_status=status, ended_at=at, settled_at=at
    )


def closed(dossier: Dossier, at: datetime) -> Dossier:
    """Every result has arrived (status 10), the way results last said: a choice that crossed it came too late."""
    results = tuple(dossier.whereabouts.get(chosen.code, chosen) for chosen in dossier.results)
    return msgspec.structs.replace(dossier, results=results, case_status=RETURNED, ended_at=at)


def _refuse(code: str, text: str) -> NoReturn:
    raise IllegalMove(code, text)
