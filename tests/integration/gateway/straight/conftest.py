"""A NATS server for partners."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from deploy.local.nats_server import NatsServer, NatsUser
from services.gateway.straight.server import configuration
from services.gateway.straight.user_keys import Issuer, new_issuer_pem
from tests.integration.gateway.straight.partners_nats import PartnersNats


@pytest_asyncio.fixture
async def partners_nats(scratch: Path, tmp_path: Path) -> AsyncIterator[PartnersNats]:
    """A NATS server for partners, let in by a key of the test's own."""
    key = tmp_path / "partners-nats.pem"
    key.write_bytes(new_issuer_pem())
    issuer = Issuer.from_file(str(key))
    gateway = NatsUser(name="gateway", password="test-gateway")
    accounts = configuration(
        issuer=issuer.account, nobody=issuer.nobody, password=gateway.password, file_bytes_max=2 * 1024**3
    )
    folder = Path(tempfile.mkdtemp(prefix="partners-nats-", dir=scratch))
    async with NatsServer(folder, users=[gateway], sync_interval="2m", accounts=accounts) as server:
        found = PartnersNats(server, str(key))
        yield found
        await found.close()
    shutil.rmtree(folder)
