"""Folders for the servers that these tests start and break themselves."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.postgres import EmbeddedPostgres


@pytest.fixture
def folder(scratch: Path) -> Iterator[Path]:
    """An empty folder that an unprivileged account can enter (pytest's tmp_path is closed to it)."""
    place = Path(tempfile.mkdtemp(dir=scratch))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest_asyncio.fixture
async def postgres(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL as the city runs it, everything forced to disk; not started yet."""
    server = EmbeddedPostgres(folder / "postgres")
    yield server
    await server.stop()
