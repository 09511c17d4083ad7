"""Secrets that must be read again (TOTP) are sealed with AES-256-GCM; random tokens are kept as hashes only."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES, NONCE_BYTES, TOKEN_BYTES = 32, 12, 32


class Sealer:
    """Seals and opens with the account key; what was sealed for one account opens for no other."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"ACCOUNT_KEY must hold {KEY_BYTES} random bytes in base64")
        self._cipher = AESGCM(key)

    @classmethod
    def from_file(cls, path: str | Path) -> "Sealer":
        """The sealer with the key in a file, as base64. Raises OSError, or ValueError on anything else in it."""
        try:
            return cls(base64.b64decode(Path(path).read_bytes().strip(), validate=True))
        except binascii.Error:
            raise ValueError(f"ACCOUNT_KEY must hold {KEY_BYTES} random bytes in base64") from None

    def seal(self, text: str, account_id: UUID) -> bytes:
        """The text, readable with the key only."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), account_id.bytes)

    def open(self, sealed: bytes, account_id: UUID) -> str:
        """The text again. Raises ValueError when it was sealed with another key or for another account."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], account_id.bytes)
        except InvalidTag:
            raise ValueError("not sealed with this key for this account") from None
        return plain.decode()


def new_account_key() -> bytes:
    """The contents of a new key file."""
    return base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"


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
