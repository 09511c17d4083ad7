"""Identifiers of people: good ones pass in normal form, broken ones are named without being repeated."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.code_lists import code_lists
from libs.catalogue.identifiers import (
    IdentifierError,
    Sex,
    check_ethnic_code,
    check_identity_document,
    check_nationality,
    check_old_identity_card,
    check_passport,
    check_person_name,
    check_personal_number,
    check_phone,
    ethnic_code_from_2008,
    is_known_nationality,
)

LISTS = code_lists()
DIGITS = "0123456789"

prefixes = st.sampled_from(sorted(LISTS.identity_provinces))
tails = st.text(DIGITS, min_size=6, max_size=6)
sexes: st.SearchStrategy[Sex] = st.sampled_from(["male", "female"])


def personal_number(prefix: str, sex: Sex, year: int, tail: str) -> str:
    return f"{prefix}{(year // 100 - 19) * 2 + (sex == 'female')}{year % 100:02d}{tail}"


def refusal(check: Callable[..., object], value: str, **compared: object) -> IdentifierError:
    with pytest.raises(IdentifierError) as caught:
        check(value, **compared)
    assert len(value.strip()) < 4 or value.strip() not in str(caught.value)
    assert caught.value.message_vi.endswith(".")
    return caught.value


@given(prefixes, sexes, st.integers(1900, 2399), tails)
def test_a_personal_number_fits_its_sex_and_year(prefix: str, sex: Sex, year: int, tail: str) -> None:
    """A number built from province, sex and year passes with them and fails with another sex or year."""
    number = personal_number(prefix, sex, year, tail)
    assert check_personal_number(number, sex=sex, birth_year=year) == number
    other: Sex = "male" if sex == "female" else "female"
    assert refusal(check_personal_number, number, sex=other).code == "personal_number.sex"
    assert refusal(check_personal_number, number, birth_year=year + 1).code == "personal_number.year"
    assert refusal(check_personal_number, number, birth_year=year + 100).code == "personal_number.year"


@given(prefixes, tails, st.integers(0, 11), st.sampled_from(["", "x", "٣", "-", "0 0"]))
def test_a_personal_number_with_a_broken_place_fails(
    prefix: str, tail: str, place: int, instead: str
) -> None:
    """Losing a digit, or having two or another sign in its place, breaks the number."""
    number = f"{prefix}190{tail}"
    broken = number[:place] + instead + number[place + 1 :]
    assert refusal(check_personal_number, broken).code == "personal_number.shape"


@pytest.mark.parametrize("prefix", ["000", "003", "097", "100", "931"])
def test_a_personal_number_begins_with_a_known_province(prefix: str) -> None:
    """Numbers that begin with no province of TT 07/2016 are refused."""
    assert refusal(check_personal_number, f"{prefix}190000001").code == "personal_number.province"


def test_the_three_provinces_of_can_tho_are_known() -> None:
    """092, 093 (Hậu Giang) and 094 all stay valid after the merger; blanks are dropped."""
    for prefix in ("092", "093", "094"):
        assert check_personal_number(f"{prefix} 190 000 001") == f"{prefix}190000001"


@pytest.mark.parametrize(
    ("value", "normal"),
    [("093190000001", "093190000001"), ("361 234 567", "361234567"), ("c1234567", "C1234567")],
)
def test_an_identity_document_is_any_of_three(value: str, normal: str) -> None:
    """SO_CCCD may hold a personal number, an old identity card or a passport."""
    assert check_identity_document(value) == normal


@pytest.mark.parametrize("value", ["", "12345678", "1234567890", "CC123456", "C12345678", "Đ1234567", "abc"])
def test_an_identity_document_of_no_kind_is_refused(value: str) -> None:
    """Other shapes are refused."""
    assert refusal(check_identity_document, value).code == "identity_document.shape"


def test_an_identity_document_of_twelve_digits_is_compared() -> None:
    """A personal number given as identity document must fit the declared sex and year as well."""
    error = refusal(check_identity_document, "093190000001", sex="male")
    assert error.code == "personal_number.sex"


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [(check_old_identity_card, "361234567", "36123456"), (check_passport, "B7654321", "BB654321")],
)
def test_old_cards_and_passports(check: Callable[[str], str], good: str, bad: str) -> None:
    """Nine digits, and a letter with seven digits."""
    assert check(good) == good
    refusal(check, bad)


@given(
    st.from_regex(r"0[35789][0-9]{8}", fullmatch=True) | st.from_regex(r"02[0-9]{9}", fullmatch=True),
    st.sampled_from(["0", "+84", "84", "0084", "+84 (0)", "(+84) "]),
    st.sampled_from(["", " ", ".", "-"]),
)
def test_a_phone_number_is_normalised(number: str, prefix: str, gap: str) -> None:
    """However a Vietnamese number is written, the normal form is the one dialled in the country."""
    written = prefix + number[1:4] + gap + number[4:7] + gap + number[7:]
    assert check_phone(written) == number


@pytest.mark.parametrize(
    "value",
    ["", "0123456789", "01234567890", "091234567", "09123456789", "+85912345678", "0912a45678", "19001009"],
)
def test_other_phone_numbers_are_refused(value: str) -> None:
    """Retired prefixes, wrong lengths, other countries and short numbers are refused."""
    assert refusal(check_phone, value).code == "phone.shape"


def test_only_the_nationality_of_vietnam_is_known() -> None:
    """Any three digits are accepted, but only 000 has a known meaning."""
    assert check_nationality("000") == "000"
    assert is_known_nationality("000")
    assert check_nationality(" 704 ") == "704"
    assert not is_known_nationality("704")
    for value in ("", "00", "0000", "VNM"):
        assert refusal(check_nationality, value).code == "nationality.shape"


def test_ethnic_codes_are_those_of_1979() -> None:
    """01 to 55 are known: 04 is Hoa, 05 Khơ-me, 06 Mường; anything else is refused."""
    assert [LISTS.ethnic_groups[code] for code in ("01", "04", "05", "06")] == [
        "Kinh",
        "Hoa",
        "Khơ-me",
        "Mường",
    ]
    for number in range(1, 56):
        assert check_ethnic_code(f"{number:02d}") == f"{number:02d}"
    for value in ("", "0", "00", "1", "56", "99", "001", "AB"):
        assert refusal(check_ethnic_code, value).code == "ethnic_code.unknown"


def test_ethnic_codes_of_2008_are_translated() -> None:
    """Codes of the 2008 list become those of 1979; beyond the known twenty nothing is guessed."""
    assert [ethnic_code_from_2008(code) for code in ("04", "05", "06", "14")] == ["06", "05", "04", "17"]
    differing = {code for code, old in LISTS.ethnic_1979_of_2008.items() if code != old}
    assert differing == {"04", "06", *(f"{number}" for number in range(11, 20))}
    assert refusal(ethnic_code_from_2008, "21").code == "ethnic_code.no_crosswalk"


@given(st.lists(st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1), min_size=1, max_size=6))
def test_names_of_any_script_pass_in_one_form(words: list[str]) -> None:
    """Letters of any script pass, whether composed or decomposed, and come back in NFC with single blanks.

    Only eth is read as the Vietnamese letter it stands for.
    """
    name = unicodedata.normalize("NFC", " ".join(words)).replace("Ð", "Đ").replace("ð", "đ")
    if len(name) > 255:
        assert refusal(check_person_name, name).code == "name.length"
        return
    assert check_person_name(name) == name
    assert check_person_name("  " + unicodedata.normalize("NFD", "  ".join(words)) + " ") == name


@pytest.mark.parametrize(
    ("value", "normal"),
    [
        ("Nguye\u0302\u0303n  Thi\u0323 Hoa\u0300", "Nguyễn Thị Hoà"),
        ("H\u2019Linh Niê", "H'Linh Niê"),
        ("Jean-Pierre Đỗ", "Jean-Pierre Đỗ"),
        ("Thạch\u00a0Sóc\u200b Kha", "Thạch Sóc Kha"),
        ("สมชาย ใจดี", "สมชาย ใจดี"),
    ],
)
def test_names_are_tidied(value: str, normal: str) -> None:
    """Decomposed marks, curly apostrophes, odd and invisible blanks are put right; other scripts stay."""
    assert check_person_name(value) == normal


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "name.empty"),
        (" ' ", "name.empty"),
        ("Nguyễn Văn 2", "name.digit"),
        ("Nguyễn٢", "name.digit"),
        ("123", "name.digit"),
        ("Nguyễn <b>An", "name.sign"),
        ("An; drop", "name.sign"),
        ("An\u202eBình", "name.sign"),
        ("a" * 256, "name.length"),
    ],
)
def test_what_is_no_name_is_refused(value: str, code: str) -> None:
    """Empty names, digits of any script, other signs and more than 255 characters are refused."""
    assert refusal(check_person_name, value).code == code
