"""Searching: identifiers first, then names, only among what the readers may find; bounded however common the name.

Names are looked for in two ways. What fits many dossiers is found among the newest of the readers, which are walked
through; what fits few is found by the index of words. Mistyped words are first compared with all the words there are.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec

from services.intake import search_store, token_store
from services.intake.search_store import (
    COMMON_DOSSIERS,
    FAR_WALK_ROWS,
    RARE_DOSSIERS,
    Named,
    Vocabulary,
    Walk,
)
from services.intake.search_text import Query, best_fit

Matched = Literal["code", "token", "identity", "insurance", "certificate", "phone", "name"]
# Of what a split agency left, a part is another's: so many times what is wanted is looked at.
SPARE = 2
# So many words, the last one begun, narrow nothing when each is common. A whole name has three: whoever has it is
# found however old the dossier, also when somebody of the same name came yesterday.
FEW_WORDS = 2


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier found, and by what."""

    dossier_id: UUID
    matched: Matched


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The best hits, best first; `more` when others may fit as well."""

    hits: tuple[Hit, ...]
    more: bool


async def find(connection: Any, query: Query, readers: Sequence[str], limit: int) -> Found:
    """What fits the query among the readers' dossiers. A code or token is not limited to them: the caller judges."""
    hits: dict[UUID, Matched] = {}
    if query.code is not None:
        for dossier in await search_store.by_code(connection, query.code):
            hits.setdefault(dossier.id, "code")
    if query.token and (found := await token_store.dossier_of(connection, query.token)) is not None:
        hits.setdefault(found, "token")
    if query.numbers:
        numbered = await search_store.numbered(connection, query.numbers, readers, limit + 1)
        for digest, dossier_id in sorted(numbered, key=lambda pair: pair[1].int, reverse=True):
            hits.setdefault(dossier_id, query.numbers[digest])
    more = False
    if query.words:
        named, more = await _names(connection, query, readers, limit)
        for one in named:
            hits.setdefault(one, "name")
    # More than wanted: the caller takes out what an agency split among several has left to another.
    best = [Hit(dossier_id=one, matched=matched) for one, matched in hits.items()][: limit * SPARE]
    return Found(hits=tuple(best), more=more or len(hits) > limit)


async def _names(
    connection: Any, query: Query, readers: Sequence[str], limit: int
) -> tuple[list[UUID], bool]:
    known = await search_store.vocabulary(connection, query.words)
    fewest = known.fewest(query.words)
    ranked: list[UUID] = []
    more = False
    if fewest > RARE_DOSSIERS:
        wanted = ts_and(_terms(query.words))
        walk = await search_store.walk(connection, readers, wanted)
        ranked, more = _ranked(query, walk.found), not walk.whole
        all_common = fewest > COMMON_DOSSIERS
        if more and len(ranked) <= limit and all_common:
            walk = await search_store.walk(connection, readers, wanted, FAR_WALK_ROWS)
            ranked, more = _ranked(query, walk.found), not walk.whole
        # Two common words are together in thousands: dear to collect, and only some of them would be looked at.
        enough = ranked and all_common and len(query.words) <= FEW_WORDS
        if more and len(ranked) <= limit and not enough:
            looked = await _looked(connection, query, readers, known)
            more = not looked.whole
            ranked = _ranked(query, {each.dossier_id: each for each in (*walk.found, *looked.found)}.values())
    elif fewest:
        looked = await _looked(connection, query, readers, known)
        ranked, more = _ranked(query, looked.found), not looked.whole
    if ranked:
        return ranked, more
    return await _similar(connection, query, readers, known)


async def _looked(connection: Any, query: Query, readers: Sequence[str], known: Vocabulary) -> Walk:
    inside = narrowing(query.words, known)
    if not inside:
        return Walk(found=(), whole=not known.begun)
    return await search_store.look(connection, ts_and([*inside, among(readers)]), ts_and(_terms(query.words)))


async def _similar(
    connection: Any, query: Query, readers: Sequence[str], known: Vocabulary
) -> tuple[list[UUID], bool]:
    """What fits when mistyped words are taken for known ones they are alike."""
    mistyped = [word for word in query.words[:-1] if word not in known.dossiers]
    if not known.begun:
        mistyped.append(query.words[-1])
    alike = await search_store.alike(connection, mistyped) if mistyped else {}
    if not mistyped or any(word not in alike for word in mistyped):
        return [], False
    # A word that was not understood is a whole one; the last, when it was, may still be only begun.
    whole = [ts_or(alike.get(word, (word,))) for word in query.words[:-1]]
    last = query.words[-1]
    begun = [] if last in alike else [f"{ts_word(last)}:*"]
    if last in alike:
        whole.append(ts_or(alike[last]))
    terms = ts_and([*whole, *begun])
    found = await search_store.walk(connection, readers, terms)
    if not found.whole and not found.found:
        found = await search_store.look(connection, ts_and([*whole, among(readers)]), terms)
    return _ranked(query, found.found, alike), not found.whole


def narrowing(words: Sequence[str], known: Vocabulary) -> list[str]:
    """The terms the index is asked for: all whole words, and the begun one unless that alone would be too much."""
    whole = [ts_word(word) for word in words[:-1]]
    return [*whole, f"{ts_word(words[-1])}:*"] if known.begun <= COMMON_DOSSIERS else whole


def _terms(words: Sequence[str]) -> list[str]:
    return [*map(ts_word, words[:-1]), f"{ts_word(words[-1])}:*"]


def _ranked(
    query: Query, found: Iterable[Named], alike: Mapping[str, Sequence[str]] | None = None
) -> list[UUID]:
    """Those that fit, best first: by the fit, what is meant by a mistake by its likeness, then the newest."""
    fits = [(best_fit(query, each.names, alike), each.dossier_id) for each in found]
    ranked = [(*best, -one.int, one) for best, one in fits if best is not None]
    return [one for *_, one in sorted(ranked)]


def among(readers: Sequence[str]) -> str:
    """The tsquery of what any of the readers may find."""
    return ts_or([f"@{reader}" for reader in readers])


def ts_word(word: str) -> str:
    """A lexeme written out for a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def ts_or(words: Sequence[str]) -> str:
    """Any of the words."""
    return f"({' | '.join(map(ts_word, dict.fromkeys(words)))})"


def ts_and(terms: Sequence[str]) -> str:
    """All of the terms, each a tsquery itself."""
    return " & ".join(terms)
