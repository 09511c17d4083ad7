"""On which servers a city runs: its own, or those that the command line was given, and what is said of bad ones."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import pytest

from deploy.local.city import ROOT, City
from deploy.local.nats_server import NatsServer
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.server_folder import ServerError
from deploy.local.show import city_of
from libs.bus.permissions import KEEPER
from libs.contracts.catalogue import SERVICES
from tests.fixtures.city import FAST, OF_THE_SHELL
from tests.pipeline.town import Town

# Four streams of this size fit into the small server, four of the usual 4 GiB do not.
STREAM_BYTES, STORE_BYTES = 16 * 1024**2, 256 * 1024**2


@pytest.fixture
def folder(scratch: Path) -> Path:
    """An empty folder that PostgreSQL's account can enter."""
    place = Path(tempfile.mkdtemp(prefix="servers-", dir=scratch))
    place.chmod(0o755)
    return place


@pytest.mark.asyncio(loop_scope="session")
async def test_the_servers_of_the_shell_are_left_alone(city: City) -> None:
    """With addresses of servers in the environment a city still starts its own, and no process hears of the others."""
    assert city.postgres is not None
    assert city.nats is not None
    for name in (*SERVICES, KEEPER):
        assert not set(OF_THE_SHELL.values()) & set(city.command(name).environment.values())


def test_the_command_line_takes_what_the_shell_says(folder: Path) -> None:
    """The two addresses, the sizes of the streams and the weight of the log reach the processes."""
    said = {
        "DATABASE_URL": "postgresql://admin@db/postgres",
        "NATS_URL": "nats://admin@bus",
        "STREAM_BYTES_MAX": "1000000",
        "STREAM_REPLICAS": "3",
        "LOG_LEVEL": "DEBUG",
    }
    keeper = city_of(said, folder, mail_port=25).command(KEEPER).environment
    wanted = ("NATS_URL", "STREAM_BYTES_MAX", "STREAM_REPLICAS", "LOG_LEVEL")
    assert {name: keeper[name] for name in wanted} == {name: said[name] for name in wanted}


@pytest.mark.timeout(120)
async def test_a_city_on_existing_servers_settles_a_birth(folder: Path) -> None:
    """Roles, databases and streams are made on the servers that were given, and a certificate is printed."""
    async with (
        EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
        NatsServer(folder / "nats", max_file_store_bytes=STORE_BYTES) as nats,
        City(
            folder / "city",
            extra={**FAST, KEEPER: {"STREAM_BYTES_MAX": str(STREAM_BYTES)}},
            database_url=postgres.admin_dsn,
            nats_url=nats.url,
        ) as city,
        Town(city) as town,
    ):
        assert city.postgres is None
        assert city.nats is None
        dossier = (await town.declare())["dossier_id"]
        await town.complete(dossier, "register_birth")
        await town.until_result(dossier, "birth_certificate")


@pytest.mark.timeout(120)
async def test_a_nats_server_without_room_for_the_streams_is_said(folder: Path) -> None:
    """`make run` ends with status 1, a sentence and the keeper's own words; it does not call the city ready."""
    async with (
        EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
        NatsServer(folder / "nats", max_file_store_bytes=STORE_BYTES) as nats,
    ):
        code, text = await _demo(folder, DATABASE_URL=postgres.admin_dsn, NATS_URL=nats.url)
    assert code == 1
    assert "streams cannot be made on the NATS server that was given" in text
    assert "insufficient storage" in text
    assert "Sẵn sàng" not in text
    assert "Traceback" not in text


async def test_a_database_server_that_is_not_there_is_said(folder: Path) -> None:
    """An address nobody listens at is a sentence and status 1, and the started NATS server is stopped again."""
    code, text = await _demo(folder, DATABASE_URL="postgresql://admin:x@127.0.0.1:1/postgres")
    assert code == 1
    assert "the PostgreSQL server that was given cannot be used" in text
    assert "Traceback" not in text
    async with NatsServer(folder / "city" / "nats"):
        pass


async def test_what_cannot_be_stopped_keeps_nothing_else_from_being_stopped(folder: Path) -> None:
    """The second server is stopped and the folder given back though the first does not end; then it is said."""

    class Stubborn(NatsServer):
        async def stop(self, *, deadline_seconds: float = 10) -> None:
            await super().stop(deadline_seconds=deadline_seconds)
            raise ServerError("does not end")

    city = City(folder / "city")
    await city.supervisor.__aenter__()
    city.nats = Stubborn(folder / "city" / "nats")
    city.postgres = EmbeddedPostgres(folder / "city" / "postgres", durable=False)
    await city.nats.start()
    await city.postgres.start()
    with pytest.raises(ServerError, match="does not end"):
        await city.__aexit__(None, None, None)
    assert not city.postgres.is_running()
    async with City(folder / "city").supervisor:
        pass


async def _demo(folder: Path, **environment: str) -> tuple[int, str]:
    """Exit status and output of `python -m deploy.local demo` in a folder of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.local",
        "demo",
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "MOT_CUA_FOLDER": str(folder / "city"), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 100)
    return process.returncode or 0, output.decode()
