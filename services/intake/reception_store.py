"""Storing new dossiers: claim what makes a birth unique, number, store, look for likely duplicates, say so.

Three statements, however many dossiers: one for a birth over HTTP, thousands for an XML9 upload. Locks are taken in
one order everywhere (keys by key, counters by prefix), so two receptions never wait for each other in a circle.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.outbox import Outgoing, emit
from services.intake import duplicate_store, stay_store
from services.intake.dossier import Dossier, receive
from services.intake.duplicate_store import CANDIDATES_MAX
from services.intake.reception import Submission, dossier_code
from services.intake.store import SOURCE, encode_state

# The keys are tried first: a duplicate takes no number. A counter's row stays locked until the commit, so it is
# touched last of the two, and everything that could be prepared has been prepared before.
_CLAIM = """
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[], $4::int[]) AS a (dossier_id, prefix, day, keys)
), claimed AS (
    INSERT INTO natural_key (key, dossier_id)
    SELECT key, dossier_id FROM unnest($5::text[], $6::uuid[]) AS k (key, dossier_id) ORDER BY key
    ON CONFLICT DO NOTHING
    RETURNING dossier_id
), fresh AS (
    SELECT asked.dossier_id, asked.prefix, asked.day
    FROM asked LEFT JOIN (SELECT dossier_id, count(*) AS keys FROM claimed GROUP BY dossier_id) AS got
        USING (dossier_id)
    WHERE asked.keys = coalesce(got.keys, 0)
), counted AS (
    INSERT INTO code_counter AS known (prefix, day, last)
    SELECT prefix, day, count(*) FROM fresh GROUP BY prefix, day ORDER BY prefix, day
    ON CONFLICT (prefix, day) DO UPDATE SET last = known.last + excluded.last
    RETURNING prefix, day, last
)
SELECT fresh.dossier_id,
    counted.last + 1 - row_number() OVER (PARTITION BY prefix, day ORDER BY fresh.dossier_id DESC) AS number
FROM fresh JOIN counted USING (prefix, day)
"""

# The counter's lock is held by now, so births of one ward come one after another and each sees those before it.
_STORE = """
WITH stored AS (
    INSERT INTO dossier (id, code, token, procedure, receiving_agency, facility, status, received_at,
        appointment_at, ended_at, state)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[],
        $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::bytea[])
), filed AS (
    INSERT INTO file (dossier_id, version, kind, content, written_by, reason, provenance, read_back)
    SELECT dossier_id, 1, kind, content, written_by, reason, provenance::jsonb, read_back
    FROM unnest($1::uuid[], $12::text[], $13::bytea[], $14::text[], $15::text[], $20::text[], $21::boolean[])
        AS f (dossier_id, kind, content, written_by, reason, provenance, read_back)
), marked AS (
    INSERT INTO likely_key (key, dossier_id)
    SELECT key, dossier_id FROM unnest($16::text[], $1::uuid[]) AS l (key, dossier_id) WHERE key <> ''
)
SELECT near.dossier_id, other.dossier_id AS other_id
FROM unnest($17::uuid[], $18::text[]) AS near (dossier_id, key) CROSS JOIN LATERAL (
    SELECT dossier_id FROM likely_key WHERE likely_key.key = near.key ORDER BY dossier_id DESC LIMIT $19
) AS other
"""

_KNOWN = """
SELECT DISTINCT ON (asked.dossier_id) asked.dossier_id, dossier.id, dossier.code
FROM unnest($1::uuid[], $2::text[]) AS asked (dossier_id, key)
JOIN natural_key ON natural_key.key = asked.key
JOIN dossier ON dossier.id = natural_key.dossier_id
WHERE natural_key.dossier_id <> asked.dossier_id
ORDER BY asked.dossier_id, dossier.id
"""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The birth has a dossier already."""

    dossier_id: UUID
    code: str


Outcome = Dossier | Known


async def store_submissions(connection: Any, submissions: Sequence[Submission]) -> list[Outcome]:
    """Store new dossiers and say they were received; for each, in order, the dossier or the one it is already."""
    if not submissions:
        return []
    repeated = _repeated(submissions)
    distinct = [s for s in submissions if s.dossier.id not in repeated]
    numbers = await _claim(connection, distinct)
    fresh = [s for s in distinct if s.dossier.id in numbers]
    outcomes: dict[UUID, Outcome] = {}
    if len(fresh) < len(distinct):
        outcomes |= await _known(connection, [s for s in distinct if s.dossier.id not in numbers])
    outcomes |= await _store(connection, fresh, numbers)
    for later, earlier in repeated.items():
        outcomes[later] = _as_known(outcomes[earlier])
    return [outcomes[s.dossier.id] for s in submissions]


def _repeated(submissions: Sequence[Submission]) -> dict[UUID, UUID]:
    """Submissions that tell of the same birth as an earlier one among them, and which. The keys do not say it: the
    statement that claims them does not see the rows it is about to store.
    """
    first_with: dict[str, UUID] = {}
    repeated: dict[UUID, UUID] = {}
    for submission in submissions:
        earlier = next((first_with[key] for key in submission.keys if key in first_with), None)
        if earlier is not None:
            repeated[submission.dossier.id] = earlier
            continue
        first_with |= dict.fromkeys(submission.keys, submission.dossier.id)
    return repeated


