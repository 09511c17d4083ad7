"""Our CloudEvents codec against the specification, with the CloudEvents SDK as an oracle."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cloudevents.core.bindings.http import (
    HTTPMessage,
    from_binary_event,
    from_structured_event,
    to_binary_event,
)
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.cloudevents import (
    MESSAGE_ID,
    CloudEventError,
    decode,
    decode_data,
    encode_block,
    encode_data,
    encode_headers,
    encode_structured,
    readable,
)
from libs.contracts.event import Envelope
from libs.contracts.intake import DossierSupplemented

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ENVELOPE = Envelope(
    id=UUID("019cd0a0-0001-7000-8000-000000000001"),
    source="intake",
    type="intake.dossier-supplemented.v1",
    dossier_id=UUID("019cd09f-0001-7b2c-9d3e-4f5a6b7c8d90"),
    time=datetime(2026, 3, 9, 1, 45, tzinfo=UTC),
    sequence=7,
    causation_id=UUID("019cd0a0-0001-7000-8000-0000000000ff"),
    traceparent=TRACE,
)
HEADERS = encode_headers(ENVELOPE)

# NATS header values end at a line break; everything else may stand in an attribute.
texts = st.text(min_size=1, max_size=40)
envelopes = st.builds(
    Envelope,
    id=st.uuids(),
    source=texts,
    type=texts,
    dossier_id=st.uuids(),
    time=st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=7))]),
    ),
    sequence=st.integers(1, 2**63 - 1),
    causation_id=st.none() | st.uuids(),
    traceparent=st.none() | texts,
)


def to_oracle(headers: dict[str, str]) -> CloudEvent:
    """Read binary mode with the SDK: HTTP's binding has the same header rules but for the content type's name."""
    renamed = {
        "content-type" if name == "ce-datacontenttype" else name: value
        for name, value in headers.items()
        if name != MESSAGE_ID
    }
    return from_binary_event(HTTPMessage(headers=renamed, body=b'{"a": 1}'))  # type: ignore[return-value]


@given(envelopes)
def test_the_sdk_reads_what_we_write(envelope: Envelope) -> None:
    """Every attribute, also Vietnamese text, arrives at the SDK as it was."""
    event = to_oracle(encode_headers(envelope))
    found = event.get_attributes()
    assert found["id"] == str(envelope.id)
    assert found["source"] == envelope.source
    assert found["type"] == envelope.type
    assert found["subject"] == str(envelope.dossier_id)
    assert found["time"] == envelope.time
    assert found["sequence"] == str(envelope.sequence)
    assert found.get("causationid") == (str(envelope.causation_id) if envelope.causation_id else None)
    assert found.get("traceparent") == (envelope.traceparent or None)
    assert event.get_data() == {"a": 1}


@given(envelopes)
def test_we_read_what_the_sdk_writes(envelope: Envelope) -> None:
    """Headers written by the SDK decode to the envelope they were made from."""
    attributes: dict[str, Any] = {
        "id": str(envelope.id),
        "source": envelope.source,
        "type": envelope.type,
        "subject": str(envelope.dossier_id),
        "time": envelope.time,
        "sequence": str(envelope.sequence),
        "datacontenttype": "application/json",
    }
    if envelope.causation_id:
        attributes["causationid"] = str(envelope.causation_id)
    if envelope.traceparent:
        attributes["traceparent"] = envelope.traceparent
    message = to_binary_event(CloudEvent(attributes=attributes, data={"a": 1}))
    headers = {
        "ce-datacontenttype" if name == "content-type" else name: value
        for name, value in message.headers.items()
    }
    found, data = decode(headers, message.body)
    assert found == envelope
    assert msgspec.json.decode(data) == {"a": 1}


@given(envelopes)
def test_headers_come_back_as_they_were_sent(envelope: Envelope) -> None:
    """Decoding what was encoded gives the same envelope, in dictionary and in block form."""
    assert decode(encode_headers(envelope), b"{}") == (envelope, b"{}")
    lines = encode_block(envelope).decode("ascii").split("\r\n")
    assert (lines[0], lines[-2:]) == ("NATS/1.0", ["", ""])
    assert dict(line.split(": ", 1) for line in lines[1:-2]) == encode_headers(envelope)


@given(envelopes)
def test_header_values_are_printable_ascii(envelope: Envelope) -> None:
    """No space, quote, control or non-ASCII character stands bare in a header value (binding, 3.1.3.2)."""
    for value in encode_headers(envelope).values():
        assert all("!" <= character <= "~" and character != '"' for character in value)


@given(envelopes)
def test_structured_mode_is_read_by_us_and_by_the_sdk(envelope: Envelope) -> None:
    """An event in structured mode means the same to both."""
    headers, payload = encode_structured(envelope, b'{"a": 1}')
    found, data = decode(headers, payload)
    assert (found, msgspec.json.decode(data)) == (envelope, {"a": 1})
    oracle = from_structured_event(
        HTTPMessage(headers={"content-type": headers["Content-Type"]}, body=payload)
    )
    assert oracle.get_type() == envelope.type
    assert oracle.get_time() == envelope.time
    assert oracle.get_data() == {"a": 1}


def test_structured_mode_written_by_the_sdk_is_read() -> None:
    """The SDK's JSON format decodes, with an integer sequence and any case in the header."""
    event = CloudEvent(
        attributes={
            "id": str(ENVELOPE.id),
            "source": "intake",
            "type": ENVELOPE.type,
            "subject": str(ENVELOPE.dossier_id),
            "time": ENVELOPE.time,
            "sequence": "7",
            "causationid": str(ENVELOPE.causation_id),
            "traceparent": TRACE,
        },
        data={"a": 1},
    )
    payload = JSONFormat().write(event)
    found, _ = decode({"content-TYPE": "Application/CloudEvents+JSON; charset=utf-8"}, payload)
    assert found == ENVELOPE
    whole = msgspec.json.decode(payload) | {"sequence": 7}
    assert decode({"Content-Type": "application/cloudevents+json"}, msgspec.json.encode(whole))[0] == ENVELOPE


