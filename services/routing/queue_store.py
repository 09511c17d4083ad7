"""SQL of the queues: bounded counts, all in one statement, and pages of rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from libs.catalogue.queues import Holds, Queue
from services.routing.desk_store import COLUMNS, DeskStep, Mark

Connection = Any
# Nobody works through more: beyond this a count says "more than".
COUNTED_MAX = 1000
_OPEN = "state IN ('assigned', 'started', 'returned')"
# What a queue holds, as the condition on rows of `step`; near and missed begin with what their index begins with.
_CONDITIONS: Mapping[Holds, str] = {
    "in-hand": "state = 'started' AND agency = $1 AND holder = $2",
    "assigned": f"{_OPEN} AND state = 'assigned' AND agency = $1",
    "near": f"{_OPEN} AND {{mine}} AND warn_at <= now() AND due_at >= now()",
    "missed": f"{_OPEN} AND {{mine}} AND warn_at <= now() AND due_at < now()",
    "waiting-for-family": "waiting AND {mine}",
    "returned": f"{_OPEN} AND state = 'returned' AND agency = $1",
    "open": f"{_OPEN} AND {{mine}}",
}
_ON_DESK, _RECEIVED = "agency = $1", "(agency = $1 OR receiving_agency = $1)"
_APOLOGIES = "SELECT FROM apology WHERE agency = $1 AND state = 'drafted'"


async def count(
    connection: Connection, queues: Sequence[Queue], agency: str, subject: str, *, received: bool
) -> dict[str, int]:
    """How many rows each queue has, by slug, counted to one beyond COUNTED_MAX.

    With `received` those of deadlines, of papers and of a procedure also hold the dossiers the agency received,
    wherever their steps lie.
    """
    parts: list[str] = []
    arguments: list[Any] = [agency, subject]
    for queue in queues:
        rows = _APOLOGIES
        if queue.holds != "apologies":
            rows = f"SELECT FROM step WHERE {_condition(queue, received=received)}"
            if queue.procedures:
                arguments.append(list(queue.procedures))
                rows += f" AND procedure = ANY(${len(arguments)}::text[])"
        parts.append(f"(SELECT count(*) FROM ({rows} LIMIT {COUNTED_MAX + 1}) AS counted)")  # noqa: S608
    if not parts:
        return {}
    # Named once, for no queue of those asked for may need them.
    asked = "(SELECT $1::text, $2::text) AS asked"
    row = await connection.fetchrow(f"SELECT {', '.join(parts)} FROM {asked}", *arguments)  # noqa: S608
    return {queue.slug: found for queue, found in zip(queues, row.values(), strict=True)}


async def rows(
    connection: Connection,
    queue: Queue,
    agency: str,
    subject: str,
    *,
    received: bool,
    rows_max: int,
    after: Mark | None = None,
) -> list[DeskStep]:
    """The steps of a queue, the most urgent first, those that stand still last; from behind `after`."""
    found = await connection.fetch(
        f"""
        SELECT {COLUMNS} FROM step
        WHERE {_condition(queue, received=received)} AND $2::text IS NOT NULL
            AND (cardinality($4::text[]) = 0 OR procedure = ANY($4::text[])) AND (
            $5::smallint IS NULL OR priority < $5 OR (priority = $5 AND (
                due_at > $6 OR (due_at IS NULL AND $6 IS NOT NULL)
                OR (due_at IS NOT DISTINCT FROM $6::timestamptz AND (dossier_id, step) > ($7::uuid, $8::text))
            ))
        )
        ORDER BY priority DESC, due_at, dossier_id, step LIMIT $3
        """,  # noqa: S608 - constants of this module
        agency,
        subject,
        rows_max,
        list(queue.procedures),
        *(
            (after.priority, after.due_at, after.dossier_id, after.step)
            if after
            else (None, None, None, None)
        ),
    )
    return [DeskStep(**dict(row)) for row in found]


def _condition(queue: Queue, *, received: bool) -> str:
    return _CONDITIONS[queue.holds].format(mine=_RECEIVED if received else _ON_DESK)
