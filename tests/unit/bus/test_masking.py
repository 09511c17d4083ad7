"""What a person may see of a dead letter."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.bus.dead_letters import MASK, fingerprint, mask_headers, mask_payload
from libs.bus.handling import UNNAMED, Rejected
from libs.contracts.catalogue import EVENTS
from libs.contracts.cloudevents import encode_headers
from libs.contracts.documents import examples
from tests.contracts.test_cloudevents import ENVELOPE

SUBJECT = "intake.dossier-supplemented.v1"


@pytest.mark.parametrize("subject", EVENTS)
def test_ids_codes_and_times_of_known_fields_are_shown(subject: str) -> None:
    """The golden examples hold nothing else, so they are shown as they are."""
    data = examples(EVENTS[subject])["full"]["data"]
    data.pop("options", None)
    assert mask_payload(subject, msgspec.json.encode(data)) == data


@given(st.text(min_size=1).filter(lambda text: not text.isascii() or " " in text), st.integers(10**8, 10**14))
def test_names_and_numbers_of_people_are_masked_wherever_they_stand(name: str, number: int) -> None:
    """Text with a space or a letter beyond ASCII, and long numbers, are never shown; nor are unknown fields."""
    content = {"request": number, "components": [name, str(number)], "complete": name, name: number, "x": "y"}
    shown = mask_payload(SUBJECT, msgspec.json.encode(content))
    assert shown == {"request": MASK, "components": [MASK, MASK], "complete": MASK, MASK: "2 more"}


def test_what_cannot_be_read_is_masked_whole() -> None:
    """No JSON, or a subject nobody knows: nothing is shown."""
    assert mask_payload(SUBJECT, b"\xff") == MASK
    assert mask_payload("intake.unknown.v1", b"{}") == MASK


def test_headers_show_attributes_and_hide_the_rest() -> None:
    """CloudEvents attributes as they should be are shown, a name in one of them and other headers are not."""
    headers = encode_headers(ENVELOPE) | {"ce-source": "Nguy%E1%BB%85n V%C4%83n", "X-Secret": "079123456789"}
    shown = mask_headers(headers)
    assert shown["id"] == str(ENVELOPE.id)
    assert shown["source"] == MASK
    assert "079123456789" not in str(shown)


def test_a_redelivery_has_the_same_fingerprint_and_another_message_has_not() -> None:
    """Headers of NATS do not count, everything else does."""
    headers = encode_headers(ENVELOPE)
    first = fingerprint(SUBJECT, headers, b"{}")
    assert fingerprint(SUBJECT, headers | {"Nats-Msg-Id": "other", "Nats-Stream": "INTAKE"}, b"{}") == first
    assert fingerprint(SUBJECT, headers, b"{ }") != first
    assert fingerprint(SUBJECT, headers | {"ce-sequence": "8"}, b"{}") != first


def test_a_rejection_s_reason_is_a_code_or_not_kept() -> None:
    """A sentence with data in it never reaches the dead letter."""
    assert Rejected("no-such-case").reason == "no-such-case"
    assert Rejected("Nguyễn Văn A already has a case").reason == UNNAMED
