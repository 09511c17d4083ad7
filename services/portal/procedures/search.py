"""Finds procedures by what people type: without accents, words in any order, with typing mistakes. Pure.

The index is made once from names of all procedures; a query compares its words with the words there are, not with 366
names. Rank: names that hold the words as typed, with their accents; then folded; then like them.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from rapidfuzz import fuzz, process
from rapidfuzz.distance import JaroWinkler

from libs.catalogue.folding import fold, tidy
from services.portal.procedures.everyday import (
    Everyday,
    Speech,
    Word,
    beginning_heard,
    sound_of,
    sounds_of,
    words_of,
)

QUERY_LENGTH_MAX = 100
WORDS_MAX = 12
# Below this likeness two words are different words: "kai" and "khai" have 0.93, "sinh" and "minh" 0.83.
LIKENESS_MIN = 0.86
SHORT_LETTERS = 3
# Longer differences are other words, or several written together.
MISSING_LETTERS_MAX = 2
# Spelt as it sounds: nearly the word itself when there is no such word, less when there is.
SOUND_UNKNOWN, SOUND_KNOWN = 0.9, 0.75
SOUND_IN_ORDER_BONUS = 0.25
# Words like "giấy", "cho" are in what people type and tell little.
LITTLE_WEIGHT = 0.15
# A name must hold this share of the weight of what was typed.
HELD_MIN = 0.6
# What the short name, which people know, counts more than the official one.
SHORT_NAME_BONUS = 0.25
AS_TYPED_BONUS = 0.5
IN_ORDER_BONUS = 0.3
# Of two names that hold all words the shorter is the nearer one.
LENGTH_WEIGHT = 0.2
# Several words written together, or one torn apart.
TOGETHER_MIN = 82.0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One procedure as it is looked for; `weight` breaks ties in favour of what is asked for most."""

    code: str
    short_name: str
    name: str
    field: str = ""
    weight: float = 0.0


class _Indexed(msgspec.Struct, frozen=True):
    entry: Entry
    words: frozenset[str]
    short_words: frozenset[str]
    written: str
    short: str
    sounds: str
    spoken: str
    together: str


