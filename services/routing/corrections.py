"""What intake changes of an accepted dossier: data, shown to whoever still has a step; how results are received."""

from collections.abc import Sequence
from datetime import datetime

from libs.contracts.intake import ChosenResult
from services.routing.case import Case, Correction, Move, changed, replaced

# The newest ones are kept; the whole history of a dossier's data is intake's.
KEPT_MAX = 20


def correct(case: Case, fields: Sequence[str], reason: str, at: datetime) -> Move:
    """Record which fields were corrected and flag the open steps: an officer may have read the old data."""
    correction = Correction(fields=tuple(fields), reason=reason, at=at)
    steps = tuple(changed(step, flagged=True) if step.open else step for step in case.steps)
    kept = (*case.corrections, correction)[-KEPT_MAX:]
    return replaced(case, corrections=kept, steps=steps), ()


def receive_otherwise(case: Case, chosen: Sequence[ChosenResult]) -> Move:
    """Call for these results, when their steps are done, as the family now wants to receive them."""
    now = {choice.code: choice for choice in chosen}
    return replaced(case, results=tuple(now.get(known.code, known) for known in case.results)), ()
