"""The letters papers can show: one spelling of each, and what to do with those the papers' type lacks. Pure."""

import unicodedata

# Left behind by copying from web pages and word processors; they say nothing.
_DROPPED = dict.fromkeys(map(ord, "\u200b\ufeff\u00ad"))
_SIGNS = frozenset("°€₫±×÷²³№□→")
# What the embedded types have upright, bold and italic: Latin letters, those of Vietnamese, letters that modify; marks.
_LETTERS = (range(0x00A1, 0x0242), range(0x02B0, 0x02E5), range(0x1E00, 0x1EFA))
_MARKS = range(0x0300, 0x0370)
# Of General Punctuation: dashes, quotation marks, dots, per mille, primes.
_PUNCTUATION = (range(0x2010, 0x2028), range(0x2030, 0x2038), range(0x2039, 0x203F))
# Stands where a letter cannot be shown: to be seen, so that somebody writes it in by hand.
MISSING = "□"


def printable(text: str) -> str:
    """The text in the one spelling of its letters. Raises ValueError for letters the papers' type cannot show.

    The type has Latin letters only. A name in other letters would come out as empty boxes on a signed document, and
    an invisible character (such as one that turns the direction of writing) could make it read as another name.
    """
    text = _one_spelling(text)
    if all(_is_shown(character) for character in set(text)):
        return text
    raise ValueError("letters that cannot be printed")


def shown(text: str) -> str:
    """The text for a paper that must be printed whatever it says: each letter the type lacks is an empty box.

    >>> shown("Mai 😀")
    'Mai □'
    """
    text = _one_spelling(text)
    if text.isascii() and text.isprintable():
        return text
    boxed = "".join(c if _is_shown(c) else _stand_in(c) for c in text)
    return unicodedata.normalize("NFC", boxed)


def _one_spelling(text: str) -> str:
    return unicodedata.normalize("NFC", text.translate(_DROPPED))


def _stand_in(character: str) -> str:
    """Marks, joiners and turners of direction have no place of their own; anything else was a letter to somebody."""
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in {"Cc", "Cf", "Mn", "Me"} else MISSING


def _is_shown(character: str) -> bool:
    code, category = ord(character), unicodedata.category(character)
    if code < 127:
        return code >= 32 or character in "\n\t"
    if category[0] == "L":
        return any(code in each for each in _LETTERS)
    if category[0] in "PZN":
        return code < _LETTERS[0].stop or any(code in each for each in _PUNCTUATION)
    return code in _MARKS or character in _SIGNS
