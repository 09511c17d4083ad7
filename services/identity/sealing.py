"""Random tokens of identity: made, derived, and kept as hashes only."""

import base64
import hashlib
import hmac
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """256 random bits, for a session, a device or a request."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def device_token_of(pairing: str) -> str:
    """The token of the device that a pairing makes, as random as the pairing's secret.

    It follows from the secret, so an answer that was lost is given again; neither hash that is kept tells it.
    """
    digest = hmac.digest(pairing.encode(), b"device-token", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def hash_of(token: str) -> bytes:
    """How a random token is kept and looked up; with 256 bits in it there is nothing to guess or to salt."""
    return hashlib.sha256(token.encode()).digest()
