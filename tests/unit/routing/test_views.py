"""Who sees what of a case: an agency its own, the one-stop shop all, the hospital where it stands."""

from datetime import timedelta

import pytest

from libs.http.auth import Actor
from services.routing import pauses, steps
from services.routing.case import Case
from services.routing.record_store import Act
from services.routing.views import CaseView, sight_of, view_of
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
    completed,
    opened,
    rules,
)

NOTE = "Bà Nguyễn Thị Mai chưa ký."
HOSPITAL = Actor(subject="h", kind="officer", agency="hospital-93016", facility="93016")
COUNTER = Actor(subject="c", kind="officer", agency="counter-elsewhere")
SHOP = Actor(subject="o", kind="officer", agency=ONE_STOP)
PORTAL = Actor(subject="portal", kind="service")
ACTS = [
    Act(dossier_id=DOSSIER, at=MONDAY, subject="x", role="r", agency=agency, move="m", step=step, note=NOTE)
    for agency, step in ((CIVIL.agency, BIRTH), (POLICE.agency, RESIDENCE))
]


def officer(agency: str) -> Actor:
    return Actor(subject="s", kind="officer", agency=agency)


def asked() -> Case:
    """A case whose police wait for papers, with the birth done."""
    case = completed(opened(), BIRTH, CIVIL)
    return pauses.request_supplement(
        case,
        RESIDENCE,
        components=["declaration"],
        fields=[],
        reason="missing-paper",
        at=MONDAY,
        rules=rules(),
    )[0]


def seen(case: Case, actor: Actor) -> CaseView:
    sight = sight_of(case, actor)
    assert sight is not None
    return view_of(case, ACTS, rules(), sight)


def test_an_agency_sees_of_others_steps_only_their_state() -> None:
    """The insurance agency sees that the police have a step, not since when, what they asked for or who did what."""
    view = seen(asked(), officer(INSURANCE.agency))
    steps_seen = {step.step: step for step in view.steps}
    assert steps_seen[CARD].agency == INSURANCE.agency
    for foreign, state in ((BIRTH, "completed"), (RESIDENCE, "assigned")):
        step = steps_seen[foreign]
        assert (step.state, step.agency, step.assigned_at, step.completed_at, step.due_at, step.version) == (
            state,
            "",
            None,
            None,
            None,
            0,
        )
    assert view.supplements == ()
    assert not [entry for entry in view.timeline if entry.step in (BIRTH, RESIDENCE) or entry.note]


def test_the_police_see_their_own_request_and_acts() -> None:
    """What the agency did and asked for itself is there, with its own words."""
    view = seen(asked(), officer(POLICE.agency))
    assert [one.step for one in view.supplements] == [RESIDENCE]
    assert [(entry.step, entry.note) for entry in view.timeline if entry.note] == [(RESIDENCE, NOTE)]


@pytest.mark.parametrize("actor", [SHOP, PORTAL])
def test_the_one_stop_shop_and_the_portal_see_the_whole(actor: Actor) -> None:
    """Every step with its agency and every act."""
    view = seen(asked(), actor)
    assert all(step.agency for step in view.steps)
    assert len([entry for entry in view.timeline if entry.note]) == len(ACTS)


def test_the_hospital_sees_where_it_stands_and_what_it_must_supply() -> None:
    """It learns the states and the papers asked for, not which officer or agency did what."""
    view = seen(asked(), HOSPITAL)
    assert [one.components for one in view.supplements] == [("declaration",)]
    assert not any(step.agency for step in view.steps)
    assert not [entry for entry in view.timeline if entry.note]


def test_strangers_and_who_gave_the_step_back_see_nothing() -> None:
    """No sight for an agency without a step, nor for one that declined it."""
    assert sight_of(opened(), COUNTER) is None
    case, _ = steps.give_back(
        opened(), BIRTH, CIVIL, reason="wrong-ward", to="", at=MONDAY + timedelta(hours=1), rules=rules()
    )
    assert sight_of(case, officer(CIVIL.agency)) is None
