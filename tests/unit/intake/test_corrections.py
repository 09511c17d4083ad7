"""Changing declared data by path: only known fields, only valid values, only names of fields outside."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue import Catalogue
from services.intake.corrections import Entry, corrected_birth, corrected_form
from services.intake.reception import Desk, Refused
from tests.unit.intake.test_birth_rules import GOOD

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
TODAY = date(2026, 11, 23)
FORM: dict[str, Any] = {
    "applicant": {"name": "Phạm Thị Hoa"},
    "documents": [{"name": "Bằng tốt nghiệp", "copies": 2}],
}


@cache
def desk() -> Desk:
    """The city's reception."""
    return Desk(catalogue=Catalogue.load("catalogue"))


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
        AT,
        desk(),
    )
    assert fields == ("child.weight_g", "father.contact.phone")
    assert new.child.weight_g == 3300
    assert new.father is not None
    assert new.father.contact.phone == "0987654321"
    assert new.certificate == GOOD.certificate


def test_items_of_lists_are_counted_from_zero() -> None:
    """`documents.0.copies` is the first document's; there is no second to correct."""
    procedure = desk().catalogue.procedure("2.000815", TODAY)
    new, fields = corrected_form(procedure, FORM, {}, [Entry(path="documents.0.copies", value=5)], AT, desk())
    assert (new["documents"][0]["copies"], fields) == (5, ("documents.0.copies",))
    with pytest.raises(Refused):
        corrected_form(procedure, FORM, {}, [Entry(path="documents.1.copies", value=5)], AT, desk())
    with pytest.raises(Refused):
        corrected_form(procedure, FORM, {}, [Entry(path="documents.0.colour", value="đỏ")], AT, desk())


def whole(path: str, **changes: Any) -> Entry:
    """An entry that gives the object at the path anew, with these changes by dotted path (`__` for the dot)."""
    tree = value = msgspec.to_builtins(GOOD)
    for name in path.split("."):
        value = value[name]
    for place, new in changes.items():
        *above, last = place.split("__")
        inner = value
        for name in above:
            inner = inner[name]
        inner[last] = new
    assert tree is not value
    return Entry(path=path, value=value)


@pytest.mark.parametrize(
    ("entry", "fixed"),
    [
        (Entry(path="certificate.facility_code", value="93007"), "certificate.facility_code"),
        (whole("certificate", facility_code="93007"), "certificate.facility_code"),
        (whole("mother", residence__commune_code="31411"), "mother.residence.commune_code"),
        (whole("mother.residence", commune_code="31411"), "mother.residence.commune_code"),
        (whole("mother.residence", as_of="2024-05-01"), "mother.residence.as_of"),
        (whole("choices", register_residence=False), "choices"),
        (Entry(path="choices.register_residence", value=False), "choices"),
        (Entry(path="extra", value={"DU_PHONG": "x"}), "extra"),
    ],
)
def test_what_decided_the_agency_stays_however_it_is_addressed(entry: Entry, fixed: str) -> None:
    """The field by its own path, or within the whole object above it: the same refusal."""
    with pytest.raises(Refused) as refused:
        corrected_birth(GOOD, [entry], AT, desk())
    assert [(p.field, p.code) for p in refused.value.problems] == [(fixed, "not-correctable")]


def test_a_whole_object_may_be_given_when_what_is_fixed_in_it_stays() -> None:
    """Correcting the certificate as one object is no change of its facility."""
    new, fields = corrected_birth(GOOD, [whole("certificate", number="000777")], AT, desk())
    assert (new.certificate.number, fields) == ("000777", ("certificate",))


def test_a_hospitals_form_keeps_its_certificates_facility() -> None:
    """The declaring hospital cannot turn its dossier into one about another hospital's certificate."""
    procedure = desk().catalogue.procedure("1.001193", TODAY)
    form = {
        "applicant": {"name": "Phạm Thị Hoa"},
        "child": {"sex": "female", "birth_time": "2026-11-20T08:15"},
        "medical_certificate": {"number": "1", "issued_on": "2026-11-20", "facility_code": "93016"},
    }
    certificate = {**form["medical_certificate"], "facility_code": "93007"}
    for entry in (
        Entry(path="medical_certificate.facility_code", value="93007"),
        Entry(path="medical_certificate", value=certificate),
    ):
        with pytest.raises(Refused) as refused:
            corrected_form(procedure, form, {}, [entry], AT, desk(), facility="93016")
        assert [p.code for p in refused.value.problems] == ["not-correctable"]
        new, _ = corrected_form(procedure, form, {}, [entry], AT, desk())
        assert new["medical_certificate"]["facility_code"] == "93007"


def test_what_a_form_lacked_before_is_not_held_against_a_correction() -> None:
    """A form may have been handed in when less was asked; what the correction itself breaks is refused."""
    procedure = desk().catalogue.procedure("1.000894", TODAY)
    spouse = {"name": "Trần Văn Nam", "birth_date": "1993-01-02"}
    form = {"applicant": {"name": "Trần Văn Nam"}, "husband": spouse, "wife": {"name": "Phạm Thị Hoa"}}
    for entry in (Entry(path="copies", value=3), Entry(path="husband.birth_date", value="1993-02-01")):
        _, fields = corrected_form(procedure, form, {}, [entry], AT, desk())
        assert fields == (entry.path,)
    for entry, code in (
        (Entry(path="husband.name", value=None), "required"),
        (Entry(path="husband.birth_date", value="1993-02-31"), "unreal"),
    ):
        with pytest.raises(Refused) as refused:
            corrected_form(procedure, form, {}, [entry], AT, desk())
        assert [(p.field, p.code) for p in refused.value.problems] == [(f"form.{entry.path}", code)]
    wrong = {**form, "husband": {**spouse, "birth_date": "1993-02-31"}}
    with pytest.raises(Refused):
        corrected_form(
            procedure, wrong, {}, [Entry(path="husband.birth_date", value="1993-02-30")], AT, desk()
        )


@given(st.text(max_size=60), st.none() | st.integers() | st.text(max_size=20) | st.just({"a": [1]}))
def test_any_path_and_value_is_taken_or_refused_without_being_repeated(path: str, value: Any) -> None:
    """Whatever is sent, the answer is a correction of known fields or a refusal; unknown names are not echoed."""
    for correct in (
        lambda entry: corrected_birth(GOOD, [entry], AT, desk()),
        lambda entry: corrected_form(
            desk().catalogue.procedure("2.000815", TODAY), FORM, {}, [entry], AT, desk()
        ),
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
        new, _ = corrected_birth(GOOD, [Entry(path=path, value=value)], AT, desk())
    except Refused:
        return
    assert type(new) is type(GOOD)
