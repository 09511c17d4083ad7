"""What is typed into the search box, and how well names fit it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.folding import fold
from services.intake.search_text import (
    Fit,
    best_fit,
    fit_of,
    folded_words,
    name_words,
    number_form,
    number_keys,
    one_off,
    read_query,
)

NAMES = st.lists(
    st.sampled_from(["Nguyễn", "Trần", "Đỗ", "Thị", "Văn", "Hoà", "Hòa", "Mai", "Ngọc", "Ân"]),
    min_size=1,
    max_size=5,
).map(" ".join)


@pytest.mark.parametrize(
    ("typed", "name", "fit"),
    [
        ("nguyễn thị hoà", "Nguyễn Thị Hoà", Fit.EXACT),
        ("Hoà Nguyễn", "Nguyễn Thị Hoà", Fit.EXACT),
        ("nguyen thi hoa", "Nguyễn Thị Hoà", Fit.GIVEN),
        ("nguyễn thị hòa", "Nguyễn Thị Hoà", Fit.GIVEN),
        ("ho", "Nguyễn Thị Hoà", Fit.GIVEN),
        ("do thi ho", "Đỗ Thị Hoà", Fit.GIVEN),
        ("hoa nguyen", "Nguyễn Thị Hoà", Fit.WORDS),
        ("nguy", "Nguyễn Thị Hoà", Fit.WORDS),
        ("h'linh", "Niê H’Linh", Fit.EXACT),
        ("hlinh", "Niê H'Linh", Fit.EXACT),
        ("nguyen mai", "Nguyễn Thị Hoà", None),
        ("thi thi", "Nguyễn Thị Hoà", None),
        ("guyen", "Nguyễn Thị Hoà", None),
        ("hoa", "", None),
        ("hoa", "🙂 123", None),
    ],
)
def test_a_name_fits_by_its_words(typed: str, name: str, fit: Fit | None) -> None:
    """Any order, the last word only begun; accents decide only which comes first."""
    assert fit_of(read_query(typed), name) is fit


def test_a_mistyped_word_fits_what_it_is_alike() -> None:
    """Only where the whole name then fits, and after everything that fits as typed."""
    query = read_query("nguyne thi hoa")
    alike = {"nguyne": ["nguyen", "nguyet"]}
    assert fit_of(query, "Nguyễn Thị Hoà") is None
    assert fit_of(query, "Nguyễn Thị Hoà", alike) is Fit.SIMILAR
    assert fit_of(query, "Trần Thị Hoà", alike) is None
    best = best_fit(query, ["Trần Thị Hoà", "Nguyễn Thị Hoà"], alike)
    assert best is not None
    assert best[0] is Fit.SIMILAR
    assert best[1] < 0


@given(NAMES)
def test_every_name_fits_itself_and_its_folded_form(name: str) -> None:
    """Composed or decomposed, shuffled, without accents."""
    assert fit_of(read_query(name), name) is Fit.EXACT
    assert fit_of(read_query(unicodedata.normalize("NFD", name)), name) is Fit.EXACT
    assert fit_of(read_query(fold(name)), name) in (Fit.EXACT, Fit.GIVEN)
    assert fit_of(read_query(" ".join(reversed(name.split()))), name) is Fit.EXACT


@given(NAMES, st.data())
def test_a_name_is_found_while_it_is_typed(name: str, data: st.DataObject) -> None:
    """Every beginning of at least two letters fits."""
    typed = fold(name)[: data.draw(st.integers(1, len(name)))]
    query = read_query(typed)
    if query.words:
        assert fit_of(query, name) is not None


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Anything may be typed; words hold no sign a query could be made of."""
    query = read_query(text)
    assert all(word.isalpha() for word in query.accented)
    assert len(query.words) <= 8
    assert [folded_words(word) for word in query.words if word.isascii()] == [
        (word,) for word in query.words if word.isascii()
    ]


@pytest.mark.parametrize("typed", ["", "n", "%", "_", "\\", "% _ \\", "🙂", "'", "--", "1"])
def test_there_must_be_something_to_look_for(typed: str) -> None:
    """One letter or digit, wildcards and pictures are nothing."""
    assert read_query(typed).empty


@pytest.mark.parametrize(
    ("typed", "kinds"),
    [
        ("093195000777", {"identity", "insurance", "certificate"}),
        ("093 195 000 777", {"identity", "insurance", "certificate"}),
        ("0912 345 678", {"identity", "insurance", "certificate", "phone"}),
        ("+84912345678", {"phone"}),
        ("DN4797912345678", {"identity", "insurance", "certificate"}),
        ("nguyen", set()),
    ],
)
def test_a_number_is_looked_for_as_everything_it_may_be(typed: str, kinds: set[str]) -> None:
    """An identity card, a health-insurance card, a certificate, a telephone."""
    assert set(read_query(typed).numbers.values()) == kinds


def test_one_number_has_one_form() -> None:
    """However it is typed; a card is found by its holder's number as well."""
    assert number_form("phone", "+84 912 345 678") == number_form("phone", "0912.345.678") == "0912345678"
    assert number_form("identity", " b1234567 ") == "B1234567"
    assert len(list(number_keys("insurance", "DN4797912345678"))) == 2
    assert set(number_keys("insurance", "7912345678")) < set(number_keys("insurance", "DN4797912345678"))
    assert list(number_keys("certificate", "")) == []


def test_words_of_a_name() -> None:
    """Small letters with accents; digits and signs are none."""
    assert name_words("NGUYỄN  THỊ-Mai 2 🙂") == ("nguyễn", "thị", "mai")
    assert read_query("đỗ").words == ("do",)
    assert len(read_query(" ".join(["ab"] * 20)).words) == 8


@given(st.text("abcdefghinoprtu", min_size=2, max_size=7), st.data())
def test_one_slip_is_one_step_back(word: str, data: st.DataObject) -> None:
    """Whatever single slip was made, the word that was meant is among those one slip away."""
    place = data.draw(st.integers(0, len(word) - 1))
    slips = {
        word[:place] + word[place + 1 :],
        word[:place] + "x" + word[place:],
        word[:place] + "x" + word[place + 1 :],
        word[:place] + word[place : place + 2][::-1] + word[place + 2 :],
    } - {word}
    assert all(word in one_off(slip) for slip in slips)
    assert word not in one_off(word)
