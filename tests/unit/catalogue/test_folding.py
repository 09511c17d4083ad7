"""One written and one folded form of Vietnamese text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.folding import fold, tidy


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ngã Bảy", "nga bay"),
        ("ĐẶNG THỊ ƯỚC", "dang thi uoc"),
        ("  Đại\u00a0 Thành ", "dai thanh"),
        ("H'Mông", "h'mong"),
        ("Ngọk Bay", "ngok bay"),
        ("NGA  BAY", "nga bay"),
    ],
)
def test_vietnamese_folds_to_plain_letters(text: str, folded: str) -> None:
    """Tone and vowel marks go, đ becomes d, letters are small and blanks single."""
    assert fold(text) == folded


@given(st.text())
def test_folding_is_stable_and_blind_to_encoding(text: str) -> None:
    """Folding twice changes nothing, and composed and decomposed text fold alike."""
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@given(st.text())
def test_tidy_text_is_composed_and_stays_so(text: str) -> None:
    """Tidying gives NFC and is stable."""
    assert unicodedata.is_normalized("NFC", tidy(text))
    assert tidy(tidy(text)) == tidy(text)


def test_eth_is_read_as_the_vietnamese_letter() -> None:
    """A name typed with eth (Ð) is the same name as one typed with Đ."""
    assert tidy("Ðỗ Văn ðạt") == "Đỗ Văn đạt"
    assert fold("Ðỗ") == fold("Đỗ") == "do"
