"""Finding procedures by what people type."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue import Catalogue
from services.portal.procedures.everyday import Everyday, Said, Speech, Word, sound_of
from services.portal.procedures.pages import SHOWN_MAX, Shelf
from services.portal.procedures.search import ProcedureIndex

TODAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    """All procedures of the city, the imported ones too."""
    filled = Shelf(Catalogue.load("catalogue"))
    filled.fill(TODAY)
    return filled


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("khai sinh", "1.001193"),
        ("Đăng ký khai sinh", "1.001193"),
        ("dang ky khai sinh", "1.001193"),
        ("KHAI SINH", "1.001193"),
        ("kai sinh", "1.001193"),
        ("khai shinh", "1.001193"),
        ("khaisinh", "1.001193"),
        ("sinh khai", "1.001193"),
        ("dang ki ket hon", "1.000894"),
        ("thuong tru", "1.004222"),
        ("thường trú", "1.004222"),
        ("tam tru", "1.004194"),
        ("the bhyt", "1.014137"),
        ("bảo hiểm y tế trẻ em", "1.014137"),
        ("trich luc", "2.000635"),
        ("khai tu", "1.000656"),
        ("giay khai xinh", "1.001193"),
        ("lam giay khai sinh cho con", "1.001193"),
        ("dang ky thuong chu", "1.004222"),
        ("tam chu", "1.004194"),
        ("khai xin", "1.001193"),
        ("cccd", "1.014063"),
        ("sổ đỏ", "1.012753"),
        ("so do", "1.012753"),
        ("giay doc than", "1.004873"),
        ("báo tử", "1.000656"),
        ("sao y", "2.000815"),
        ("nhap ho khau", "1.004222"),
        ("xay nha", "1.013225"),
        ("nhận con nuôi", "2.001263"),
        ("1.004222", "1.004222"),
        ("1004222", "1.004222"),
    ],
)
async def test_the_first_hit_is_the_one_meant(shelf: Shelf, typed: str, found: str) -> None:
    """Without accents, in capitals, words together or turned round, with letters missing or too many, by code.

    Also as it sounds, and in words of every day.
    """
    assert (await shelf.find(typed, TODAY))[0].code == found


@pytest.mark.parametrize("typed", ["bang lai xe", "bằng lái", "gplx", "tách thửa"])
async def test_what_no_procedure_of_the_catalogue_is_about_finds_nothing(shelf: Shelf, typed: str) -> None:
    """Driving licences and the dividing of plots are not the commune's: nothing that merely has the same letters."""
    assert await shelf.find(typed, TODAY) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("xinh", "sinh"),
        ("chu", "tru"),
        ("giay", "day"),
        ("nghi", "nghy"),
        ("thuong", "thuon"),
        ("cac", "cat"),
    ],
)
def test_words_that_sound_alike_are_one_to_the_search(one: str, other: str) -> None:
    """x and s, tr and ch, gi and d, n and ng, c and t at the end, i and y."""
    assert sound_of(one) == sound_of(other)


def test_the_longest_of_the_everyday_words_is_taken() -> None:
    """What is said stands for what is written in names; other words stay."""
    said = (Said(words=("sổ", "sổ đỏ"), means="giấy"), Said(words=("cấp sổ đỏ",), means="cấp Giấy"))
    words = Speech(Everyday(said=said)).understood(["cap", "so", "do", "moi"])
    assert words == [Word("cap", "cấp"), Word("giay", "giấy"), Word("moi")]


@pytest.mark.parametrize("typed", ["qwertyuiop", "👶🏽", "%", "';--", "a" * 5000, "\u0301"])
async def test_nonsense_finds_nothing(shelf: Shelf, typed: str) -> None:
    """Rather no answer than a wrong one."""
    assert await shelf.find(typed, TODAY) == []


async def test_before_anything_is_typed_what_is_asked_for_most_is_shown(shelf: Shelf) -> None:
    """Twelve, the interlinked birth first; every code of the list is a procedure there is."""
    for typed in ("", "   "):
        rows = await shelf.find(typed, TODAY)
        assert len(rows) == SHOWN_MAX
        assert rows[0].code == "3.000722"


async def test_another_day_has_the_procedures_in_force_on_it() -> None:
    """A list made on one day is not shown on the next when the law has changed between them."""
    shelf = Shelf(Catalogue.load("catalogue"))
    assert (await shelf.find("", date(2025, 1, 15)))[0].code == "2.002621"
    assert (await shelf.find("", TODAY))[0].code == "3.000722"


async def test_an_answer_takes_no_time(shelf: Shelf) -> None:
    """At most 50 ms for each of many queries (the median of them, so that a busy machine says nothing)."""
    took = []
    for typed in (
        "khai sinh",
        "kai shinh",
        "dang ki ket hon luu dong",
        "x",
        "khaisinhthuongtru",
        "a" * 100,
    ) * 5:
        began = time.perf_counter()
        await shelf.find(typed, TODAY)
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.05


@given(st.text(max_size=200))
def test_nothing_typed_is_an_accident(typed: str) -> None:
    """Also in an index without anything in it."""
    assert ProcedureIndex(()).find(typed, 12) == []
