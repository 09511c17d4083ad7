"""Why not, as an HTTP problem."""

from typing import NoReturn

from libs.catalogue.forms import Problem as Wrong
from libs.http.problems import FieldError, Problem
from services.routing.case import Case, IllegalMove
from services.routing.completion import Completion, NumberTaken, OutcomeRefused
from services.routing.completion import Fate as Decided
from services.routing.desk import Forbidden, NotMine
from services.routing.wire import Fate, WrongField

Refusal = NotMine | Forbidden | IllegalMove | OutcomeRefused | NumberTaken
REFUSALS = (NotMine, Forbidden, IllegalMove, OutcomeRefused, NumberTaken)


def problem_of(refusal: Refusal) -> Problem:
    """The problem that says why; `at` and `role` tell who was first, as a role code."""
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
