"""From the form of a birth to what intake is told, and its refusals back to the fields."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.identifiers import check_identity_document, check_phone
from libs.catalogue.units import Units
from libs.http.problems import FieldError
from services.portal.forms.dates_typed import read_day
from services.portal.hospital.addresses import communes_of
from services.portal.hospital.birth_fields import KINDS, ORDER
from services.portal.hospital.birth_form import Desk, declaration_of, problems_of
from services.portal.hospital.typed import WEIGHT_GRAMS, clock_of, grams_of

DESK = Desk(facility="93016", place_of_birth="Bệnh viện đa khoa khu vực Ngã Bảy")
TODAY = date(2026, 11, 27)
WHOLE: Mapping[str, str] = {
    "me-so": "092195001234",
    "me-ten": "Nguyễn Thị Mai",
    "me-ngay-sinh": "12/04/1995",
    "doi-chieu": "1",
    "ngay-sinh": "26112026",
    "gio-sinh": "14h05",
    "gioi-tinh": "2",
    "can-nang": "3,1",
    "cu-tru": "Khu vực 2, Hiệp Thành, Ngã Bảy, Hậu Giang",
    "gcs-so": "900001",
    "gcs-quyen": "01/2026",
    "gcs-ngay": "26/11/2026",
    "do-de": "Lê Thị Hoa",
}


@pytest.fixture(scope="module")
def units() -> Units:
    """The units of the catalogue."""
    return Units.load()


def test_a_whole_form_is_a_declaration(units: Units) -> None:
    """Days, times and weights as they are typed; the commune by the address of a card from before the merger."""
    body, problems = declaration_of(WHOLE, DESK, units)
    assert problems == []
    assert body["child"]["birth_time"] == datetime(2026, 11, 26, 14, 5)  # noqa: DTZ001 - the ward's wall clock
    assert (body["child"]["weight_g"], body["child"]["sex"]) == (3100, 2)
    assert body["mother"]["residence"]["commune_code"] == "31340"
    assert body["identity_typed"]
    assert "father" not in body
    assert "stay" not in body


def test_the_same_form_is_the_same_declaration_tomorrow(units: Units) -> None:
    """It may be sent again with its key; nothing in it depends on when."""
    assert declaration_of(WHOLE, DESK, units) == declaration_of(dict(WHOLE), DESK, units)


def test_a_scanned_card_goes_with_the_declaration(units: Units) -> None:
    """intake compares it; a card whose name the scanner lost proves only its number."""
    card = {"the-so": "092195001234", "the-ten": "Nguyễn Thị Mai", "the-ngay-sinh": "12/04/1995"}
    body, _ = declaration_of({**WHOLE, **card}, DESK, units)
    assert body["card"]["number"] == "092195001234"
    assert not body["identity_typed"]
    body, _ = declaration_of({**WHOLE, **card, "the-ten": ""}, DESK, units)
    assert "card" not in body
    body, _ = declaration_of({**WHOLE, **card, "me-so": "092195009999"}, DESK, units)
    assert body["identity_typed"], "the number was typed over"


def test_an_empty_form_names_every_field_that_is_needed(units: Units) -> None:
    """In the order of the screen."""
    _, problems = declaration_of({}, DESK, units)
    fields = [field for field, _ in problems]
    assert fields == sorted(fields, key=ORDER.index)
    assert {"me-so", "me-ten", "me-ngay-sinh", "gioi-tinh", "cu-tru", "gcs-so", "do-de", "doi-chieu"} <= set(
        fields
    )


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("me-ngay-sinh", "31/02/1995"),
        ("me-ngay-sinh", "1111990"),
        ("gio-sinh", "25:00"),
        ("can-nang", "ba cân"),
        ("gcs-ngay", "hôm qua"),
        ("so-con", "0"),
        ("cu-tru-xa", "99999"),
        ("ra-vien", "32/13/2026"),
        ("cha-ngay-sinh", "x"),
        ("me-so", "09219500123"),
        ("me-so", "999195001234"),
        ("me-ten", "Mai 2"),
        ("me-dien-thoai", "12"),
        ("can-nang", "31000"),
        ("cha-so", "12"),
    ],
)
def test_what_cannot_be_read_is_said_at_its_field(units: Units, field: str, typed: str) -> None:
    """Nothing is guessed, and nothing is sent."""
    _, problems = declaration_of({**WHOLE, "cha-ten": "Trần Văn Hòa", field: typed}, DESK, units)
    # The code of a commune stands in no box of its own: its name's box says it.
    assert [name for name, _ in problems] == ["cu-tru-xa-ten" if field == "cu-tru-xa" else field]


def test_what_is_wrong_is_said_in_one_round(units: Units) -> None:
    """Numbers and names that intake would refuse come with what cannot be read at all."""
    typed = {"me-so": "123", "me-dien-thoai": "12", "ngay-sinh": "31/02/2026", "gio-sinh": "25:75"}
    _, problems = declaration_of({**WHOLE, **typed, "can-nang": "31000"}, DESK, units)
    assert [name for name, _ in problems] == ["me-so", "me-dien-thoai", "ngay-sinh", "gio-sinh", "can-nang"]


READERS: Mapping[str, Callable[[str], object]] = {
    "day": lambda text: read_day(text, last=date(2199, 12, 31)),
    "clock": clock_of,
    "weight": lambda text: grams_of(text) in WEIGHT_GRAMS or None,
    "phone": check_phone,
    "identity": check_identity_document,
}
TYPED: Mapping[str, Mapping[str, Sequence[str]]] = json.loads(
    (Path(__file__).parent / "scripts" / "declare-typed.json").read_bytes()
)


def test_the_city_reads_what_the_page_lets_out() -> None:
    """The table the page's own checks are tested with (scripts/declare.test.mjs)."""
    assert {kind for _, kind, _ in KINDS} == set(TYPED) == set(READERS)
    for kind, read in READERS.items():
        for text in TYPED[kind]["readable"]:
            assert read(text) is not None, (kind, text)
        for text in TYPED[kind]["wrong"]:
            assert _refused(read, text), (kind, text)


