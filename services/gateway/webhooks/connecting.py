"""Connections to receivers: names resolved by us, every address judged, and exactly a judged address connected to.

So a name that resolves otherwise a moment later (DNS rebinding) changes nothing: it is not resolved again.
"""

import asyncio
import ssl
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import httpcore
import msgspec

from libs.http.limits import Network
from services.gateway.webhooks.addresses import Refused, Target, judge, judge_written
from services.gateway.webhooks.resolving import Resolver

CONNECT_SECONDS = 5.0
ADDRESSES_MAX = 4
# Of one receiver; as many as it gets at once.
IDLE_CONNECTIONS_MAX = 8
IDLE_SECONDS = 60.0


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens httpcore's connections for one scheme: resolves, judges, and connects to what was judged."""

    def __init__(self, scheme: str, resolver: Resolver, allowed: Sequence[Network]) -> None:
        self._scheme = scheme
        self._resolver = resolver
        self._allowed = allowed
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first address that takes one. Raises Refused, or httpcore's ConnectError."""
        target = Target(self._scheme, host, port)
        judge_written(target, self._allowed)
        addresses = await self._resolver.addresses(host)
        judge(target, addresses, self._allowed)
        failed: Exception | None = None
        for address in addresses[:ADDRESSES_MAX]:
            try:
                return await self._backend.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or Refused("name-not-resolved")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Never: a receiver is on a network."""
        raise Refused("url-malformed")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Held(msgspec.Struct):
    """The connections to one receiver, how many attempts use them, and since when nobody did."""

    pool: httpcore.AsyncConnectionPool
    uses: int = 0
    unused_since: float = 0.0


class Pools:
    """A pool of connections for each receiver: what one costs does not grow with the others. Close them.

    (One pool of httpcore looks through all of its connections, several times over, whenever a request begins or ends.)
    """

    def __init__(
        self,
        resolver: Resolver,
        allowed: Sequence[Network],
        context: ssl.SSLContext,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolver = resolver
        self._allowed = allowed
        self._context = context
        self._now = now
        self._held: OrderedDict[Target, Held] = OrderedDict()

    @asynccontextmanager
    async def to(self, target: Target) -> AsyncIterator[httpcore.AsyncConnectionPool]:
        """The connections to a receiver."""
        held = self._held.get(target)
        if held is None:
            held = self._held[target] = Held(self._new(target))
        self._held.move_to_end(target)
        held.uses += 1
        try:
            yield held.pool
        finally:
            held.uses -= 1
            held.unused_since = self._now()
            await self._forget()

    async def close(self) -> None:
        """Close every connection."""
        for held in self._held.values():
            await held.pool.aclose()
        self._held.clear()

    async def _forget(self) -> None:
        """Close what nobody has used for IDLE_SECONDS, two at a time: as fast as others may come."""
        oldest = list(islice(self._held.items(), 2))
        over = [
            target
            for target, held in oldest
            if not held.uses and self._now() - held.unused_since > IDLE_SECONDS
        ]
        # All are taken out before the first is waited for: others do the same meanwhile.
        for held in [self._held.pop(target) for target in over]:
            await held.pool.aclose()

    def _new(self, target: Target) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._context,
            # How many are open at once is the dispatcher's to bound: a queue in here would delay whoever is in it.
            max_connections=None,
            max_keepalive_connections=IDLE_CONNECTIONS_MAX,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=CheckedBackend(target.scheme, self._resolver, self._allowed),
        )


def tls_context(authority: str = "") -> ssl.SSLContext:
    """How receivers prove who they are: by the system's authorities, or those in a file. Raises OSError."""
    context = ssl.create_default_context(cafile=authority or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
