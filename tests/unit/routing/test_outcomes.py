"""Outcomes: which numbers may occur once, and how they are compared."""

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
    ):
        assert digests(other) == digests(DATA)


def test_another_year_book_or_agency_is_another_number() -> None:
    """The same number of next year, of another book or of another agency is free."""
    assert not digests({**DATA, "registered_on": "2027-01-04"}) & digests(DATA)
    assert not digests({**DATA, "register_book": "02/2026-KS"}) & digests(DATA)
    assert not digests(DATA, "civil-status-31411-2025") & digests(DATA)


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
