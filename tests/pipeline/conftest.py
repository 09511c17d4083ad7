"""One running city for all tests of the pipeline."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.city import City
from tests.pipeline.town import Town

# Messages wait minutes for further news, a desk looks every second: tests have neither.
FAST = {"*": {"UNREADY_SECONDS": "0"}, "notify": {"WAIT_SCALE": "0.01", "QUIET_HOURS": "false"}}

# A shell in which somebody has exported the addresses of servers that are none of the tests' business.
OF_THE_SHELL = {"DATABASE_URL": "postgresql://admin@of-the-shell/postgres", "NATS_URL": "nats://of-the-shell"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def city(scratch: Path) -> AsyncIterator[City]:
    """The whole city on its own servers, in a folder that is gone afterwards, whatever servers the shell knows."""
    folder = Path(tempfile.mkdtemp(prefix="city-", dir=scratch))
    folder.chmod(0o755)
    with pytest.MonkeyPatch.context() as shell:
        for name, url in OF_THE_SHELL.items():
            shell.setenv(name, url)
        async with City(folder, extra=FAST) as running:
            yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(city: City) -> AsyncIterator[Town]:
    """Its people."""
    async with Town(city) as people:
        yield people
