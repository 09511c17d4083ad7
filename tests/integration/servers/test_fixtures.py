"""The one switch of the fixtures, and that no run leaves servers behind."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import nats
import pytest
from nats.js.api import StreamConfig

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import EmbeddedPostgres
from tests.fixtures import servers as module
from tests.fixtures.nats import SharedNats
from tests.fixtures.servers import ROOT, SWITCH, eventually, is_alive
from tests.integration.servers.test_postgres import fetchval

# The oldest build of this machine proves at the same time that our SQL runs there.
OLDEST = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


def run_tests(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.timeout(120)
async def test_tests_run_on_existing_servers(folder: Path, embedded_nats: NatsServer) -> None:
    """With the switch on `external` the tests use the servers of the URLs and leave no database there."""
    async with EmbeddedPostgres(folder / "postgres", binaries=OLDEST, durable=False) as postgres:
        environment = {SWITCH: "external", "DATABASE_URL": postgres.admin_dsn, "NATS_URL": embedded_nats.url}
        tests = ["tests/integration/database", f"{Path(__file__).with_name('test_nats_server.py')}", "-k"]
        chosen = "database or starts_empty"
        done = await asyncio.to_thread(run_tests, [*tests, chosen], environment)
        assert done.returncode == 0, done.stdout
        databases = await fetchval(
            postgres.admin_dsn, "SELECT array_agg(datname) FROM pg_database WHERE NOT datistemplate"
        )
    assert databases == ["postgres"]


@pytest.mark.parametrize("environment", [{SWITCH: "imaginary"}, {SWITCH: "external", "DATABASE_URL": "x"}])
def test_a_wrong_switch_is_reported(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown kind of servers, or external ones without their URLs, fail with the variable's name."""
    monkeypatch.delenv("NATS_URL", raising=False)
    done = run_tests(["tests/integration/database/test_fixture.py"], environment)
    assert done.returncode != 0
    assert SWITCH in done.stdout


async def test_the_shared_nats_is_emptied(embedded_nats: NatsServer) -> None:
    """A shared server is given to a test without the streams of earlier ones, and cannot be broken by it."""
    client = await nats.connect(embedded_nats.url)
    await client.jetstream().add_stream(StreamConfig(name="LEFT", subjects=["left"]))
    shared = SharedNats(embedded_nats.url)
    await shared.delete_streams()
    assert await client.jetstream().streams_info() == []
    await client.close()
    with pytest.raises(RuntimeError, match="embedded_nats"):
        shared.kill()


async def test_servers_of_a_killed_run_are_cleared_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run ends the servers of a run that was killed, removes its files, and spares living runs."""
    runs = folder / "runs"
    killed, living = runs / "killed", runs / "living"
    for run in (killed, living):
        run.mkdir(parents=True)
    program = [sys.executable, "-m", "tests.integration.servers.city", str(killed)]
    (killed / "running").touch()
    with subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        await asyncio.to_thread(keeper.stdout.readline)
        keeper.send_signal(signal.SIGKILL)
    left = int((killed / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
    assert is_alive(left)
    monkeypatch.setattr(module, "RUNS", runs)
    with module.hold(living):
        await asyncio.to_thread(module.clear_killed_runs)
    assert not killed.exists()
    assert living.exists()
    await eventually(lambda: not is_alive(left))


def test_files_lie_in_memory_where_there_is_much_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else, and where there is no such place, among other temporary files."""
    elsewhere = Path(tempfile.gettempdir())
    assert module.place_for_runs(tmp_path / "none") == elsewhere
    monkeypatch.setattr(module, "MEMORY_BYTES_MIN", 1)
    assert module.place_for_runs(tmp_path) == tmp_path
    monkeypatch.setattr(module, "MEMORY_BYTES_MIN", 2**62)
    assert module.place_for_runs(tmp_path) == elsewhere
