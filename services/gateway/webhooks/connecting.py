"""Connections to receivers: names resolved by us, every address judged, and exactly a judged address connected to.

So a name that resolves otherwise a moment later (DNS rebinding) changes nothing: it is not resolved again.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import httpcore

from libs.http.limits import Network
from services.gateway.webhooks.addresses import Address, Refused, Target, judge

CONNECT_SECONDS = 5.0
# A name server that does not answer holds a thread for as long as the system's resolver waits.
RESOLVING_THREADS = 32
RESOLVED_SECONDS, UNRESOLVED_SECONDS = 30.0, 5.0
NAMES_MAX = 5_000
ADDRESSES_MAX = 4


class Resolver(Protocol):
    """Names into addresses."""

    async def addresses(self, host: str) -> Sequence[Address]:
        """All addresses of a name, or the address that it is; none when it has none."""
        ...


class SystemResolver:
    """The system's resolver, in threads of its own; answers are kept for half a minute. Close it."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._threads = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolver")
        self._known: dict[str, tuple[tuple[Address, ...], float]] = {}
        self._now = now

    async def addresses(self, host: str) -> Sequence[Address]:
        """All addresses of a name, or the address that it is; none when it has none."""
        try:
            return (ipaddress.ip_address(host),)
        except ValueError:
            pass
        known = self._known.get(host)
        if known is not None and self._now() < known[1]:
            return known[0]
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _resolve, host)
        if len(self._known) >= NAMES_MAX:
            self._known.clear()
        self._known[host] = (found, self._now() + (RESOLVED_SECONDS if found else UNRESOLVED_SECONDS))
        return found

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _resolve(host: str) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found))


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
        addresses = await self._resolver.addresses(host)
        judge(Target(self._scheme, host, port), addresses, self._allowed)
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


def tls_context(authority: str = "") -> ssl.SSLContext:
    """How receivers prove who they are: by the system's authorities, or those in a file. Raises OSError."""
    context = ssl.create_default_context(cafile=authority or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
