"""All SQL of a case: loaded with a lock, saved with one statement a table, however many cases there are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from libs.bus.handling import Change
from services.routing import step_store, timers
from services.routing.case import Apology, Case
from services.routing.rules import Rules

Connection = Any
_decode = msgspec.json.Decoder(Case).decode
_encode = msgspec.json.Encoder().encode


async def load(connection: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Case]:
    """The cases of these dossiers, locked in the order of their ids."""
    return (await load_now(connection, dossier_ids))[1]


async def load_now(
    connection: Connection, dossier_ids: Sequence[UUID]
) -> tuple[datetime | None, dict[UUID, Case]]:
    """The database's clock and the cases, locked in the order of their ids; no time when there is no case."""
    rows = await connection.fetch(
        """
        SELECT dossier_id, state, now() AS now FROM case_state WHERE dossier_id = ANY($1::uuid[])
        ORDER BY dossier_id FOR UPDATE
        """,
        sorted(dossier_ids, key=lambda dossier_id: dossier_id.int),
    )
    return (rows[0]["now"] if rows else None), {row["dossier_id"]: _decode(row["state"]) for row in rows}


async def now(connection: Connection) -> datetime:
    """The database's clock: moments of all processes come from one."""
    moment: datetime = await connection.fetchval("SELECT now()")
    return moment


async def read(connection: Connection, dossier_id: UUID) -> Case | None:
    """One case without a lock, for looking."""
    state = await connection.fetchval("SELECT state FROM case_state WHERE dossier_id = $1", dossier_id)
    return _decode(state) if state is not None else None


async def read_many(connection: Connection, dossier_ids: Sequence[UUID]) -> dict[UUID, Case]:
    """These cases without a lock, for looking."""
    rows = await connection.fetch(
        "SELECT dossier_id, state FROM case_state WHERE dossier_id = ANY($1::uuid[])", list(dossier_ids)
    )
    return {row["dossier_id"]: _decode(row["state"]) for row in rows}


async def load_due(connection: Connection, cases_max: int) -> tuple[datetime | None, dict[UUID, Case]]:
    """The database's clock and cases with a timer that is due, locked; those another worker holds are left to it.

    Two statements, so that the planner never estimates a join over all cases for the few that are due.
    """
    due = await connection.fetch(
        "SELECT dossier_id FROM timer WHERE state = 'armed' AND due_at <= now() ORDER BY due_at LIMIT $1",
        cases_max,
    )
    if not due:
        return None, {}
    rows = await connection.fetch(
        """
        SELECT dossier_id, state, now() AS now FROM case_state WHERE dossier_id = ANY($1::uuid[])
        FOR UPDATE SKIP LOCKED
        """,
        list({row["dossier_id"] for row in due}),
    )
    return (rows[0]["now"] if rows else None), {row["dossier_id"]: _decode(row["state"]) for row in rows}


async def save(rules: Rules, connection: Connection, changes: Sequence[Change[Case]]) -> None:
    """Save the cases and every row that follows from what changed in them: steps, timers, apologies."""
    new = [change for change in changes if change.before is None]
    old = [change for change in changes if change.before is not None]
    if new:
        await connection.execute(
            "INSERT INTO case_state (dossier_id, state) SELECT * FROM unnest($1::uuid[], $2::bytea[])",
            [change.dossier_id for change in new],
            [_encode(change.after) for change in new],
        )
    if old:
        await connection.execute(
            """
            UPDATE case_state SET state = changed.state
            FROM unnest($1::uuid[], $2::bytea[]) AS changed (dossier_id, state)
            WHERE case_state.dossier_id = changed.dossier_id
            """,
            [change.dossier_id for change in old],
            [_encode(change.after) for change in old],
        )
    await step_store.save_steps(rules, connection, changes)
    await _save_timers(rules, connection, changes)
    await _save_apologies(connection, changes)


