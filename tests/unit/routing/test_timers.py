"""Deadlines of a case: what is armed when, and what firing does."""

from datetime import date, timedelta

import msgspec
import pytest

from libs.bus.handling import Received
from libs.contracts.event import Envelope
from libs.contracts.intake import DossierSupplemented
from libs.contracts.routing import (
    AppointmentMoved,
    DeadlineMissed,
    DeadlineNear,
    DossierSettled,
    ReminderDue,
    StepRefused,
)
from services.routing import endings, pauses, timers
from services.routing.case import IllegalMove, replaced
from services.routing.handlers import on_dossier_supplemented
from services.routing.rules import Numbers
from services.routing.timers import ANSWER_ON_ITS_WAY, APOLOGY, LAPSED, MISSED, NEAR, RESIDENCE
from tests.unit.routing.samples import (
    BIRTH,
    CARD,
    CIVIL,
    DOSSIER,
    INSURANCE,
    MONDAY,
    POLICE,
    accepted,
    completed,
    opened,
    rules,
)
from tests.unit.routing.samples import RESIDENCE as RESIDENCE_STEP

LONG = timedelta(days=400)
ENVELOPE = Envelope(
    id=DOSSIER,
    source="intake",
    type=DossierSupplemented.SUBJECT,
    dossier_id=DOSSIER,
    time=MONDAY,
    sequence=2,
)


def test_each_clock_has_one_armed_timer() -> None:
    """At first the dossier waits for its warning and its apology, the birth for its own deadline the same day."""
    assert set(timers.armed(opened(), rules())) == {(NEAR, ""), (APOLOGY, "1"), (MISSED, BIRTH)}


def test_the_warning_comes_first_then_the_deadline() -> None:
    """The dossier's warning fires one working day before, arms the deadline, and comes once."""
    case = opened()
    near = case.clock.near_at
    assert near is not None
    case, events = timers.fire_due(case, near, rules())
    whole = [e for e in events if isinstance(e, DeadlineNear)]
    assert [(e.step, e.agency, e.due_at) for e in whole] == [("", CIVIL.agency, case.clock.due_at)]
    assert timers.armed(case, rules())[MISSED, ""] == case.clock.due_at
    assert timers.fire_due(case, near, rules()) == (case, ())
    case, events = timers.fire_due(case, case.clock.due_at, rules())
    assert [type(e) for e in events] == [DeadlineMissed]


def test_after_an_outage_only_the_miss_is_said() -> None:
    """When the deadline itself has passed, no warning is given any more."""
    _, events = timers.fire_due(opened(), MONDAY + timedelta(days=30), rules())
    assert {type(e) for e in events} == {DeadlineMissed}


def test_a_stopped_clock_has_no_timer() -> None:
    """While papers are awaited only the term to answer and its reminder are armed."""
    case, _ = pauses.request_supplement(
        opened(), BIRTH, components=["declaration"], fields=[], reason="x", at=MONDAY, rules=rules()
    )
    assert {kind for kind, _ in timers.armed(case, rules())} == {timers.PAPERS}
    asked = case.supplements[0]
    case, events = timers.fire_due(case, asked.respond_by, rules())
    assert [type(e) for e in events] == [ReminderDue]
    case, events = timers.fire_due(case, asked.respond_by + ANSWER_ON_ITS_WAY, rules())
    assert [type(e) for e in events] == [StepRefused, DossierSettled]
    assert (LAPSED, "1") in timers.fired(case)


def test_an_answer_given_in_time_counts_although_we_hear_of_it_late() -> None:
    """Papers handed in on the last day and heard of after it stop nothing; the clock runs from the handing in."""
    case, _ = pauses.request_supplement(
        opened(), BIRTH, components=["declaration"], fields=[], reason="x", at=MONDAY, rules=rules()
    )
    given_at = case.supplements[0].respond_by - timedelta(hours=1)
    heard_at = given_at + timedelta(hours=6)
    case, _ = timers.fire_due(case, heard_at, rules())
    answer = DossierSupplemented(
        request=1, components=("declaration",), complete=True, supplemented_at=given_at
    )
    received = Received(event=answer, envelope=ENVELOPE, now=heard_at)
    after = on_dossier_supplemented(case, received, rules()).state
    assert after is not None
    assert after.settled is None
    assert after.pauses[0].ended_at == given_at
    assert after.clock == pauses.end_of_supplement(case, given_at, rules())[0].clock


