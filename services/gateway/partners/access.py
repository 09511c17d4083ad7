"""Who reads: the partner behind a token, as it stands now and not as it stood when the token was given."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg

from libs.database.transactions import ACQUIRE_TIMEOUT_SECONDS
from libs.http.auth import INTEGRATOR, Actor, require
from libs.http.limits import TokenBuckets
from libs.http.problems import Problem
from libs.telemetry.logs import log
from services.gateway.partners import partner_store
from services.gateway.partners.partner import ACTIVE, Partner

# Who calls: a partner's program, or also one of its persons.
SYSTEM = require(kinds=("system",))
PERSON_OR_SYSTEM = require(kinds=("system", INTEGRATOR))
# How old what is known of a partner may be. Suspension, retirement of a key and a smaller scope take effect after it.
CACHE_SECONDS = 10.0
PARTNERS_MAX = 10_000
# What one partner's persons and programs look at and change of their own at one process.
TENDING_PER_SECOND, TENDING_BURST = 30.0, 300


class Access:
    """What is known of partners, asked for again after CACHE_SECONDS. Without the database nobody reads on."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        *,
        cache_seconds: float = CACHE_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._cache_seconds = cache_seconds
        self._now = now
        self._known: dict[str, tuple[Partner | None, float]] = {}

    async def partner(self, actor: Actor) -> Partner:
        """The partner that asks, or whose person does. Raises Problem 401 when it or its key counts no more."""
        person = actor.kind == INTEGRATOR
        code = actor.partner
        if actor.kind == "system" and actor.credential:
            code = actor.subject
        partner = await self._find(code) if code else None
        if partner is not None and not person and not partner.has_key(actor.credential):
            # A token was given for it: the key was added after we last looked.
            partner = await self._find(code, anew=True)
        if partner is None:
            reason = "unknown-client"
        elif partner.state != ACTIVE:
            reason = partner.state
        elif not person and partner.key(actor.credential, datetime.now(UTC)) is None:
            reason = "key-retired"
        else:
            return partner
        log.warning("partner-refused", reason=reason)
        raise Problem(
            401,
            "partner-not-active",
            "Đối tác không còn quyền truy cập",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )

    async def _find(self, code: str, *, anew: bool = False) -> Partner | None:
        now = self._now()
        known = None if anew else self._known.get(code)
        if known is not None and now - known[1] < self._cache_seconds:
            return known[0]
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            partner = await partner_store.find(conn, code)
        if len(self._known) >= PARTNERS_MAX:
            self._known.clear()
        # As old as the question, not as the answer.
        self._known[code] = (partner, now)
        return partner


class CountedAccess:
    """The same for what a partner tends of its own: keys, webhooks, deliveries; no more often than one may."""

    def __init__(
        self, access: Access, *, per_second: float = TENDING_PER_SECOND, burst: int = TENDING_BURST
    ) -> None:
        self._access = access
        self._buckets = TokenBuckets(rate_per_second=per_second, burst=burst)

    async def partner(self, actor: Actor) -> Partner:
        """The partner that asks, or whose person does. Raises Problem 401, or 429 with Retry-After."""
        partner = await self._access.partner(actor)
        wait_seconds = self._buckets.take(partner.code)
        if wait_seconds > 0:
            raise Problem(429, headers={"Retry-After": str(math.ceil(wait_seconds))})
        return partner
