"""The embedded PostgreSQL keeps its data, its port and its manners."""

import contextlib
import os
import shutil
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import postgres as module
from deploy.local import postgres_binaries
from deploy.local.clean import data_place, remove_data
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.server_folder import FolderBusy, ServerError

DEBIAN_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


async def fetchval(dsn: str, query: str) -> object:
    """Ask one question on a connection of its own."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def execute(dsn: str, script: str) -> None:
    """Run a script on a connection of its own."""
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


async def test_state_survives_a_restart(postgres: EmbeddedPostgres) -> None:
    """Rows, port and password are the same after a stop and a start."""
    await postgres.start()
    before = postgres.admin_dsn
    await execute(before, "CREATE TABLE kept AS SELECT 7 AS x")
    await postgres.restart()
    assert postgres.admin_dsn == before
    assert await fetchval(before, "SELECT x FROM kept") == 7


async def test_the_second_start_is_quick(postgres: EmbeddedPostgres) -> None:
    """The second start takes less than five seconds, for it makes no new data directory."""
    await postgres.start()
    await postgres.stop()
    began = time.monotonic()
    await postgres.start()
    assert time.monotonic() - began < 5


async def test_committed_rows_survive_kill_9(postgres: EmbeddedPostgres) -> None:
    """After SIGKILL a stale pid file is in the way of nothing, and what was committed is there."""
    await postgres.start()
    port = postgres.port
    await execute(postgres.admin_dsn, "CREATE TABLE kept AS SELECT 7 AS x")
    postgres.kill()
    assert (postgres.data_dir / "postmaster.pid").exists()
    await postgres.start()
    assert postgres.port == port
    assert await fetchval(postgres.admin_dsn, "SELECT x FROM kept") == 7


async def test_a_pid_file_naming_somebody_else_is_removed(postgres: EmbeddedPostgres) -> None:
    """A stale pid file whose number another program has now stops neither the start nor that program."""
    await postgres.start()
    postgres.kill()
    pid_file = postgres.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    await postgres.start()
    assert await fetchval(postgres.admin_dsn, "SELECT 1") == 1


async def test_a_half_made_data_directory_is_cleared_away(postgres: EmbeddedPostgres) -> None:
    """A set-up that was killed while it made the data directory does not spoil the next one."""
    half_made = postgres.folder.path / "data-dead"
    half_made.mkdir(parents=True)
    await postgres.start()
    assert await fetchval(postgres.admin_dsn, "SELECT 1") == 1
    assert not half_made.exists()


async def test_a_folder_behind_a_link_serves_as_well(folder: Path) -> None:
    """A home folder may be a link to another disk: the data lie in the folder, with no link to themselves."""
    (folder / "disk").mkdir()
    (folder / "link").symlink_to(folder / "disk")
    async with EmbeddedPostgres(folder / "link" / "postgres") as server:
        assert await fetchval(server.admin_dsn, "SELECT 1") == 1
        assert server.data_dir == folder.resolve() / "disk" / "postgres" / "data"
    assert not (folder / "disk" / "postgres" / "data").is_symlink()


async def test_damaged_data_are_not_replaced(postgres: EmbeddedPostgres) -> None:
    """Where data are but cannot be read, nothing is made anew over them."""
    await postgres.start()
    await postgres.stop()
    (postgres.data_dir / "PG_VERSION").unlink()
    with pytest.raises(ServerError, match="move it away"):
        await postgres.start()
    assert (postgres.data_dir / "base").exists()


async def test_a_folder_serves_one_process_at_a_time(postgres: EmbeddedPostgres) -> None:
    """A second server object on a running folder is refused and the first goes on."""
    await postgres.start()
    second = EmbeddedPostgres(postgres.folder.path)
    with pytest.raises(FolderBusy):
        await second.start()
    assert await fetchval(postgres.admin_dsn, "SELECT 1") == 1


async def test_the_superuser_needs_the_password(postgres: EmbeddedPostgres) -> None:
    """A wrong password is refused: loopback is shared by every user of the machine."""
    await postgres.start()
    wrong = postgres.admin_dsn.replace("postgres:", "postgres:x", 1)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong, timeout=5)
    assert await fetchval(postgres.admin_dsn, "SELECT rolpassword FROM pg_authid WHERE rolsuper") is not None


async def test_its_files_are_private(postgres: EmbeddedPostgres) -> None:
    """Data and the remembered password can be read by their owner only."""
    await postgres.start()
    assert postgres.data_dir.stat().st_mode & 0o077 == 0
    assert (postgres.folder.path / "server.json").stat().st_mode & 0o077 == 0


async def test_it_does_not_run_as_root(postgres: EmbeddedPostgres) -> None:
    """Whoever starts it, the server's processes belong to an ordinary user."""
    await postgres.start()
    main = psutil.Process(postgres.pid)
    owners = [main.uids().real]
    for child in main.children():
        # Short-lived workers of the start may be gone by now.
        with contextlib.suppress(psutil.NoSuchProcess):
            owners.append(child.uids().real)
    assert len(owners) > 1
    assert 0 not in owners
    assert postgres.data_dir.stat().st_uid == main.uids().real


