"""A gateway's process that a test may kill, and the client package before it as a partner has it."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest_asyncio
from joserfc.jwk import ECKey

from deploy.local.nats_server import NatsServer
from deploy.local.ports import LOOPBACK, free_port
from mot_cua import AsyncClient, Client, SigningKey
from services.gateway.settings import Settings
from tests.fixtures.servers import ROOT
from tests.integration.gateway.conftest import (
    HOSPITAL,
    House,
    gateway_database,
    house,
    houses,
    settings,
)
from tests.integration.gateway.test_process import environment, producer, until_ready

__all__ = ["gateway_database", "house", "houses", "producer", "settings"]


class Gateway:
    """One process of a gateway at one address, and the keys of its partners."""

    def __init__(self, house: House, settings: Settings, log: Path) -> None:
        self.house = house
        self.log = log
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        self.settings = msgspec.structs.replace(
            settings, http_port=port, unready_seconds=0, issuer_url=self.url
        )
        self._child: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as file:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "services.gateway", "serve"],
                cwd=ROOT,
                env=environment(self.settings),
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        await until_ready(self.url)

    def kill(self) -> None:
        """Kill it where it is."""
        if self._child is not None:
            self._child.kill()
            self._child.wait(10)
            self._child = None

    def key(self, code: str = HOSPITAL.code, kid: str = "k1") -> SigningKey:
        """The key of a partner, read from a PEM as its program does."""
        made: ECKey = self.house.keys[kid if kid != "k1" else code]
        return SigningKey.read(made.as_pem(private=True), kid)

    def client(self, code: str = HOSPITAL.code, **options: Any) -> Client:
        """A partner's program, blocking. Close it."""
        return Client(self.url, code, self.key(code), **options)

    def async_client(self, code: str = HOSPITAL.code, **options: Any) -> AsyncClient:
        """The same, awaited."""
        return AsyncClient(self.url, code, self.key(code), **options)


@pytest_asyncio.fixture
async def gateway(
    house: House,
    settings: Callable[..., Settings],
    nats_server: NatsServer,
    producer: object,
    tmp_path: Path,
) -> AsyncIterator[Gateway]:
    """A gateway that runs, and knows a hospital."""
    await house.partner()
    made = Gateway(house, settings(nats_url=nats_server.url), tmp_path / "gateway.log")
    await made.start()
    yield made
    made.kill()
