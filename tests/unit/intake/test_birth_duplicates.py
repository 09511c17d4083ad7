"""Telling one birth from another, and one woman from another."""

import itertools
import re
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.sample_xml9 import Births, envelope
from services.intake.birth_duplicates import (
    NEAR_DAYS,
    IdentityCard,
    NaturalKeys,
    compare_identity,
    likely_duplicate,
    natural_keys,
    traits_of,
)
from services.intake.births import BirthDeclaration
from services.intake.xml9 import parse_upload
from tests.unit.intake.test_birth_rules import GOOD, changed

TODAY = date(2026, 11, 23)
CARD = IdentityCard(
    number="093195000123", name="NGUYỄN THỊ HOA", birth_date=date(1995, 3, 8), old_number="363812345"
)


def keys_of(declaration: BirthDeclaration) -> NaturalKeys:
    """The keys of a declared birth."""
    return natural_keys(traits_of(declaration))


def alike(one: BirthDeclaration, other: BirthDeclaration) -> bool:
    """Whether a human is to compare two declared births."""
    return likely_duplicate(traits_of(one), traits_of(other))


def twins(seed: int = 3, *, apart: bool = False) -> list[BirthDeclaration]:
    """Twins as one file brings them, or each in a file of its own."""
    pair = Births(seed, today=TODAY).twins()
    files = [[pair[0]], [pair[1]]] if apart else [pair]
    reports = [parse_upload(envelope([file], made_on=TODAY), today=TODAY) for file in files]
    records = itertools.chain.from_iterable(report.records for report in reports)
    return [record.declaration for record in records if record.declaration is not None]


def test_the_same_certificate_has_the_same_key_however_it_is_written() -> None:
    """Case and blanks do not make another certificate; facility, book and number do."""
    key = keys_of(GOOD).certificates
    assert keys_of(changed(GOOD, "certificate.number", " 000 123")).certificates == key
    assert keys_of(changed(GOOD, "mother.name", "Ai Khác")).certificates == key
    for path in ("certificate.number", "certificate.book", "certificate.facility_code"):
        assert keys_of(changed(GOOD, path, "other")).certificates != key


def test_a_certificate_code_is_the_key_where_there_is_one() -> None:
    """A certificate issued again keeps its code (TT 22/2025), whatever number is written on it."""
    coded = changed(GOOD, "certificate.gcs_code", "00001.GCS.93016.26")
    renumbered = changed(coded, "certificate.number", "000999")
    assert set(keys_of(coded).certificates) & set(keys_of(renumbered).certificates)


def test_a_certificate_declared_without_its_code_is_the_same_by_its_number() -> None:
    """The number is claimed beside the code, so neither way of writing it makes a second dossier."""
    coded = changed(GOOD, "certificate.gcs_code", "00001.GCS.93016.26")
    assert set(keys_of(coded).certificates) > set(keys_of(GOOD).certificates)
    renumbered = changed(coded, "certificate.number", "000999")
    assert set(keys_of(renumbered).certificates).isdisjoint(keys_of(GOOD).certificates)


def test_the_same_mother_minute_and_order_is_the_same_birth() -> None:
    """Two certificates of one birth have the same birth key; another minute or order has another."""
    other = changed(GOOD, "certificate.number", "999")
    assert keys_of(other).birth == keys_of(GOOD).birth
    later = changed(GOOD, "child.birth_time", GOOD.child.birth_time + timedelta(minutes=1))
    assert keys_of(later).birth != keys_of(GOOD).birth
    seconds = changed(GOOD, "child.birth_time", GOOD.child.birth_time + timedelta(seconds=30))
    assert keys_of(seconds).birth == keys_of(GOOD).birth


