"""A family receives results otherwise than it had chosen."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.intake import ChosenResult
from libs.contracts.results import DossierClosed, ResultDispatched, ResultReady
from libs.http.auth import Actor
from libs.http.problems import Problem
from services.results import calling, desk, domain, redirecting
from services.results.domain import VALID_STATES, Custody, Result, Step
from tests.unit.results.test_custody import BY_POST, CARD, CERTIFICATE, NOTICE, NOW, called_for, id_of

AT_WARD = ChosenResult(code="insurance_card", delivery="counter", place="ward-counter")
ELECTRONIC = ChosenResult(code="insurance_card", delivery="electronic")
POSTED = ChosenResult(code="insurance_card", delivery="post")
EVENT = UUID(int=7)


def redirect(custody: Custody, chosen: Sequence[ChosenResult], at: datetime) -> Step:
    """What the family chooses, by the same word of the hospital's desk."""
    return redirecting.redirect(custody, chosen, at, cause=EVENT, by="hospital-desk")


def card_at(state: str) -> Custody:
    """A card called for, and brought to a state."""
    custody = called_for(CARD)
    card = id_of(custody, "insurance_card")
    for reached, move in (
        ("issued", domain.issue),
        ("dispatched", domain.dispatch),
        ("ready", domain.arrive),
    ):
        if state == "pending":
            break
        custody, _ = move(custody, card, NOW)
        if reached == state:
            break
    return custody


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("pending", "pending", []),
        ("issued", "issued", []),
        ("dispatched", "dispatched", [ResultDispatched]),
        ("ready", "dispatched", [ResultDispatched]),
    ],
)
def test_a_paper_goes_to_the_new_desk_from_where_it_is(before: str, after: str, said: list[type]) -> None:
    """Not printed or with its issuer it only changes its destination; else it is on its way again."""
    custody, events = redirect(card_at(before), [AT_WARD], NOW)
    (card,) = custody.results
    assert (card.state, card.delivery, card.place) == (after, "counter", "ward-counter")
    assert [type(event) for event in events] == said
    # Told again, nothing happens.
    assert redirect(custody, [AT_WARD], NOW) == (custody, ())


@pytest.mark.parametrize("before", ["pending", "issued"])
def test_what_its_issuer_still_has_may_be_posted(before: str) -> None:
    """It is sent off by the issuer as any other."""
    custody, events = redirect(card_at(before), [POSTED], NOW)
    (card,) = custody.results
    assert (card.state, card.delivery, card.place, events) == (before, "post", "", ())


@pytest.mark.parametrize("before", ["dispatched", "ready"])
@pytest.mark.parametrize("choice", [ELECTRONIC, POSTED], ids=lambda choice: str(choice.delivery))
def test_a_paper_with_a_desk_is_carried_to_desks_only(choice: ChosenResult, before: str) -> None:
    """It is left as it was, the refusal is noted with the desk that asked, and no later version goes that way."""
    found = card_at(before)
    custody, events = redirect(found, [choice], NOW)
    assert (custody.results, events) == (found.results, ())
    assert [(one.delivery, one.place) for one in custody.chosen] == [("hospital", "hospital-desk")]
    (act,) = custody.redirections
    assert (act.event, act.by, act.place, act.refused) == (EVENT, "hospital-desk", "hospital-desk", True)
    called = msgspec.structs.replace(CARD, delivery=choice.delivery, place="")
    custody = calling.call_for(custody, uuid4(), "card", "agency", (called,), NOW)
    assert [(one.state, one.delivery) for one in custody.results] == [
        (before, "hospital"),
        ("pending", "hospital"),
    ]


def test_an_electronic_one_is_there_at_once_and_may_close_the_dossier() -> None:
    """The family has it in its box; when nothing else is missing the dossier is closed."""
    custody, _ = calling.settle(card_at("issued"), domain.GRANTED, ("insurance_card",), NOW)
    custody, events = redirect(custody, [ELECTRONIC], NOW)
    assert [type(event) for event in events] == [ResultReady, DossierClosed]
    assert redirect(custody, [AT_WARD], NOW) == (custody, ())


def test_what_the_post_has_and_what_is_in_somebody_s_hands_stays() -> None:
    """It cannot be called back by a choice, and what was chosen so is not kept."""
    handed = card_at("ready")
    handed, _ = domain.hand_over(handed, id_of(handed, "insurance_card"), "mother", NOW)
    after, events = redirect(handed, [AT_WARD], NOW)
    assert (after.results, events) == (handed.results, ())
    assert [one.delivery for one in after.chosen] == ["hospital"]
    posted = called_for(BY_POST)
    for move in (domain.issue, domain.dispatch):
        posted, _ = move(posted, id_of(posted, "extract"), NOW)
    elsewhere = ChosenResult(code="extract", delivery="counter", place="ward-counter")
    after, events = redirect(posted, [elsewhere], NOW)
    assert (after.results, events) == (posted.results, ())
    assert [one.delivery for one in after.chosen] == ["post"]


