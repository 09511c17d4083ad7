"""Steps: the graph opened for the chosen branches, the competent agencies, findings, refusals."""

from datetime import date, timedelta

import msgspec
import pytest

from libs.contracts.intake import RoleUnit
from libs.contracts.routing import (
    AppointmentMoved,
    CaseOpened,
    DossierSettled,
    StepAssigned,
    StepCompleted,
    StepRefused,
)
from services.routing import endings, pauses, status, steps
from services.routing.case import IllegalMove, Officer
from services.routing.rules import Rules
from tests.unit.routing.samples import (
    BIRTH,
    CARD,
    CIVIL,
    DOSSIER,
    INSURANCE,
    MONDAY,
    ONE_STOP,
    POLICE,
    RESIDENCE,
    accepted,
    completed,
    opened,
    roundtrip,
    rules,
)


@pytest.mark.parametrize(
    ("residence", "insurance", "expected"),
    [
        (True, True, (BIRTH, RESIDENCE, CARD)),
        (False, True, (BIRTH, CARD)),
        (True, False, (BIRTH, RESIDENCE)),
        (False, False, (BIRTH,)),
    ],
)
def test_the_graph_has_the_branches_chosen(
    residence: bool, insurance: bool, expected: tuple[str, ...]
) -> None:
    """Only the steps of the branches the family chose are opened, and only the first is assigned."""
    event = accepted(options={"residence": residence, "insurance": insurance})
    case, events = steps.open_case(DOSSIER, event, MONDAY, rules())
    opening, assigned = events
    assert isinstance(opening, CaseOpened)
    assert opening.steps == expected
    assert isinstance(assigned, StepAssigned)
    assert (assigned.step, assigned.agency) == (BIRTH, CIVIL.agency)
    assert status.status_of(case) == status.IN_PROCESS


def test_two_branches_run_in_parallel_after_the_birth() -> None:
    """Completing the birth assigns residence and card at once, each with a term of its own."""
    case = opened()
    _, events = steps.complete(case, BIRTH, CIVIL, pending=(), at=MONDAY, rules=rules())
    done, *following = events
    assert isinstance(done, StepCompleted)
    assert [result.code for result in done.produces] == ["birth_certificate"]
    assert [(e.step, e.agency) for e in following if isinstance(e, StepAssigned)] == [
        (RESIDENCE, POLICE.agency),
        (CARD, INSURANCE.agency),
    ]


def test_a_result_not_asked_for_is_not_produced() -> None:
    """A step produces only the results the applicant chose to receive."""
    case = opened(accepted(results=("insurance_card",)))
    _, events = steps.complete(case, BIRTH, CIVIL, pending=(), at=MONDAY, rules=rules())
    assert isinstance(events[0], StepCompleted)
    assert events[0].produces == ()


def test_clocks_run_from_acceptance_not_from_when_we_hear_of_it() -> None:
    """A case opened hours late (the bus was away) has the same due times."""
    late = opened(at=MONDAY + timedelta(hours=30))
    first, in_time = late.step(BIRTH), opened().step(BIRTH)
    assert first is not None
    assert in_time is not None
    assert first.clock == in_time.clock


def test_a_unit_nobody_is_sure_of_goes_to_the_one_stop_shop() -> None:
    """When no agency is certainly competent the one-stop shop has the step and the dossier is only received."""
    case = opened(accepted(unit="99999"))
    step = case.step(BIRTH)
    assert step is not None
    assert (step.state, step.agency, step.cause) == ("returned", ONE_STOP, "no-competent-agency")
    assert status.status_of(case) == status.ACCEPTED
    case, events = steps.assign(case, BIRTH, CIVIL.agency, MONDAY, rules())
    assert isinstance(events[0], StepAssigned)
    assert status.status_of(case) == status.IN_PROCESS


def test_a_residence_elsewhere_goes_to_the_police_of_that_place() -> None:
    """The birth and the card stay with the agencies of the competent commune, on assigning and on giving back."""
    elsewhere = RoleUnit(role="police_residence", unit="31411", unit_as_of=date(2026, 11, 1))
    case = opened(msgspec.structs.replace(accepted(), role_units=(elsewhere,)))
    case = roundtrip(completed(case, BIRTH, CIVIL))
    agencies = {step.code: step.agency for step in case.steps}
    assert agencies == {
        BIRTH: CIVIL.agency,
        RESIDENCE: "police-31411-2025",
        CARD: INSURANCE.agency,
    }
    there = Officer(subject="officer-9", agency="police-31411-2025", role="police_residence")
    wrong, _ = steps.give_back(
        case, RESIDENCE, there, reason="wrong", to=POLICE.agency, at=MONDAY, rules=rules()
    )
    back, _ = steps.give_back(wrong, RESIDENCE, POLICE, reason="wrong", to="", at=MONDAY, rules=rules())
    step = back.step(RESIDENCE)
    assert step is not None
    assert step.agency == back.receiving_agency