class ProcedureIndex:
    """Every procedure's words. Immutable."""

    def __init__(self, entries: Iterable[Entry], speech: Speech | None = None) -> None:
        self._speech = speech or Speech(Everyday())
        self._indexed = [_index(entry) for entry in entries]
        self._by_code = {_digits(one.entry.code): one.entry for one in self._indexed}
        counts = Counter(word for one in self._indexed for word in one.words)
        total = len(self._indexed) + 1
        # A word of every name ("thủ tục") tells nothing.
        self._weights: Mapping[str, float] = {word: math.log(total / n) + 0.1 for word, n in counts.items()}
        self._vocabulary = list(self._weights)
        alike: dict[str, list[str]] = defaultdict(list)
        for word in self._vocabulary:
            alike[sound_of(word)].append(word)
        self._sounding = dict(alike)
        holders: dict[str, list[int]] = defaultdict(list)
        for place, one in enumerate(self._indexed):
            for word in one.words:
                holders[word].append(place)
        self._holders = dict(holders)

    def find(self, typed: str, limit: int) -> list[Entry]:
        """The procedures that fit best, best first; none for an empty query or one without letters."""
        query = tidy(typed[:QUERY_LENGTH_MAX])
        folded = fold(query)
        if len(_digits(folded)) >= 4 and (known := self._by_code.get(_digits(folded))):
            return [known]
        typed_words = words_of(folded)[:WORDS_MAX]
        if not typed_words:
            return []
        words = self._speech.understood(typed_words)
        scores = self._held(words)
        official = [word.official for word in words if word.official]
        if official:
            wanted = f" {' '.join(official)} "
            scores = {at: score for at, score in scores.items() if wanted in self._indexed[at].written}
        elif not scores:
            scores = self._alike("".join(typed_words))
        spoken = " ".join(official) if len(official) == len(words) else query.casefold()
        telling = self._telling(words)
        ranked = sorted(
            ((score + self._bonus(place, spoken, telling), place) for place, score in scores.items()),
            key=lambda found: (-found[0], found[1]),
        )
        return [self._indexed[place].entry for _, place in ranked[:limit]]

    def _telling(self, words: Sequence[Word]) -> list[str]:
        """The words without those that tell little; all of them when there are no others."""
        telling = [word.folded for word in words if word.official or word.folded not in self._speech.little]
        return telling or [word.folded for word in words]

    def _held(self, words: Sequence[Word]) -> dict[int, float]:
        """Place → share of the query's weight its names hold, at least HELD_MIN."""
        wanted, held = 0.0, defaultdict[int, float](float)
        telling = frozenset(self._telling(words))
        for number, word in enumerate(words):
            alike = self._likenesses(word.folded, begun=number == len(words) - 1 and not word.official)
            weight = max((self._weights[known] for known in alike), default=math.log(len(self._indexed) + 1))
            if word.folded not in telling:
                weight *= LITTLE_WEIGHT
            wanted += weight
            best: dict[int, float] = {}
            for known, likeness in alike.items():
                for place in self._holders[known]:
                    bonus = SHORT_NAME_BONUS if known in self._indexed[place].short_words else 0.0
                    best[place] = max(best.get(place, 0.0), likeness + bonus)
            for place, likeness in best.items():
                held[place] += weight * likeness
        return {place: found / wanted for place, found in held.items() if found / wanted >= HELD_MIN}

    def _likenesses(self, word: str, *, begun: bool) -> dict[str, float]:
        """Known words → how like the typed one they are; the last one typed may be only begun."""
        found = {word: 1.0} if word in self._weights else {}
        if begun:
            found |= {known: 0.9 for known in self._vocabulary if known != word and known.startswith(word)}
        is_word = word in self._weights
        unknown = not found
        # A word there is was perhaps meant with another beginning; with another ending as well it would be any word.
        same = beginning_heard if is_word else sound_of
        sound = SOUND_KNOWN if is_word else SOUND_UNKNOWN
        for known in self._sounding.get(sound_of(word), ()):
            if known not in found and same(known) == same(word):
                found[known] = sound
        if unknown and len(word) >= SHORT_LETTERS:
            near = process.extract(
                word,
                self._vocabulary,
                scorer=JaroWinkler.normalized_similarity,
                score_cutoff=LIKENESS_MIN,
                limit=8,
            )
            # A likeness counts less than the word itself, or a word mistyped would outdo it.
            for known, likeness, _ in near:
                if abs(len(known) - len(word)) <= MISSING_LETTERS_MAX:
                    found[known] = max(found.get(known, 0.0), likeness * 0.9)
        return found

    def _alike(self, together: str) -> dict[int, float]:
        """Names that are like the query when nobody minds the blanks (`khaisinh`, `k hai sinh`)."""
        if len(together) < 2 * SHORT_LETTERS:
            return {}
        found = process.extract(
            together,
            [one.together for one in self._indexed],
            scorer=fuzz.partial_ratio,
            score_cutoff=TOGETHER_MIN,
            limit=None,
        )
        return {place: score / 100 for _, score, place in found}

    def _bonus(self, place: int, spoken: str, telling: Sequence[str]) -> float:
        one = self._indexed[place]
        bonus = one.entry.weight
        if spoken in one.spoken:
            bonus += AS_TYPED_BONUS
        if f" {' '.join(telling)}" in f" {one.short}":
            bonus += IN_ORDER_BONUS
        elif f" {sounds_of(telling)} " in f" {one.sounds} ":
            bonus += SOUND_IN_ORDER_BONUS
        return bonus + LENGTH_WEIGHT / (1 + len(one.short_words))


def _index(entry: Entry) -> _Indexed:
    short, name, field = fold(entry.short_name), fold(entry.name), fold(entry.field)
    return _Indexed(
        entry=entry,
        words=frozenset(words_of(f"{short} {name} {field}")),
        short_words=frozenset(words_of(short)),
        written=f" {' '.join(words_of(f'{tidy(entry.short_name)} {tidy(entry.name)}'.casefold()))} ",
        short=" ".join(words_of(short)),
        sounds=sounds_of(words_of(short)),
        spoken=f"{tidy(entry.short_name)} {tidy(entry.name)}".casefold(),
        together="".join(words_of(short)),
    )


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())