def _as_known(outcome: Outcome) -> Known:
    return outcome if isinstance(outcome, Known) else Known(dossier_id=outcome.id, code=outcome.code)


async def _claim(connection: Any, submissions: Sequence[Submission]) -> dict[UUID, int]:
    pairs = [(key, s.dossier.id) for s in submissions for key in s.keys]
    rows = await connection.fetch(
        _CLAIM,
        [s.dossier.id for s in submissions],
        [s.prefix for s in submissions],
        [s.day for s in submissions],
        [len(s.keys) for s in submissions],
        [key for key, _ in pairs],
        [dossier_id for _, dossier_id in pairs],
    )
    return {row["dossier_id"]: row["number"] for row in rows}


async def _known(connection: Any, submissions: Sequence[Submission]) -> dict[UUID, Outcome]:
    """The dossiers these births have already; gives back the one key of two that was still free."""
    pairs = [(s.dossier.id, key) for s in submissions for key in s.keys]
    ids, keys = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    await connection.execute("DELETE FROM natural_key WHERE dossier_id = ANY($1::uuid[])", ids)
    rows = await connection.fetch(_KNOWN, ids, keys)
    return {row["dossier_id"]: Known(dossier_id=row["id"], code=row["code"]) for row in rows}


async def _store(
    connection: Any, submissions: Sequence[Submission], numbers: dict[UUID, int]
) -> dict[UUID, Outcome]:
    if not submissions:
        return {}
    numbered = [
        msgspec.structs.replace(s.dossier, code=dossier_code(s.prefix, s.day, numbers[s.dossier.id]))
        for s in submissions
    ]
    steps = [receive(dossier, accept=s.accept) for dossier, s in zip(numbered, submissions, strict=True)]
    near = [(s.dossier.id, key) for s in submissions for key in s.likely_near]
    dossiers = [dossier for dossier, _ in steps]
    rows = await connection.fetch(
        _STORE,
        [d.id for d in dossiers],
        [d.code for d in dossiers],
        [d.token for d in dossiers],
        [d.procedure for d in dossiers],
        [d.receiving_agency for d in dossiers],
        [d.facility for d in dossiers],
        [d.status for d in dossiers],
        [d.received_at for d in dossiers],
        [d.appointment_at for d in dossiers],
        [d.ended_at for d in dossiers],
        [encode_state(d) for d in dossiers],
        [s.kind for s in submissions],
        [s.content for s in submissions],
        [s.written_by for s in submissions],
        [s.note for s in submissions],
        [s.likely for s in submissions],
        [dossier_id for dossier_id, _ in near],
        [key for _, key in near],
        CANDIDATES_MAX,
        [msgspec.json.encode(s.provenance).decode() for s in submissions],
        [s.read_back for s in submissions],
    )
    pairs = [(row["dossier_id"], row["other_id"]) for row in rows] + _neighbours(submissions)
    written = {s.dossier.id: (s.kind, s.content, s.dossier.facility) for s in submissions}
    flagged = await duplicate_store.flag(connection, pairs, written) if pairs else frozenset()
    if flagged:
        # The flag is part of the first event, so both are decided anew; seldom, and a statement more.
        marked = [msgspec.structs.replace(d, likely_duplicate=d.id in flagged) for d in numbered]
        steps = [receive(dossier, accept=s.accept) for dossier, s in zip(marked, submissions, strict=True)]
        await _mark(connection, [dossier for dossier, _ in steps if dossier.id in flagged])
    if stays := {s.dossier.id: s.stay for s in submissions if s.stay is not None}:
        await stay_store.put(connection, stays, [s.written_by for s in submissions if s.stay is not None])
    outgoing = [Outgoing(dossier_id=dossier.id, event=event) for dossier, events in steps for event in events]
    await emit(connection, SOURCE, outgoing)
    return {dossier.id: dossier for dossier, _ in steps}


def _neighbours(submissions: Sequence[Submission]) -> list[tuple[UUID, UUID]]:
    """Pairs within one upload: the statement that stores them all does not see its own rows."""
    earlier: dict[str, list[UUID]] = {}
    pairs: list[tuple[UUID, UUID]] = []
    for submission in submissions:
        for key in submission.likely_near:
            pairs.extend((submission.dossier.id, other) for other in earlier.get(key, ())[-CANDIDATES_MAX:])
        if submission.likely:
            earlier.setdefault(submission.likely, []).append(submission.dossier.id)
    return pairs


async def _mark(connection: Any, dossiers: Sequence[Dossier]) -> None:
    await connection.execute(
        """
        UPDATE dossier SET state = new.state FROM unnest($1::uuid[], $2::bytea[]) AS new (id, state)
        WHERE dossier.id = new.id
        """,
        [dossier.id for dossier in dossiers],
        [encode_state(dossier) for dossier in dossiers],
    )
