"""What partners may say: each type has its words, and an example to send."""

from libs.contracts.partner import SAYING_OF, SAYINGS
from libs.contracts.partner_documents import event_schema, example
from services.portal.developers.event_list import EVENTS
from services.portal.developers.saying_words import SAID_BY
from services.portal.developers.saying_words import SAYINGS as WORDS


def test_everything_a_partner_may_say_has_its_words() -> None:
    """In Vietnamese; nothing is described that cannot be said."""
    assert WORDS.keys() == SAYING_OF.keys()
    assert len({words.name for words in WORDS.values()}) == len(WORDS)
    assert {saying.said_by for saying in SAYINGS} == SAID_BY.keys()


def test_what_is_left_open_is_said_to_be() -> None:
    """Where the contract says that something is not decided, the words do too."""
    for saying in SAYINGS:
        assert bool(WORDS[saying.type].undecided) == ("Not decided" in saying.means), saying.type


def test_each_leads_to_the_events_that_follow_and_has_an_example() -> None:
    """Whoever reads one can send it, and look for what the city says then."""
    for saying in SAYINGS:
        assert {each.SUBJECT for each in saying.then} <= EVENTS.keys()
        assert (
            example(saying.type)["type"] == event_schema(saying)["properties"]["type"]["const"] == saying.type
        )
