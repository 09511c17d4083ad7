"""SQL of the lists an agency works from. Pages go on from a step, so that none is skipped while others are done."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from services.routing.case import OPEN_STATES

Connection = Any
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = "dossier_id, step, code, procedure, state, priority, assigned_at, due_at, flagged, pending, version, holder"


class DeskStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step as an agency's list shows it. `pending` says that outcome data are still to come.

    `holder` is the officer who has begun it and not ended it.
    """

    dossier_id: UUID
    step: str
    code: str
    procedure: str
    state: str
    priority: int
    assigned_at: datetime | None
    due_at: datetime | None
    flagged: bool
    pending: bool
    version: int
    holder: str


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """The last step of a page: where the next one goes on."""

    priority: int
    due_at: datetime | None
    dossier_id: UUID
    step: str

    def __str__(self) -> str:
        due = "" if self.due_at is None else str((self.due_at - _EPOCH) // timedelta(microseconds=1))
        return f"{self.priority}_{due}_{self.dossier_id}_{self.step}"


def mark_of(step: DeskStep) -> Mark:
    """The mark of a step on the list."""
    return Mark(priority=step.priority, due_at=step.due_at, dossier_id=step.dossier_id, step=step.step)


def read_mark(text: str) -> Mark:
    """The mark a page ended with. Raises ValueError when it is none of ours."""
    priority, due, dossier_id, step = text.split("_", 3)
    if priority not in ("0", "1"):
        raise ValueError("no such priority")
    try:
        due_at = _EPOCH + timedelta(microseconds=int(due)) if due else None
        return Mark(priority=int(priority), due_at=due_at, dossier_id=UUID(dossier_id), step=step)
    except OverflowError:
        raise ValueError("no such moment") from None


async def on_desk(
    connection: Connection, agency: str, states: Sequence[str], *, rows_max: int, after: Mark | None = None
) -> list[DeskStep]:
    """The agency's steps in these states, the most urgent first, those that stand still last; from behind `after`.

    Without states those on the desk now.
    """
    wanted = list(states) or sorted(OPEN_STATES)
    # Spelt out for the planner: only this condition lets it use the index of open steps.
    open_only = "AND state IN ('assigned', 'started', 'returned')" if set(wanted) <= OPEN_STATES else ""
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS} FROM step
        WHERE agency = $1 AND state = ANY($2::text[]) {open_only} AND (
            $4::smallint IS NULL OR priority < $4 OR (priority = $4 AND (
                due_at > $5 OR (due_at IS NULL AND $5 IS NOT NULL)
                OR (due_at IS NOT DISTINCT FROM $5::timestamptz AND (dossier_id, step) > ($6::uuid, $7::text))
            ))
        )
        ORDER BY priority DESC, due_at, dossier_id, step LIMIT $3
        """,  # noqa: S608 - one of two constants
        agency,
        wanted,
        rows_max,
        *(
            (after.priority, after.due_at, after.dossier_id, after.step)
            if after
            else (None, None, None, None)
        ),
    )
    return [DeskStep(**dict(row)) for row in rows]


async def pending_steps(
    connection: Connection, agency: str, *, rows_max: int, after: Mark | None = None
) -> list[DeskStep]:
    """The agency's completed steps whose outcome still lacks something; from behind `after`."""
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS} FROM step
        WHERE agency = $1 AND pending AND ($3::uuid IS NULL OR (dossier_id, step) > ($3, $4::text))
        ORDER BY dossier_id, step LIMIT $2
        """,  # noqa: S608 - a constant
        agency,
        rows_max,
        *((after.dossier_id, after.step) if after else (None, None)),
    )
    return [DeskStep(**dict(row)) for row in rows]