async def _save_timers(rules: Rules, connection: Connection, changes: Sequence[Change[Case]]) -> None:
    """Arm and move what is armed now, mark what has fired, delete what was cancelled."""
    set_rows: list[tuple[UUID, str, str, datetime | None, bool]] = []
    cancelled: list[tuple[UUID, str, str]] = []
    for change in changes:
        was: Mapping[timers.Key, datetime] = timers.armed(change.before, rules) if change.before else {}
        now = timers.armed(change.after, rules)
        set_rows += [(change.dossier_id, *key, at, False) for key, at in now.items() if was.get(key) != at]
        fired: frozenset[timers.Key] = frozenset()
        if change.before is not None and change.before.fired != change.after.fired:
            fired = timers.fired(change.after) - timers.fired(change.before)
            set_rows += [(change.dossier_id, *key, was.get(key), True) for key in sorted(fired)]
        cancelled += [(change.dossier_id, *key) for key in was if key not in now and key not in fired]
    if set_rows:
        # A timer may fire in the move that would have armed it (after an outage): it has no row yet.
        await connection.execute(
            """
            INSERT INTO timer AS known (dossier_id, kind, label, due_at, state, fired_at)
            SELECT dossier_id, kind, label, coalesce(due_at, now()),
                CASE WHEN fired THEN 'fired' ELSE 'armed' END, CASE WHEN fired THEN now() END
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[])
                AS next (dossier_id, kind, label, due_at, fired)
            ON CONFLICT (dossier_id, kind, label) DO UPDATE
            SET due_at = excluded.due_at, state = excluded.state, fired_at = excluded.fired_at
            WHERE known.state = 'armed'
            """,
            *_columns(set_rows),
        )
    if cancelled:
        # "Not fired", for "armed" would let the planner read the index of everything armed, and all that was.
        await connection.execute(
            """
            DELETE FROM timer USING unnest($1::uuid[], $2::text[], $3::text[]) AS over (dossier_id, kind, label)
            WHERE timer.state <> 'fired' AND timer.dossier_id = over.dossier_id
                AND timer.kind = over.kind AND timer.label = over.label
            """,
            *_columns(cancelled),
        )


async def realign_timers(rules: Rules, connection: Connection, cases: Sequence[Case]) -> None:
    """Write the armed timers of the cases anew: their rows came up though by the case nothing is due.

    That happens when a city's numbers (days of a reminder) were changed, or rows were edited by hand.
    """
    if not cases:
        return
    await connection.execute(
        "DELETE FROM timer WHERE state <> 'fired' AND dossier_id = ANY($1::uuid[])",
        [case.dossier_id for case in cases],
    )
    rows = [(case.dossier_id, *key, at) for case in cases for key, at in timers.armed(case, rules).items()]
    if rows:
        await connection.execute(
            """
            INSERT INTO timer (dossier_id, kind, label, due_at, state)
            SELECT *, 'armed' FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
            ON CONFLICT (dossier_id, kind, label) DO NOTHING
            """,
            *_columns(rows),
        )


async def postpone_timers(connection: Connection, dossier_ids: Sequence[UUID], seconds: float) -> None:
    """Let the due timers of these dossiers come up again later."""
    if dossier_ids:
        await connection.execute(
            """
            UPDATE timer SET due_at = now() + $2::float8 * interval '1 second'
            WHERE state = 'armed' AND due_at <= now() AND dossier_id = ANY($1::uuid[])
            """,
            list(dossier_ids),
            seconds,
        )


async def _save_apologies(connection: Connection, changes: Sequence[Change[Case]]) -> None:
    """Write the apologies of the cases at every move, for there are few, where their rows say something else.

    A row may be older than the rule of what is void: whatever happens to its case next puts it right.
    """
    rows: list[tuple[Case, Apology]] = [(c.after, apology) for c in changes for apology in c.after.apologies]
    if not rows:
        return
    await connection.execute(
        """
        INSERT INTO apology AS known (
            id, dossier_id, number, code, agency, state, reason, drafted_at, was_at, proposed_at, signed_at
        )
        SELECT * FROM unnest(
            $1::uuid[], $2::uuid[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[]
        )
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, proposed_at = excluded.proposed_at,
            signed_at = excluded.signed_at
        WHERE (known.state, known.proposed_at, known.signed_at)
            IS DISTINCT FROM (excluded.state, excluded.proposed_at, excluded.signed_at)
        """,
        [apology_id(case.dossier_id, apology.number) for case, apology in rows],
        [case.dossier_id for case, _ in rows],
        [apology.number for _, apology in rows],
        [case.code for case, _ in rows],
        [apology.agency for _, apology in rows],
        ["signed" if a.signed_at else "void" if case.is_void(a) else "drafted" for case, a in rows],
        [apology.reason for _, apology in rows],
        [apology.drafted_at for _, apology in rows],
        [apology.was_at for _, apology in rows],
        [apology.proposed_at for _, apology in rows],
        [apology.signed_at for _, apology in rows],
    )


def apology_id(dossier_id: UUID, number: int) -> UUID:
    """The id of an apology, the same whenever it is computed."""
    return uuid5(dossier_id, f"apology {number}")


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
