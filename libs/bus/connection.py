"""A connection to NATS that never gives up by itself, and says so when it is over."""

import asyncio
import contextlib
import random
import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from nats.aio.client import Client, Server
from nats.errors import Error as NatsError

from libs.bus.quick_client import QuickClient

CONNECT_TIMEOUT_SECONDS = 5
RECONNECT_WAIT_SECONDS = 0.1
RECONNECT_JITTER_SECONDS = 0.4
# A half-open connection is noticed after three intervals at most; the client's default takes minutes.
PING_INTERVAL_SECONDS = 10
OUTSTANDING_PINGS_MAX = 2
DRAIN_TIMEOUT_SECONDS = 10
# The same error again within this time is not logged again.
LOG_REPEAT_SECONDS = 30.0
# While reconnecting the client keeps what we publish; over this it refuses (acks and naks are small).
PENDING_BYTES_MAX = 8 * 1024 * 1024

_DENIED = re.compile(r'permissions violation for \w+ to "([^"]+)"')
log = structlog.get_logger(__name__)


class NatsNotReached(Exception):
    """No NATS server answered before the deadline of the first connection."""


async def connect(
    url: str, *, name: str, on_closed: Callable[[], None], first_deadline_seconds: float = 30
) -> Client:
    """Connect as `name` (its inbox is `_INBOX_<name>`), reconnecting for ever afterwards.

    `on_closed` is called when the client is closed for good, by us or because the server refuses us: then the
    process should exit. Raises NatsNotReached when the first connection takes longer than its deadline.
    """
    client = QuickClient()

    quiet = _Repeats()

    async def on_error(error: Exception) -> None:
        # Refused permissions arrive only here; the request itself just times out. An attempt to reconnect every
        # few hundred milliseconds must not fill the log.
        text = str(error)
        if quiet.is_news(text):
            denied = _DENIED.search(text.lower())
            reason, subject = ("denied", denied[1]) if denied else ("", "")
            log.warning(
                "nats-error", service=name, error=type(error).__name__, reason=reason, subject=subject
            )

    async def on_disconnected() -> None:
        log.warning("nats-disconnected", service=name)

    async def on_reconnected() -> None:
        log.info("nats-reconnected", service=name)

    async def closed() -> None:
        log.info("nats-closed", service=name)
        on_closed()

    options: dict[str, Any] = {
        "name": name,
        "inbox_prefix": f"_INBOX_{name}",
        "error_cb": on_error,
        "disconnected_cb": on_disconnected,
        "reconnected_cb": on_reconnected,
        "closed_cb": closed,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "reconnect_time_wait": RECONNECT_WAIT_SECONDS,
        "reconnect_to_server_handler": _next_server,
        "max_reconnect_attempts": -1,
        "ping_interval": PING_INTERVAL_SECONDS,
        "max_outstanding_pings": OUTSTANDING_PINGS_MAX,
        "drain_timeout": DRAIN_TIMEOUT_SECONDS,
        "pending_size": PENDING_BYTES_MAX,
        "flush_timeout": CONNECT_TIMEOUT_SECONDS,
    }
    try:
        async with asyncio.timeout(first_deadline_seconds):
            await client.connect(url, **options)
    except TimeoutError:
        await close(client)
        raise NatsNotReached(f"no NATS server answered in {first_deadline_seconds:g} s") from None
    except BaseException:
        # Whoever asked is told to stop, or the address is none: nobody else has the client to close it.
        await close(client)
        raise
    return client


class _Repeats:
    """Tells the first of a row of equal texts from its repeats."""

    def __init__(self) -> None:
        self._last = ""
        self._at = -LOG_REPEAT_SECONDS

    def is_news(self, text: str) -> bool:
        now = time.monotonic()
        if text == self._last and now - self._at < LOG_REPEAT_SECONDS:
            return False
        self._last, self._at = text, now
        return True


def _next_server(servers: list[Server], _info: dict[str, Any]) -> tuple[Server | None, float]:
    """Any server of the pool, after a short wait of its own: no stampede after a restart."""
    # Spreads load, hides nothing.
    wait = RECONNECT_WAIT_SECONDS + random.random() * RECONNECT_JITTER_SECONDS  # noqa: S311
    return random.choice(servers), wait  # noqa: S311


async def close(client: Client) -> None:
    """Close for good, whatever state the connection is in; nats-py's own `close` may fail while it reconnects."""
    with contextlib.suppress(OSError, NatsError, TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_SECONDS):
            await client.close()


async def api_level(client: Client) -> int:
    """The server's JetStream API level (0 before nats-server 2.11); needs the right to ask `$JS.API.INFO`."""
    info = await client.jetstream().account_info()
    level = info.api.level
    return int(level) if level else 0
