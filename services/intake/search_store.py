"""SQL that asks the search index. What was typed only ever travels as a parameter."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.intake.dossier import Dossier
from services.intake.dossier_codes import CodeRead
from services.intake.search_text import one_off
from services.intake.store import decode_state

# How many of the readers' newest dossiers are walked through, until so many fit; how many the index of words may bring.
# What fits more than one in a hundred fills a page on the walk, what fits fewer is few for the index.
WALK_ROWS = 1500
# Where every word is common, the index would collect half of all dossiers: so many of the newest are walked first.
FAR_WALK_ROWS = 10_000
WALK_FOUND_MAX = 200
FOUND_ROWS_MAX = 400
LOOKED_ROWS_MAX = 2000
# A word that is in no more dossiers than this is looked up at once.
RARE_DOSSIERS = 1000
SHARED_ROWS_MAX = 1000
CODES_MAX = 50
# A begun word is expanded inside the index; beyond this many dossiers that alone would take too long.
COMMON_DOSSIERS = 40_000
ALIKE_MAX = 6
VOCABULARY_MAX = 200

# OFFSET 0, here and below: each is looked up by its key. As a plain join, PostgreSQL may read all dossiers instead.
_WALK = """
WITH walked AS MATERIALIZED (
    SELECT DISTINCT dossier_id FROM unnest($1::text[]) AS mine (reader) CROSS JOIN LATERAL (
        SELECT dossier_id FROM search_reader WHERE search_reader.reader = mine.reader
        ORDER BY dossier_id DESC LIMIT $3
    ) AS newest
    ORDER BY dossier_id DESC LIMIT $3
)
SELECT NULL::uuid AS dossier_id, NULL::text[] AS names, count(*) AS walked FROM walked
UNION ALL (
    SELECT walked.dossier_id, names, NULL FROM walked CROSS JOIN LATERAL (
        SELECT names, lexemes FROM search_dossier WHERE search_dossier.dossier_id = walked.dossier_id OFFSET 0
    ) AS known
    WHERE lexemes @@ $2::text::tsquery LIMIT $4
)
"""
# What would be dear inside the index is compared beside it, with as many rows as may be looked at.
_LOOK = """
WITH looked AS MATERIALIZED (
    SELECT dossier_id, names, lexemes FROM search_dossier WHERE lexemes @@ $1::text::tsquery LIMIT $4
)
SELECT NULL::uuid AS dossier_id, NULL::text[] AS names, count(*) AS looked FROM looked
UNION ALL (
    SELECT dossier_id, names, NULL FROM looked WHERE lexemes @@ $2::text::tsquery ORDER BY dossier_id DESC LIMIT $3
)
"""
# A mistyped word may be any known one that differs by one letter, or shares enough trigrams.
_ALIKE = """
SELECT asked, word FROM (
    SELECT off.asked, near.word, row_number() OVER (PARTITION BY off.asked ORDER BY near.dossiers DESC) AS place
    FROM unnest($2::text[], $3::text[]) AS off (asked, word) JOIN search_word AS near USING (word)
) AS one_off WHERE place <= $4
UNION
SELECT asked.word, near.word FROM unnest($1::text[]) AS asked (word) CROSS JOIN LATERAL (
    SELECT word FROM search_word WHERE search_word.word % asked.word
    ORDER BY similarity(search_word.word, asked.word) DESC, dossiers DESC LIMIT $4
) AS near
"""
# Numbers many dossiers share (a telephone at a hospital's desk) are looked through from the newest on.
_NUMBERED = """
SELECT asked.digest, found.dossier_id FROM unnest($1::uuid[]) AS asked (digest) CROSS JOIN LATERAL (
    SELECT near.dossier_id FROM (
        SELECT dossier_id FROM search_number WHERE search_number.digest = asked.digest
        ORDER BY dossier_id DESC LIMIT $4
    ) AS near CROSS JOIN LATERAL (
        SELECT readers FROM search_dossier WHERE search_dossier.dossier_id = near.dossier_id OFFSET 0
    ) AS known
    WHERE known.readers && $2::text[]
    ORDER BY near.dossier_id DESC LIMIT $3
) AS found
"""
# Every prefix codes were ever given with, one step of the index each.
_BY_TAIL = """
WITH RECURSIVE known AS (
    (SELECT prefix FROM code_counter ORDER BY prefix LIMIT 1)
    UNION ALL
    SELECT (SELECT prefix FROM code_counter WHERE code_counter.prefix > known.prefix ORDER BY prefix LIMIT 1)
    FROM known WHERE known.prefix IS NOT NULL
)
SELECT dossier.state FROM known JOIN dossier ON dossier.code = known.prefix || '-' || $1 LIMIT $2
"""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier and the names in it."""

    dossier_id: UUID
    names: tuple[str, ...]


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """What fits among the dossiers gone through; `whole` when nothing that fits lies beyond."""

    found: tuple[Named, ...]
    whole: bool


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """In about how many dossiers each typed word is, and those that begin with the last one."""

    dossiers: Mapping[str, int]
    begun: int

    def fewest(self, words: Sequence[str]) -> int:
        """In how many dossiers the rarest of the words is, the last one as begun; 0: no name has them all."""
        return min([self.begun, *(self.dossiers.get(word, 0) for word in words[:-1])])


