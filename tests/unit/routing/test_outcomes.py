"""Outcomes: which numbers may occur once, and how they are compared."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.catalogue import heard_by
from services.routing import outcomes, status
from services.routing.handlers import HANDLERS
from tests.unit.routing.samples import BIRTH, CIVIL, opened, rules

DATA = {
    "register_number": "125",
    "register_book": "01/2026-KS",
    "registered_on": "2026-11-23",
    "child_name": "Nguyễn An",
}


def digests(data: dict[str, str], agency: str = CIVIL.agency) -> set[bytes]:
    rule = rules().step_rule(opened(), BIRTH)
    return {number.digest for number in outcomes.unique_numbers(rule, agency, data)}


def test_one_number_written_in_several_ways_is_one() -> None:
    """Leading zeros, the year written out, letter case and blanks do not make another register number."""
    for other in (
        {**DATA, "register_number": "0125"},
        {**DATA, "register_number": "125/2026"},
        {**DATA, "register_book": " 01/2026-ks"},
        {**DATA, "register_book": "1/2026 - KS"},
    ):
        assert digests(other) == digests(DATA)


def test_another_year_book_or_agency_is_another_number() -> None:
    """The same number of next year, of another book or of another agency is free."""
    assert not digests({**DATA, "registered_on": "2027-01-04"}) & digests(DATA)
    assert not digests({**DATA, "register_book": "02/2026-KS"}) & digests(DATA)
    assert not digests(DATA, "civil-status-31411-2025") & digests(DATA)


PAPER = {"document_number": "5", "register_book": "1/2026", "issued_on": "2026-11-23"}
DEATH, MARRIAGE, STATUS = ("1.000656", 2016), ("1.000894", 2016), ("1.004873", 2016)
COPY, SIGNATURE = ("2.000815", 2016), ("2.000884", 2016)


def paper(procedure: tuple[str, int], **changes: str) -> set[bytes]:
    """The digests of the one step of a procedure with such an outcome."""
    code, year = procedure
    [rule] = rules().procedure(code, date(year, 1, 1)).steps
    return {number.digest for number in outcomes.unique_numbers(rule, CIVIL.agency, {**PAPER, **changes})}


def test_each_register_has_its_own_numbers() -> None:
    """Number 5 of book 1/2026 is another one among the deaths, marriages, births and certified papers."""
    birth = digests({"register_number": "5", "register_book": "1/2026", "registered_on": "2026-11-23"})
    every = [birth, *(paper(procedure) for procedure in (DEATH, MARRIAGE, STATUS, COPY, SIGNATURE))]
    assert [len(one) for one in every] == [1] * 6
    assert len(set().union(*every)) == 6


@pytest.mark.parametrize("procedure", [DEATH, MARRIAGE, STATUS, COPY, SIGNATURE])
def test_a_document_number_is_one_number_however_it_is_written(procedure: tuple[str, int]) -> None:
    """05, 5 and 05/2026 in book 01/2026 are one number; next year's number 5 of that book is another."""
    for changes in ({"document_number": "05"}, {"document_number": "05/2026"}, {"register_book": "01/2026"}):
        assert paper(procedure, **changes) == paper(procedure)
    assert paper(procedure, document_number="5/2027", issued_on="2027-01-04") == paper(
        procedure, issued_on="2027-01-04"
    )
    assert not paper(procedure, issued_on="2027-01-04") & paper(procedure)
    assert not paper(procedure, document_number="2026") & paper(procedure, document_number="2025")


def test_a_number_kept_without_a_book_counts_too() -> None:
    """Where no book is written the number alone is unique, with the letters that belong to it."""
    assert len(paper(STATUS, register_book="", document_number="7/XN")) == 1
    assert paper(STATUS, register_book="", document_number="07/xn/2026") == paper(
        STATUS, register_book="", document_number="7/XN"
    )


def test_the_personal_number_is_unique_in_the_whole_city() -> None:
    """A personal number counts across agencies; a missing one claims nothing and is pending."""
    data = {**DATA, "personal_id": "092226000001"}
    assert len(digests(data) & digests(data, "civil-status-31411-2025")) == 1
    assert len(digests(DATA)) == 1
    rule = rules().step_rule(opened(), BIRTH)
    assert outcomes.pending(rule, DATA) == ("personal_id",)
    assert outcomes.pending(rule, data) == ()


@given(
    before=st.dictionaries(st.text(max_size=3), st.integers()),
    after=st.dictionaries(st.text(max_size=3), st.integers()),
)
def test_changed_fields_are_exactly_those_that_differ(before: dict[str, int], after: dict[str, int]) -> None:
    """Nothing is changed exactly when both are equal, and only names are told."""
    changed = outcomes.changed_fields(before, after)
    assert (changed == ()) == (before == after)
    assert set(changed) <= {*before, *after}


def test_handlers_are_what_flows_says() -> None:
    """Routing handles exactly the events FLOWS says it hears."""
    assert frozenset(HANDLERS) == heard_by("routing")


def test_every_status_has_a_name_and_only_four_are_ends() -> None:
    """The ten national codes are named; 3, 7, 8 and 10 are terminal; every edge leads to a known code."""
    assert set(status.NAMES_VI) == set(status.TRANSITIONS) == set(range(1, 11))
    assert {3, 7, 8, 10} == status.TERMINAL
    assert all(after in status.NAMES_VI for following in status.TRANSITIONS.values() for after in following)