def test_papers_lapsing_in_one_branch_leave_the_other() -> None:
    """When the residence's papers never come, the certificate and the card are granted still."""
    case = completed(opened(), BIRTH, CIVIL)
    case, _ = pauses.request_supplement(
        case, RESIDENCE_STEP, components=["declaration"], fields=[], reason="x", at=MONDAY, rules=rules()
    )
    lapsed_at = case.supplements[0].respond_by + ANSWER_ON_ITS_WAY
    case, events = timers.fire_due(case, lapsed_at, rules())
    assert case.settled is None
    assert case.clock.stopped_at is None
    assert [(e.step, e.outcome, e.reason) for e in events if isinstance(e, StepRefused)] == [
        (RESIDENCE_STEP, "stopped", "supplement-lapsed")
    ]
    case = completed(case, CARD, INSURANCE, at=lapsed_at)
    assert case.settled is not None
    assert (case.settled.outcome, case.settled.reason) == ("granted", "partial")
    assert set(case.settled.results) == {"birth_certificate", "insurance_card"}
    assert not [e for e in events if isinstance(e, DossierSettled)]


def test_one_apology_by_default_and_two_when_the_city_allows() -> None:
    """After a signed apology no second is drafted, unless the city's number allows it."""
    for numbers, expected in ((Numbers(), 1), (Numbers(apologies_max=2), 2)):
        case, _ = timers.fire_due(opened(), opened().clock.near_at or MONDAY, rules(numbers))
        at = case.apologies[0].drafted_at
        case, events = timers.sign_apology(case, 1, None, at, rules(numbers))
        assert isinstance(events[0], AppointmentMoved)
        assert events[0].apology
        case, _ = timers.fire_due(case, case.appointment.due_at, rules(numbers))
        assert len(case.apologies) == expected


def test_an_apology_never_brings_the_appointment_forward() -> None:
    """The new date lies after the old one and after the signature."""
    case, _ = timers.fire_due(opened(), opened().clock.near_at or MONDAY, rules())
    with pytest.raises(IllegalMove):
        timers.sign_apology(case, 1, case.appointment.due_at, MONDAY, rules())


def test_the_appointment_of_an_apology_is_watched() -> None:
    """After the legal term was missed the new appointment is warned of and missed in its turn, named by its apology."""
    case = opened()
    case, _ = timers.fire_due(case, case.clock.near_at or MONDAY, rules())
    case, _ = timers.sign_apology(case, 1, None, case.apologies[0].drafted_at, rules())
    case, _ = timers.fire_due(case, case.clock.due_at, rules())
    promised = case.appointment
    assert promised.near_at is not None
    case, events = timers.fire_due(case, promised.near_at, rules())
    assert [(e.due_at, e.apology) for e in events if isinstance(e, DeadlineNear)] == [(promised.due_at, 1)]
    case, events = timers.fire_due(case, promised.due_at, rules())
    assert [(e.due_at, e.apology) for e in events if isinstance(e, DeadlineMissed)] == [(promised.due_at, 1)]
    assert timers.armed(case, rules()) == {}


def test_a_term_that_moves_is_warned_of_again() -> None:
    """A warning given before a stop is given anew for the later due time, and so is the miss after a finding."""
    case = opened(accepted(options={"residence": True}))
    assert case.clock.near_at is not None
    at = case.clock.near_at
    case, events = timers.fire_due(case, at, rules())
    assert [e.due_at for e in events if isinstance(e, DeadlineNear) and not e.step] == [case.clock.due_at]
    case, _ = pauses.pause(case, BIRTH, "fee", at, rules())
    case, _ = pauses.resume(case, BIRTH, "fee", at + timedelta(days=20), rules())
    later = case.clock
    assert later.near_at is not None
    assert timers.armed(case, rules())[NEAR, "~1"] == later.near_at
    case, events = timers.fire_due(case, later.near_at, rules())
    assert [e.due_at for e in events if isinstance(e, DeadlineNear) and not e.step] == [later.due_at]
    case, _ = timers.fire_due(case, later.due_at, rules())
    case, _ = pauses.find(case, "residence_verification", True, later.due_at, rules())
    assert timers.armed(case, rules())[NEAR, "~2"] < case.clock.due_at


