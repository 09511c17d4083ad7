"""Signatures of webhooks are those of the specification, by its published vector and by its own library."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.gateway.webhooks.signing import headers, key_of, new_secret, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_published_vector() -> None:
    """Of the Standard Webhooks test suites."""
    found = signature(key_of(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secrets_are_as_long_as_asked_for_and_never_the_same() -> None:
    """24 to 64 bytes."""
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(key_of(secret)) for secret in made} == {32}


@given(st.text().map(str.encode), st.uuids(), st.integers(min_value=1, max_value=4))
def test_the_specifications_library_verifies_what_we_sign(body: bytes, event_id: UUID, secrets: int) -> None:
    """With each of the secrets that sign, and with no other."""
    made = [new_secret() for _ in range(secrets)]
    given_headers = headers(
        [key_of(each) for each in made], event_id, int(datetime.now(UTC).timestamp()), body
    )
    for secret in made:
        Webhook(secret).verify(b'{"of":' + b"1}", _resigned(given_headers, secret, event_id))
        assert signature(
            key_of(secret), str(event_id), int(given_headers["webhook-timestamp"]), body
        ) in given_headers["webhook-signature"].split(" ")
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, given_headers)


def _resigned(found: dict[str, str], secret: str, event_id: UUID) -> dict[str, str]:
    return headers([key_of(secret)], event_id, int(found["webhook-timestamp"]), b'{"of":1}')