async def test_the_log_holds_no_values_of_rows(postgres: EmbeddedPostgres) -> None:
    """A failing statement leaves neither its text nor the row's values in the server's log."""
    await postgres.start()
    await execute(postgres.admin_dsn, "CREATE TABLE people (name text UNIQUE)")
    for _ in range(2):
        try:
            await execute(postgres.admin_dsn, "INSERT INTO people VALUES ('Nguyễn Canary')")
        except asyncpg.UniqueViolationError:
            break
    log = postgres.folder.log_path.read_text()
    assert "duplicate key" in log
    assert "Canary" not in log


async def test_vietnamese_letters_have_lower_case(postgres: EmbeddedPostgres) -> None:
    """The default collation knows Unicode's letters, though the build has no ICU."""
    await postgres.start()
    assert await fetchval(postgres.admin_dsn, "SELECT lower('NGUYỄN THỊ ĐÀO')") == "nguyễn thị đào"


async def test_a_failed_start_says_why_and_leaves_nothing(folder: Path) -> None:
    """An impossible setting gives an error with the server's own words, and the folder is free again."""
    server = EmbeddedPostgres(folder / "postgres", durable=False, settings={"max_connections": "none"})
    with pytest.raises(ServerError, match="max_connections"):
        await server.start()
    assert not server.is_running()
    repaired = EmbeddedPostgres(folder / "postgres", durable=False)
    await repaired.start()
    await repaired.stop()


@pytest.mark.parametrize("binaries", DEBIAN_BINARIES, ids=str)
async def test_other_builds_serve_as_well(folder: Path, binaries: Path) -> None:
    """A PostgreSQL of the distribution, where there is one, runs in the same care."""
    async with EmbeddedPostgres(folder / "postgres", binaries=binaries, durable=False) as server:
        assert await fetchval(server.admin_dsn, "SELECT lower('Đ')") == "đ"


async def test_a_wheel_nobody_can_reach_is_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs and data under a closed folder (a home of root) work, and the folder stays closed."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    wheel = postgres_binaries.wheel_binaries().parent.parent
    for name in (wheel.name, f"{wheel.name}.libs"):
        (home / name).symlink_to(wheel.with_name(name))
    monkeypatch.setattr(postgres_binaries, "CACHE_ROOTS", (folder / "cache",))
    monkeypatch.setattr(module, "REACHABLE_ROOT", folder / "state")
    binaries = home / wheel.name / "pginstall" / "bin"
    server = EmbeddedPostgres(home / "city" / "postgres", binaries=binaries, durable=False)
    for _ in range(2):
        await server.start()
        assert await fetchval(server.admin_dsn, "SELECT 1") == 1
        used = Path(psutil.Process(server.pid).exe())
        await server.stop()
    assert home.stat().st_mode & 0o777 == 0o700
    if os.geteuid() == 0:
        assert used.is_relative_to(folder / "cache")
        assert server.data_dir.is_relative_to(folder / "state")


async def test_data_whose_password_is_forgotten_are_named_and_kept(postgres: EmbeddedPostgres) -> None:
    """Without the file that holds the password the start says where the data are, each time, and touches nothing."""
    await postgres.start()
    await postgres.stop()
    remembered = postgres.folder.path / "server.json"
    kept = remembered.rename(remembered.with_name("kept.json"))
    for _ in range(2):
        with pytest.raises(ServerError, match=f"{postgres.data_dir} holds a database whose password"):
            await EmbeddedPostgres(postgres.folder.path).start()
        assert not remembered.exists()
    kept.rename(remembered)
    again = EmbeddedPostgres(postgres.folder.path)
    await again.start()
    await again.stop()


@pytest.fixture
def outside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where data lie that cannot lie in `folder/home`."""
    (folder / "home").mkdir(mode=0o700)
    (folder / "state").mkdir(mode=0o755)
    monkeypatch.setattr(module, "REACHABLE_ROOT", folder / "state")
    return folder / "state"


def put_outside(city: Path, outside: Path) -> EmbeddedPostgres:
    """A PostgreSQL whose data go there; to root's it happens by itself, another user's needs the link."""
    if os.geteuid() != 0:
        city.mkdir(parents=True, exist_ok=True)
        (city / "data").symlink_to(data_place(city, outside))
    return EmbeddedPostgres(city, durable=False)


async def test_cleaning_removes_data_outside_the_folder(folder: Path, outside: Path) -> None:
    """They go with the folder, its neighbours' stay, a running city's are refused, and the next start begins anew."""
    city = folder / "home" / "city" / "postgres"
    async with put_outside(city, outside) as server:
        assert server.data_dir.parent == outside
        with pytest.raises(BlockingIOError):
            remove_data(city, outside)
    neighbour = outside / "postgres-0123456789abcdef"
    neighbour.mkdir()
    assert remove_data(city, outside) == [server.data_dir]
    shutil.rmtree(city)
    assert list(outside.iterdir()) == [neighbour]
    async with put_outside(city, outside) as server:
        assert await fetchval(server.admin_dsn, "SELECT 1") == 1


async def test_data_left_by_a_removed_folder_are_named(folder: Path, outside: Path) -> None:
    """A folder removed without its data elsewhere: every next start names them instead of losing their password."""
    city = folder / "home" / "city" / "postgres"
    async with put_outside(city, outside) as server:
        place = server.data_dir
    for _ in range(2):
        shutil.rmtree(city)
        with pytest.raises(ServerError, match=f"{place} holds a database whose password"):
            await put_outside(city, outside).start()
        assert not (city / "server.json").exists()
