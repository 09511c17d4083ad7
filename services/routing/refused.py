"""What of a dossier was refused or stopped, and why: for the family, through those who answer them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.routing.case import CANCELLED, WITHDRAWN, Case
from services.routing.record_store import Act
from services.routing.rules import Rules

REFUSE = "refuse"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One step that will not be done. `note` are the officer's words to the family, which may name people.

    `refused_at` is None, and the note empty, for a step that fell with another or whose papers never came.
    """

    step: str
    name: str
    agency: str
    outcome: str
    reason: str
    reason_text: str
    note: str = ""
    refused_at: datetime | None = None


class RefusedSteps(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of a dossier that will not be done, in the order of its graph."""

    dossier_id: UUID
    refused: tuple[Refused, ...]


def refused_of(case: Case, acts: Sequence[Act], rules: Rules) -> RefusedSteps:
    """What was refused or stopped; a withdrawal is neither."""
    act_of = {act.step: act for act in acts if act.move == REFUSE}
    found = []
    for step in case.steps:
        outcome, _, reason = step.cause.partition(":")
        if step.state != CANCELLED or outcome == WITHDRAWN:
            continue
        act = act_of.get(step.code)
        found.append(
            Refused(
                step=step.code,
                name=rules.step_name(case, step.code),
                agency=step.agency,
                outcome=outcome,
                reason=reason,
                reason_text=rules.reason_words(reason),
                note=act.note if act else "",
                refused_at=act.at if act else None,
            )
        )
    return RefusedSteps(dossier_id=case.dossier_id, refused=tuple(found))
