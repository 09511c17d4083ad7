"""Events as a partner gets them: typed where known, plain where not; what is new breaks nobody."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.__main__ import stale_in_client
from libs.contracts.catalogue import EVENTS
from libs.contracts.documents import examples
from mot_cua import events
from mot_cua.errors import UnexpectedAnswer
from mot_cua.event import Unknown, read_batch, read_event

CLOSED: dict[str, Any] = {
    "specversion": "1.0",
    "id": "0195f0aa-0000-7000-8000-000000000001",
    "source": "results",
    "type": "results.dossier-closed.v1",
    "subject": "0195f0aa-0000-7000-8000-0000000000aa",
    "time": "2026-11-27T03:00:00Z",
    "sequence": "4",
    "data": {"closed_at": "2026-11-27T03:00:00Z", "results": 2},
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_the_package_s_types_are_the_contracts() -> None:
    """Made from them, and current; every event has the very schema that is published."""
    assert stale_in_client() == []
    assert list(events.EVENTS) == list(EVENTS)
    for subject, kind in EVENTS.items():
        assert msgspec.json.schema(events.EVENTS[subject]) == msgspec.json.schema(kind)


@pytest.mark.parametrize("subject", EVENTS)
def test_every_golden_example_is_read_with_its_type(subject: str) -> None:
    """And says what the contract's own type says."""
    for example in examples(EVENTS[subject]).values():
        event = read_event(msgspec.json.encode(example))
        assert type(event.data) is events.EVENTS[subject]
        assert msgspec.json.encode(event.data) == msgspec.json.encode(
            msgspec.convert(example["data"], EVENTS[subject])
        )
        assert event.plain == example["data"]
        assert (event.id, str(event.dossier_id)) == (example["id"], example["subject"])


def test_what_an_event_says() -> None:
    """Its attributes with their types."""
    event = read_event(msgspec.json.encode(CLOSED))
    assert event.dossier_id == UUID(CLOSED["subject"])
    assert event.time == datetime(2026, 11, 27, 3, tzinfo=UTC)
    assert (event.sequence, event.test, event.causation_id) == (4, False, "")
    assert event.data == events.DossierClosed(closed_at=event.time, results=2)


def test_new_fields_types_and_attributes_are_there_as_plain_data() -> None:
    """Nothing of them is lost, nothing breaks."""
    data = CLOSED["data"] | {"copies": 3}
    event = read_event(msgspec.json.encode(CLOSED | {"data": data, "region": "south", "test": True}))
    assert isinstance(event.data, events.DossierClosed)
    assert (event.plain["copies"], event.attributes, event.test) == (3, {"region": "south"}, True)
    for changed in ({"type": "results.dossier-closed.v2"}, {"data": {"closed_at": 5}}, {"data": None}):
        other = read_event(msgspec.json.encode(CLOSED | changed))
        assert other.data == Unknown()
        assert other.plain == (CLOSED | changed)["data"]


@given(st.dictionaries(st.sampled_from([*CLOSED, "test", "causationid", "x"]), JSON_VALUES))
def test_an_event_is_read_or_is_none(changed: dict[str, Any]) -> None:
    """Whatever stands in it: an event, or UnexpectedAnswer."""
    try:
        event = read_event(msgspec.json.encode(CLOSED | changed))
    except UnexpectedAnswer:
        assert {"specversion", "id", "source", "type"} & changed.keys()
    else:
        assert event.plain == (CLOSED | changed)["data"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b'"x"', b"[1]", b'[{"id": "a"}]', b"\xff", b"[" * 9999]
)
def test_what_is_no_batch_of_events_is_told(content: bytes) -> None:
    """Not silently left out: what cannot be read is not passed by."""
    with pytest.raises(UnexpectedAnswer):
        read_batch(content)
    assert read_batch(b"[]") == []
