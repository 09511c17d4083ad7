"""A NATS server for partners."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.nats_server import NatsServer, NatsUser
from services.gateway.straight.server import configuration
from services.gateway.straight.user_keys import Issuer, new_issuer_pem
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import HOSPITAL, House
from tests.integration.gateway.straight.inbox_desk import Desk, Recorder
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


@pytest.fixture
def desk(houses: Callable[..., Any], partners_nats: PartnersNats) -> Callable[[], Any]:
    """A partner whose inbox is open."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        recorder = Recorder()
        house: House = await houses(taker=recorder, **partners_nats.settings)
        await house.partner(HOSPITAL)
        await partners_nats.admit(house)
        async with partners_nats.at_work(house.process):
            await eventually(lambda: partners_nats.holds(HOSPITAL.code, 0))
            desk = Desk(house, partners_nats, recorder, await partners_nats.connect())
            await eventually(desk.is_open)
            yield desk

    return opened
