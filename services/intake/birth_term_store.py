"""SQL of the reminders of births: which dossiers have none planned, which are due, which were said."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID


async def now(connection: Any) -> datetime:
    """The database's clock."""
    moment: datetime = await connection.fetchval("SELECT now()")
    return moment


async def unplanned(connection: Any, procedures: Collection[str], rows_max: int) -> dict[UUID, datetime]:
    """Dossiers of these procedures that wait to be accepted and have no reminders, locked, with their reception."""
    rows = await connection.fetch(
        """
        SELECT id, received_at FROM dossier WHERE ended_at IS NULL AND status = 1 AND procedure = ANY($1::text[])
            AND NOT EXISTS (SELECT FROM birth_reminder WHERE dossier_id = dossier.id)
        ORDER BY received_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        """,
        sorted(procedures),
        rows_max,
    )
    return {row["id"]: row["received_at"] for row in rows}


async def plan(connection: Any, reminders: Sequence[tuple[UUID, int, datetime, datetime | None]]) -> None:
    """Store reminders: dossier, number, moment, and since when it counts as said (None: to be said)."""
    await connection.execute(
        """
        INSERT INTO birth_reminder (dossier_id, number, due_at, said_at)
        SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::timestamptz[])
        """,
        *([reminder[column] for reminder in reminders] for column in range(4)),
    )


async def move(
    connection: Any, dossier_id: UUID, moments: Sequence[datetime], *, received_at: datetime, now: datetime
) -> None:
    """Give the reminders there are of a dossier other moments, first to last.

    One that lies ahead now is still to be said, whatever was said on a wrong day; one before reception is not.
    """
    await connection.execute(
        """
        UPDATE birth_reminder SET due_at = moved.due_at, said_at = CASE
            WHEN moved.due_at > $4 THEN NULL
            WHEN moved.due_at < $3 THEN coalesce(said_at, $4)
            ELSE said_at END
        FROM unnest($2::timestamptz[]) WITH ORDINALITY AS moved (due_at, number)
        WHERE dossier_id = $1 AND birth_reminder.number = moved.number AND birth_reminder.due_at <> moved.due_at
        """,
        dossier_id,
        list(moments),
        received_at,
        now,
    )


async def due(connection: Any, at: datetime, rows_max: int) -> list[tuple[UUID, int]]:
    """The reminders due at the moment (dossier, number), locked with their dossiers; those another process holds, or
    whose dossier is being worked on, are left for later. So nothing here waits for a lock while it holds others.
    """
    rows = await connection.fetch(
        """
        SELECT dossier_id, number FROM birth_reminder JOIN dossier ON dossier.id = dossier_id
        WHERE said_at IS NULL AND due_at <= $1
        ORDER BY due_at, dossier_id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        """,
        at,
        rows_max,
    )
    return [(row["dossier_id"], row["number"]) for row in rows]


async def mark_said(connection: Any, reminders: Sequence[tuple[UUID, int]], at: datetime) -> None:
    """Do not bring these up again."""
    await connection.execute(
        """
        UPDATE birth_reminder SET said_at = $3 FROM unnest($1::uuid[], $2::smallint[]) AS said (dossier_id, number)
        WHERE birth_reminder.dossier_id = said.dossier_id AND birth_reminder.number = said.number
        """,
        [dossier_id for dossier_id, _ in reminders],
        [number for _, number in reminders],
        at,
    )
