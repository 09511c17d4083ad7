"""What the gateway answers to one partner is documented like every event, and is none of the city's."""

import jsonschema
import msgspec
import pytest

from libs.contracts.answer_documents import EXAMPLES, answer_example
from libs.contracts.catalogue import EVENTS
from libs.contracts.documents import events_page
from libs.contracts.gateway import ANSWERS, EventRefused, EventTaken


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.SUBJECT)
def test_its_example_fits_its_schema_and_comes_back_the_same(
    answer: type[EventTaken] | type[EventRefused],
) -> None:
    """As a CloudEvent of the gateway, with every field."""
    given = answer_example(answer.SUBJECT)
    assert (given["source"], given["type"], given["specversion"]) == ("gateway", answer.SUBJECT, "1.0")
    said = msgspec.convert(given["data"], answer, strict=True)
    assert msgspec.to_builtins(said) == given["data"]
    jsonschema.validate(given["data"], msgspec.json.schema(answer))
    assert events_page().count(f"| `{answer.SUBJECT}` |") == 1


def test_no_answer_is_an_event_of_the_city_and_none_is_left_over() -> None:
    """Nobody could publish or hear one on the city's bus: permissions, streams and HANDLERS come from FLOWS."""
    assert not {answer.SUBJECT for answer in ANSWERS} & EVENTS.keys()
    assert {path.stem for path in EXAMPLES.glob("*.json")} == {answer.SUBJECT for answer in ANSWERS}
