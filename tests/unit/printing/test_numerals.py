"""Numbers, money and quantities on papers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.printing.numerals import (
    NUMBER_MAX,
    copies_text,
    count_text,
    money_text,
    money_words,
    number_text,
    number_words,
)

GOLDEN = {
    0: "không",
    1: "một",
    4: "bốn",
    5: "năm",
    10: "mười",
    11: "mười một",
    15: "mười lăm",
    20: "hai mươi",
    21: "hai mươi mốt",
    24: "hai mươi bốn",
    25: "hai mươi lăm",
    31: "ba mươi mốt",
    91: "chín mươi mốt",
    100: "một trăm",
    101: "một trăm lẻ một",
    105: "một trăm lẻ năm",
    110: "một trăm mười",
    115: "một trăm mười lăm",
    555: "năm trăm năm mươi lăm",
    1_000: "một nghìn",
    1_999: "một nghìn chín trăm chín mươi chín",
    2_000: "hai nghìn",
    2_005: "hai nghìn không trăm lẻ năm",
    2_026: "hai nghìn không trăm hai mươi sáu",
    2_500: "hai nghìn năm trăm",
    8_000: "tám nghìn",
    10_000: "mười nghìn",
    15_015: "mười lăm nghìn không trăm mười lăm",
    21_000: "hai mươi mốt nghìn",
    105_000: "một trăm lẻ năm nghìn",
    1_000_000: "một triệu",
    1_000_001: "một triệu không trăm lẻ một",
    1_005_000: "một triệu không trăm lẻ năm nghìn",
    1_250_000: "một triệu hai trăm năm mươi nghìn",
    21_021_021: "hai mươi mốt triệu không trăm hai mươi mốt nghìn không trăm hai mươi mốt",
    1_000_000_000: "một tỷ",
    1_000_000_005: "một tỷ không trăm lẻ năm",
    2_150_075_001: "hai tỷ một trăm năm mươi triệu không trăm bảy mươi lăm nghìn không trăm lẻ một",
    999_999_999_999: (
        "chín trăm chín mươi chín tỷ chín trăm chín mươi chín triệu "
        "chín trăm chín mươi chín nghìn chín trăm chín mươi chín"
    ),
}


@pytest.mark.parametrize(("number", "words"), GOLDEN.items())
def test_numbers_are_written_as_people_say_them(number: int, words: str) -> None:
    """Mười or mươi, một or mốt, năm or lăm, lẻ and không trăm stand where Vietnamese puts them."""
    assert number_words(number) == words


@given(st.integers(0, NUMBER_MAX), st.integers(0, NUMBER_MAX))
def test_different_numbers_have_different_words(a: int, b: int) -> None:
    """No two numbers read the same."""
    assert (number_words(a) == number_words(b)) == (a == b)


_DIGITS = ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"]
_ALONE = {word: digit for digit, word in enumerate(_DIGITS)} | {"mốt": 1, "lăm": 5}
_SCALES = {"nghìn": 10**3, "triệu": 10**6, "tỷ": 10**9}


def read_aloud(words: str) -> int:
    """The number somebody writes down who hears these words."""
    total = group = digit = 0
    for word in words.split():
        if word in _ALONE:
            digit = _ALONE[word]
        elif word == "mười":
            group, digit = group + 10, 0
        elif word == "mươi":
            group, digit = group + 10 * digit, 0
        elif word == "trăm":
            group, digit = group + 100 * digit, 0
        elif word in _SCALES:
            total, group, digit = total + (group + digit) * _SCALES[word], 0, 0
        else:
            assert word == "lẻ", word
    return total + group + digit


@given(st.integers(0, NUMBER_MAX))
def test_who_hears_the_words_writes_the_number(number: int) -> None:
    """The words lead back to the number, for every number."""
    assert read_aloud(number_words(number)) == number


@given(st.integers(0, NUMBER_MAX))
def test_words_never_come_in_forms_nobody_says(number: int) -> None:
    """No 'mươi một', no 'mươi năm', no 'mười mốt', no 'lẻ mười'."""
    words = number_words(number)
    assert not re.search(
        r"mươi một\b|mươi năm\b(?! mươi| trăm)|mười mốt|mười năm\b|lẻ mười|không mươi", words
    )


@pytest.mark.parametrize("number", [-1, NUMBER_MAX + 1])
def test_numbers_beyond_billions_are_refused(number: int) -> None:
    """Rather than words that are wrong."""
    with pytest.raises(ValueError, match="number outside"):
        number_words(number)


def test_money_is_written_with_dots_and_in_words() -> None:
    """The sign stays on the line of its number."""
    assert number_text(1_250_000) == "1.250.000"
    assert money_text(1_250_000) == "1.250.000\u00a0₫"
    assert money_text(0) == "0\u00a0₫"
    assert money_words(1_250_000) == "Một triệu hai trăm năm mươi nghìn đồng"
    assert money_words(0) == "Không đồng"


def test_quantities_have_two_digits() -> None:
    """Nobody can put a digit in front."""
    assert count_text(1) == "01"
    assert count_text(12) == "12"
    assert copies_text(originals=1, copies=2) == "01\u00a0bản\u00a0chính, 02\u00a0bản\u00a0sao"
    assert copies_text(originals=0, copies=0, electronic=1) == "01\u00a0bản\u00a0điện\u00a0tử"
    assert copies_text(originals=0, copies=0) == ""