def _refused(read: Callable[[str], object], text: str) -> bool:
    try:
        return read(text) is None
    except ValueError:
        return True


def test_refusals_stand_at_their_fields() -> None:
    """By the longest path that fits; what belongs to none stands above."""
    errors = [
        FieldError("mother.residence.commune_code", "x", "Xã."),
        FieldError("mother.document.number", "x", "Số."),
        FieldError("card.name", "x", "Tên."),
        FieldError("somewhere", "x", "Khác."),
    ]
    assert problems_of(errors) == [("", "Khác"), ("me-so", "Số"), ("ly-do", "Tên"), ("cu-tru-xa-ten", "Xã")]


@given(st.dictionaries(st.sampled_from(ORDER), st.text(max_size=40)))
def test_no_form_breaks_the_reading(fields: dict[str, str]) -> None:
    """Whatever is typed, there is an answer."""
    body, problems = declaration_of(fields, DESK, _UNITS)
    assert body or problems


_UNITS = Units.load()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("Khu vực 2, Phường Ngã Bảy, Thành phố Cần Thơ", "31340"),
        ("Khu vực 2, P.Ngã Bảy, TP. Cần Thơ", "31340"),
        ("KV 3, Hiệp Thành, Thành phố Ngã Bảy, Tỉnh Hậu Giang", "31340"),
        ("Ấp 1, Đại Thành, Ngã Bảy, Hậu Giang", "31411"),
    ],
)
def test_an_address_leads_to_its_commune_of_today(units: Units, address: str, code: str) -> None:
    """Cards name units without codes, and older ones units that are no more."""
    assert [unit.code for unit in communes_of(units, address, TODAY)] == [code]


def test_an_address_of_nowhere_leads_nowhere(units: Units) -> None:
    """Then the officer chooses."""
    assert communes_of(units, "Số 1, đường không tên", TODAY) == ()
    assert communes_of(units, "", TODAY) == ()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("14:05", time(14, 5)),
        ("1405", time(14, 5)),
        ("5h", time(5)),
        ("14 giờ 05 phút", time(14, 5)),
        ("2500", None),
    ],
)
def test_times_as_they_are_typed(text: str, meant: time | None) -> None:
    """Midwives write them in many ways."""
    assert clock_of(text) == meant


@pytest.mark.parametrize(
    ("text", "meant"), [("3100", 3100), ("3.100 g", 3100), ("3,1 kg", 3100), ("31", None)]
)
def test_weights_as_they_are_typed(text: str, meant: int | None) -> None:
    """Grams, or kilograms with a comma."""
    assert grams_of(text) == meant