async def by_code(connection: Any, code: CodeRead) -> list[Dossier]:
    """The dossiers with this code; of several agencies when only its end is known."""
    if code.whole:
        rows = await connection.fetch("SELECT state FROM dossier WHERE code = $1", code.whole)
    else:
        rows = await connection.fetch(_BY_TAIL, code.tail, CODES_MAX)
    return [decode_state(row["state"]) for row in rows]


async def numbered(
    connection: Any, digests: Collection[UUID], readers: Sequence[str], limit: int
) -> list[tuple[UUID, UUID]]:
    """Digest and dossier, newest first, of those the readers may find."""
    rows = await connection.fetch(_NUMBERED, list(digests), list(readers), limit, SHARED_ROWS_MAX)
    return [(row["digest"], row["dossier_id"]) for row in rows]


async def walk(connection: Any, readers: Sequence[str], wanted: str, rows_max: int = WALK_ROWS) -> Walk:
    """Look for the words (a tsquery) through the newest dossiers of the readers."""
    rows = await connection.fetch(_WALK, list(readers), wanted, rows_max, WALK_FOUND_MAX)
    walked = next(row["walked"] for row in rows if row["dossier_id"] is None)
    found = tuple(_named(row) for row in rows if row["dossier_id"] is not None)
    return Walk(found=found, whole=walked < rows_max and len(found) < WALK_FOUND_MAX)


async def look(connection: Any, inside: str, beside: str) -> Walk:
    """What fits both tsqueries; the first is answered by the index of words."""
    rows = await connection.fetch(_LOOK, inside, beside, FOUND_ROWS_MAX, LOOKED_ROWS_MAX)
    looked = next(row["looked"] for row in rows if row["dossier_id"] is None)
    found = tuple(_named(row) for row in rows if row["dossier_id"] is not None)
    return Walk(found=found, whole=looked < LOOKED_ROWS_MAX and len(found) < FOUND_ROWS_MAX)


async def vocabulary(connection: Any, words: Sequence[str]) -> Vocabulary:
    """How common the typed words are; the last counts as begun, too."""
    rows = await connection.fetch(
        """
        SELECT word, dossiers, false AS begun FROM search_word WHERE word = ANY ($1::text[])
        UNION ALL (
            SELECT word, dossiers, true FROM search_word WHERE word >= $2 AND word < $2 || chr(1114111)
            ORDER BY word LIMIT $3
        )
        """,
        list(words),
        words[-1],
        VOCABULARY_MAX,
    )
    return Vocabulary(
        dossiers={row["word"]: row["dossiers"] for row in rows if not row["begun"]},
        begun=sum(row["dossiers"] for row in rows if row["begun"]),
    )


async def alike(connection: Any, words: Sequence[str]) -> dict[str, list[str]]:
    """For each mistyped word the known ones it may have been meant for."""
    off = [(word, other) for word in words for other in sorted(one_off(word))]
    rows = await connection.fetch(
        _ALIKE, list(words), [word for word, _ in off], [other for _, other in off], ALIKE_MAX
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["asked"], []).append(row["word"])
    return found


def _named(row: Any) -> Named:
    return Named(dossier_id=row["dossier_id"], names=tuple(row["names"]))
