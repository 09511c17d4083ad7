"""Signatures of Standard Webhooks: HMAC-SHA256 over id, timestamp and body, one for each secret that counts.

Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md ("Signature scheme").
"""

import base64
import hmac
import secrets
from collections.abc import Sequence
from uuid import UUID

PREFIX = "whsec_"
# The specification asks for 24 to 64 bytes.
SECRET_BYTES = 32
CONTENT_TYPE = "application/cloudevents+json"
USER_AGENT = "mot-cua-webhooks/1"


def new_secret() -> str:
    """A new secret as partners keep it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key within a secret."""
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature: `v1,` and base64."""
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(keys: Sequence[bytes], event_id: UUID, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery at a Unix time in seconds, signed with every key."""
    message_id = str(event_id)
    return {
        "content-type": CONTENT_TYPE,
        "user-agent": USER_AGENT,
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(key, message_id, timestamp, body) for key in keys),
    }
