"""Secrets that must be read again are sealed with AES-256-GCM by a key kept in a file, apart from the database."""

import base64
import binascii
import os
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES, NONCE_BYTES = 32, 12
_WRONG_KEY = f"must hold {KEY_BYTES} random bytes in base64"


class Sealer:
    """Seals and opens with one key; what was sealed for one owner (an account, an endpoint) opens for no other."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(_WRONG_KEY)
        self._cipher = AESGCM(key)

    @classmethod
    def from_file(cls, path: str | Path) -> "Sealer":
        """The sealer with the key in a file, as base64. Raises OSError, or ValueError on anything else in it."""
        try:
            return cls(base64.b64decode(Path(path).read_bytes().strip(), validate=True))
        except binascii.Error:
            raise ValueError(_WRONG_KEY) from None

    def seal(self, text: str, owner: UUID) -> bytes:
        """The text, readable with the key only."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), owner.bytes)

    def open(self, sealed: bytes, owner: UUID) -> str:
        """The text again. Raises ValueError when it was sealed with another key or for another owner."""
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner.bytes)
        except InvalidTag:
            raise ValueError("not sealed with this key for this owner") from None
        return plain.decode()


def new_sealing_key() -> bytes:
    """The contents of a new key file."""
    return base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
