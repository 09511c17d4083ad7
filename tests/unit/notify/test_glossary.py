"""Every message that can be told has a word for what it is about, and every state one for how far it got."""

from services.notify import domain
from services.notify.glossary import ABOUT, STATES
from services.notify.rules import load_rules
from tests.fixtures.servers import ROOT


def test_every_rule_and_state_has_a_word() -> None:
    """A new rule or state must be named before a screen shows its code."""
    assert set(ABOUT) == set(load_rules(ROOT / "catalogue").by_code())
    states = {
        domain.QUEUED,
        domain.SENDING,
        domain.SENT,
        domain.DELIVERED,
        domain.FAILED,
        domain.UNKNOWN,
        domain.DROPPED,
    }
    assert set(STATES) == states
