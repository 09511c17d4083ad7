"""What becomes of an event: taken with the answer, refused with the reasons, or to be sent again. Pure."""

import math
import re
from typing import Any, Final, Literal

import msgspec

from libs.http.client import Refused
from libs.http.problems import RETRY_AFTER_SECONDS, Problem
from services.gateway.inbound.cloudevent import InboundEvent, Unreadable

TAKEN: Final = "taken"
REFUSED: Final = "refused"
LATER: Final = "later"
_INDEX = re.compile(r"\[(\d+)\]")


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event and what became of it; `status` is that of an HTTP answer.

    `result` is what the owner answered, `location` where this gateway shows what came of it. `replayed`: it had been
    taken before. `problem` is the RFC 9457 document of a refusal, whose errors point into the data. `later` means
    that nothing is decided: the same event again, after `retry_after_seconds`.
    """

    source: str
    id: str
    type: str
    state: Literal["taken", "refused", "later"]
    status: int
    replayed: bool = False
    result: Any = None
    location: str = ""
    problem: dict[str, Any] | None = None
    retry_after_seconds: int = 0

    @property
    def code(self) -> str:
        """The end of the problem's type; `replayed` or nothing for what was taken."""
        if self.problem is None:
            return "replayed" if self.replayed else ""
        return str(self.problem.get("type", "")).rpartition(":")[2]


def taken(
    event: InboundEvent, status: int, *, result: bytes = b"", location: str = "", replayed: bool = False
) -> Outcome:
    """It is so from now on, or was already."""
    return Outcome(
        source=event.source,
        id=event.id,
        type=event.type,
        state=TAKEN,
        status=status,
        replayed=replayed,
        result=msgspec.Raw(result) if result else None,
        location=location,
    )


def refused(event: InboundEvent | Unreadable, problem: Problem) -> Outcome:
    """Not taken, for a reason of ours; the same event may be sent again when the reason is gone."""
    return _not_taken(event, problem.status, msgspec.json.decode(problem.document()))


def refused_by_owner(event: InboundEvent, told: Refused) -> Outcome:
    """Not taken, with the owner's reasons; one that is ours or passes is `later`."""
    if told.status == 429:
        return later(event, 429, math.ceil(told.retry_after_seconds), told.answer)
    if not 400 <= told.status < 500 or told.status in (401, 408) or told.slug == "retry":
        return later(event)
    if told.slug == "idempotency-key-reused":
        return refused(event, id_reused())
    return _not_taken(event, told.status, _document(told.answer, told.status))


def later(
    event: InboundEvent | Unreadable,
    status: int = 503,
    seconds: int = RETRY_AFTER_SECONDS,
    answer: bytes = b"",
) -> Outcome:
    """Nothing is decided; try again."""
    document = _document(answer, status)
    outcome = _not_taken(event, status, document)
    return msgspec.structs.replace(outcome, state=LATER, retry_after_seconds=max(1, seconds))


def id_reused() -> Problem:
    """The refusal of an event whose id stood for another one."""
    return Problem(
        422,
        "event-id-reused",
        "Mã sự kiện đã dùng cho sự kiện khác",
        "Mỗi sự kiện mới phải có mã (id) mới trong cùng một nguồn (source).",
    )


def earlier_refused() -> Problem:
    """The refusal of an event after one of the same subject that was not taken."""
    return Problem(
        409,
        "earlier-refused",
        "Sự kiện trước của cùng hồ sơ chưa được nhận",
        "Các sự kiện của một hồ sơ trong một lần gửi được xử lý theo thứ tự; hãy sửa sự kiện trước rồi gửi lại.",
    )


def _not_taken(event: InboundEvent | Unreadable, status: int, document: dict[str, Any]) -> Outcome:
    return Outcome(
        source=event.source,
        id=event.id,
        type=event.type if isinstance(event, InboundEvent) else "",
        state=REFUSED,
        status=status,
        problem=document,
    )


def _document(answer: bytes, status: int) -> dict[str, Any]:
    """The owner's problem with its errors pointing into the data (RFC 6901), or one of ours where it sent none."""
    try:
        document: dict[str, Any] = msgspec.json.decode(answer, type=dict[str, Any])
    except ValueError:
        document = msgspec.json.decode(Problem(status).document())
    errors = document.get("errors")
    if isinstance(errors, list):
        document["errors"] = [
            error | {"pointer": pointer(str(error.get("field", "")))} if isinstance(error, dict) else error
            for error in errors
        ]
    return document


def pointer(field: str) -> str:
    """`children[0].name` as a JSON pointer: `/children/0/name`. A key that is not told ends it."""
    path = _INDEX.sub(r".\1", field.partition("[...]")[0])
    return "".join(f"/{part}" for part in path.split(".") if part)
