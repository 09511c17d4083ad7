"""NKeys: how NATS writes Ed25519 keys (nats-io/nkeys), and the tokens that the account of partners is opened with.

A key is the base32 of a prefix byte, the 32 bytes of the public half and a CRC-16/XMODEM, lowest byte first.
"""

import base64
import binascii
from pathlib import Path
from typing import Any, Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.http.problems import FieldError, Problem

_ACCOUNT, _USER = 0, 20 << 3
_KEY_CHARACTERS = 56
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}


def public_user_key(written: str) -> str:
    """The public user key in `written`. Raises Problem 422 for a seed, and for what is no such key."""
    key = written.strip()
    if key.startswith("S"):
        raise _refused("private", "Chỉ nhận khóa công khai (U…); không gửi khóa bí mật cho ai")
    try:
        _raw(key)
    except ValueError:
        raise _refused("malformed", "Khóa công khai của NATS bắt đầu bằng U và dài 56 ký tự") from None
    return key


def is_signed(key: str, text: bytes, signature: bytes) -> bool:
    """Whether the private half of a public user key has signed `text`."""
    try:
        Ed25519PublicKey.from_public_bytes(_raw(key)).verify(signature, text)
    except (ValueError, InvalidSignature):
        return False
    return True


class Issuer:
    """The key that the partners' server lets in by: whoever holds it says who a connection is."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        raw = private.public_key().public_bytes_raw()
        # As the server's configuration names it.
        self.account = _written(_ACCOUNT, raw)
        # A user nobody is. Only because the server has one NKey user does it give each connection a nonce to sign.
        self.nobody = _written(_USER, raw)

    @classmethod
    def from_file(cls, path: str) -> Self:
        """The key in a PEM file. Raises OSError or ValueError."""
        found = serialization.load_pem_private_key(Path(path).read_bytes(), password=None)
        if not isinstance(found, Ed25519PrivateKey):
            raise TypeError("the key must be Ed25519")
        return cls(found)

    def token(self, claims: dict[str, Any]) -> str:
        """A JWT as nats-server reads it, signed with this key."""
        parts = (_HEADER, {"iss": self.account, **claims})
        text = ".".join(_segment(msgspec.json.encode(part)) for part in parts)
        return f"{text}.{_segment(self._private.sign(text.encode()))}"


def new_issuer_pem() -> bytes:
    """A new key for the file."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _raw(key: str) -> bytes:
    """The 32 bytes of a public user key. Raises ValueError."""
    if len(key) != _KEY_CHARACTERS or not key.isascii():
        raise ValueError("length")
    data = base64.b32decode(key)
    if data[0] != _USER or binascii.crc_hqx(data[:-2], 0).to_bytes(2, "little") != data[-2:]:
        raise ValueError("checksum")
    return data[1:-2]


def _written(prefix: int, raw: bytes) -> str:
    data = bytes([prefix]) + raw
    return base64.b32encode(data + binascii.crc_hqx(data, 0).to_bytes(2, "little")).decode().rstrip("=")


def _segment(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _refused(code: str, words: str) -> Problem:
    return Problem(422, "key-refused", "Khóa không được chấp nhận", errors=[FieldError("key", code, words)])