def test_a_draft_is_void_when_the_appointment_has_moved() -> None:
    """A finding after the draft moves the appointment: the draft cannot be signed, and a new one is made in time."""
    case = opened()
    at = case.clock.near_at or MONDAY
    case, _ = timers.fire_due(case, at, rules())
    case, _ = pauses.find(case, "residence_verification", True, at, rules())
    moved = case.appointment
    with pytest.raises(IllegalMove) as refused:
        timers.sign_apology(case, 1, None, at, rules())
    assert refused.value.code == "apology-void"
    assert case.appointment == moved
    case, _ = timers.fire_due(case, moved.near_at or at, rules())
    case, events = timers.sign_apology(case, 2, None, moved.near_at or at, rules())
    assert isinstance(events[0], AppointmentMoved)
    assert events[0].was_at == moved.due_at
    assert (APOLOGY, "3") not in timers.armed(case, rules())


def test_the_family_is_reminded_of_the_residence_after_30_and_50_days() -> None:
    """A family that did not choose the residence is reminded twice after the birth registration, then no more."""
    event = accepted(options={"residence": False, "insurance": False})
    case = completed(opened(event), BIRTH, CIVIL)
    assert timers.armed(case, rules()) == {(RESIDENCE, "30"): MONDAY + timedelta(days=30)}
    case, events = timers.fire_due(case, MONDAY + timedelta(days=30), rules())
    assert [(e.kind, e.day) for e in events if isinstance(e, ReminderDue)] == [("residence", 30)]
    case, events = timers.fire_due(case, MONDAY + LONG, rules())
    assert [(e.kind, e.day) for e in events if isinstance(e, ReminderDue)] == [("residence", 50)]
    assert timers.armed(case, rules()) == {}


def test_nobody_is_reminded_of_a_residence_an_agency_is_registering() -> None:
    """No reminder while the residence step is open or done; after its refusal the newest that is due, once."""
    case = completed(opened(), BIRTH, CIVIL)
    assert RESIDENCE not in {kind for kind, _ in timers.armed(case, rules())}
    done = completed(case, RESIDENCE_STEP, POLICE)
    assert RESIDENCE not in {kind for kind, _ in timers.armed(done, rules())}
    at = MONDAY + timedelta(days=52)
    case, _ = timers.fire_due(case, at, rules())
    case, _ = endings.refuse(case, RESIDENCE_STEP, "no-consent", at, rules())
    case, events = timers.fire_due(case, at, rules())
    assert [(e.kind, e.day) for e in events if isinstance(e, ReminderDue)] == [("residence", 50)]


def test_nobody_is_reminded_of_a_residence_that_was_registered_before() -> None:
    """The police refuse the step because the child's residence stands in the register: nothing is left to do."""
    case = completed(opened(), BIRTH, CIVIL)
    at = MONDAY + timedelta(days=2)
    case, _ = endings.refuse(case, RESIDENCE_STEP, "already-settled", at, rules())
    assert RESIDENCE not in {kind for kind, _ in timers.armed(case, rules())}


def test_a_step_the_catalogue_lost_stops_no_other_timer() -> None:
    """Where the catalogue's version no longer has a step, the deadlines of the case are armed and fire all the same."""
    case = opened()
    lost = msgspec.structs.replace(case.steps[-1], code="abolished")
    case = replaced(case, steps=(lost, *case.steps))
    assert (NEAR, "") in timers.armed(case, rules())
    _, events = timers.fire_due(case, MONDAY + LONG, rules())
    assert [e for e in events if isinstance(e, DeadlineMissed) and not e.step]


def test_registering_an_adult_s_birth_again_reminds_nobody() -> None:
    """A birth certificate made anew for somebody long born begins no term for a child's residence."""
    event = accepted(procedure="1.004884", first_day=date(2016, 1, 1), results=("birth_certificate",))
    case = opened(event)
    case = completed(case, case.steps[0].code, CIVIL)
    assert case.steps[0].produced == ("birth_certificate",)
    assert timers.armed(case, rules()) == {}


def test_a_withdrawn_case_waits_for_nothing() -> None:
    """After a withdrawal no timer is armed."""
    case, _ = endings.withdraw(completed(opened(), BIRTH, CIVIL), MONDAY)
    assert timers.armed(case, rules()) == {}
