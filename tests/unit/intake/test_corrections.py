"""Changing declared data by path: only known fields, only valid values, only names of fields outside."""

from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue import Catalogue
from services.intake.corrections import Entry, corrected_birth, corrected_form
from services.intake.reception import Refused
from tests.unit.intake.test_birth_rules import GOOD

TODAY = date(2026, 11, 23)
FORM: dict[str, Any] = {
    "applicant": {"name": "Phạm Thị Hoa"},
    "documents": [{"name": "Bằng tốt nghiệp", "copies": 2}],
}


@cache
def catalogue() -> Catalogue:
    """The city's catalogue."""
    return Catalogue.load("catalogue")


def test_a_correction_changes_what_it_names_and_nothing_else() -> None:
    """Values, optional parts and removals; what stays the same is not among the changed paths."""
    new, fields = corrected_birth(
        GOOD,
        [
            Entry(path="child.weight_g", value=3300),
            Entry(path="father.residence", value=None),
            Entry(path="mother.name", value=GOOD.mother.name),
            Entry(path="father.contact.phone", value="+84 987 654 321"),
        ],
        TODAY,
        catalogue(),
    )
    assert fields == ("child.weight_g", "father.contact.phone")
    assert new.child.weight_g == 3300
    assert new.father is not None
    assert new.father.contact.phone == "0987654321"
    assert new.certificate == GOOD.certificate


def test_items_of_lists_are_counted_from_zero() -> None:
    """`documents.0.copies` is the first document's; there is no second to correct."""
    procedure = catalogue().procedure("2.000815", TODAY)
    new, fields = corrected_form(procedure, FORM, {}, [Entry(path="documents.0.copies", value=5)])
    assert (new["documents"][0]["copies"], fields) == (5, ("documents.0.copies",))
    with pytest.raises(Refused):
        corrected_form(procedure, FORM, {}, [Entry(path="documents.1.copies", value=5)])
    with pytest.raises(Refused):
        corrected_form(procedure, FORM, {}, [Entry(path="documents.0.colour", value="đỏ")])


@given(st.text(max_size=60), st.none() | st.integers() | st.text(max_size=20) | st.just({"a": [1]}))
def test_any_path_and_value_is_taken_or_refused_without_being_repeated(path: str, value: Any) -> None:
    """Whatever is sent, the answer is a correction of known fields or a refusal; unknown names are not echoed."""
    for correct in (
        lambda entry: corrected_birth(GOOD, [entry], TODAY, catalogue()),
        lambda entry: corrected_form(catalogue().procedure("2.000815", TODAY), FORM, {}, [entry]),
    ):
        try:
            _, fields = correct(Entry(path=path, value=value))
        except Refused:
            continue
        assert set(fields) <= {path}


@given(
    st.sampled_from(
        [
            "child.sex",
            "child.birth_time",
            "mother.birth_date",
            "mother.document",
            "father",
            "attendants.midwife",
        ]
    ),
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just([]) | st.just({"name": 3}),
)
def test_known_fields_take_only_values_of_their_type(path: str, value: Any) -> None:
    """A value of another type is refused, never stored."""
    try:
        new, _ = corrected_birth(GOOD, [Entry(path=path, value=value)], TODAY, catalogue())
    except Refused:
        return
    assert type(new) is type(GOOD)
