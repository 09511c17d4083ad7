"""What intake says of a declaration: a receipt with its doubts, a refusal at the fields, all that is wrong with it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.http.client import Refused, Unavailable
from libs.http.problems import FieldError, Problem
from services.portal.forms.reading import Problems
from services.portal.hospital.birth_form import in_order, is_dated, problems_of
from services.portal.sessions import Person

KEY_LENGTH = 36
PURPOSE = "check-dossier"
# The form says by itself what is missing, field by field.
REQUIRED, ERROR = "required", "error"


class Warned(msgspec.Struct, frozen=True):
    """A doubt intake has about what it took."""

    message_vi: str


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """intake's receipt, as far as the desk shows it."""

    dossier_id: UUID
    code: str
    received_at: datetime
    appointment_text: str
    likely_duplicate: bool = False
    warnings: tuple[Warned, ...] = ()


class _Known(msgspec.Struct, frozen=True):
    dossier_id: UUID | None = None
    code: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the page is told of one declaration: taken, or what is wrong with it and which dossier knows the birth."""

    code: str = ""
    dossier: str = ""
    received_at: datetime | None = None
    words: str = ""
    warnings: tuple[str, ...] = ()
    problems: Sequence[tuple[str, str]] = ()


class _Doubt(msgspec.Struct, frozen=True, kw_only=True):
    field: str
    code: str
    message_vi: str
    severity: str = ERROR


class _Checked(msgspec.Struct, frozen=True, kw_only=True):
    problems: tuple[_Doubt, ...] = ()


async def declared(person: Person, body: Mapping[str, Any], key: str) -> tuple[Answer, int]:
    """What intake said, and the status of the answer. Raises Unavailable, and Refused for what no form can mend."""
    if not 1 <= len(key) <= KEY_LENGTH:
        raise Problem(400)
    try:
        taken = await person.desk.act("intake", "/births", body, Taken, key=key)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        return _refusal(refused), refused.status
    warnings = [warned.message_vi for warned in taken.warnings]
    if taken.likely_duplicate:
        warnings.append("Có thể trùng với một khai báo khác; bộ phận một cửa sẽ kiểm tra.")
    return (
        Answer(
            code=taken.code,
            dossier=f"/bv/ho-so/{taken.dossier_id}",
            received_at=taken.received_at.astimezone(UTC),
            words=taken.appointment_text,
            warnings=tuple(warnings),
        ),
        201,
    )


def _refusal(refused: Refused) -> Answer:
    problems: Problems = problems_of(refused.told.errors)
    if not problems:
        words = ". ".join(part.rstrip(".") for part in (refused.told.title, refused.told.detail) if part)
        problems = [("", words)]
    known = (
        msgspec.json.decode(refused.answer, type=_Known) if refused.slug == "duplicate-birth" else _Known()
    )
    dossier = f"/bv/ho-so/{known.dossier_id}" if known.dossier_id else ""
    return Answer(code=known.code, dossier=dossier, problems=problems)


async def all_wrong(person: Person, body: Mapping[str, Any], problems: Problems) -> Problems:
    """What cannot be read (`problems`) with what intake finds wrong at the other fields, in the order of the screen.

    Without the days nothing can be judged; where intake does not answer, what is known is told.
    """
    if not is_dated(body):
        return problems
    try:
        found = await person.desk.read("intake", "/births/check", body, _Checked, purpose=PURPOSE)
    except (Refused, Unavailable):
        return problems
    told = problems_of(
        [
            FieldError(one.field, one.code, one.message_vi)
            for one in found.problems
            if one.severity == ERROR and one.code != REQUIRED
        ]
    )
    at_fault = {name for name, _ in problems}
    return in_order([*problems, *(one for one in told if one[0] not in at_fault)])
