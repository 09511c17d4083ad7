"""SQL that fills the search index: what waits to be looked at, what the index says, what it is to say."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.intake.search_facts import Facts

# "search" in ASCII: one worker at a time writes the index of a database, so no older reading overwrites a newer one.
FEEDING_LOCK = int.from_bytes(b"search", "big")
OLDEST_AMONG = 1000


async def take_turn(connection: Any, *, wait: bool = False) -> bool:
    """Be the only one that fills the index until the transaction ends; False when another is (and none to `wait`)."""
    if wait:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", FEEDING_LOCK)
        return True
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", FEEDING_LOCK))


async def waiting_seconds(connection: Any) -> float:
    """How long the oldest note has waited, 0 when none does."""
    seconds = await connection.fetchval(
        """
        SELECT extract(epoch FROM clock_timestamp() - min(noted_at))::float8
        FROM (SELECT noted_at FROM search_note LIMIT $1) AS first
        """,
        OLDEST_AMONG,
    )
    return max(0.0, seconds or 0.0)


async def take_notes(connection: Any, rows_max: int) -> tuple[int, list[UUID]]:
    """Take notes away, in the caller's transaction: how many, and the dossiers they name, each once."""
    rows = await connection.fetch(
        """
        DELETE FROM search_note WHERE ctid = ANY (ARRAY(SELECT ctid FROM search_note LIMIT $1)) RETURNING dossier_id
        """,
        rows_max,
    )
    return len(rows), list(dict.fromkeys(row["dossier_id"] for row in rows))


async def file_versions(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The newest version of each file."""
    rows = await connection.fetch(
        "SELECT dossier_id, max(version) AS version FROM file WHERE dossier_id = ANY ($1::uuid[]) GROUP BY dossier_id",
        list(dossier_ids),
    )
    return {row["dossier_id"]: row["version"] for row in rows}


async def indexed(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, Facts]:
    """What the index says of these dossiers; those it does not know are absent."""
    rows = await connection.fetch(
        "SELECT dossier_id, version, readers, numbers, names FROM search_dossier WHERE dossier_id = ANY ($1::uuid[])",
        list(dossier_ids),
    )
    return {
        row["dossier_id"]: Facts(
            dossier_id=row["dossier_id"],
            version=row["version"],
            readers=tuple(row["readers"]),
            numbers=tuple(row["numbers"]),
            names=tuple(row["names"]),
        )
        for row in rows
    }


async def after(connection: Any, dossier_id: UUID | None, rows_max: int) -> list[UUID]:
    """The next dossiers in the order of ids; from the first one when None."""
    rows = await connection.fetch(
        "SELECT id FROM dossier WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2", dossier_id, rows_max
    )
    return [row["id"] for row in rows]


async def write(
    connection: Any, facts: Sequence[Facts], before: Mapping[UUID, Facts], *, mend: bool = False
) -> None:
    """Make the index say these facts; `before` is what it says of them now. Keeps the order of keys, one lock order.

    To `mend`, also what should be there already is written.
    """
    facts = sorted(facts, key=lambda each: each.dossier_id.int)
    await connection.execute(
        """
        INSERT INTO search_dossier (dossier_id, version, readers, names, numbers, lexemes)
        SELECT dossier_id, version, string_to_array(readers, chr(10)), string_to_array(names, chr(10)),
            string_to_array(numbers, chr(10))::uuid[], array_to_tsvector(string_to_array(lexemes, chr(10)))
        FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
            AS new (dossier_id, version, readers, names, numbers, lexemes)
        ON CONFLICT (dossier_id) DO UPDATE SET version = excluded.version, readers = excluded.readers,
            names = excluded.names, numbers = excluded.numbers, lexemes = excluded.lexemes
        """,
        [each.dossier_id for each in facts],
        [each.version for each in facts],
        ["\n".join(each.readers) for each in facts],
        ["\n".join(each.names) for each in facts],
        ["\n".join(map(str, each.numbers)) for each in facts],
        ["\n".join((*each.words, *(f"@{reader}" for reader in each.readers))) for each in facts],
    )
    readers = [(each.dossier_id, each.readers, _said(before, each).readers) for each in facts]
    numbers = [(each.dossier_id, each.numbers, _said(before, each).numbers) for each in facts]
    await _replace(connection, _READERS, _changes(readers, mend=mend))
    await _replace(connection, _NUMBERS, _changes(numbers, mend=mend))
    await _count(connection, facts, before)


_Changes = tuple[list[tuple[Any, UUID]], list[tuple[Any, UUID]]]
_READERS = (
    """
    DELETE FROM search_reader USING unnest($1::text[], $2::uuid[]) AS gone (reader, dossier_id)
    WHERE search_reader.reader = gone.reader AND search_reader.dossier_id = gone.dossier_id
    """,
    """
    INSERT INTO search_reader (reader, dossier_id) SELECT * FROM unnest($1::text[], $2::uuid[]) ON CONFLICT DO NOTHING
    """,
)
_NUMBERS = (
    """
    DELETE FROM search_number USING unnest($1::uuid[], $2::uuid[]) AS gone (digest, dossier_id)
    WHERE search_number.digest = gone.digest AND search_number.dossier_id = gone.dossier_id
    """,
    """
    INSERT INTO search_number (digest, dossier_id) SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING
    """,
)


def _said(before: Mapping[UUID, Facts], now: Facts) -> Facts:
    nothing = Facts(dossier_id=now.dossier_id, version=0, readers=(), names=(), numbers=())
    return before.get(now.dossier_id, nothing)


def _changes(each: Sequence[tuple[UUID, Sequence[Any], Sequence[Any]]], *, mend: bool) -> _Changes:
    """What goes and what comes, as pairs with the dossier; to `mend`, what there should be already comes, too."""
    gone = [(key, one) for one, now, old in each for key in sorted(set(old) - set(now))]
    come = sorted((key, one) for one, now, old in each for key in (now if mend else set(now) - set(old)))
    return gone, come


async def _replace(connection: Any, statements: tuple[str, str], changes: _Changes) -> None:
    for statement, pairs in zip(statements, changes, strict=True):
        if pairs:
            await connection.execute(statement, [key for key, _ in pairs], [one for _, one in pairs])


async def _count(connection: Any, facts: Sequence[Facts], before: Mapping[UUID, Facts]) -> None:
    """Count the words of dossiers that are new to the index, or have new names."""
    counts: dict[str, int] = {}
    for each in facts:
        if each.names != _said(before, each).names:
            for word in each.words:
                counts[word] = counts.get(word, 0) + 1
    if counts:
        await connection.execute(
            """
            INSERT INTO search_word AS known (word, dossiers) SELECT * FROM unnest($1::text[], $2::bigint[])
            ON CONFLICT (word) DO UPDATE SET dossiers = known.dossiers + excluded.dossiers
            """,
            sorted(counts),
            [counts[word] for word in sorted(counts)],
        )
