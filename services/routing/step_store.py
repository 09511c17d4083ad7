"""SQL of what officers' lists show of each step: one row, derived from the case whenever that changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.handling import Change
from services.routing import deadlines
from services.routing.case import STARTED, Case, Step
from services.routing.rules import Rules

Connection = Any


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """The row of a step that has been on a desk.

    `warn_at` is when its deadline is near; like `due_at` it is the dossier's for a step without a term of its own.
    `holder` has begun the step and not ended it; `waiting` says that the family is to hand in papers for it.
    """

    dossier_id: UUID
    step: str
    code: str
    procedure: str
    agency: str
    state: str
    priority: int
    assigned_at: datetime | None
    due_at: datetime | None
    flagged: bool
    pending: bool
    version: int
    receiving_agency: str
    holder: str
    waiting: bool
    warn_at: datetime | None


def row_of(case: Case, step: Step, rules: Rules) -> StepRow:
    """What the lists show of the step."""
    asked = case.open_supplement
    due_at, warn_at = deadlines.moments(case, step, rules)
    return StepRow(
        dossier_id=case.dossier_id,
        step=step.code,
        code=case.code,
        procedure=case.procedure,
        agency=step.agency,
        state=step.state,
        priority=step.priority,
        assigned_at=step.assigned_at,
        due_at=due_at,
        flagged=step.flagged,
        pending=bool(step.pending),
        version=step.version,
        receiving_agency=case.receiving_agency,
        holder=step.started_by if step.state == STARTED else "",
        waiting=step.open and asked is not None and asked.step == step.code,
        warn_at=warn_at,
    )


async def save_steps(rules: Rules, connection: Connection, changes: Sequence[Change[Case]]) -> None:
    """Write the rows of the steps that changed, or whose dossier's clock or supplement request did."""
    rows: list[StepRow] = []
    for change in changes:
        after, before = change.after, change.before
        earlier = before.steps if before else (None,) * len(after.steps)
        # A step's row shows a little of its dossier.
        same_dossier = before is not None and (before.clock, before.open_supplement) == (
            after.clock,
            after.open_supplement,
        )
        for was, now in zip(earlier, after.steps, strict=True):
            if now.agency and (was != now or not (same_dossier or not now.open)):
                rows.append(row_of(after, now, rules))
    if not rows:
        return
    await connection.execute(
        """
        INSERT INTO step (
            dossier_id, step, code, procedure, agency, state, priority, assigned_at, due_at, flagged, pending, version,
            receiving_agency, holder, waiting, warn_at
        )
        SELECT * FROM unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[],
            $8::timestamptz[], $9::timestamptz[], $10::boolean[], $11::boolean[], $12::integer[],
            $13::text[], $14::text[], $15::boolean[], $16::timestamptz[]
        )
        ON CONFLICT (dossier_id, step) DO UPDATE SET agency = excluded.agency, state = excluded.state,
            priority = excluded.priority, assigned_at = excluded.assigned_at, due_at = excluded.due_at,
            flagged = excluded.flagged, pending = excluded.pending, version = excluded.version,
            receiving_agency = excluded.receiving_agency, holder = excluded.holder, waiting = excluded.waiting,
            warn_at = excluded.warn_at
        """,
        *zip(*(msgspec.structs.astuple(row) for row in rows), strict=True),
    )
