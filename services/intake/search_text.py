"""What somebody typed into the search box, taken apart; and how well a name fits it. Pure.

One way to cut names into words is used on both sides, for what is stored and for what is asked.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from string import ascii_lowercase
from typing import Literal
from uuid import UUID

import msgspec

from libs.catalogue.folding import fold, tidy
from libs.catalogue.identifiers import IdentifierError, check_phone
from services.intake.dossier_codes import CodeRead, read_code

TYPED_LENGTH_MAX = 200
LETTERS_MIN = 2
WORDS_MAX = 8
WORD_LENGTH_MAX = 40
NumberKind = Literal["identity", "insurance", "certificate", "phone"]
NUMBER_KINDS: tuple[NumberKind, ...] = ("identity", "insurance", "certificate", "phone")

# H'Linh is one word, however its apostrophe was typed; a hyphen parts two.
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2019\u02bc\u2018`\u00b4"))
_TOKEN = re.compile(r"[A-Za-z0-9_-]{24}")
_SIGNS = re.compile(r"[\s.\-()/]+")
_NUMBER = re.compile(r"(?=.*[0-9])[0-9A-Z]{3,30}", re.ASCII)
# A health-insurance card (BHYT) ends with the number of its holder.
_CARD = re.compile(r"[A-Z]{2}[0-9]{3}([0-9]{10})")


class Fit(IntEnum):
    """How well a name fits what was typed, the best first."""

    EXACT = 0
    GIVEN = 1
    WORDS = 2
    SIMILAR = 3


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed, in every reading it allows. `words` are folded, `accented` the same with their accents."""

    code: CodeRead | None
    token: str
    numbers: Mapping[UUID, NumberKind]
    words: tuple[str, ...]
    accented: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return self.code is None and not self.token and not self.numbers and not self.words


def read_query(text: str) -> Query:
    """What was typed into the box; a query without any reading is `empty`."""
    typed = tidy(text[:TYPED_LENGTH_MAX])
    accented = name_words(typed)[:WORDS_MAX]
    words = tuple(map(folded, accented))
    if sum(map(len, words)) < LETTERS_MIN:
        accented = words = ()
    return Query(
        code=read_code(typed),
        token=typed if _TOKEN.fullmatch(typed) else "",
        numbers={number_key(kind, typed): kind for kind in NUMBER_KINDS if number_form(kind, typed)},
        words=words,
        accented=accented,
    )


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name in small letters with their accents; signs, digits and pictures are none."""
    plain = unicodedata.normalize("NFC", tidy(name).translate(_APOSTROPHES)).lower()
    letters = "".join(
        sign if sign.isalpha() else "" if unicodedata.combining(sign) else " " for sign in plain
    )
    return tuple(word[:WORD_LENGTH_MAX] for word in letters.split() if folded(word))


def folded_words(name: str) -> tuple[str, ...]:
    """The words of a name without accents."""
    return tuple(map(folded, name_words(name)))


@lru_cache(maxsize=10_000)
def folded(word: str) -> str:
    """One word without accents. All names are made of some thousand words."""
    return fold(word)


def number_form(kind: NumberKind, text: str) -> str:
    """A number in the one form it is compared in, empty when it can be none of the kind."""
    number = _SIGNS.sub("", text).upper()
    if kind == "phone":
        try:
            return check_phone(text)
        except IdentifierError:
            return ""
    return number if _NUMBER.fullmatch(number) else ""


def number_key(kind: NumberKind, text: str) -> UUID:
    """What stands for a number in the index: a digest, so that no index, plan or error text shows a person's number."""
    return _digest(kind, number_form(kind, text))


def number_keys(kind: NumberKind, text: str) -> Iterator[UUID]:
    """Every key a stored number is found by; a card is found by its holder's number as well."""
    form = number_form(kind, text)
    if not form:
        return
    yield _digest(kind, form)
    if kind == "insurance" and (card := _CARD.fullmatch(form)):
        yield _digest(kind, card[1])


def _digest(kind: NumberKind, form: str) -> UUID:
    return UUID(bytes=sha256(f"{kind}:{form}".encode()).digest()[:16])


def fit_of(query: Query, name: str, alike: Mapping[str, Collection[str]] | None = None) -> Fit | None:
    """How well one name fits, None for not at all.

    The words may stand in any order; the last may be only begun. `alike` gives, for a typed word, those it may have
    been meant for: what fits only so is SIMILAR.
    """
    accented = name_words(name)
    words = tuple(map(folded, accented))
    if not words or not query.words:
        return None
    if not _fits(query.words, words):
        meant = _meant(query.words, words, alike or {})
        return Fit.SIMILAR if meant and _fits(meant, words) else None
    if not Counter(query.accented) - Counter(accented):
        return Fit.EXACT
    is_given = words[-1].startswith(query.words[-1]) and _fits(query.words[:-1], words[:-1], begun=False)
    return Fit.GIVEN if is_given else Fit.WORDS


def likeness(query: Query, name: str) -> float:
    """How many trigrams what was typed and a name have in common, 0 to 1 (as pg_trgm counts them)."""
    one, other = _trigrams(query.words), _trigrams(folded_words(name))
    return len(one & other) / len(one | other) if one | other else 0.0


def one_off(word: str) -> frozenset[str]:
    """Every word one slip away: a letter left out, doubled or wrong, two letters in each other's place."""
    cuts = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    left_out = {before + after[1:] for before, after in cuts if after}
    changed = {before + after[1] + after[0] + after[2:] for before, after in cuts if len(after) > 1}
    wrong = {before + sign + after[1:] for before, after in cuts if after for sign in ascii_lowercase}
    more = {before + sign + after for before, after in cuts for sign in ascii_lowercase}
    return frozenset(left_out | changed | wrong | more) - {word, ""}


def best_fit(
    query: Query, names: Sequence[str], alike: Mapping[str, Collection[str]] | None = None
) -> tuple[Fit, float] | None:
    """The best of several names: how well it fits and, where only by a mistake, how unlike it is; None for none."""
    fits = ((fit_of(query, name, alike), name) for name in names)
    return min(
        (
            (fit, -likeness(query, name) if fit is Fit.SIMILAR else 0.0)
            for fit, name in fits
            if fit is not None
        ),
        default=None,
    )


def _fits(typed: Sequence[str], words: Sequence[str], *, begun: bool = True) -> bool:
    """Whether each typed word is one of the words, no word twice; the last typed one may be only `begun`."""
    left = list(words)
    whole = typed[:-1] if begun else typed
    for word in whole:
        if word not in left:
            return False
        left.remove(word)
    return not begun or any(word.startswith(typed[-1]) for word in left)


def _meant(
    typed: Sequence[str], words: Sequence[str], alike: Mapping[str, Collection[str]]
) -> tuple[str, ...] | None:
    """The typed words with each mistaken one replaced by a word of the name it is alike; None when one has none."""
    found = []
    for place, word in enumerate(typed):
        known = word in words or (place == len(typed) - 1 and any(w.startswith(word) for w in words))
        meant = word if known else next((w for w in words if w in alike.get(word, ())), None)
        if meant is None:
            return None
        found.append(meant)
    return tuple(found)


def _trigrams(words: Sequence[str]) -> frozenset[str]:
    padded = [f"  {word} " for word in words]
    return frozenset(word[place : place + 3] for word in padded for place in range(len(word) - 2))
