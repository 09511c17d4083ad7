"""The connection to the partners' server, as often as it takes; both ways by NATS rest on it."""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

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


class Connector(msgspec.Struct, frozen=True, kw_only=True):
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
        return f"Connector(servers={self.servers!r}, partner={self.partner!r})"

    async def connect(self, give_up_seconds: float | None = None) -> Client:
        """A connection that counts. Raises CredentialsRefused when the server goes on refusing the key.

        Raises Unreachable when there is none after `give_up_seconds`; without them it is tried for ever.
        """
        patience = self.patience_seconds if give_up_seconds is None else give_up_seconds
        backoff, began = Backoff(), time.monotonic()
        while True:
            client = Client()
            try:
                await client.connect(
                    list(self.servers),
                    nkeys_seed_str=self.seed,
                    inbox_prefix=f"_INBOX_{self.partner}",
                    allow_reconnect=False,
                    # Else the library tries a server that is away 60 times, two seconds apart, before it says so.
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
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
                pause = backoff.pause()
                if time.monotonic() - began + pause > patience:
                    if refused:
                        raise CredentialsRefused("authorization-violation", str(failure)) from failure
                    if give_up_seconds is not None:
                        raise Unreachable(f"no connection: {failure!r}", sent=False) from failure
                log.warning("%r; connecting anew in %.1f s", failure, pause)
                await asyncio.sleep(pause)


class Connected:
    """What talks over one connection, made when it is needed and anew when it was lost. Tasks may share it."""

    def __init__(
        self,
        servers: str | Sequence[str],
        partner: str,
        seed: str,
        *,
        tls: ssl.SSLContext | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`servers`: one or several. `seed`: the partner's NKey (SU…). `patience_seconds`: how long to be refused
        before it is believed."""
        listed = (servers,) if isinstance(servers, str) else tuple(servers)
        self._connector = Connector(
            servers=listed, partner=partner, seed=seed, tls=tls, patience_seconds=patience_seconds
        )
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            await closed(client)

    async def _connected(self, give_up_seconds: float | None = None) -> Client:
        async with self._connecting:
            if self._client is None or not self._client.is_connected:
                await self.close()
                self._client = await self._connector.connect(give_up_seconds)
            return self._client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def closed(client: Client) -> None:
    """Close it, whatever state it is in."""
    with contextlib.suppress(*FAILURES):
        await client.close()


async def _note(error: Exception) -> None:
    log.warning("%r", error)
