"""`python -m libs.database provision`: what the cluster's provisioning job runs."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from libs.database import dsn_for
from tests.fixtures.servers import ROOT, Servers, drop_databases

COMMAND_SECONDS_MAX = 30


@pytest_asyncio.fixture
async def environment(servers: Servers) -> AsyncIterator[dict[str, str]]:
    """The job's environment for a service nobody uses; its database and roles are gone after the test."""
    name = f"job_{secrets.token_hex(3)}"
    app, migrator = (
        dsn_for(servers.admin_dsn, database=name, user=f"{name}_{role}", password=f"of the {role} @s/")
        for role in ("app", "migrator")
    )
    yield {
        "SERVICE": name,
        "ADMIN_DATABASE_URL": servers.admin_dsn,
        "DATABASE_URL": app,
        "MIGRATOR_DATABASE_URL": migrator,
    }
    await drop_databases(servers.admin_dsn, [name])
    admin = await asyncpg.connect(servers.admin_dsn, timeout=5)
    try:
        await admin.execute(f"DROP ROLE IF EXISTS {name}_app, {name}_migrator")
    finally:
        await admin.close()


async def run(environment: dict[str, str]) -> tuple[int, str]:
    """Exit status and what the command says on stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "libs.database", "provision", environment["SERVICE"]),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(COMMAND_SECONDS_MAX):
        _, said = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_urls_it_is_given_work_afterwards(environment: dict[str, str]) -> None:
    """Roles and database are made as the URLs say; a second run changes nothing."""
    for _ in range(2):
        assert await run(environment) == (0, "")
        for variable in ("DATABASE_URL", "MIGRATOR_DATABASE_URL"):
            connection = await asyncpg.connect(environment[variable], timeout=5)
            assert await connection.fetchval("SELECT current_database()") == environment["SERVICE"]
            await connection.close()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ADMIN_DATABASE_URL": ""}, "ADMIN_DATABASE_URL is missing"),
        ({"DATABASE_URL": "postgresql://other_app:secret@host/x"}, "DATABASE_URL must be a URL of"),
        ({"ADMIN_DATABASE_URL": "postgresql://nobody:secret@127.0.0.1:1/x"}, "Error"),
    ],
    ids=["missing", "another role", "unreachable"],
)
async def test_a_wrong_url_is_one_line_without_it(
    environment: dict[str, str], wrong: dict[str, str], said: str
) -> None:
    """The job's log names the variable and never repeats a password."""
    status, text = await run(environment | wrong)
    assert status == 1
    assert said in text
    assert "secret" not in text
    assert len(text.strip().splitlines()) == 1
