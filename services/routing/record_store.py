"""SQL beside the case: outcomes and their unique numbers, the log of officers' acts, apologies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.routing.outcomes import COMPARISON, UniqueNumber

Connection = Any


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a step's outcome. `data` is JSON."""

    dossier_id: UUID
    step: str
    revision: int
    agency: str
    data: bytes
    recorded_at: datetime


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """An officer's act for the log."""

    dossier_id: UUID
    at: datetime
    subject: str
    role: str
    agency: str
    move: str
    step: str = ""
    reason: str = ""
    note: str = ""


class DraftedApology(msgspec.Struct, frozen=True, kw_only=True):
    """One apology as an agency's list shows it."""

    id: UUID
    dossier_id: UUID
    number: int
    code: str
    state: str
    reason: str
    drafted_at: datetime
    was_at: datetime
    proposed_at: datetime
    signed_at: datetime | None


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim came to: digests somebody else has, and those that were free until now."""

    taken: frozenset[bytes] = frozenset()
    fresh: frozenset[bytes] = frozenset()


async def claim(connection: Connection, claims: Sequence[tuple[UniqueNumber, UUID, str]]) -> Claimed:
    """Claim numbers for (dossier, step). A number the same step had before is its own. No digest may occur twice.

    Waits for a transaction that is just claiming the same number; digests are taken in order, so two batches never
    wait for each other in a circle.
    """
    if not claims:
        return Claimed()
    ordered = sorted(claims, key=lambda claim: claim[0].digest)
    # xmax is 0 in a row this statement has inserted.
    rows = await connection.fetch(
        """
        INSERT INTO outcome_key AS known (digest, name, dossier_id, step, comparison)
        SELECT *, $5::smallint FROM unnest($1::bytea[], $2::text[], $3::uuid[], $4::text[])
        ON CONFLICT (digest) DO UPDATE SET name = excluded.name, comparison = excluded.comparison
        WHERE known.dossier_id = excluded.dossier_id AND known.step = excluded.step
        RETURNING digest, xmax = 0 AS fresh
        """,
        [number.digest for number, _, _ in ordered],
        [number.name for number, _, _ in ordered],
        [dossier_id for _, dossier_id, _ in ordered],
        [step for _, _, step in ordered],
        COMPARISON,
    )
    mine = {row["digest"] for row in rows}
    return Claimed(
        taken=frozenset(number.digest for number, _, _ in ordered if number.digest not in mine),
        fresh=frozenset(row["digest"] for row in rows if row["fresh"]),
    )


async def give_up(connection: Connection, digests: Sequence[bytes]) -> None:
    """Give back numbers claimed in this transaction for a completion that was refused after all."""
    await connection.execute("DELETE FROM outcome_key WHERE digest = ANY($1::bytea[])", list(digests))


async def release(connection: Connection, dossier_id: UUID, step: str, kept: Sequence[bytes]) -> None:
    """Give back the numbers the step had before and has no more."""
    await connection.execute(
        "DELETE FROM outcome_key WHERE dossier_id = $1 AND step = $2 AND digest <> ALL($3::bytea[])",
        dossier_id,
        step,
        list(kept),
    )


async def compared_otherwise(connection: Connection, rows_max: int) -> list[tuple[UUID, str]]:
    """The (dossier, step) of numbers that were claimed under an earlier way of comparing."""
    rows = await connection.fetch(
        "SELECT dossier_id, step FROM outcome_key WHERE comparison < $1 ORDER BY digest LIMIT $2",
        COMPARISON,
        rows_max,
    )
    return list(dict.fromkeys((row["dossier_id"], row["step"]) for row in rows))


async def drop_compared_otherwise(connection: Connection, claimed_anew: Sequence[tuple[UUID, str]]) -> None:
    """Delete the earlier claims of these steps."""
    await connection.execute(
        """
        DELETE FROM outcome_key USING unnest($1::uuid[], $2::text[]) AS anew (dossier_id, step)
        WHERE outcome_key.dossier_id = anew.dossier_id AND outcome_key.step = anew.step AND comparison < $3
        """,
        [dossier_id for dossier_id, _ in claimed_anew],
        [step for _, step in claimed_anew],
        COMPARISON,
    )


async def leave_compared(connection: Connection, steps: Sequence[tuple[UUID, str]]) -> None:
    """Leave the earlier claims of these steps as they are, and do not ask for them again."""
    await connection.execute(
        """
        UPDATE outcome_key SET comparison = $3
        FROM unnest($1::uuid[], $2::text[]) AS left_alone (dossier_id, step)
        WHERE outcome_key.dossier_id = left_alone.dossier_id AND outcome_key.step = left_alone.step
        """,
        [dossier_id for dossier_id, _ in steps],
        [step for _, step in steps],
        COMPARISON,
    )


async def record(connection: Connection, outcomes: Sequence[Recorded]) -> None:
    """Store outcomes, each a revision of its own."""
    await connection.execute(
        """
        INSERT INTO outcome (dossier_id, step, revision, agency, data, recorded_at)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::bytea[], $6::timestamptz[])
        """,
        [outcome.dossier_id for outcome in outcomes],
        [outcome.step for outcome in outcomes],
        [outcome.revision for outcome in outcomes],
        [outcome.agency for outcome in outcomes],
        [outcome.data for outcome in outcomes],
        [outcome.recorded_at for outcome in outcomes],
    )


async def newest_outcomes(connection: Connection, wanted: Sequence[tuple[UUID, str]]) -> list[Recorded]:
    """The newest revision of each (dossier, step) that has one."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (outcome.dossier_id, outcome.step)
            outcome.dossier_id, outcome.step, revision, agency, data, recorded_at
        FROM outcome JOIN unnest($1::uuid[], $2::text[]) AS wanted (dossier_id, step)
            ON outcome.dossier_id = wanted.dossier_id AND outcome.step = wanted.step
        ORDER BY outcome.dossier_id, outcome.step, revision DESC
        """,
        [dossier_id for dossier_id, _ in wanted],
        [step for _, step in wanted],
    )
    return [Recorded(**dict(row)) for row in rows]


async def log(connection: Connection, acts: Sequence[Act]) -> None:
    """Add acts to the log."""
    await connection.execute(
        """
        INSERT INTO case_log (dossier_id, at, subject, role, agency, move, step, reason, note)
        SELECT * FROM unnest(
            $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[]
        )
        """,
        [act.dossier_id for act in acts],
        [act.at for act in acts],
        [act.subject for act in acts],
        [act.role for act in acts],
        [act.agency for act in acts],
        [act.move for act in acts],
        [act.step for act in acts],
        [act.reason for act in acts],
        [act.note for act in acts],
    )


async def acts_of(connection: Connection, dossier_id: UUID, rows_max: int) -> list[Act]:
    """The acts of officers on one dossier, oldest first."""
    rows = await connection.fetch(
        """
        SELECT dossier_id, at, subject, role, agency, move, step, reason, note FROM case_log
        WHERE dossier_id = $1 ORDER BY id LIMIT $2
        """,
        dossier_id,
        rows_max,
    )
    return [Act(**dict(row)) for row in rows]


async def last_acts(connection: Connection, dossier_ids: Sequence[UUID]) -> dict[tuple[UUID, str], Act]:
    """The newest act on each step of these dossiers that has one."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (dossier_id, step) dossier_id, at, subject, role, agency, move, step, reason, note
        FROM case_log WHERE dossier_id = ANY($1::uuid[]) AND step <> '' ORDER BY dossier_id, step, id DESC
        """,
        list(dossier_ids),
    )
    return {(row["dossier_id"], row["step"]): Act(**dict(row)) for row in rows}


async def apologies(connection: Connection, agency: str, rows_max: int) -> list[DraftedApology]:
    """The apologies the agency has to sign, the most urgent first."""
    rows = await connection.fetch(
        """
        SELECT id, dossier_id, number, code, state, reason, drafted_at, was_at, proposed_at, signed_at FROM apology
        WHERE agency = $1 AND state = 'drafted' ORDER BY was_at LIMIT $2
        """,
        agency,
        rows_max,
    )
    return [DraftedApology(**dict(row)) for row in rows]


async def apology(connection: Connection, apology_id: UUID, agency: str) -> DraftedApology | None:
    """One apology of the agency, or None."""
    row = await connection.fetchrow(
        """
        SELECT id, dossier_id, number, code, state, reason, drafted_at, was_at, proposed_at, signed_at FROM apology
        WHERE id = $1 AND agency = $2
        """,
        apology_id,
        agency,
    )
    return DraftedApology(**dict(row)) if row else None
