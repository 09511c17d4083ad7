"""What a partner may read: types by pattern, dossiers by whom they concern."""

import pytest

from libs.contracts.catalogue import EVENTS
from libs.http.problems import Problem
from services.gateway.partners.partner import READER, Partner, asked_types, is_pattern, types_of

HOSPITAL = Partner(
    code="bv",
    name_vi="Bệnh viện",
    types=("results.*", "intake.dossier-accepted.v1"),
    reads=("facility/93016",),
)


def test_a_pattern_means_a_producer_s_events_or_one_or_all() -> None:
    """`results.*` is what results says, nothing of others."""
    assert types_of(["*"]) == frozenset(EVENTS)
    assert {type_.split(".")[0] for type_ in types_of(["results.*"])} == {"results"}
    assert types_of(["results.result-issued.*"]) == {"results.result-issued.v1"}
    assert types_of(["intake.dossier-accepted.v1"]) == {"intake.dossier-accepted.v1"}
    assert types_of(["intake.dossier-accepted", "result.*", ""]) == frozenset()


@pytest.mark.parametrize(
    "pattern",
    ["", "results", "result*", "*.v1", "results.*.v1", "results..*", "RESULTS.*", "results.* ", "%"],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    """A misspelt scope would silently give nothing, or one day too much."""
    assert not is_pattern(pattern)


def test_a_partner_reads_its_types_of_its_dossiers() -> None:
    """Both must be so."""
    readers = {"facility/93016", "agency/one-stop-31340-2025", "unit/31340"}
    assert HOSPITAL.may_read("results.result-ready.v1", readers)
    assert HOSPITAL.may_read("intake.dossier-accepted.v1", readers)
    assert not HOSPITAL.may_read("intake.dossier-refused.v1", readers)
    assert not HOSPITAL.may_read("results.result-ready.v1", {"facility/93017", "agency/hospital-93016"})
    assert not HOSPITAL.may_read("results.result-ready.v1", set())


def test_all_is_said_by_a_star_only() -> None:
    """A partner with an empty scope reads nothing."""
    everything = Partner(code="a", name_vi="", types=("*",), reads=("*",))
    nothing = Partner(code="b", name_vi="", types=("*",), reads=())
    assert everything.readers is None
    assert everything.may_read("notify.message-sent.v1", set())
    assert not nothing.may_read("notify.message-sent.v1", {"unit/31340"})


def test_asking_for_types_never_widens_a_scope() -> None:
    """What is asked for and what is allowed are met; nothing asked for is all that is allowed."""
    assert asked_types("", HOSPITAL) == types_of(HOSPITAL.types)
    assert asked_types("intake.*,routing.*", HOSPITAL) == {"intake.dossier-accepted.v1"}
    assert asked_types("*", HOSPITAL) == types_of(HOSPITAL.types)
    assert asked_types("notify.*", HOSPITAL) == frozenset()
    with pytest.raises(Problem) as refused:
        asked_types("results.*,everything", HOSPITAL)
    assert (refused.value.status, refused.value.slug) == (400, "type-unknown")


@pytest.mark.parametrize(
    "reader", ["facility/", "ward/1", "facility/93016 ", "*/x", "agency/a/b", "agency/A"]
)
def test_what_names_nobody_is_no_reader(reader: str) -> None:
    """Readers are facility, agency or unit with a code, or a star."""
    assert not READER.fullmatch(reader)
