"""The ten national status codes, always derived from the case, and which may follow which.

Names and codes: field TrangThaiHoSo of the synchronisation with Cổng Dịch vụ công quốc gia
(reference/domain.md 1.2).
"""

from services.routing.case import COMPLETED, FEE, GRANTED, WITHDRAWN, Case

NEW, ACCEPTED, NOT_RECEIVED, IN_PROCESS, SUPPLEMENT_ASKED = 1, 2, 3, 4, 5
FEE_ASKED, TAKEN_BACK, ENDED, DONE, HANDED_OVER = 6, 7, 8, 9, 10

NAMES_VI = {
    NEW: "Mới đăng ký",
    ACCEPTED: "Được tiếp nhận",
    NOT_RECEIVED: "Không được tiếp nhận",
    IN_PROCESS: "Đang xử lý",
    SUPPLEMENT_ASKED: "Yêu cầu bổ sung giấy tờ",
    FEE_ASKED: "Yêu cầu thực hiện nghĩa vụ tài chính",
    TAKEN_BACK: "Công dân yêu cầu rút hồ sơ",
    ENDED: "Dừng xử lý",
    DONE: "Đã xử lý xong",
    HANDED_OVER: "Đã trả kết quả",
}

# From → what may follow. The table of reference/domain.md 1.2 with one edge more: 6→7, since nobody has to
# pay a fee to take a dossier back.
TRANSITIONS: dict[int, frozenset[int]] = {
    NEW: frozenset({ACCEPTED, NOT_RECEIVED, SUPPLEMENT_ASKED, TAKEN_BACK}),
    ACCEPTED: frozenset({IN_PROCESS, SUPPLEMENT_ASKED, FEE_ASKED, TAKEN_BACK, ENDED}),
    NOT_RECEIVED: frozenset(),
    IN_PROCESS: frozenset({SUPPLEMENT_ASKED, FEE_ASKED, TAKEN_BACK, ENDED, DONE}),
    SUPPLEMENT_ASKED: frozenset({ACCEPTED, IN_PROCESS, ENDED, TAKEN_BACK}),
    FEE_ASKED: frozenset({IN_PROCESS, ENDED, TAKEN_BACK}),
    TAKEN_BACK: frozenset(),
    ENDED: frozenset(),
    DONE: frozenset({HANDED_OVER, IN_PROCESS}),
    HANDED_OVER: frozenset(),
}

TERMINAL = frozenset(code for code, following in TRANSITIONS.items() if not following)

_SETTLED_STATUS = {GRANTED: DONE, WITHDRAWN: TAKEN_BACK}


def settled_status(outcome: str) -> int:
    """The status of a case settled with this outcome: 9, 7, or 8 when refused or stopped."""
    return _SETTLED_STATUS.get(outcome, ENDED)


def status_of(case: Case) -> int:
    """The national status code of the case (2 and 4 to 10; 1 and 3 come before there is one)."""
    if case.closed_at is not None:
        return HANDED_OVER
    if case.settled is not None:
        return case.settled.status
    if case.open_supplement is not None:
        return SUPPLEMENT_ASKED
    if any(p.reason == FEE and p.ended_at is None for p in case.pauses):
        return FEE_ASKED
    if any(step.state == COMPLETED or step.assigned_at is not None for step in case.steps):
        return IN_PROCESS
    return ACCEPTED


def allowed(before: int, after: int) -> bool:
    """Whether the status may go from one to the other; staying is always allowed."""
    return before == after or after in TRANSITIONS[before]


def walk(before: int, after: int) -> tuple[int, ...] | None:
    """The statuses one move goes through, both ends included; None when it may not be made.

    A move may end the stop and settle at once, as when the term to supplement lapses for the last open step:
    5→4→9.
    """
    if before == after:
        return (before,)
    if allowed(before, after):
        return (before, after)
    if before != DONE and allowed(before, IN_PROCESS) and allowed(IN_PROCESS, after):
        return (before, IN_PROCESS, after)
    return None