def test_names_in_any_case_and_quoted_values_are_read() -> None:
    """Header names are case-insensitive; a quoted string loses its quotes, then its percent-encoding."""
    odd = {name.upper(): f'"{value}"' for name, value in HEADERS.items() if name.startswith("ce-")}
    odd["CE-SOURCE"] = '"in\\take"'
    odd["CE-TYPE"] = "intake%2Edossier-supplemented%2Ev1"
    assert decode(odd, b"")[0] == ENVELOPE


def test_a_percent_sign_is_decoded_once() -> None:
    """%2541 is the text %41, not A."""
    found, _ = decode({**HEADERS, "ce-source": "%2541"}, b"")
    assert found.source == "%41"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ce-id": None}, "attribute-missing id"),
        ({"ce-source": None}, "attribute-missing source"),
        ({"ce-sequence": None}, "attribute-missing sequence"),
        ({"ce-specversion": None}, "attribute-missing specversion"),
        ({"ce-specversion": "0.3"}, "specversion-unknown"),
        ({"ce-id": "17"}, "attribute-malformed id"),
        ({"ce-subject": "Nguyễn"}, "attribute-malformed subject"),
        ({"ce-time": "2026-03-09T01:45:00"}, "attribute-malformed time"),
        ({"ce-time": "1773020700"}, "attribute-malformed time"),
        ({"ce-sequence": "0"}, "attribute-malformed sequence"),
        ({"ce-sequence": "-1"}, "attribute-malformed sequence"),
        ({"ce-sequence": "٣"}, "attribute-malformed sequence"),
        ({"ce-sequence": "9" * 30}, "attribute-malformed sequence"),
        ({"ce-source": ""}, "attribute-malformed source"),
        ({"ce-type": "%ff"}, "encoding-invalid type"),
        ({"ce-type": "intake\ufffd"}, "encoding-invalid type"),
        ({"ce-datacontenttype": "application/msgpack"}, "datacontenttype-unknown"),
        ({"Content-Type": "application/cloudevents+avro"}, "format-unknown"),
        ({"Content-Type": "application/cloudevents+json"}, "attribute-malformed"),
    ],
)
def test_what_is_no_cloudevent_of_ours_is_refused(change: dict[str, str | None], code: str) -> None:
    """Each fault has its own code, which names the attribute and never repeats its value."""
    headers = {name: value for name, value in {**HEADERS, **change}.items() if value is not None}
    with pytest.raises(CloudEventError) as refused:
        decode(headers, b"no json")
    assert str(refused.value) == code


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=8), st.binary(max_size=60))
def test_anything_else_is_refused_with_a_typed_error(headers: dict[str, str], payload: bytes) -> None:
    """Arbitrary headers and bytes never raise anything but CloudEventError."""
    with pytest.raises(CloudEventError):
        decode({**headers, "Content-Type": "application/cloudevents+json"}, payload)
    with pytest.raises(CloudEventError):
        decode(headers, payload)
    readable(headers)


@given(st.binary(max_size=200))
def test_broken_data_is_refused_without_its_content(payload: bytes) -> None:
    """Data that are no event of the type raise data-malformed with a path at most."""
    with pytest.raises(CloudEventError) as refused:
        decode_data("intake.dossier-supplemented.v1", payload)
    assert refused.value.code == "data-malformed"


def test_errors_never_repeat_what_was_sent() -> None:
    """Values and unknown keys of the payload do not appear in the error."""
    payload = msgspec.json.encode({"request": 1, "components": ["x"], "complete": "Nguyễn Văn Bí Mật"})
    with pytest.raises(CloudEventError) as refused:
        decode_data("intake.dossier-supplemented.v1", payload)
    assert str(refused.value) == "data-malformed complete"


def test_an_unknown_type_is_refused() -> None:
    """A subject outside the catalogue has no decoder."""
    with pytest.raises(CloudEventError, match="type-unknown"):
        decode_data("intake.dossier-praised.v1", b"{}")


def test_unknown_fields_of_data_are_ignored() -> None:
    """A newer producer's additional field does not disturb an older consumer."""
    event = DossierSupplemented(request=1, components=("a",), complete=True, supplemented_at=ENVELOPE.time)
    content = msgspec.json.decode(encode_data(event)) | {"later": {"added": True}}
    assert decode_data(event.SUBJECT, msgspec.json.encode(content)) == event
