"""Who is recognised as the person an electronic result is for."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from libs.http.problems import Problem
from services.results.fetching import not_recognised, recognise
from services.results.people import PeopleRecord, Person

MOTHER = Person(name="Nguyễn Thị Mai", identity_number="093196001234", phone="0912 345 678")
APPLICANT = Person(name="Trần Văn Cường", identity_number="B1234x9z", phone="+84987650000")


def record(**people: Any) -> PeopleRecord:
    return PeopleRecord(
        dossier_id=uuid4(), code="c", procedure="2.002621", procedure_from=date(2024, 7, 1), **people
    )


@pytest.mark.parametrize("shown", ["1234", "5678", "4x9z", "4X9Z", "0000"])
def test_the_end_of_any_number_of_the_applicant_or_the_mother_serves(shown: str) -> None:
    """An identity number, a passport however it is written, or a telephone."""
    assert recognise(record(mother=MOTHER, applicant=APPLICANT), shown)


@pytest.mark.parametrize("shown", ["0931", "4321", "9999"])
def test_other_digits_do_not(shown: str) -> None:
    """Neither the beginning of a number nor another one; the answer is that of an unknown token."""
    with pytest.raises(Problem) as caught:
        recognise(record(mother=MOTHER, applicant=APPLICANT), shown)
    assert caught.value.document() == not_recognised().document()


@pytest.mark.parametrize("number", ["", "123", "..."])
def test_a_dossier_without_numbers_is_opened_by_nothing(number: str) -> None:
    """What is too short to be a second proof is none."""
    with pytest.raises(Problem):
        recognise(record(applicant=Person(name="Kẻ Lạ", identity_number=number, phone=number)), "0000")
    with pytest.raises(Problem):
        recognise(record(), "0000")
