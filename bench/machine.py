"""The servers every contestant of a figure shares, and what they and our processes spend of the CPU."""

import asyncio
import contextlib
import platform
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import EmbeddedPostgres
from libs.database.migrate import Line, migrate
from libs.database.provision import dsn_for, provision

ROOT = Path(__file__).parents[1]
PASSWORD = "bench"  # noqa: S105 - a server of our own on loopback that ends with the bench
# nats-server's own default: what the rivals' users run. The city itself runs `always`; growth shows its cost.
SYNC_INTERVAL = "2m"


class Machine:
    """One PostgreSQL (fsync on, as the city starts it) and one nats-server, with everything in a scratch folder."""

    def __init__(self, folder: Path, postgres: EmbeddedPostgres, nats: NatsServer) -> None:
        self.folder = folder
        self.postgres = postgres
        self.nats = nats
        self._made = 0

    async def database(self, service: str, lines: Iterable[Line], *, extra: str = "") -> str:
        """A fresh database of `service` (migrated, then `extra` run by its owner); its DSN for the app role."""
        self._made += 1
        name = f"{service}_{self._made}"
        await provision(
            self.postgres.admin_dsn, service, migrator_password=PASSWORD, app_password=PASSWORD, database=name
        )
        owner = dsn_for(self.postgres.admin_dsn, database=name, user=f"{service}_migrator", password=PASSWORD)
        await migrate(owner, list(lines))
        if extra:
            await run_sql(owner, extra)
        return dsn_for(self.postgres.admin_dsn, database=name, user=f"{service}_app", password=PASSWORD)

    def admin_dsn(self, like: str) -> str:
        """DSN of the superuser on the database of another DSN."""
        return dsn_for(self.postgres.admin_dsn, database=_name(like))

    async def drop(self, dsn: str) -> None:
        """Drop a database whose contestant has ended."""
        await run_sql(self.postgres.admin_dsn, f'DROP DATABASE IF EXISTS "{_name(dsn)}" WITH (FORCE)')

    async def checkpoint(self) -> None:
        """Write out what earlier rounds left, so that no round pays for another."""
        await run_sql(self.postgres.admin_dsn, "CHECKPOINT")

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds the two servers have spent so far."""
        return {"postgres": tree_seconds(self.postgres.pid), "nats": tree_seconds(self.nats.pid)}


@asynccontextmanager
async def machine(*, sync_interval: str = SYNC_INTERVAL) -> AsyncIterator[Machine]:
    """Start both servers in a new scratch folder; stop them and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="mot-cua-bench-"))
    folder.chmod(0o755)
    postgres = EmbeddedPostgres(folder / "postgres")
    nats = NatsServer(folder / "nats", sync_interval=sync_interval)
    try:
        await asyncio.gather(postgres.start(), nats.start())
        yield Machine(folder, postgres, nats)
    finally:
        await asyncio.gather(postgres.stop(), nats.stop())
        data = postgres.data_dir
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _name(dsn: str) -> str:
    return urlsplit(dsn).path[1:]


async def run_sql(dsn: str, sql: str) -> None:
    """Run one or more statements."""
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"client_min_messages": "warning"})
    try:
        await connection.execute(sql, timeout=600)
    finally:
        await connection.close(timeout=10)


def tree_seconds(pid: int) -> float:
    """CPU seconds of a process and its descendants, ended ones included as far as they were waited for."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
                if process is root:
                    total += times.children_user + times.children_system
    return total


def description() -> dict[str, str]:
    """What the figures were measured on."""
    model = ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": f"{psutil.cpu_count()} cores, {model or platform.processor()}",
        "memory": f"{psutil.virtual_memory().total / 1024**3:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}",
    }
