"""What a family is told of a case whose step the catalogue no longer has."""

from datetime import timedelta

import msgspec

from services.routing import pauses
from services.routing.case import CANCELLED, FEE, Case
from services.routing.family import family_page
from services.routing.refused import refused_of
from services.routing.words import FEE_WORDS
from tests.unit.routing.samples import BIRTH, MONDAY, opened, rules

GONE = "register_in_the_old_book"


def renamed(case: Case) -> Case:
    """The case as if its first step had been called otherwise when it was opened."""
    steps = tuple(
        msgspec.structs.replace(step, code=GONE) if step.code == BIRTH else step for step in case.steps
    )
    paused = tuple(msgspec.structs.replace(pause, step=GONE) for pause in case.pauses)
    return msgspec.structs.replace(case, steps=steps, pauses=paused)


def test_a_wait_of_a_step_the_catalogue_lost_is_told_by_its_code() -> None:
    """The family's page does not fail for a name."""
    case = pauses.pause(opened(), BIRTH, FEE, MONDAY, rules())[0]
    (known,) = family_page(case, MONDAY + timedelta(hours=1), rules()).waits
    (lost,) = family_page(renamed(case), MONDAY + timedelta(hours=1), rules()).waits
    assert known.step_vi not in {"", BIRTH}
    assert (lost.step, lost.step_vi, lost.reason_vi) == (GONE, GONE, FEE_WORDS.capitalize())
    assert lost.agency_vi == known.agency_vi


def test_a_refused_step_the_catalogue_lost_is_told_by_its_code() -> None:
    """As what was refused, too."""
    case = renamed(opened())
    steps = tuple(
        msgspec.structs.replace(step, state=CANCELLED, cause="rejected:not-eligible")
        if step.code == GONE
        else step
        for step in case.steps
    )
    (told,) = refused_of(msgspec.structs.replace(case, steps=steps), [], rules()).refused
    assert (told.step, told.name, told.outcome) == (GONE, GONE, "rejected")
