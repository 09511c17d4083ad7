"""Webhooks as they arrive (Standard Webhooks 1.0): is it the gateway's, unchanged and of now? Was it here before?

`verify` needs the body as the bytes that came: JSON read and written again is another text.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from mot_cua.errors import MotCuaError
from mot_cua.event import Event, read_event

TOLERANCE_SECONDS = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 - how secrets begin
VERSION = "v1"
# The specification asks for 24 to 64 bytes; what is shorter was cut off on its way.
SECRET_BYTES_MIN = 24
# More secrets or signatures than any rotation has: nobody is made to compute for long.
SIGNATURES_MAX = 10


class WebhookRefused(MotCuaError):
    """What arrived is not to be believed; answer 400. Each check that can fail has its own type below."""


class HeaderMissing(WebhookRefused):
    """webhook-id, webhook-timestamp or webhook-signature is not there, or empty."""


class TimestampMalformed(WebhookRefused):
    """webhook-timestamp is no number of seconds since 1970."""


class TimestampTooOld(WebhookRefused):
    """It was signed too long ago: replayed, or this machine's clock is fast."""


class TimestampTooNew(WebhookRefused):
    """It was signed in the future: this machine's clock is slow."""


class SignatureUnknown(WebhookRefused):
    """No signature is of a version this package knows (v1)."""


class SignatureWrong(WebhookRefused):
    """No signature fits any of the secrets: forged, changed on the way, or the secret is another endpoint's."""


class EventIdWrong(WebhookRefused):
    """The body's id is not the one that was signed as webhook-id."""


def verify(
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    secrets: str | Iterable[str],
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: Callable[[], float] = time.time,
) -> Event:
    """The event in a webhook that is genuine. During a rotation give the old and the new secret.

    Raises a WebhookRefused; TypeError when `body` is text; ValueError for a secret that is none; UnexpectedAnswer when
    what was signed is no CloudEvent.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        raise TypeError("the body must be the bytes that came, before any decoding")
    body = bytes(body)
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise ValueError("there is no secret to verify with")
    found = {
        name.lower(): value for name, value in (headers.items() if isinstance(headers, Mapping) else headers)
    }
    message_id, written, given = (
        _header(found, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    _check_time(written, now(), tolerance_seconds)
    _check_signature(given, [_signature(key, message_id, written, body) for key in keys[:SIGNATURES_MAX]])
    event = read_event(body)
    if event.id != message_id:
        raise EventIdWrong("the body's id is not the one that was signed")
    return event


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` the gateway would send, for tests of your receiver. Raises ValueError for no secret."""
    digest = _signature(_key(secret), message_id, str(timestamp), body)
    return f"{VERSION},{base64.b64encode(digest).decode()}"


class SeenIds:
    """Ids handled lately, so that a delivery that comes again does nothing again. In memory, the oldest is forgotten.

    Add an id after handling, never before: what failed is to come again. Where twice would hurt, keep ids in your
    database, in the transaction of what you do.
    """

    def __init__(self, count_max: int = 100_000) -> None:
        self._count_max = count_max
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def add(self, event_id: str) -> None:
        """It has been handled."""
        self._ids[event_id] = None
        self._ids.move_to_end(event_id)
        if len(self._ids) > self._count_max:
            self._ids.popitem(last=False)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.strip().removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) < SECRET_BYTES_MIN:
        # Never the secret itself: this text goes into logs.
        raise ValueError("a secret is whsec_ and base64 of 24 to 64 bytes")
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise HeaderMissing(f"{name} is missing")
    return value


def _check_time(written: str, now: float, tolerance_seconds: float) -> None:
    if not (written.isascii() and written.isdigit() and len(written) <= 12):
        raise TimestampMalformed("webhook-timestamp is no number of seconds")
    age = now - int(written)
    if age > tolerance_seconds:
        raise TimestampTooOld(f"signed {age:.0f} s ago; {tolerance_seconds:g} s are allowed")
    if age < -tolerance_seconds:
        raise TimestampTooNew(f"signed {-age:.0f} s ahead of this clock; {tolerance_seconds:g} s are allowed")


def _check_signature(given: str, expected: list[bytes]) -> None:
    versions = [part.partition(",") for part in given.split(" ")[:SIGNATURES_MAX]]
    signatures = [value for version, _, value in versions if version == VERSION]
    if not signatures:
        raise SignatureUnknown("webhook-signature holds no v1 signature")
    fits = False
    for signature in signatures:
        try:
            digest = base64.b64decode(signature, validate=True)
        except (binascii.Error, ValueError):
            continue
        for wanted in expected:
            # Every pair is compared, each in constant time: how long it takes tells nothing.
            fits |= hmac.compare_digest(digest, wanted)
    if not fits:
        raise SignatureWrong("no signature fits a secret")


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
