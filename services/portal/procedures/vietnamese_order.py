"""The order of Vietnamese words and of people's names, as a dictionary and a class register have it. Pure.

Letters first (a ă â … d đ e ê … o ô ơ … u ư …), then tones from left to right (ngang huyền hỏi ngã sắc nặng), then
small letters before capitals: what ICU's collation `vi` does. The order of code points is another one (Ă after z).
"""

import unicodedata
from collections.abc import Iterable

from libs.catalogue.folding import tidy

# Compared piece by piece: letters, then tones, then capitals, then the text itself so that no two texts are equal.
Key = tuple[tuple[tuple[int, int], ...], tuple[int, ...], tuple[int, ...], str]

_LETTERS = {letter: place for place, letter in enumerate("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz")}
# ngang has no mark; huyền, hỏi, ngã, sắc, nặng.
_TONES = {mark: place for place, mark in enumerate("\u0300\u0309\u0303\u0301\u0323", 1)}
# Circumflex, breve and horn make another letter; every other mark is told apart after the tones.
_SHAPES = frozenset("\u0302\u0306\u031b")
_OTHER_MARKS = len(_TONES) + 1
_BLANK, _SIGN, _DIGIT, _LETTER, _FOREIGN = range(5)


def word_key(text: str) -> Key:
    """The sort key of a word or phrase; decomposed text (NFD) sorts as composed text does."""
    known = tidy(text)
    letters: list[tuple[int, int]] = []
    tones: list[int] = []
    capitals: list[int] = []
    for sign in known:
        base, tone, others = _parted(sign)
        if base:
            letters.append(_placed(base.lower()))
            tones.append(0)
            capitals.append(int(base != base.lower()))
        tones += [tone] if tone else []
        tones += [_OTHER_MARKS + ord(mark) for mark in others]
    return tuple(letters), tuple(tones), tuple(capitals), known


def person_key(name: str) -> tuple[Key, Key]:
    """The sort key of a person's full name: by the given name (tên, the last word), then by the rest."""
    rest, _, given = tidy(name).rpartition(" ")
    return word_key(given), word_key(rest)


def in_order(words: Iterable[str]) -> list[str]:
    """Words or phrases in Vietnamese order."""
    return sorted(words, key=word_key)


def people_in_order(names: Iterable[str]) -> list[str]:
    """Full names in the order of a class register."""
    return sorted(names, key=person_key)


def _parted(sign: str) -> tuple[str, int, list[str]]:
    """The letter without its tone (empty for a mark that stands alone), the tone, and marks no Vietnamese word has."""
    base, *marks = list(unicodedata.normalize("NFD", sign))
    if unicodedata.combining(base):
        base, marks = "", [base, *marks]
    tone = next((_TONES[mark] for mark in marks if mark in _TONES), 0)
    shape = "".join(mark for mark in marks if mark in _SHAPES)
    whole = unicodedata.normalize("NFC", base + shape)
    if len(whole) > 1 or whole.lower() not in _LETTERS:
        return base, tone, [mark for mark in marks if mark not in _TONES]
    return whole, tone, [mark for mark in marks if mark not in _TONES and mark not in _SHAPES]


def _placed(letter: str) -> tuple[int, int]:
    if letter in _LETTERS:
        return _LETTER, _LETTERS[letter]
    if letter.isspace():
        return _BLANK, 0
    if letter.isdecimal():
        return _DIGIT, unicodedata.decimal(letter)
    # A capital may become several signs (İ): the first tells.
    return (_FOREIGN if letter.isalpha() else _SIGN), ord(letter[0])
