"""A family receives results otherwise than it had chosen."""

import pytest

from libs.contracts.intake import ChosenResult
from libs.contracts.results import DossierClosed, ResultDispatched, ResultReady
from services.results import calling, domain
from services.results.domain import Custody
from services.results.redirecting import redirect
from tests.unit.results.test_custody import BY_POST, CARD, CERTIFICATE, NOTICE, NOW, called_for, id_of

AT_WARD = ChosenResult(code="insurance_card", delivery="counter", place="ward-counter")
ELECTRONIC = ChosenResult(code="insurance_card", delivery="electronic")
POSTED = ChosenResult(code="insurance_card", delivery="post")


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
@pytest.mark.parametrize("choice", [AT_WARD, POSTED], ids=lambda choice: str(choice.delivery))
def test_a_paper_goes_to_the_new_place_from_where_it_is(
    choice: ChosenResult, before: str, after: str, said: list[type]
) -> None:
    """Not printed or with its issuer it only changes its destination; else it is on its way again."""
    custody, events = redirect(card_at(before), [choice], NOW)
    (card,) = custody.results
    assert (card.state, card.delivery, card.place) == (after, choice.delivery, choice.place)
    assert [type(event) for event in events] == said
    # Told again, nothing happens.
    assert redirect(custody, [choice], NOW) == (custody, ())


@pytest.mark.parametrize("before", ["issued", "dispatched", "ready"])
def test_an_electronic_one_is_there_at_once_and_may_close_the_dossier(before: str) -> None:
    """The family has it in its box; when nothing else is missing the dossier is closed."""
    custody, _ = calling.settle(card_at(before), domain.GRANTED, ("insurance_card",), NOW)
    custody, events = redirect(custody, [ELECTRONIC], NOW)
    assert [type(event) for event in events] == [ResultReady, DossierClosed]
    assert redirect(custody, [AT_WARD], NOW) == (custody, ())


def test_what_the_post_has_and_what_is_in_somebody_s_hands_stays() -> None:
    """It cannot be called back by a choice."""
    handed = card_at("ready")
    handed, _ = domain.hand_over(handed, id_of(handed, "insurance_card"), "mother", NOW)
    after, events = redirect(handed, [AT_WARD], NOW)
    assert (after.results, events) == (handed.results, ())
    posted = called_for(BY_POST)
    for move in (domain.issue, domain.dispatch):
        posted, _ = move(posted, id_of(posted, "extract"), NOW)
    elsewhere = ChosenResult(code="extract", delivery="counter", place="ward-counter")
    after, events = redirect(posted, [elsewhere], NOW)
    assert (after.results, events) == (posted.results, ())


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
