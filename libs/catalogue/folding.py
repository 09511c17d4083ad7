"""Vietnamese text: one written form (NFC, single blanks), and a folded form for search and comparison."""

import unicodedata

# Invisible characters that copying from web pages brings; eth for đ.
_MENDED: dict[int, str | None] = {**dict.fromkeys(map(ord, "\u200b\u2060\ufeff")), 0xD0: "Đ", 0xF0: "đ"}


def tidy(text: str) -> str:
    """The text in NFC with single blanks between words and none around; accepts decomposed (NFD) text.

    Eth (Ð, ð) becomes the Vietnamese Đ, đ: old fonts drew them alike and real name lists hold both.
    """
    if text.isascii():
        return " ".join(text.split())
    return " ".join(unicodedata.normalize("NFC", text.translate(_MENDED)).split())


def fold(text: str) -> str:
    """Lower case without tone and vowel marks, đ as d, single blanks: `Ngã Bảy` and `NGA  BAY` fold alike."""
    if text.isascii():
        return " ".join(text.lower().split())
    bare = unicodedata.normalize("NFD", tidy(text).casefold())
    return "".join(sign for sign in bare if not unicodedata.combining(sign)).replace("đ", "d")
