"""The life of a dossier: no order of commands and events leads over an edge the national statuses do not have."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.event import Event
from libs.contracts.intake import ChosenResult, DossierAccepted, DossierReceived, DossierSupplemented
from services.intake import dossier as rules
from services.intake.dossier import STATUS_NAMES, Dossier, IllegalMove, SupplementRequest

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)

# The moves between national status codes (domain facts 1.2).
EDGES = {
    1: {2, 3, 5, 7},
    2: {4, 5, 6, 7, 8},
    4: {5, 6, 7, 8, 9},
    5: {2, 4, 7, 8},
    6: {4, 8},
    9: {10, 4},
    3: set(),
    7: set(),
    8: set(),
    10: set(),
}


def dossier(missing: tuple[str, ...] = (), channel: str = "hospital") -> Dossier:
    """A dossier as reception makes it."""
    return Dossier(
        id=UUID(int=1),
        code="313.40.00.H13-261123-0001",
        token="t",
        procedure="3.000722",
        procedure_from=date(2026, 9, 1),
        channel=channel,
        receiving_agency="one-stop",
        facility="93016",
        unit="31340",
        unit_as_of=date(2026, 11, 20),
        options={"residence": True},
        results=(ChosenResult(code="birth_certificate", delivery="hospital", place="hospital-93016"),),
        components=("declaration",),
        missing=missing,
        state=rules.RECEIVED,
        likely_duplicate=False,
        received_at=AT,
        appointment_at=AT + timedelta(days=3),
    )


def request(number: int) -> SupplementRequest:
    """What routing may ask for."""
    return SupplementRequest(
        number=number,
        components=("paper",),
        fields=("child.name",),
        respond_by=AT,
        missing=("paper", "child.name"),
    )


Command = Callable[[Dossier], rules.Step]
COMMANDS: dict[str, Command] = {
    "accept": lambda d: rules.accept_dossier(d, AT, AT),
    "refuse": lambda d: rules.refuse(d, "reason", AT),
    "supplement-reception": lambda d: rules.supplement(d, d.missing[:1], (), AT),
    "supplement-paper": lambda d: rules.supplement(d, ("paper",), (), AT),
    "supplement-field": lambda d: rules.supplement(d, (), ("child.name",), AT),
    "supplement-unknown": lambda d: rules.supplement(d, ("nonsense",), (), AT),
    "withdraw": lambda d: rules.withdraw(d, "reason", AT),
    "correct": lambda d: rules.correct(d, ("child.name",), "reason", AT),
    "correct-nothing": lambda d: rules.correct(d, (), "reason", AT),
}


def _heard(apply: Callable[[Dossier], Dossier]) -> Command:
    """An event of routing, which only speaks of accepted dossiers whose case it has not ended."""

    def command(before: Dossier) -> rules.Step:
        if before.state != rules.ACCEPTED or before.case_status in (7, 8, 10):
            raise IllegalMove("not-said", "")
        return apply(before), ()

    return command


EVENTS: dict[str, Command] = {
    "assigned": _heard(
        lambda d: rules.step_assigned(d, "register_residence", "police") if not d.case_status else d
    ),
    "returned": _heard(
        lambda d: (
            rules.step_returned(d, "register_residence") if d.assignments and d.case_status in (0, 9) else d
        )
    ),
    "term over": _heard(rules.supplement_over),
    "asked": _heard(
        lambda d: rules.supplement_requested(d, request(len(d.requests) + 1)) if d.agencies else d
    ),
    "settled": _heard(
        lambda d: rules.settled(d, "granted", 9, AT) if d.agencies and not d.open_request else d
    ),
    "stopped": _heard(lambda d: rules.settled(d, "stopped", 8, AT) if not d.case_status else d),
    "closed": _heard(lambda d: rules.closed(d, AT) if d.case_status == 9 else d),
}


@given(
    st.sampled_from([(), ("paper_a",), ("paper_a", "paper_b")]),
    st.booleans(),
    st.lists(st.sampled_from(sorted(COMMANDS | EVENTS)), max_size=25),
)
def test_no_sequence_of_commands_takes_an_illegal_edge(
    missing: tuple[str, ...], accept: bool, commands: list[str]
) -> None:
    """Whatever is asked for in whatever order, the status moves along edges of the national table or not at all."""
    now, said = rules.receive(dossier(missing), accept=accept)
    events: list[Event] = list(said)
    assert now.status in (1, 2)
    for name in commands:
        before = now
        try:
            now, said = (COMMANDS | EVENTS)[name](before)
        except IllegalMove:
            continue
        events.extend(said)
        assert now.status == before.status or now.status in EDGES[before.status], (
            name,
            before.status,
            now.status,
        )
        assert now.status in STATUS_NAMES
    assert sum(isinstance(event, DossierReceived) for event in events) == 1
    assert sum(isinstance(event, DossierAccepted) for event in events) == (now.accepted_at is not None)


def test_a_complete_dossier_from_a_desk_is_accepted_in_the_same_breath() -> None:
    """Received and accepted are said together; one that lacks a paper is only received."""
    complete, said = rules.receive(dossier(), accept=True)
    assert ([type(event) for event in said], complete.status) == ([DossierReceived, DossierAccepted], 2)
    lacking, said = rules.receive(dossier(("paper",)), accept=True)
    assert ([type(event) for event in said], lacking.status) == ([DossierReceived], 1)


def test_a_supplement_is_complete_when_the_last_thing_comes() -> None:
    """Each part is said when it comes; only the last makes the supplement complete."""
    now, _ = rules.receive(dossier(), accept=True)
    now = rules.supplement_requested(rules.step_assigned(now, "register_residence", "police"), request(1))
    assert now.status == 5
    now, (first,) = rules.supplement(now, ("paper",), (), AT)
    assert isinstance(first, DossierSupplemented)
    assert (first.complete, now.status) == (False, 5)
    now, (second,) = rules.supplement(now, (), ("child.name",), AT)
    assert isinstance(second, DossierSupplemented)
    assert (second.complete, second.request, now.status) == (True, 1, 4)


def test_a_request_heard_twice_is_one() -> None:
    """The same supplement request again changes nothing, also after it was answered."""
    now, _ = rules.receive(dossier(), accept=True)
    once = rules.supplement_requested(now, request(1))
    answered, _ = rules.supplement(once, ("paper",), ("child.name",), AT)
    assert rules.supplement_requested(answered, request(1)) == answered


@pytest.mark.parametrize("command", ["withdraw", "correct", "supplement-paper", "refuse", "accept"])
def test_a_decided_dossier_takes_nothing_more(command: str) -> None:
    """Once the case is decided, the desk can change nothing; the text says why, in Vietnamese."""
    now, _ = rules.receive(dossier(), accept=True)
    now = rules.settled(now, "granted", 9, AT)
    with pytest.raises(IllegalMove) as refused:
        COMMANDS[command](now)
    assert refused.value.text.endswith(".")


def test_an_agency_that_gave_its_step_back_reads_no_further() -> None:
    """Read rights follow the step: the ward that was not competent loses them, the next one gets them."""
    now, _ = rules.receive(dossier(), accept=True)
    now = rules.step_assigned(now, "register_birth", "ward-a")
    assert "ward-a" in now.concerned
    now = rules.step_returned(now, "register_birth")
    assert "ward-a" not in now.concerned
    now = rules.step_assigned(now, "register_birth", "ward-b")
    assert now.concerned == {"one-stop", "ward-b"}


def test_a_decided_case_whose_step_must_be_done_again_is_in_progress() -> None:
    """A result that could not be printed takes the dossier from 9 back to 4 (an edge of the national table)."""
    now, _ = rules.receive(dossier(), accept=True)
    now = rules.settled(rules.step_assigned(now, "register_birth", "ward"), "granted", 9, AT)
    assert (now.status, rules.step_returned(now, "register_birth").status) == (9, 4)


def test_a_lapsed_request_is_waited_for_no_longer() -> None:
    """When the term to supplement has run out in one branch, the status no longer asks for papers."""
    now, _ = rules.receive(dossier(), accept=True)
    now = rules.supplement_requested(rules.step_assigned(now, "register_residence", "police"), request(1))
    assert (now.status, rules.supplement_over(now).status) == (5, 4)


def test_closing_heard_before_the_decision_stays_closed() -> None:
    """Routing and results speak on streams of their own: closed may be heard first, and is not taken back."""
    now, _ = rules.receive(dossier(), accept=True)
    now = rules.settled(rules.closed(now, AT), "granted", 9, AT)
    assert (now.status, now.outcome) == (10, "granted")


def test_what_lies_below_an_asked_field_answers_it() -> None:
    """Asked for the child's name, its parts are an answer; the child as a whole or another field is none."""
    now, _ = rules.receive(dossier(), accept=True)
    now = rules.supplement_requested(rules.step_assigned(now, "register_residence", "police"), request(1))
    assert rules.unasked_fields(now, ("child.name", "child.name.first")) == ()
    assert rules.unasked_fields(now, ("child", "child.names", "mother.name")) == (
        "child",
        "child.names",
        "mother.name",
    )
    after, _ = rules.supplement(now, (), ("child.name.first",), AT)
    assert after.open_request is not None
    assert after.open_request.missing == ("paper",)
