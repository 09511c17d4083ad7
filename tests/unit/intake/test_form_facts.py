"""What a form says of days, minutes, communes and texts must be possible today, as in a hospital's declaration."""

from datetime import datetime
from typing import Any

import pytest

from libs.catalogue.units import Units
from services.intake.form_facts import check_facts

NOW = datetime.fromisoformat("2026-11-23T09:00")
UNITS = Units.load()


def found(form: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields that cannot be true, and why."""
    return [(problem.field, problem.code) for problem in check_facts(form, NOW, UNITS)]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"mother": {"birth_date": "1995"}, "father": {"birth_date": "1993-02"}},
        {"child": {"birth_time": "2026-11-23T08:59"}, "medical_certificate": {"issued_on": "2026-11-23"}},
        {"applicant": {"unit_code": "31340"}, "residence": {"unit_code": "31341"}},
        {"content": "Dòng một\nDòng hai"},
    ],
)
def test_what_can_be_true_is_taken(form: dict[str, Any]) -> None:
    """A year alone, a minute ago, a commune of today or of before the merger."""
    assert found(form) == []


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        ({"mother": {"birth_date": "1995-99-99"}}, "mother.birth_date", "unreal"),
        ({"mother": {"birth_date": "1995-02-30"}}, "mother.birth_date", "unreal"),
        ({"members": [{"birth_date": "2027"}]}, "members.0.birth_date", "in-future"),
        ({"child": {"birth_time": "2199-01-01T08:00"}}, "child.birth_time", "in-future"),
        ({"child": {"birth_time": "2026-11-23T09:01"}}, "child.birth_time", "in-future"),
        ({"child": {"birth_time": "2026-11-23T02:01Z"}}, "child.birth_time", "in-future"),
        (
            {"child": {"birth_time": "2026-11-20T08:15"}, "medical_certificate": {"issued_on": "2026-11-19"}},
            "medical_certificate.issued_on",
            "before-birth",
        ),
        ({"residence": {"unit_code": "99999"}}, "residence.unit_code", "commune-unknown"),
        ({"child": {"birth_unit_code": "00000"}}, "child.birth_unit_code", "commune-unknown"),
        ({"applicant": {"name": "Hoa\u202enăV"}}, "applicant.name", "hidden-sign"),
        ({"documents": [{"name": "Bằng\x07"}]}, "documents.0.name", "hidden-sign"),
    ],
)
def test_what_cannot_be_true_is_named(form: dict[str, Any], field: str, code: str) -> None:
    """The field and the reason; the value is nowhere in it."""
    assert found(form) == [(field, code)]
