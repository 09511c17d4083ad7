"""Who speaks to the city through the gateway: the partner as it stands now, and no more often than it may."""

import math

import msgspec

from libs.http.auth import Actor
from libs.http.limits import TokenBuckets
from libs.http.problems import Problem
from services.gateway.access import Access
from services.gateway.partner import Partner


class SayingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many events and look-ups of one partner one process takes; `burst` holds a whole batch."""

    per_second: float = 20.0
    burst: int = 200


class SayingDesk:
    """Admits partners."""

    def __init__(self, access: Access, limits: SayingLimits) -> None:
        self._access = access
        self._buckets = TokenBuckets(rate_per_second=limits.per_second, burst=limits.burst)

    async def admit(self, actor: Actor) -> Partner:
        """The partner. Raises Problem 401."""
        return await self._access.partner(actor)

    def count(self, partner: Partner, events: int = 1) -> None:
        """Count what it says against its limit. Raises Problem 429 with Retry-After."""
        wait_seconds = self._buckets.take(partner.code, events)
        if wait_seconds > 0:
            raise Problem(429, headers={"Retry-After": str(math.ceil(wait_seconds))})
