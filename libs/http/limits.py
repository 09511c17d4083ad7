"""Back-pressure for public endpoints: a token bucket per client address, answered with 429.

VERIFY_LIMIT = limit_rate(TokenBuckets(rate_per_second=2, burst=20))
@router.get("/verify/{token}", dependencies=[Depends(VERIFY_LIMIT)])
"""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.types import Scope

from libs.http.auth import BadToken, TokenVerifier
from libs.http.problems import Problem
from libs.telemetry.metrics import counter

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CLIENTS_MAX = 10_000
# One subscriber is given a whole /64 of IPv6 addresses.
IPV6_PREFIX = 64
_REFUSED = counter("http_refused_total").labels(reason="rate")


class TokenBuckets:
    """A bucket per client of `burst` requests that fills at `rate_per_second`; the longest unseen are forgotten."""

    def __init__(
        self,
        *,
        rate_per_second: float,
        burst: int,
        clients_max: int = CLIENTS_MAX,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = rate_per_second
        self._burst = burst
        self._clients_max = clients_max
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, count: int = 1) -> float:
        """Take `count` (≤ burst) requests of `client`; 0 when they may go on, else the seconds until they may."""
        now = self._now()
        left, seen = self._buckets.get(client, (float(self._burst), now))
        left = min(self._burst, left + (now - seen) * self._rate)
        wait_seconds = 0.0 if left >= count else (count - left) / self._rate
        self._buckets[client] = (left - count if left >= count else left, now)
        self._buckets.move_to_end(client)
        if len(self._buckets) > self._clients_max:
            self._buckets.popitem(last=False)
        return wait_seconds


class RateLimit:
    """The limit of one public endpoint (or of several together)."""

    def __init__(self, *, rate_per_second: float, burst: int) -> None:
        self._buckets = TokenBuckets(rate_per_second=rate_per_second, burst=burst)

    def check(self, request: Request) -> None:
        """Count this request. Raises Problem 429 with Retry-After when the client has asked too often."""
        wait_seconds = self._buckets.take(client_network(request))
        if wait_seconds > 0:
            _REFUSED.inc()
            raise Problem(429, headers={"Retry-After": str(math.ceil(wait_seconds))})


def client_network(request: Request, *, ipv6_prefix: int = IPV6_PREFIX) -> str:
    """Who asks, for counting only: the peer's address, or what one says who is trusted with it.

    Of an IPv6 address only the first `ipv6_prefix` bits count.

    That is a proxy (application setting), and a service of ours that asks for a person before its screens: it signs
    with its own key, so no network has to be trusted for it, and its persons do not share one limit.
    """
    address = _asked_for(request) or client_address(
        request.scope, getattr(request.app.state, "trusted_proxies", ())
    )
    if address is None:
        return "unknown"
    if address.version == 6:
        return str(ipaddress.ip_network((address, ipv6_prefix), strict=False))
    return str(address)


def _asked_for(request: Request) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address for which one of our services says to ask, None when nobody with a service's token says so."""
    verifier: TokenVerifier | None = getattr(request.app.state, "verifier", None)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    hops = _hops(request.scope)
    if verifier is None or scheme.lower() != "bearer" or not hops:
        return None
    try:
        actor = verifier.verify(token)
    except BadToken:
        return None
    return _parse(hops[-1]) if actor.kind == "service" else None


def client_address(
    scope: Scope, trusted_proxies: Sequence[Network]
) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The nearest address that is not a trusted proxy's; X-Forwarded-For from anyone else has no effect."""
    peer = scope.get("client")
    address = _parse(peer[0]) if peer else None
    if not trusted_proxies or not _inside(address, trusted_proxies):
        return address
    for hop in reversed(_hops(scope)):
        address = _parse(hop)
        if not _inside(address, trusted_proxies):
            return address
    return address


def is_within(scope: Scope, networks: Sequence[Network]) -> bool:
    """Whether the peer itself is in `networks` and does not speak for somebody else (a proxy's headers)."""
    peer = scope.get("client")
    named = (b"x-forwarded-for", b"forwarded")
    spoken_for = any(name in named for name, _ in scope["headers"])
    return not spoken_for and peer is not None and _inside(_parse(peer[0]), networks)


def _hops(scope: Scope) -> list[str]:
    """X-Forwarded-For alone: entrances write it themselves, and pass on a `Forwarded` that a browser made up."""
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return b",".join(values).decode("latin-1").split(",") if values else []


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _inside(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, networks: Sequence[Network]
) -> bool:
    return address is not None and any(address in network for network in networks)
