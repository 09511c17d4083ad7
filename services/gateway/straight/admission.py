"""Who a connection to the partners' server is: the server's question and our answer (NATS ADR-26, auth callout).

The server asks with the client's public key, the nonce it gave the client and the client's signature of it; it checks
none of them. It is told a user with exactly the partner's permissions, or that there is nobody.
"""

import base64
import binascii
from typing import Any
from uuid import uuid4

import msgspec

from services.gateway.straight.layout import OUTSIDE, permissions
from services.gateway.straight.user_keys import Issuer, is_signed

# Between a partner's code and its key, in the name of a connection.
_BETWEEN = "/"


class _Server(msgspec.Struct, frozen=True):
    id: str


class _Client(msgspec.Struct, frozen=True):
    host: str = ""
    nonce: str = ""


class _Opened(msgspec.Struct, frozen=True):
    nkey: str = ""
    sig: str = ""


class _Question(msgspec.Struct, frozen=True):
    server_id: _Server
    user_nkey: str
    client_info: _Client
    connect_opts: _Opened


class _Claims(msgspec.Struct, frozen=True):
    nats: _Question


class NotAQuestion(Exception):
    """What arrived is not the server's question."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the server asks: who of `server` it should call `user`; `key` is proved when it has signed the nonce."""

    server: str
    user: str
    address: str
    key: str
    is_proved: bool


def read_question(data: bytes) -> Asked:
    """The question in a request. Raises NotAQuestion.

    The server's own signature is not checked: on this subject nobody but the server may publish.
    """
    parts = data.split(b".")
    if len(parts) != 3:
        raise NotAQuestion
    try:
        asked = msgspec.json.decode(_bytes(parts[1]), type=_Claims).nats
    except ValueError:
        raise NotAQuestion from None
    opened, nonce = asked.connect_opts, asked.client_info.nonce.encode()
    try:
        proved = bool(nonce) and is_signed(opened.nkey, nonce, _bytes(opened.sig.encode()))
    except binascii.Error:
        proved = False
    return Asked(
        server=asked.server_id.id,
        user=asked.user_nkey,
        address=asked.client_info.host,
        key=opened.nkey,
        is_proved=proved,
    )


def let_in(issuer: Issuer, asked: Asked, code: str, now: int) -> bytes:
    """The answer that the connection is this partner's."""
    user = {
        "aud": OUTSIDE,
        "sub": asked.user,
        "name": connection_name(code, asked.key),
        "nats": {**permissions(code), "type": "user", "version": 2},
    }
    return _answer(issuer, asked, now, {"jwt": issuer.token(_dated(user, now))})


def refuse(issuer: Issuer, asked: Asked, now: int) -> bytes:
    """The answer that the connection is nobody's. The server tells the client no more than that."""
    return _answer(issuer, asked, now, {"error": "refused"})


def connection_name(code: str, key: str) -> str:
    """Under which name the server lists a connection: whose it is, and by which key."""
    return f"{code}{_BETWEEN}{key}"


def key_of(name: str) -> str:
    """The key in the name of a connection, "" for one that is not a partner's."""
    return name.rpartition(_BETWEEN)[2] if _BETWEEN in name else ""


def code_of(name: str) -> str:
    """The partner in the name of a connection, "" for one that is not a partner's."""
    return name.rpartition(_BETWEEN)[0]


def _answer(issuer: Issuer, asked: Asked, now: int, said: dict[str, Any]) -> bytes:
    answer = {
        "aud": asked.server,
        "sub": asked.user,
        "nats": {**said, "type": "authorization_response", "version": 2},
    }
    return issuer.token(_dated(answer, now)).encode()


def _dated(claims: dict[str, Any], now: int) -> dict[str, Any]:
    return {"iat": now, "jti": uuid4().hex, **claims}


def _bytes(segment: bytes) -> bytes:
    """Base64, of either alphabet (clients differ in the signature's), with or without its padding."""
    return base64.urlsafe_b64decode(
        segment.translate(bytes.maketrans(b"+/", b"-_")) + b"=" * (-len(segment) % 4)
    )