def test_twins_have_different_keys_even_in_the_same_minute() -> None:
    """In one file by their order; in two files the order is unknown and no key is made from it."""
    one, two = twins()
    two = changed(two, "child.birth_time", one.child.birth_time)
    assert keys_of(one).birth != keys_of(two).birth
    assert keys_of(one).certificates != keys_of(two).certificates
    assert [keys_of(twin).birth for twin in twins(apart=True)] == [None, None]


@pytest.mark.parametrize("apart", [False, True])
def test_twins_are_no_likely_duplicates(apart: bool) -> None:
    """They share mother and day, and are two children."""
    one, two = twins(apart=apart)
    assert keys_of(one).likely in keys_of(two).likely_near
    assert not alike(one, two)
    assert not alike(two, one)


def test_the_same_twin_on_two_certificates_is_flagged() -> None:
    """Equal orders in one delivery are one child, not two."""
    one, two = twins()
    assert alike(one, changed(two, "child.order", one.child.order))
    assert alike(one, one)


def test_the_same_birth_written_by_two_hands_is_flagged() -> None:
    """Another facility, no tone marks, the day after, another document: a human looks."""
    other = changed(GOOD, "certificate.facility_code", "93001")
    other = changed(other, "mother.name", "nguyen thi  hoa")
    other = changed(other, "mother.document.number", "363812345")
    other = changed(other, "child.birth_time", GOOD.child.birth_time + timedelta(days=1))
    assert keys_of(GOOD).likely in keys_of(other).likely_near
    assert alike(GOOD, other)


def test_another_woman_of_the_same_name_is_not_flagged() -> None:
    """Common names are common: with another document and another birth date it is another mother."""
    other = changed(GOOD, "mother.document.number", "093190000001")
    assert alike(GOOD, other)
    assert not alike(GOOD, changed(other, "mother.birth_date", date(1990, 1, 1)))


@given(st.integers(-5, 5))
def test_near_means_two_days(days: int) -> None:
    """The stored key finds exactly what the comparison would flag."""
    other = changed(GOOD, "child.birth_time", GOOD.child.birth_time + timedelta(days=days))
    near = abs(days) <= NEAR_DAYS
    assert alike(GOOD, other) is near
    assert (keys_of(GOOD).likely in keys_of(other).likely_near) is near


def test_keys_show_nobody() -> None:
    """They stand in indexes and in the text of unique violations, so they are hashes."""
    keys = keys_of(GOOD)
    for key in (*keys.certificates, keys.birth or "", keys.likely, *keys.likely_near):
        assert re.fullmatch(r"[0-9a-f]{64}", key)


def test_a_card_that_agrees_makes_no_difference() -> None:
    """Case, marks and the old number of the same card are no difference."""
    assert compare_identity(CARD, GOOD) == []
    assert compare_identity(msgspec.structs.replace(CARD, name="nguyen thi hoa"), GOOD) == []
    assert compare_identity(CARD, changed(GOOD, "mother.document.number", "363812345")) == []
    dotted = changed(GOOD, "mother.name", "\u00d0ỗ Thị Hoa")
    assert compare_identity(msgspec.structs.replace(CARD, name="ĐỖ THỊ HOA"), dotted) == []


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("mother.document.number", "093195000124", "number"),
        ("mother.name", "Nguyễn Thị Hóa Lan", "name"),
        ("mother.birth_date", date(1995, 8, 3), "birth_date"),
    ],
)
def test_each_point_in_which_card_and_certificate_disagree_is_named(
    path: str, value: object, field: str
) -> None:
    """A borrowed card is found before a wrong mother is registered; nothing of either is quoted."""
    (difference,) = compare_identity(CARD, changed(GOOD, path, value))
    assert difference.field == field
    assert str(value) not in difference.message_vi


def test_an_empty_old_number_matches_nothing() -> None:
    """A card without an old number never equals a certificate without a number."""
    card = msgspec.structs.replace(CARD, old_number="")
    (difference,) = compare_identity(card, changed(GOOD, "mother.document.number", ""))
    assert difference.field == "number"
