"""The order of words and of people."""

import json
import random
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.procedures.vietnamese_order import in_order, people_in_order, person_key, word_key

TONES = [*"aàảãáạ"]
LETTERS = [*"aăâbcdđeêghiklmnoôơpqrstuưvxy"]
VIETNAMESE = st.text(alphabet="aàảãáạăằâầbcdđeêệghiklmnoôơớpqrstuưựvxyĂÂĐÊÔƠƯABCDEFGHIJKLMNOPQRSTUVWXYZfjwz ")


def test_letters_stand_as_in_the_alphabet() -> None:
    """Ă and â after a, đ after d; code points would put them after z."""
    assert in_order(reversed(LETTERS)) == LETTERS


def test_tones_stand_as_in_a_dictionary() -> None:
    """Ngang, huyền, hỏi, ngã, sắc, nặng."""
    assert in_order(reversed(TONES)) == TONES


def test_letters_weigh_more_than_tones() -> None:
    """A tone decides only between words of the same letters."""
    assert in_order(["bát", "bạ", "bà", "ba ba", "ba", "bă"]) == ["ba", "bà", "bạ", "ba ba", "bát", "bă"]
    assert in_order(["An", "an", "Ăn", "ân"]) == ["an", "An", "Ăn", "ân"]


def test_people_are_listed_by_given_name() -> None:
    """By the last word, then by family and middle name; nobody looks for a Nguyễn under N."""
    names = ["Nguyễn Văn Út", "Trần Thị Ánh", "Lê Ân", "Đặng Văn An", "Nguyễn Thị An", "Bảo", "Dương Văn An"]
    assert people_in_order(names) == [
        "Dương Văn An",
        "Đặng Văn An",
        "Nguyễn Thị An",
        "Trần Thị Ánh",
        "Lê Ân",
        "Bảo",
        "Nguyễn Văn Út",
    ]


@pytest.mark.parametrize("odd", ["", "   ", "\u0301", "👶🏽", "İ", "Ｈòa", "O'Brien", "1", "ß"])
def test_anything_has_a_place(odd: str) -> None:
    """A list with an emoji, a lone mark or a foreign letter in it is sorted all the same."""
    assert sorted([odd, "An"], key=person_key)
    assert word_key(odd) == word_key(odd)


@given(VIETNAMESE)
def test_the_encoding_does_not_matter(text: str) -> None:
    """Composed and decomposed text stand at the same place."""
    assert word_key(unicodedata.normalize("NFD", text)) == word_key(unicodedata.normalize("NFC", text))


@given(st.lists(st.text(), max_size=12))
def test_the_order_does_not_depend_on_how_the_list_came(words: list[str]) -> None:
    """A total order: shuffled, the same words come out the same."""
    shuffled = random.Random(7).sample(words, len(words))  # noqa: S311 - a test's own order
    assert [word_key(word) for word in in_order(words)] == [word_key(word) for word in in_order(shuffled)]


def test_it_is_the_order_of_icu() -> None:
    """Three thousand made-up words against ICU's collation `vi`, as Node has it."""
    node = shutil.which("node")
    assert node, "Node is needed: its Intl.Collator is the referee"
    chance = random.Random(2026)  # noqa: S311 - the same words every time
    alphabet = [*"aáàảãạăắặâấầbdđeêếghinoôơởọtuưữvxyABĐÊƯfjwz", " "]
    words = sorted({"".join(chance.choices(alphabet, k=chance.randint(1, 5))).strip() for _ in range(3000)})
    words = [" ".join(word.split()) for word in words if word]
    script = (
        "const words = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "words.sort(new Intl.Collator('vi').compare); console.log(JSON.stringify(words));"
    )
    ran = subprocess.run(
        [node, "-e", script], input=json.dumps(words), capture_output=True, text=True, check=True, timeout=60
    )
    assert in_order(words) == json.loads(ran.stdout)
