"""Who may take a result, and what they must show."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from libs.http.problems import Problem
from services.results.desk_store import Receiver
from services.results.people import PeopleRecord, Person
from services.results.receivers import RELATIONS, check_receiver, whose_card
from services.results.words import RELATIONS as WORDS

MOTHER = Person(name="Nguyễn Thị Mai", identity_number="093196001234")
NUMBERLESS = Person(name="Thạch Thị Sô Phia")


def record(**people: Any) -> PeopleRecord:
    return PeopleRecord(
        dossier_id=uuid4(), code="c", procedure="2.002621", procedure_from=date(2024, 7, 1), **people
    )


def receiver(relation: str = "mother", **shown: str) -> Receiver:
    given: dict[str, Any] = {"name": MOTHER.name, "relation": relation, "identity_number": ""} | shown
    return Receiver(**given)


def checked(given: Receiver, *deliveries: str, **people: Any) -> str:
    return check_receiver(given, record(**({"mother": MOTHER} | people)), deliveries or ("hospital",)).checked


def refused(given: Receiver, *deliveries: str, **people: Any) -> str:
    with pytest.raises(Problem) as caught:
        checked(given, *deliveries, **people)
    assert caught.value.status == 422
    document = caught.value.document().decode()
    assert MOTHER.identity_number not in document
    assert "093" not in document
    return caught.value.errors[0].field


@pytest.mark.parametrize("number", ["093196001234", "093 196 001 234", "093.196.001.234"])
def test_the_mother_shows_the_number_the_dossier_knows(number: str) -> None:
    """However it is written."""
    assert checked(receiver(identity_number=number)) == "identity-number"


def test_another_number_is_refused_without_telling_the_right_one() -> None:
    """Neither the answer nor the reason repeats a number."""
    assert refused(receiver(identity_number="093196009999")) == "receiver.identity_number"


def test_a_mother_whose_number_is_unknown_is_recognised_by_name_and_paper() -> None:
    """Same name, written in any Unicode form, and the paper that was shown; without one it is asked for."""
    given = receiver(name="THẠCH THỊ SÔ PHIA", evidence="Giấy chứng sinh 12/2026")
    assert checked(given, mother=NUMBERLESS) == "name-and-paper"
    decomposed = receiver(name="Tha\u0323ch Thi\u0323  So\u0302 Phia", evidence="Giấy chứng sinh 12/2026")
    assert checked(decomposed, mother=NUMBERLESS) == "name-and-paper"
    assert refused(receiver(name=NUMBERLESS.name), mother=NUMBERLESS) == "receiver.evidence"
    assert refused(receiver(name="Trần Thị Lan", evidence="x"), mother=NUMBERLESS) == "receiver.name"


def test_evidence_does_not_replace_a_number_the_dossier_knows() -> None:
    """Where the number is known, a paper with the name is not enough."""
    assert refused(receiver(evidence="Giấy chứng sinh 12/2026")) == "receiver.identity_number"


def test_an_empty_number_matches_nothing() -> None:
    """No number shown and none known is no match."""
    assert (
        refused(receiver(name=NUMBERLESS.name, identity_number=" . "), mother=NUMBERLESS)
        == "receiver.evidence"
    )


@pytest.mark.parametrize(
    ("relation", "how"),
    [("relative", "authorisation"), ("authorised", "authorisation"), ("guardian", "guardianship")],
)
def test_others_act_by_a_paper_and_are_identified(relation: str, how: str) -> None:
    """A relative, an authorised person or a guardian needs both the paper and an identity document."""
    paper, number = "12/UQ-2026", "093080001111"
    assert refused(receiver(relation, identity_number=number)) == "receiver.authorisation"
    assert refused(receiver(relation, authorisation=paper)) == "receiver.identity_number"
    assert checked(receiver(relation, identity_number=number, authorisation=paper)) == how


@pytest.mark.parametrize("relation", ["mother", "father", "applicant"])
def test_nobody_becomes_mother_father_or_applicant_by_a_paper(relation: str) -> None:
    """A stranger with some paper is authorised at most; whom the dossier does not name is not its father."""
    stranger = receiver(
        relation, name="Kẻ Lạ", identity_number="093080001111", authorisation="x", evidence="x"
    )
    assert refused(stranger) in ("receiver.identity_number", "receiver.relation")


def test_the_right_number_under_another_name_is_refused_like_a_wrong_number() -> None:
    """Who has seen the number has not become the mother; the answer does not tell which of the two was wrong."""
    documents = []
    for shown in (
        {"name": "Kẻ Lạ", "identity_number": MOTHER.identity_number},
        {"identity_number": "093000000000"},
    ):
        with pytest.raises(Problem) as caught:
            checked(receiver(**shown))
        documents.append(caught.value.document())
    assert documents[0] == documents[1]


def test_a_name_typed_without_its_marks_is_the_name_and_is_written_as_the_dossier_has_it() -> None:
    """Keyboards without Vietnamese are at every desk; the receipt has the right spelling."""
    given = receiver(name="NGUYEN  THI MAI", identity_number=MOTHER.identity_number)
    taken = check_receiver(given, record(mother=MOTHER), ("hospital",))
    assert (taken.name, taken.checked) == (MOTHER.name, "identity-number")


def test_a_carrier_delivers_what_is_posted_and_nothing_else() -> None:
    """Its proof of delivery is noted; papers that lie at a desk are not its."""
    proof = receiver("carrier", name="", authorisation="RR123456789VN")
    assert checked(proof, "post") == "carrier-proof"
    assert refused(receiver("carrier"), "post") == "receiver.authorisation"
    assert refused(proof, "post", "hospital") == "receiver.relation"


def test_nobody_without_a_name_receives_anything() -> None:
    """The receipt needs a name."""
    assert refused(receiver(name="  ", identity_number=MOTHER.identity_number)) == "receiver.name"


def test_letters_a_receipt_cannot_show_are_refused_at_the_desk() -> None:
    """Better asked for while the person stands there than found as boxes on the receipt."""
    given = receiver(name="ថាច់ សូភា", identity_number=MOTHER.identity_number)
    assert refused(given) == "receiver.name"


def test_every_relation_has_a_word_for_the_receipt() -> None:
    """Codes are for programs; the receipt says it in Vietnamese."""
    assert set(RELATIONS) == set(WORDS)


def test_an_officer_may_answer_for_one_difference_with_a_paper() -> None:
    """A renewed card or a misspelt name; not both, not without a paper, and only where it differs."""
    renewed = {"identity_number": "093196009999", "mismatch": "document-renewed", "evidence": "Căn cước 2026"}
    assert checked(receiver(**renewed)) == "officer-responsibility"
    misspelt = {
        "name": "Nguyễn Thị May",
        "identity_number": MOTHER.identity_number,
        "mismatch": "dossier-misspelt",
        "evidence": "Căn cước",
    }
    assert checked(receiver(**misspelt)) == "officer-responsibility"
    assert refused(receiver(**(renewed | {"name": "Trần Thị Lan"}))) == "receiver.identity_number"
    assert refused(receiver(**(renewed | {"evidence": ""}))) == "receiver.evidence"
    assert refused(receiver(**(renewed | {"identity_number": ""}))) == "receiver.identity_number"
    same = check_receiver(
        receiver(**(renewed | {"identity_number": MOTHER.identity_number})),
        record(mother=MOTHER),
        ("hospital",),
    )
    assert (same.checked, same.mismatch) == ("identity-number", "")


def test_a_card_is_one_of_the_dossier_s_people_or_nobody_s() -> None:
    """The mother before the applicant she also is; without a number in the dossier by name, with a paper to name."""
    people = record(mother=MOTHER, applicant=MOTHER, father=NUMBERLESS)
    found = whose_card("nguyen thi mai", "093 196 001 234", people)
    assert (found.relation, found.checked, found.needs) == ("mother", "identity-number", ())
    father = whose_card("Thạch Thị Sô Phia", "", people)
    assert (father.relation, father.needs) == ("father", ("evidence",))
    for name, number in ((MOTHER.name, "1"), ("Trần Văn Ba", MOTHER.identity_number), ("", "")):
        with pytest.raises(Problem) as caught:
            whose_card(name, number, people)
        assert [error.code for error in caught.value.errors] == ["mismatch"]
    with pytest.raises(Problem):
        whose_card(MOTHER.name, "", record())
