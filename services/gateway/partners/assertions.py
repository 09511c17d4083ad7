"""Assertions: how a partner proves, with its own key, that it is the one that asks (RFC 7523 3, private_key_jwt).

Judging is pure; what was used before is known to the database (partner_store.use_assertion).
"""

import binascii
import hashlib
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import msgspec

from services.gateway.partners.keys import ALGORITHMS, is_signed
from services.gateway.partners.partner import ACTIVE, Partner

LENGTH_MAX = 4096
LIFETIME_SECONDS_MAX = 300
CLOCK_SKEW_SECONDS = 30
_TYPES = ("jwt", "client-authentication+jwt")
# One way to write each token: without padding, blanks or line breaks, which a decoder would overlook.
_WRITTEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class BadAssertion(Exception):
    """The assertion proves nothing; `reason` is a code for log and audit, never told to who sent it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole header we accept: no jku, x5u, jwk, x5c or crit, by which a caller would choose the key."""

    alg: str
    kid: str
    typ: str = "JWT"


class Claims(msgspec.Struct, frozen=True):
    """What an assertion says. `nbf` and `iat` may be missing (RFC 7523 3)."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    jti: str
    nbf: float = 0
    iat: float = 0


class Assertion(msgspec.Struct, frozen=True):
    """An assertion read, nothing of it believed yet."""

    header: _Header
    claims: Claims
    text: bytes
    signature: bytes

    @property
    def partner(self) -> str:
        """Who it says it is."""
        return self.claims.sub

    @property
    def jti_hash(self) -> bytes:
        """What it is remembered by once used."""
        return hashlib.sha256(self.claims.jti.encode()).digest()

    @property
    def forgotten_at(self) -> datetime:
        """From when on nobody could use it again."""
        return datetime.fromtimestamp(self.claims.exp, UTC) + timedelta(seconds=CLOCK_SKEW_SECONDS + 1)


def read_assertion(token: str) -> Assertion:
    """The assertion in a compact JWT. Raises BadAssertion."""
    if len(token) > LENGTH_MAX or not _WRITTEN.fullmatch(token):
        raise BadAssertion("malformed")
    head, body, signature = token.split(".")
    try:
        header = msgspec.json.decode(_unbase64(head), type=_Header)
        claims = msgspec.json.decode(_unbase64(body), type=Claims)
        signed = _unbase64(signature)
    except (ValueError, RecursionError, binascii.Error):
        raise BadAssertion("malformed") from None
    return Assertion(header, claims, f"{head}.{body}".encode(), signed)


def judge(
    assertion: Assertion, partner: Partner | None, audiences: Collection[str], now: datetime
) -> Partner:
    """The partner an assertion proves. `audiences` are our names. Raises BadAssertion."""
    header, claims = assertion.header, assertion.claims
    if header.alg not in ALGORITHMS:
        raise BadAssertion("algorithm")
    if header.typ.lower() not in _TYPES:
        raise BadAssertion("type")
    if claims.iss != claims.sub or partner is None or partner.code != claims.sub:
        raise BadAssertion("unknown-client")
    key = partner.key(header.kid, now)
    if key is None:
        raise BadAssertion("unknown-key")
    if not is_signed(key.jwk, header.alg, assertion.text, assertion.signature):
        raise BadAssertion("signature")
    given = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    # One audience only: what is also meant for somebody else could be used here by them.
    if len(given) != 1 or given[0] not in audiences:
        raise BadAssertion("audience")
    _judge_time(claims, now.timestamp())
    if not 1 <= len(claims.jti) <= 256:
        raise BadAssertion("jti")
    if partner.state != ACTIVE:
        raise BadAssertion("not-active")
    return partner


def _judge_time(claims: Claims, seconds: float) -> None:
    if seconds >= claims.exp + CLOCK_SKEW_SECONDS:
        raise BadAssertion("expired")
    if claims.exp > seconds + LIFETIME_SECONDS_MAX:
        raise BadAssertion("lives-too-long")
    if seconds < max(claims.nbf, claims.iat) - CLOCK_SKEW_SECONDS:
        raise BadAssertion("not-yet-valid")


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
