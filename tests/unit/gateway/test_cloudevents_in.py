"""Whatever a partner sends is read as events, or refused with the reason: never anything else."""

import base64
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.http.problems import Problem
from services.gateway.inbound.cloudevent import (
    BATCH_MAX,
    InboundEvent,
    Unreadable,
    read_batch,
    read_binary,
    read_structured,
)

# 200, or the caller's own doing.
CLIENTS = {200, 400, 413, 422}
SOURCE = "urn:mot-cua:partner:bv-93016"


def event(**changes: Any) -> dict[str, Any]:
    """An event as a partner writes it."""
    given = {
        "specversion": "1.0",
        "id": "e-1",
        "source": SOURCE,
        "type": "partner.step-started.v1",
        "subject": str(uuid4()),
        "data": {"step": "register_birth"},
    } | changes
    return {name: value for name, value in given.items() if value is not None}


def written(**changes: Any) -> bytes:
    """The same as bytes."""
    return json.dumps(event(**changes)).encode()


def why(raw: bytes) -> Problem:
    """The problem with a body in structured mode."""
    with pytest.raises(Problem) as refused:
        read_structured(raw)
    return refused.value


def status_of(read: Callable[[], object]) -> int:
    """200, or the status of the problem; anything else that is raised fails the test."""
    try:
        read()
    except Problem as problem:
        return problem.status
    return 200


def test_the_three_modes_say_the_same() -> None:
    """One event in JSON, alone or in a batch, and in headers with a body, is one event."""
    given = event()
    one = read_structured(json.dumps(given).encode())
    [many] = read_batch(json.dumps([given]).encode())
    headers = {f"ce-{name}": value for name, value in given.items() if name != "data"}
    binary = read_binary(headers, "application/json", json.dumps(given["data"]).encode())
    assert isinstance(many, InboundEvent)
    assert one.digest() == many.digest() == binary.digest()
    assert one.identity == many.identity == binary.identity


def test_blanks_and_the_order_of_keys_say_nothing() -> None:
    """A retry that writes the same otherwise is the same; another number is not."""
    subject = str(uuid4())
    first = read_structured(written(subject=subject, data={"a": 1, "b": [2]}))
    again = read_structured(json.dumps(event(subject=subject, data={"b": [2], "a": 1}), indent=3).encode())
    traced = read_structured(
        written(subject=subject, data={"a": 1, "b": [2]}, traceparent="00-1", time="2026-11-27T10:00:00Z")
    )
    other = read_structured(written(subject=subject, data={"a": 2, "b": [2]}))
    assert first.digest() == again.digest() == traced.digest() != other.digest()


def test_a_paper_comes_in_base64_or_as_the_body() -> None:
    """The bytes of a file are the same in both modes; the attribute says which paper it is."""
    content = b"%PDF-1.7 ..."
    named = event(
        type="partner.paper-attached.v1", datacontenttype="application/pdf", component="declaration"
    )
    named.pop("data")
    one = read_structured(json.dumps({**named, "data_base64": base64.b64encode(content).decode()}).encode())
    headers = {f"CE-{name}": value for name, value in named.items() if name != "datacontenttype"}
    two = read_binary(headers, "application/pdf", content)
    assert one.data == two.data == content
    assert one.attributes == two.attributes == {"component": "declaration"}


@pytest.mark.parametrize(
    ("raw", "slug"),
    [
        (b'{"id":"1","id":"2"}', "bad-json-duplicate-key"),
        (written().replace(b'"step"', b'"step": 1, "step"'), "bad-json-duplicate-key"),
        (b"[" * 100_000, "bad-json-nesting"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "bad-json-nesting"),
        (b"\xff\xfe{}", "bad-json-encoding"),
        (b'{"a": "\xe1"}', "bad-json-encoding"),
        (b'{"a": "\\ud800"}', "bad-json-malformed"),
        (b'{"a": NaN}', "bad-json-malformed"),
        (b'{"a": "\\u0000"}', "bad-json-nul-character"),
        (b"", "bad-json-malformed"),
        (b"null", "invalid-content"),
        (written(specversion="0.3"), "event-malformed"),
        (written(id=None), "event-malformed"),
        (written(id=""), "event-malformed"),
        (written(id="x" * 256), "event-malformed"),
        (written(id="a b"), "event-malformed"),
        (written(source=None), "event-malformed"),
        (written(subject="a\nb"), "event-malformed"),
        (written(time="hôm qua"), "event-malformed"),
        (written(time="2026-11-27T10:00:00"), "event-malformed"),
        (written(Extra="x"), "event-malformed"),
        (written(extra={"deep": 1}), "event-malformed"),
        (written(data_base64="e30="), "event-malformed"),
        (written(data=None, data_base64="***"), "event-malformed"),
        (
            written(data=None, data_base64=base64.b64encode(b'{"a":1,"a":2}').decode()),
            "bad-json-duplicate-key",
        ),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason(raw: bytes, slug: str) -> None:
    """Duplicate keys, depth, encodings, missing and malformed attributes."""
    assert why(raw).slug == slug


def test_numbers_nobody_can_keep_are_refused() -> None:
    """They would be read differently by each who reads them."""
    for number in ("1e999", "-1e999"):
        with pytest.raises(Problem):
            read_structured(written(data={"n": "X"}).replace(b'"X"', number.encode())).digest()


def test_a_bad_member_of_a_batch_spoils_no_other() -> None:
    """Each has its own fate; what could be read of its name is told."""
    found = read_batch(json.dumps([event(), event(type=None), 7, event(id="e-2")]).encode())
    assert [type(each) for each in found] == [InboundEvent, Unreadable, Unreadable, InboundEvent]
    bad = found[1]
    assert isinstance(bad, Unreadable)
    assert (bad.source, bad.id, bad.problem.status) == (SOURCE, "e-1", 422)


def test_a_batch_has_an_end() -> None:
    """A hundred at once."""
    assert read_batch(b"[]") == []
    with pytest.raises(Problem) as refused:
        read_batch(json.dumps([event()] * (BATCH_MAX + 1)).encode())
    assert refused.value.status == 413


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=400) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_event_or_a_problem(raw: bytes) -> None:
    """No body whatever is a fault of ours."""
    for read in (read_structured, read_batch):
        assert status_of(lambda read=read: read(raw)) in CLIENTS  # type: ignore[misc]


@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "source", "type", "subject", "time", "datacontenttype", "data", "data_base64", "x"]
        ),
        JSON_VALUES,
    )
)
def test_any_members_are_an_event_or_a_problem(members: dict[str, Any]) -> None:
    """The same for what begins as an event: it has a digest, or a reason why not."""
    assert status_of(lambda: read_structured(json.dumps(event() | members).encode()).digest()) in CLIENTS


@given(
    st.dictionaries(st.text(max_size=8).map(lambda name: f"ce-{name}"), st.text(max_size=30), max_size=6),
    st.text(max_size=20),
    st.binary(max_size=60),
)
def test_any_headers_are_an_event_or_a_problem(headers: dict[str, str], media: str, content: bytes) -> None:
    """And in binary mode."""
    given = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": SOURCE, "ce-type": "t"} | headers
    assert status_of(lambda: read_binary(given, media, content).digest()) in CLIENTS
