"""Who speaks to the city through the gateway: the partner as it stands now, and no more often than it may."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from libs.http.auth import Actor
from libs.http.limits import TokenBuckets
from libs.http.problems import Problem
from libs.telemetry.metrics import counter
from services.gateway.partners.access import Access
from services.gateway.partners.at_once import AtOnce
from services.gateway.partners.partner import Partner

# Bodies of one partner that lie in memory at once: small ones, and scanned papers.
BODIES_MAX, PAPERS_MAX = 16, 2
WAIT_SECONDS_MAX = 10.0
_REFUSED = counter("http_refused_total").labels(reason="rate")


class SayingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many events and look-ups of one partner one process takes; `burst` holds a whole batch."""

    per_second: float = 20.0
    burst: int = 200


class SayingDesk:
    """Admits partners."""

    def __init__(self, access: Access, limits: SayingLimits) -> None:
        self._access = access
        self._buckets = TokenBuckets(rate_per_second=limits.per_second, burst=limits.burst)
        self._bodies, self._papers = AtOnce(BODIES_MAX), AtOnce(PAPERS_MAX)

    async def admit(self, actor: Actor) -> Partner:
        """The partner. Raises Problem 401."""
        return await self._access.partner(actor)

    def count(self, partner: Partner, events: int = 1) -> None:
        """Count what it says against its limit. Raises Problem 429 with Retry-After."""
        wait_seconds = self._buckets.take(partner.code, events)
        if wait_seconds > 0:
            _REFUSED.inc()
            raise Problem(429, headers={"Retry-After": str(math.ceil(wait_seconds))})

    @asynccontextmanager
    async def place(self, partner: Partner, *, paper: bool) -> AsyncIterator[None]:
        """One of the partner's places, before its body is read. Raises Problem 429 when none becomes free."""
        at_once = self._papers if paper else self._bodies
        async with at_once.place(partner.code, wait_seconds=WAIT_SECONDS_MAX):
            yield