def test_a_wrong_ward_may_pass_the_step_on_itself() -> None:
    """An agency that is not competent names the one that is; to itself or to one without the role it cannot."""
    case = opened()
    case, events = steps.give_back(
        case, BIRTH, CIVIL, reason="wrong-ward", to="civil-status-31411-2025", at=MONDAY, rules=rules()
    )
    assert [type(e).__name__ for e in events] == ["StepReturned", "StepAssigned"]
    there = Officer(subject="y", agency="civil-status-31411-2025", role="civil_status")
    for wrong in (CIVIL.agency, there.agency, POLICE.agency, "nowhere"):
        with pytest.raises(IllegalMove) as refused:
            steps.give_back(case, BIRTH, there, reason="x", to=wrong, at=MONDAY, rules=rules())
        assert refused.value.code == "not-competent"


def test_a_finding_that_residence_must_be_verified_gives_five_days() -> None:
    """The finding moves the dossier from 3 to 5 working days and says so; finding the opposite moves nothing back."""
    case = completed(opened(), BIRTH, CIVIL)
    before = case.appointment.due_at
    case, events = pauses.find(case, "residence_verification", True, MONDAY, rules())
    assert len(events) == 1
    moved = events[0]
    assert isinstance(moved, AppointmentMoved)
    calendar = rules().calendar("")
    assert (
        calendar.working_days_between(calendar.local_date(before), calendar.local_date(moved.appointment_at))
        == 2
    )
    assert not moved.apology
    again, events = pauses.find(case, "residence_verification", False, MONDAY, rules())
    assert events == ()
    assert again.appointment == case.appointment


def test_what_the_applicant_chose_is_no_finding() -> None:
    """An officer cannot set an option that is the applicant's."""
    with pytest.raises(IllegalMove):
        pauses.find(opened(), "insurance", False, MONDAY, rules())


def test_a_wait_of_one_branch_leaves_the_other_running() -> None:
    """While the household head has not confirmed, the card's term runs; the dossier's own stands still."""
    case = completed(opened(), BIRTH, CIVIL)
    case, _ = pauses.pause(case, RESIDENCE, "household_head_confirmation", MONDAY, rules())
    residence, card = case.step(RESIDENCE), case.step(CARD)
    assert residence is not None
    assert card is not None
    assert (residence.due_at, card.due_at is not None, case.clock.due) == (None, True, None)
    with pytest.raises(IllegalMove):
        pauses.pause(case, CARD, "household_head_confirmation", MONDAY, rules())
    later = MONDAY + timedelta(days=7)
    case, events = pauses.resume(case, RESIDENCE, "household_head_confirmation", later, rules())
    assert [type(e).__name__ for e in events] == ["ClockResumed", "AppointmentMoved"]


def test_a_clock_held_twice_runs_when_both_stops_are_over() -> None:
    """The residence waits for the household head and for papers: its clock runs again only after both."""
    case = completed(opened(), BIRTH, CIVIL)
    case, _ = pauses.pause(case, RESIDENCE, "household_head_confirmation", MONDAY, rules())
    case, _ = pauses.request_supplement(
        case, RESIDENCE, components=["declaration"], fields=[], reason="x", at=MONDAY, rules=rules()
    )
    case, _ = pauses.supplemented(case, 1, components=[], complete=True, at=MONDAY, rules=rules())
    held, free = case.step(RESIDENCE), case.step(CARD)
    assert held is not None
    assert free is not None
    assert (held.due_at, free.due_at is None, case.clock.due) == (None, False, None)
    case, _ = pauses.resume(case, RESIDENCE, "household_head_confirmation", MONDAY, rules())
    assert case.clock.due is not None


def test_a_case_reopened_after_a_lapse_has_a_running_clock() -> None:
    """Settled while papers of one branch were awaited, and reopened for an unprintable result: its clock runs."""
    case = completed(opened(), BIRTH, CIVIL)
    case = completed(case, CARD, INSURANCE)
    case, _ = pauses.request_supplement(
        case, RESIDENCE, components=["declaration"], fields=[], reason="x", at=MONDAY, rules=rules()
    )
    case, _ = endings.lapse(case, 1, MONDAY + timedelta(days=10), rules())
    assert case.settled is not None
    case, events = steps.reopen(case, BIRTH, "unprintable", MONDAY + timedelta(days=11), rules())
    assert case.clock.due is not None
    assert case.appointment.due is not None
    assert [type(e).__name__ for e in events] == ["StepReturned", "AppointmentMoved", "StepAssigned"]


