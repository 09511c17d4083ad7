"""A connection to the partners' server, as often as it takes."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Sequence

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.errors import Error as JetStreamError

from mot_cua.errors import CredentialsRefused, Unreachable
from mot_cua.retrying import Backoff

CONNECT_SECONDS = 8
PATIENCE_SECONDS = 60.0
FAILURES = (NatsError, JetStreamError, OSError, asyncio.TimeoutError)
log = logging.getLogger("mot_cua")


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """Where a partner is let in, and with what: `seed` is its NKey (SU…).

    `patience_seconds`: how long to be refused before it is believed.
    """

    servers: tuple[str, ...]
    partner: str
    seed: str
    tls: ssl.SSLContext | None = None
    patience_seconds: float = PATIENCE_SECONDS

    def __repr__(self) -> str:
        """Without the seed."""
        return f"Door(servers={self.servers!r}, partner={self.partner!r})"

    async def connect(self) -> Client:
        """A connection that counts. Raises CredentialsRefused when the server goes on refusing the key."""
        backoff, began = Backoff(), time.monotonic()
        while True:
            client = Client()
            try:
                await client.connect(
                    list(self.servers),
                    nkeys_seed_str=self.seed,
                    inbox_prefix=f"_INBOX_{self.partner}",
                    allow_reconnect=False,
                    connect_timeout=CONNECT_SECONDS,
                    tls=self.tls,
                    error_cb=_note,
                )
                # A refusal may come after the library believes to be connected.
                await client.flush(timeout=CONNECT_SECONDS)
                if client.is_connected:
                    return client
                raise Unreachable("the server ended the connection", sent=False)
            except (*FAILURES, Unreachable) as failure:
                await closed(client)
                # The library has a type for it, and mostly raises it as text.
                refused = "authorization violation" in str(failure).lower()
                if refused and time.monotonic() - began > self.patience_seconds:
                    raise CredentialsRefused("authorization-violation", str(failure)) from failure
                log.warning("%r; connecting anew", failure)
            await asyncio.sleep(backoff.pause())


def door(
    servers: str | Sequence[str], partner: str, seed: str, tls: ssl.SSLContext | None, patience_seconds: float
) -> Door:
    """One server or several."""
    listed = (servers,) if isinstance(servers, str) else tuple(servers)
    return Door(servers=listed, partner=partner, seed=seed, tls=tls, patience_seconds=patience_seconds)


async def closed(client: Client) -> None:
    """Close it, whatever state it is in."""
    with contextlib.suppress(*FAILURES):
        await client.close()


async def _note(error: Exception) -> None:
    log.warning("%r", error)
