"""Vietnamese text: one written form (NFC, single blanks), and a folded form for search and comparison."""

import unicodedata

_LOST = dict.fromkeys(
    map(ord, "\u200b\u2060\ufeff")
)  # invisible characters that copying from web pages brings


def tidy(text: str) -> str:
    """The text in NFC with single blanks between words and none around; accepts decomposed (NFD) text."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_LOST)).split())


def fold(text: str) -> str:
    """Lower case without tone and vowel marks, đ as d, single blanks: `Ngã Bảy` and `NGA  BAY` fold alike."""
    if text.isascii():
        return " ".join(text.lower().split())
    bare = unicodedata.normalize("NFD", tidy(text).casefold())
    return "".join(sign for sign in bare if not unicodedata.combining(sign)).replace("đ", "d")
