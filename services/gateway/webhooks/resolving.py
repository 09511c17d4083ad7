"""Names into addresses, asked of the name servers by ourselves: no threads, each name once at a time, within a time.

The system's resolver (getaddrinfo) blocks a thread that nothing can take back: name servers that do not answer would
hold all there are. Here a name that hangs holds whoever wants this name, and for NAME_SECONDS. Names are asked for as
they are written: no search list makes `nhan` a name of our own network, no number is an address in disguise.
"""

import asyncio
import ipaddress
import time
from collections.abc import Callable, Sequence
from itertools import chain, islice, zip_longest
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from services.gateway.webhooks.addresses import Address

# All of a lookup, also of a name whose servers are asked one after another.
NAME_SECONDS = 4.0
RESOLVED_SECONDS, UNRESOLVED_SECONDS = 30.0, 5.0
NAMES_MAX = 5_000
# Of one name and type: an answer over TCP holds thousands, whose names are kept by the thousand.
ADDRESSES_KEPT_MAX = 32
# RFC 6761 6.3: no name server is asked for it.
_LOCALHOST = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
# resolv.conf(5): who is asked where none is configured.
_HERE = "127.0.0.1"


class Resolver(Protocol):
    """Names into addresses."""

    async def addresses(self, host: str) -> Sequence[Address]:
        """The addresses of a name, or the address that it is; none when it has none.

        No other of its addresses may be connected to.
        """
        ...


class NameServers:
    """The name servers of resolv.conf; answers are kept for half a minute."""

    def __init__(
        self,
        *,
        asking: dns.asyncresolver.Resolver | None = None,
        seconds: float = NAME_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`asking` knows whom to ask, instead of resolv.conf."""
        self._asking = asking or _configured()
        self._seconds = seconds
        self._now = now
        self._known: dict[str, tuple[tuple[Address, ...], float]] = {}
        self._under_way: dict[str, asyncio.Task[tuple[Address, ...]]] = {}

    async def addresses(self, host: str) -> Sequence[Address]:
        """The addresses of a name, or the address that it is; none when it has none, or nobody says so in time.

        Of a name with more, the first ADDRESSES_KEPT_MAX of each type.
        """
        try:
            return (ipaddress.ip_address(host),)
        except ValueError:
            pass
        if host.rstrip(".").lower() == "localhost":
            return _LOCALHOST
        known = self._known.get(host)
        if known is not None and self._now() < known[1]:
            return known[0]
        looking = self._under_way.get(host)
        if looking is None:
            looking = self._under_way[host] = asyncio.create_task(self._look_up(host))
        # Whoever gives up takes the answer from nobody else who waits for it.
        return await asyncio.shield(looking)

    async def _look_up(self, host: str) -> tuple[Address, ...]:
        try:
            found = await asyncio.gather(*(self._ask(host, type_) for type_ in ("A", "AAAA")))
            # IPv4 first, for where there is no way out by IPv6; then in turn, for few are tried.
            addresses = tuple(each for each in chain(*zip_longest(*found)) if each is not None)
        finally:
            del self._under_way[host]
        if len(self._known) >= NAMES_MAX:
            self._known.clear()
        self._known[host] = (
            addresses,
            self._now() + (RESOLVED_SECONDS if addresses else UNRESOLVED_SECONDS),
        )
        return addresses

    async def _ask(self, host: str, type_: str) -> tuple[Address, ...]:
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._asking.resolve(
                    host, type_, raise_on_no_answer=False, lifetime=self._seconds
                )
        except (dns.exception.DNSException, TimeoutError, OSError):
            return ()
        first = islice(dict.fromkeys(each.address for each in answer), ADDRESSES_KEPT_MAX)
        return tuple(map(ipaddress.ip_address, first))


def _configured() -> dns.asyncresolver.Resolver:
    try:
        return dns.asyncresolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        asking = dns.asyncresolver.Resolver(configure=False)
        asking.nameservers = [_HERE]
        return asking
