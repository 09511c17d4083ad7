"""The golden examples: real enough to read, decodable for ever, and without a person in them."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.contracts.catalogue import EVENTS, producer_of
from libs.contracts.cloudevents import STRUCTURED_JSON, decode, decode_data, encode_data, encode_headers
from libs.contracts.documents import EXAMPLES, examples

# Identity numbers have 9 or 12 digits, phones 10, insurance cards 10 or 15.
NUMBER_OF_A_PERSON = re.compile(r"(?<![0-9a-f-])\d{9,}(?![0-9a-f-])")
FILES = sorted(EXAMPLES.glob("*/*.json"))


def strings(content: Any) -> list[str]:
    """Every text in an example, keys included."""
    if isinstance(content, dict):
        return [text for key, value in content.items() for text in (key, *strings(value))]
    if isinstance(content, list):
        return [text for value in content for text in strings(value)]
    return [content] if isinstance(content, str) else []


@pytest.mark.parametrize("subject", EVENTS)
def test_every_subject_has_a_full_and_a_minimal_example(subject: str) -> None:
    """The full one has every field, the minimal one only the required ones."""
    event = EVENTS[subject]
    found = examples(event)
    fields = msgspec.structs.fields(event)
    assert {field.encode_name for field in fields} == found["full"]["data"].keys()
    assert {field.encode_name for field in fields if field.required} == found["minimal"]["data"].keys()


def test_no_example_is_of_an_unknown_subject() -> None:
    """A folder without an event is a leftover."""
    assert {path.parent.name for path in FILES} == set(EVENTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_decodes_and_encodes_to_the_same(path: Path) -> None:
    """Envelope and data survive the way through our codec, in both modes."""
    payload = path.read_bytes()
    envelope, data = decode({"Content-Type": STRUCTURED_JSON}, payload)
    assert (envelope.type, envelope.source) == (path.parent.name, producer_of(EVENTS[envelope.type]))
    event = decode_data(envelope.type, data)
    assert decode(encode_headers(envelope), b"") == (envelope, b"")
    again = encode_data(event)
    assert decode_data(envelope.type, again) == event
    if path.stem == "full":
        assert msgspec.json.decode(payload)["data"] == msgspec.json.decode(again)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_has_no_personal_data(path: Path) -> None:
    """Only ids, codes and times: ASCII, no spaces, nothing that looks like a number of a person."""
    for text in strings(msgspec.json.decode(path.read_bytes())):
        assert text.isascii()
        assert " " not in text
        assert not NUMBER_OF_A_PERSON.search(text)
