"""Social and health insurance numbers, facility codes and the end of a child's card."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.code_lists import code_lists
from libs.catalogue.identifiers import IdentifierError
from libs.catalogue.insurance_numbers import (
    benefit_percent,
    check_child_card,
    check_facility_code,
    check_health_card,
    check_insurance_number,
    check_insured_number,
    check_temporary_child_card,
    child_card_end,
    facility,
    temporary_first_facility,
)

cards = st.from_regex(r"[A-Z]{2}[1-5][0-9]{12}", fullmatch=True)
provinces = st.sampled_from(sorted(code_lists().province_codes))


@given(cards, st.integers(0, 14), st.sampled_from(["", "-", "é", "00"]))
def test_health_cards(card: str, place: int, instead: str) -> None:
    """Group, benefit and twelve digits pass in any case and spacing; one broken place fails."""
    assert check_health_card(f" {card[:2].lower()} {card[2:]}") == card
    with pytest.raises(IdentifierError):
        check_health_card(card[:place] + instead + card[place + 1 :])


@pytest.mark.parametrize("card", ["TE6930000000001", "T11930000000001", "TE0930000000001", "0123456789"])
def test_wrong_groups_and_benefits_are_refused(card: str) -> None:
    """The group is two letters, the benefit 1 to 5; the bare number of a new card is refused."""
    with pytest.raises(IdentifierError):
        check_health_card(card)


def test_the_benefit_stands_in_the_third_sign() -> None:
    """Benefits 1, 2 and 5 pay all, 3 pays 95 and 4 pays 80 percent."""
    assert [benefit_percent(f"DN{sign}930000000001") for sign in "12345"] == [100, 100, 95, 80, 100]


def test_insurance_numbers_are_ten_digits_and_not_all_zeros() -> None:
    """Ten digits pass, all zeros and other lengths do not."""
    assert check_insurance_number("9312 345 678") == "9312345678"
    for value, code in (
        ("0000000000", "zeros"),
        ("931234567", "shape"),
        ("93123456789", "shape"),
        ("", "shape"),
    ):
        with pytest.raises(IdentifierError) as caught:
            check_insurance_number(value)
        assert caught.value.code == f"insurance_number.{code}"


@given(provinces, st.from_regex(r"[0-9]{10}", fullmatch=True))
def test_temporary_cards_carry_the_province_of_the_mother(province: str, number: str) -> None:
    """TE1, a known province and ten digits pass, with another province of the mother they do not."""
    card = f"TE1{province}{number}"
    assert check_child_card(card) == card
    assert check_temporary_child_card(card, mother_province=province) == card
    with pytest.raises(IdentifierError) as caught:
        check_temporary_child_card(card, mother_province="00")
    assert caught.value.code == "temporary_card.mother_province"


@pytest.mark.parametrize("card", ["TE1030000000001", "TE1990000000001", "TE2930000000001", "TE193000000001"])
def test_wrong_temporary_cards_are_refused(card: str) -> None:
    """No such province, another group or a digit too few."""
    with pytest.raises(IdentifierError):
        check_temporary_child_card(card)


def test_facility_codes_begin_with_a_province() -> None:
    """Five digits whose first two are a province; a name is known only for Hậu Giang and Cần Thơ."""
    assert check_facility_code("93001") == "93001"
    for value, code in (("9300", "shape"), ("930011", "shape"), ("9300A", "shape"), ("99001", "province")):
        with pytest.raises(IdentifierError) as caught:
            check_facility_code(value)
        assert caught.value.code == f"facility_code.{code}"
    known = facility("93001")
    assert known is not None
    assert known.name == "Bệnh viện đa khoa tỉnh Hậu Giang"
    assert facility("01001") is None
    assert temporary_first_facility("93") == "93000"


@pytest.mark.parametrize(
    ("born", "end"),
    [
        (date(2020, 1, 1), date(2026, 9, 30)),
        (date(2020, 9, 29), date(2026, 9, 30)),
        (date(2020, 9, 30), date(2026, 9, 30)),
        (date(2020, 10, 1), date(2026, 10, 31)),
        (date(2020, 11, 15), date(2026, 11, 30)),
        (date(2020, 12, 31), date(2026, 12, 31)),
        (date(2020, 2, 29), date(2026, 9, 30)),
    ],
)
def test_the_end_of_a_childs_card(born: date, end: date) -> None:
    """Until 30 September of the year of 72 months, or for later births until the end of that month."""
    assert child_card_end(born) == end


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_a_card_lasts_until_the_child_is_six_and_at_most_nine_months_more(born: date) -> None:
    """No card ends before the sixth birthday nor later than 30 September or the end of that month."""
    sixth = born.replace(year=born.year + 6, day=min(born.day, 28))
    assert sixth <= child_card_end(born) <= sixth + timedelta(days=273)


def test_a_personal_number_insures_from_its_day_on() -> None:
    """Before it, twelve digits are no number of an insured person; ten always are."""
    first = code_lists().personal_number_insures_from
    assert check_insured_number("093195000123", on=first) == "093195000123"
    for value, on in (("093195000123", first - timedelta(days=1)), ("000000000000", first)):
        with pytest.raises(IdentifierError):
            check_insured_number(value, on=on)
    for on in (first - timedelta(days=1), first):
        assert check_insured_number("9312 345 678", on=on) == "9312345678"