def test_a_fee_is_status_six_and_excludes_a_supplement() -> None:
    """Waiting for a fee is national status 6; papers cannot be asked for beside it."""
    case, _ = pauses.pause(opened(), BIRTH, "fee", MONDAY, rules())
    assert status.status_of(case) == status.FEE_ASKED
    with pytest.raises(IllegalMove) as refused:
        pauses.request_supplement(
            case, BIRTH, components=["declaration"], fields=[], reason="x", at=MONDAY, rules=rules()
        )
    assert refused.value.code == "fee-open"
    case, _ = endings.refuse(case, BIRTH, "not-paid", MONDAY, rules())
    assert status.status_of(case) == status.ENDED


def test_a_number_may_come_after_the_dossier_is_closed() -> None:
    """The child's number is supplied after the hand-over: the step is amended, the dossier stays closed."""
    case = opened(accepted(options={"residence": False, "insurance": False}))
    case, _ = steps.complete(case, BIRTH, CIVIL, pending=("personal_id",), at=MONDAY, rules=rules())
    case, _ = endings.close(case, MONDAY)
    case, events = steps.amend(case, BIRTH, ("personal_id",), (), MONDAY)
    assert [type(e).__name__ for e in events] == ["StepAmended"]
    assert status.status_of(case) == status.HANDED_OVER


@pytest.mark.parametrize(
    ("procedure", "first_day"),
    [("3.000722", date(2026, 9, 1)), ("2.000635", date(2016, 1, 1)), ("1.014137", date(2025, 7, 1))],
)
def test_other_procedures_open_by_their_own_data(procedure: str, first_day: date) -> None:
    """A certified extract, a standalone card and the group of 2026 open without a line of code about them."""
    results = tuple(result.code for result in rules().procedure(procedure, first_day).results)
    case = opened(accepted(procedure=procedure, first_day=first_day, results=results))
    assert all(step.agency for step in case.steps if step.open)
    for _ in range(len(case.steps)):
        for step in case.steps:
            if step.open:
                officer = Officer(subject="z", agency=step.agency, role="x")
                case = completed(case, step.code, officer)
    assert case.settled is not None
    assert case.settled.status == 9


def test_an_unknown_procedure_is_refused() -> None:
    """A procedure version the catalogue does not have cannot be opened."""
    other: Rules = rules()
    with pytest.raises(IllegalMove):
        other.procedure("9.999999", date(2026, 1, 1))


def test_a_refused_branch_is_said_with_what_falls_with_it() -> None:
    """Refusing the residence names its notice and ends nothing; refusing the birth takes everything with it."""
    _, events = endings.refuse(completed(opened(), BIRTH, CIVIL), RESIDENCE, "no-consent", MONDAY, rules())
    [refused] = [e for e in events if isinstance(e, StepRefused)]
    assert (refused.step, refused.agency, refused.outcome, refused.reason) == (
        RESIDENCE,
        POLICE.agency,
        "refused",
        "no-consent",
    )
    assert (refused.dropped, refused.results, refused.ends_dossier) == ((), ("residence_notice",), False)
    _, events = endings.refuse(opened(), BIRTH, "not-eligible", MONDAY, rules())
    birth, settled = events
    assert isinstance(birth, StepRefused)
    assert (birth.dropped, birth.ends_dossier) == ((RESIDENCE, CARD), True)
    assert set(birth.results) == {"birth_certificate", "residence_notice", "insurance_card"}
    assert isinstance(settled, DossierSettled)


def test_the_last_branch_refused_does_not_end_what_was_granted() -> None:
    """When the refused branch is the last one left, the dossier is settled as granted in part."""
    case = completed(completed(opened(), BIRTH, CIVIL), CARD, INSURANCE)
    _, events = endings.refuse(case, RESIDENCE, "not-eligible", MONDAY, rules())
    refused, settled = events
    assert isinstance(refused, StepRefused)
    assert not refused.ends_dossier
    assert isinstance(settled, DossierSettled)
    assert (settled.outcome, settled.reason) == ("granted", "partial")


def test_an_amendment_rejected_after_the_hand_over_lies_on_the_agency_s_list() -> None:
    """The closed case stays closed; the step is pending with the reason until it is amended anew."""
    event = accepted(options={"residence": False, "insurance": False}, results=("birth_certificate",))
    case, _ = endings.close(completed(opened(event), BIRTH, CIVIL), MONDAY)
    case, _ = steps.amend(case, BIRTH, ("personal_id",), (), MONDAY)
    case, events = steps.reopen(case, BIRTH, "unprintable", MONDAY, rules())
    step = case.step(BIRTH)
    assert step is not None
    assert (step.state, step.pending, step.cause, events) == ("completed", ("amendment",), "unprintable", ())
    assert status.status_of(case) == status.HANDED_OVER
    assert steps.reopen(case, BIRTH, "unprintable", MONDAY, rules()) == (case, ())
    case, _ = steps.amend(case, BIRTH, ("child_name",), (), MONDAY)
    step = case.step(BIRTH)
    assert step is not None
    assert (step.pending, step.cause) == ((), "")
