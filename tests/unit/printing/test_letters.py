"""What papers do with letters, the odd ones too."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.printing.letters import MISSING, printable, shown


@pytest.mark.parametrize(
    "text", ["Nguyễn Thị Ngọc Ánh", "D'Arc-Lê Ngọc", "H’Hen Niê", "1.250.000\u00a0₫", "#$*\\"]
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    """Vietnamese letters, apostrophes of both kinds, signs of markup."""
    assert printable(text) == shown(text) == text


def test_decomposed_letters_become_one() -> None:
    """A name typed on a telephone and one typed at the counter are the same name."""
    name = "Nguyễn Thị Ánh"
    assert shown(unicodedata.normalize("NFD", name)) == printable(unicodedata.normalize("NFD", name)) == name


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Mai 😀", f"Mai {MISSING}"),
        ("王小明", MISSING * 3),
        ("Nguyễn \u202enA", "Nguyễn nA"),
        ("Mai\x07", "Mai"),
        ("Mai\u200b Anh\ufeff", "Mai Anh"),
        ("👩\u200d👧", MISSING * 2),
        ("٣ con", f"{MISSING} con"),
        ("một\u2028hai", "một hai"),
    ],
)
def test_what_cannot_be_shown_is_an_empty_box(text: str, result: str) -> None:
    """Somebody sees that a letter is missing; what has no place of its own is left out."""
    assert shown(text) == result


@given(st.text())
def test_every_text_becomes_one_that_can_be_printed(text: str) -> None:
    """What `shown` gives, `printable` takes."""
    assert printable(shown(text)) == shown(text) == shown(shown(text))
