"""Why not, as an HTTP problem."""

from typing import Any, NoReturn
from uuid import UUID

from libs.catalogue.forms import Problem as Wrong
from libs.http.auth import Actor
from libs.http.problems import FieldError, Problem
from services.routing import record_store
from services.routing.case import Case, IllegalMove
from services.routing.completion import Completion, NumberTaken, OutcomeRefused
from services.routing.completion import Fate as Decided
from services.routing.desk import Forbidden, NotMine
from services.routing.wire import Fate, WrongField

Refusal = NotMine | Forbidden | IllegalMove | OutcomeRefused | NumberTaken
REFUSALS = (NotMine, Forbidden, IllegalMove, OutcomeRefused, NumberTaken)


def problem_of(refusal: Refusal) -> Problem:
    """The problem that says why; `at`, `role` and `by` tell who was first: a role code and the account."""
    if isinstance(refusal, NotMine):
        return Problem(404)
    if isinstance(refusal, Forbidden):
        return Problem(403)
    if isinstance(refusal, IllegalMove):
        return Problem(409, refusal.code, "Không thực hiện được", refusal.text, extra=refusal.facts)
    if isinstance(refusal, OutcomeRefused):
        errors = [_error(wrong, "outcome.") for wrong in refusal.problems]
        return Problem(422, "outcome-refused", "Kết quả nhập chưa đúng", errors=errors)
    errors = [_error(wrong, "") for wrong in refusal.problems]
    return Problem(409, "number-taken", "Số đã được sử dụng", errors=errors)


async def told(connection: Any, refusal: Refusal, dossier_id: UUID, actor: Actor) -> Refusal:
    """The refusal; of a step that changed since it was seen also when, and by whom of which role.

    A colleague of the same agency is named by the subject of their account, another agency's officer by the role only.
    """
    if not isinstance(refusal, IllegalMove) or refusal.code != "version-changed":
        return refusal
    found = await record_store.last_acts(connection, [dossier_id])
    last = found.get((dossier_id, refusal.facts.get("step", "")))
    if last is None:
        return refusal
    facts = {**refusal.facts, "at": last.at.isoformat(), "role": last.role, "move": last.move}
    text = refusal.text
    if last.agency == actor.agency:
        facts["by"] = last.subject
        if last.subject != actor.subject:
            text = "Đồng nghiệp của ông/bà đã thay đổi bước này; hãy tải lại trước khi thực hiện."
    return IllegalMove(refusal.code, text, **facts)


def refuse(refusal: Refusal) -> NoReturn:
    """Raise the problem that says why."""
    raise problem_of(refusal) from None


def fate_of(item: Completion, decided: Decided) -> Fate:
    """The fate of one completion of a batch."""
    if isinstance(decided, Case):
        return Fate(dossier_id=item.dossier_id, step=item.step, status=200)
    problem = problem_of(decided)
    return Fate(
        dossier_id=item.dossier_id,
        step=item.step,
        status=problem.status,
        code=problem.slug,
        message=problem.detail or problem.title,
        errors=tuple(WrongField(e.field, e.code, e.message) for e in problem.errors),
    )


def _error(wrong: Wrong, prefix: str) -> FieldError:
    return FieldError(
        prefix + wrong.field if wrong.field else prefix.rstrip("."), wrong.code, wrong.message_vi
    )
