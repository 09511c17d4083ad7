"""How failed tries lock: a few are free, then each one more doubles the wait, up to a limit that ends by itself.

A lock that only a person can lift would let anybody lock an office out; one of a quarter of an hour leaves a guesser
less than a hundred tries a day at one account.
"""

import ipaddress
import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

ACCOUNT, ADDRESS, SECOND_FACTOR, PAIRING = "account", "address", "second-factor", "pairing"
# One subscriber is given a whole /64 of IPv6 addresses.
IPV6_PREFIX = 64


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How many failures are `free`, how long the first lock and the longest are, when failures are forgotten."""

    free: int
    first_seconds: int = 30
    longest_seconds: int = 900
    forgotten_seconds: int = 86_400


LIMITS: Mapping[str, Limit] = {
    ACCOUNT: Limit(free=5),
    SECOND_FACTOR: Limit(free=5),
    # A whole office has one address; its own mistyping must not lock it.
    ADDRESS: Limit(free=50, forgotten_seconds=3600),
    PAIRING: Limit(free=10, forgotten_seconds=3600),
}


class Tries(msgspec.Struct, frozen=True):
    """What is remembered of failures of one kind at one key."""

    failures: int = 0
    failed_at: datetime | None = None
    locked_until: datetime | None = None


def wait_seconds(tries: Tries, now: datetime) -> int:
    """Whole seconds until another try is heard; 0 when it is heard now."""
    if tries.locked_until is None or tries.locked_until <= now:
        return 0
    return math.ceil((tries.locked_until - now).total_seconds())


def after_failure(tries: Tries, limit: Limit, now: datetime) -> Tries:
    """The failure counted, and the lock it brings from the last free one on."""
    forgotten = tries.failed_at is None or now - tries.failed_at > timedelta(seconds=limit.forgotten_seconds)
    failures = 1 if forgotten else tries.failures + 1
    locked_until = None
    if failures >= limit.free:
        # The exponent is bounded: a counter may run for years, a duration may not overflow.
        seconds = limit.first_seconds * 2 ** min(failures - limit.free, 16)
        locked_until = now + timedelta(seconds=min(seconds, limit.longest_seconds))
    return Tries(failures, now, locked_until)


def after_success(tries: Tries, kind: str) -> Tries:
    """A try that was counted beforehand and succeeded.

    It clears what it proved. Of an address it only takes itself back, or whoever has one account could guess at others.
    """
    if kind != ADDRESS:
        return Tries()
    failures = max(tries.failures - 1, 0)
    locked_until = tries.locked_until if failures >= LIMITS[ADDRESS].free else None
    return Tries(failures, tries.failed_at, locked_until)


def address_key(address: str) -> str:
    """What is counted of an address. Raises ValueError when it is none."""
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
    return str(parsed)