def test_a_new_version_goes_where_the_family_wants_it_now() -> None:
    """The old one is in the mother's hands, and stays there; the reprint is sent to the ward."""
    custody = card_at("ready")
    card = id_of(custody, "insurance_card")
    custody, _ = domain.hand_over(custody, card, "mother", NOW)
    custody = domain.reprint(custody, card, uuid4(), NOW)
    custody, events = redirect(custody, [AT_WARD], NOW)
    assert [(one.state, one.place) for one in custody.results] == [
        ("handed-over", "hospital-desk"),
        ("pending", "ward-counter"),
    ]
    assert (custody.chosen, events) == ((AT_WARD,), ())


DESKS = ("agency", "hospital-desk", "ward-counter", "other-counter")
WAYS = (
    AT_WARD,
    ChosenResult(code="insurance_card", delivery="counter", place="other-counter"),
    ChosenResult(code="insurance_card", delivery="hospital", place="hospital-desk"),
    ELECTRONIC,
    POSTED,
)
ACTS = {
    "issued": (desk.issuer, domain.dispatch),
    "dispatched": (desk.at_place, domain.arrive),
    "ready": (desk.at_place, lambda custody, result, at: domain.hand_over(custody, result, "mother", at)),
}


def next_act(custody: Custody, result: Result) -> tuple[Callable[..., None], Callable[..., Any]]:
    """What is to be done next with a paper that exists: the guard of the act and the act."""
    if result.state == "dispatched" and result.delivery == "post":
        return ACTS["ready"]
    return ACTS[result.state]


def who_may(custody: Custody, result: Result) -> list[str]:
    """The desks that may do it, and whose act the domain lets pass."""
    guard, act = next_act(custody, result)
    able = []
    for agency in DESKS:
        officer = Actor(subject="o", kind="officer", agency=agency, roles=frozenset({"one_stop"}))
        try:
            guard(officer, result)
            act(custody, result.id, NOW)
        except (Problem, domain.IllegalMove):
            continue
        able.append(agency)
    return able


@given(st.lists(st.one_of(st.sampled_from(WAYS), st.just("act"), st.just("reprint")), max_size=14))
def test_whatever_is_chosen_exactly_one_desk_has_the_next_act_of_every_paper(
    commands: list[ChosenResult | str],
) -> None:
    """And no paper that has left its issuer for a desk is thought to be in the post or a file."""
    custody, with_desks = called_for(CARD), set()
    for command in commands:
        newest = custody.results[-1]
        if isinstance(command, ChosenResult):
            custody, _ = redirect(custody, [command], NOW)
        elif command == "reprint":
            with suppress(domain.IllegalMove):
                custody = domain.reprint(custody, newest.id, uuid4(), NOW)
        elif newest.state == "pending":
            custody, _ = domain.issue(custody, newest.id, NOW)
        elif newest.state != "handed-over" and newest.delivery != "electronic":
            custody, _ = next_act(custody, newest)[1](custody, newest.id, NOW)
            if newest.delivery != "post":
                with_desks.add(newest.id)
        for result in custody.results:
            if result.state in ("issued", "dispatched", "ready") and result.delivery != "electronic":
                assert len(who_may(custody, result)) == 1
            if result.id in with_desks and result.state in VALID_STATES:
                assert result.delivery in ("hospital", "counter")


def test_a_completion_that_says_the_old_choice_comes_too_late() -> None:
    """The family's latest word counts for what is called for afterwards, and only for that result."""
    custody, events = redirect(called_for(CERTIFICATE), [AT_WARD], NOW)
    assert events == ()
    custody = calling.call_for(custody, id_of(custody, "birth_certificate"), "card", "agency", (CARD,), NOW)
    places = {result.code: result.place for result in custody.results}
    assert places == {"birth_certificate": "hospital-desk", "insurance_card": "ward-counter"}


def test_paper_instead_of_an_electronic_one_is_sent_by_its_issuer() -> None:
    """As long as the dossier is open the family may want paper after all."""
    custody = called_for(NOTICE)
    custody, _ = domain.issue(custody, id_of(custody, "residence_notice"), NOW)
    wanted = ChosenResult(code="residence_notice", delivery="counter", place="ward-counter")
    custody, events = redirect(custody, [wanted], NOW)
    assert (custody.results[0].state, custody.results[0].place, events) == ("issued", "ward-counter", ())
