"""Both servers: as root, as an ordinary user, after their keeper was killed, beside other servers."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.nats_server import NatsServer
from deploy.local.ports import WELL_KNOWN, free_port, is_free
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.postgres_binaries import Account, can_reach
from tests.fixtures.servers import ROOT, is_alive

# The account `nobody`; any account without rights would do.
ORDINARY = Account(65534, 65534)


@contextmanager
def city(folder: Path, *prefix: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run both servers in a process of their own; give it and what it says of itself."""
    command = [*prefix, sys.executable, "-m", "tests.integration.servers.city", str(folder)]
    keeper = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with keeper:
        try:
            assert keeper.stdout is not None
            yield keeper, json.loads(keeper.stdout.readline())
        finally:
            if keeper.stdin is not None:
                keeper.stdin.close()
            keeper.wait(timeout=30)


def ordinary_prefix() -> list[str]:
    """The command that makes a program run as an ordinary user; nothing when we are one."""
    if os.geteuid() != 0:
        return []
    prefix = ["setpriv", f"--reuid={ORDINARY.uid}", f"--regid={ORDINARY.gid}", "--clear-groups"]
    python = Path(sys.executable).resolve()
    if not all(can_reach(place, ORDINARY) for place in (ROOT, python.parent, Path(sys.executable).parent)):
        # Python itself lies in root's home here: this user may read it, and is an ordinary one otherwise.
        prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return prefix


def test_it_runs_as_an_ordinary_user(folder: Path) -> None:
    """Without root both servers run as the user who started them, and stop with their keeper."""
    place = folder / "city"
    place.mkdir()
    if os.geteuid() == 0:
        os.chown(place, ORDINARY.uid, ORDINARY.gid)
    with city(place, *ordinary_prefix()) as (_, ready):
        assert ready["uid"] != 0
        for name in ("postgres", "nats"):
            assert psutil.Process(ready[name]).uids().real == ready["uid"]
    assert not is_alive(ready["postgres"])
    assert not is_alive(ready["nats"])


def test_it_runs_as_whoever_tests(folder: Path) -> None:
    """The user of the tests, root or not, gets both servers."""
    with city(folder / "city") as (_, ready):
        assert ready["uid"] == os.geteuid()
        assert psutil.Process(ready["nats"]).uids().real == os.geteuid()


async def test_servers_of_a_killed_keeper_are_replaced(folder: Path) -> None:
    """After kill -9 of their keeper both servers run on; the next start ends them and keeps the data."""
    with city(folder) as (keeper, ready):
        keeper.send_signal(signal.SIGKILL)
        keeper.wait(timeout=10)
        assert is_alive(ready["postgres"])
        assert is_alive(ready["nats"])
    async with EmbeddedPostgres(folder / "postgres") as postgres, NatsServer(folder / "nats"):
        assert postgres.admin_dsn == ready["dsn"]
        assert not is_alive(ready["postgres"])
        assert not is_alive(ready["nats"])


async def test_it_runs_beside_other_servers(folder: Path) -> None:
    """The machine's own servers on 4222, 5432 and 8222 neither are disturbed nor disturb."""
    with ExitStack() as held:
        for port in sorted(WELL_KNOWN):
            if is_free(port):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
        async with (
            EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
            NatsServer(folder / "nats") as nats,
        ):
            assert {postgres.port, nats.port}.isdisjoint(WELL_KNOWN)
            assert await nats.monitor("/varz")


@pytest.mark.parametrize("server", ["postgres", "nats"])
async def test_a_port_taken_meanwhile_is_replaced(folder: Path, server: str) -> None:
    """When somebody took the remembered port, the server moves to another one and remembers that."""
    made = EmbeddedPostgres(folder / "p", durable=False) if server == "postgres" else NatsServer(folder / "n")
    await made.start()
    port = made.port
    await made.stop()
    with socket.create_server(("127.0.0.1", port)):
        await made.start()
        moved = made.port
        assert moved != port
        await made.stop()
    await made.start()
    assert made.port == moved
    await made.stop()


def test_a_free_port_is_never_a_well_known_one() -> None:
    """Asked without a preference, no port of somebody's standard server is given out, and none twice."""
    ports = [free_port() for _ in range(50)]
    assert WELL_KNOWN.isdisjoint(ports)
    assert len(set(ports)) == len(ports)


def test_a_preferred_port_is_given_only_when_free() -> None:
    """A port with a listener is not free, and the answer is another one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        assert not is_free(taken)
        assert free_port(taken) != taken
    assert free_port(taken) == taken
