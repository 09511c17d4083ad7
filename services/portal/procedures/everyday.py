"""How people say and spell what procedures are about: other words, and words that sound alike. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from libs.catalogue.files import read_yaml
from libs.catalogue.folding import fold, tidy

FILE = "synonyms.yaml"
# Said alike somewhere in the country and so written one for the other, in words without marks: longest first.
_BEGINNINGS = (
    ("ngh", "ng"),
    ("gh", "g"),
    ("gi", "d"),
    ("tr", "ch"),
    ("x", "s"),
    ("r", "d"),
    ("v", "d"),
    ("k", "c"),
    ("q", "c"),
)
_ENDINGS = (("ng", "n"), ("nh", "n"), ("ch", "t"), ("c", "t"))


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Everyday words and the official ones they stand for."""

    words: tuple[str, ...]
    means: str


class Everyday(msgspec.Struct, frozen=True, kw_only=True):
    """catalogue/synonyms.yaml."""

    said: tuple[Said, ...] = ()
    little: tuple[str, ...] = ()


class Word(msgspec.Struct, frozen=True):
    """A word to look for, folded; `official` as it is written in names when it stands for an everyday one."""

    folded: str
    official: str = ""


class Speech:
    """Everyday words ready to be found in what is typed. Immutable."""

    def __init__(self, everyday: Everyday) -> None:
        self.little = frozenset(fold(word) for word in everyday.little)
        self._means: Mapping[tuple[str, ...], tuple[Word, ...]] = {
            tuple(words_of(fold(words))): tuple(
                Word(fold(word), word) for word in words_of(tidy(one.means).casefold())
            )
            for one in everyday.said
            for words in one.words
        }
        self._longest = max(map(len, self._means), default=0)

    def understood(self, words: Sequence[str]) -> list[Word]:
        """The words with everyday ones replaced, the longest that fit first."""
        found: list[Word] = []
        at = 0
        while at < len(words):
            for length in range(min(self._longest, len(words) - at), 0, -1):
                if meant := self._means.get(tuple(words[at : at + length])):
                    found += meant
                    at += length
                    break
            else:
                found.append(Word(words[at]))
                at += 1
        return found


@lru_cache(maxsize=4)
def speech_of(folder: Path) -> Speech:
    """The everyday words of a catalogue. Raises CatalogueError."""
    return Speech(read_yaml(folder / FILE, Everyday))


def words_of(text: str) -> list[str]:
    """The words of a text, without signs between them."""
    return re.findall(r"[^\W_]+", text)


@lru_cache(maxsize=4096)
def beginning_heard(word: str) -> str:
    """A folded word with the beginning as it sounds: `xinh` and `sinh`, `chu` and `tru`, `giay` and `day` are one."""
    for written, heard in _BEGINNINGS:
        if word.startswith(written) and len(word) > len(written):
            return (heard + word[len(written) :]).replace("y", "i")
    return word.replace("y", "i")


@lru_cache(maxsize=4096)
def sound_of(word: str) -> str:
    """The same with its ending as it sounds, too: `thuong` and `thuon`, `cac` and `cat`."""
    begun = beginning_heard(word)
    for written, heard in _ENDINGS:
        if begun.endswith(written) and len(begun) > len(written) + 1:
            return begun[: -len(written)] + heard
    return begun


def sounds_of(words: Iterable[str]) -> str:
    """Words as they sound, with blanks between them."""
    return " ".join(map(sound_of, words))
