"""The generated documents are current, valid, and change only by addition."""

from typing import Any

import jsonschema
import msgspec
import pytest

from libs.contracts.__main__ import DOCS, broken, stale
from libs.contracts.catalogue import EVENTS, FLOWS
from libs.contracts.documents import asyncapi, events_page, examples, schema


def test_the_documents_are_current() -> None:
    """docs/ holds exactly what `python -m libs.contracts` would write."""
    assert stale() == []


def test_the_contracts_only_add_to_the_schemas_published() -> None:
    """No event differs from its schema in docs/schemas by more than an addition."""
    assert broken() == []


def test_asyncapi_is_valid_by_the_official_schema(asyncapi_schema: dict[str, Any]) -> None:
    """docs/asyncapi.json validates against the AsyncAPI authors' own JSON Schema."""
    validator = jsonschema.validators.validator_for(asyncapi_schema)(asyncapi_schema)
    document = msgspec.json.decode((DOCS / "asyncapi.json").read_bytes())
    assert [error.json_path for error in validator.iter_errors(document)] == []


def test_the_official_schema_refuses_a_broken_document(asyncapi_schema: dict[str, Any]) -> None:
    """The oracle is awake: an unknown action and a missing title are found."""
    validator = jsonschema.validators.validator_for(asyncapi_schema)(asyncapi_schema)
    document = asyncapi()
    next(iter(document["operations"].values()))["action"] = "shout"
    assert not validator.is_valid(document)
    document = asyncapi()
    del document["info"]["title"]
    assert not validator.is_valid(document)


def test_asyncapi_has_an_operation_for_every_arrow() -> None:
    """Each flow is sent once and received once by each of its consumers."""
    operations = asyncapi()["operations"]
    assert len(operations) == 2 + sum(1 + len(flow.to) for flow in FLOWS)
    assert operations["gateway-receive-partner"]["action"] == "receive"
    assert operations["gateway-send-answers"]["action"] == "send"
    for flow in FLOWS:
        for consumer in flow.to:
            assert operations[f"{consumer}-receive-{flow.event.SUBJECT}"]["action"] == "receive"


def test_every_reference_in_asyncapi_resolves() -> None:
    """No $ref points into the void."""
    document = asyncapi()

    def check(content: Any) -> None:
        if isinstance(content, dict):
            if isinstance(content.get("$ref"), str):
                place: Any = document
                for part in content["$ref"].removeprefix("#/").split("/"):
                    place = place[part]
            for value in content.values():
                check(value)
        elif isinstance(content, list):
            for value in content:
                check(value)

    check(document)


@pytest.mark.parametrize("subject", EVENTS)
def test_examples_fit_their_schema(subject: str) -> None:
    """The examples validate against the JSON Schema a partner would use, times and ids included."""
    validator = jsonschema.Draft202012Validator(
        schema(EVENTS[subject]), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    for example in examples(EVENTS[subject]).values():
        validator.validate(example["data"])


def test_the_page_names_every_subject_once() -> None:
    """docs/EVENTS.md has one row for each event."""
    page = events_page()
    for subject in EVENTS:
        assert page.count(f"| `{subject}` |") == 1
